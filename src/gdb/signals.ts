// Numbers of signals: gdb has its own, the same on every system.

/** gdb's numbers by Linux's: include/gdb/signals.def. */
const GDB_SIGNALS: readonly number[] = [
  0, 1, 2, 3, 4, 5, 6, 10, 8, 9, 30, 11, 31, 13, 14, 15, 143, 20, 19, 17, 18, 21, 22, 16, 24, 25,
  26, 27, 28, 23, 32, 12,
];
const SIGRTMIN = 32;
const SIGRTMAX = 64;
const GDB_SIGNAL_UNKNOWN = 143;

/** What gdb calls a signal of Linux: SIGBUS, 7, is 10. */
export function gdbSignal(linux: number): number {
  const known = GDB_SIGNALS[linux];
  if (known !== undefined) return known;
  if (linux === SIGRTMIN) return 77;
  if (linux === SIGRTMAX) return 78;
  return linux > SIGRTMIN && linux < SIGRTMAX ? 45 + linux - (SIGRTMIN + 1) : GDB_SIGNAL_UNKNOWN;
}
