import { shownState } from '../kernel/task-state.js';
import type { TaskStruct } from '../kernel/task.js';
import { lockTrace } from './lock-trace.js';

/** Bytes of ecall: the pc of a task that sleeps is at it, and in Linux behind it. */
const ECALL_SIZE = 4n;
const SP = 2;
const A0 = 10;
const A7 = 17;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/**
 * /proc/PID/syscall: the call that a task is in, its six arguments, stack pointer and pc. "running": it may
 * run at any time. Only tasks on a hart tell: of others nobody knows the registers. Read by who may ATTACH
 * (K-613).
 * @throws {LinuxError} EPERM: may not
 * @see fs/proc/base.c proc_pid_syscall(), lib/syscall.c collect_syscall()
 */
export function showSyscall(task: TaskStruct, caller: TaskStruct): string {
  lockTrace(caller, task);
  if (task.exited) return '-1 0x0 0x0\n';
  const { hart } = task;
  const runs = shownState(task) === 'R' && task !== caller;
  if (hart === null || runs) return 'running\n';
  const asleep = task.sleep !== null && task.interruptedArg === null;
  const pc = hart.pc + (asleep ? ECALL_SIZE : 0n);
  const args = [0, 1, 2, 3, 4, 5].map((i) => hex(hart.x(A0 + i)));
  return `${[hart.xInt(A7), ...args, hex(hart.x(SP)), hex(pc)].join(' ')}\n`;
}
