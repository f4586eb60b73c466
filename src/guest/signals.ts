import type { Cpu } from '../api/cpu.js';
import { LinuxError } from '../errno.js';
import { takeCaught } from '../kernel/deliver.js';
import { forceDefault, forceSignal } from '../kernel/force-signal.js';
import { rseqIpFixup } from '../kernel/rseq.js';
import { sigprocmask, SIG_SETMASK } from '../kernel/sigaction.js';
import { SIG_DFL, sigmask } from '../kernel/sighand.js';
import { makeSiginfo, type QueuedSignal, SI_KERNEL } from '../kernel/siginfo.js';
import { SIGSEGV } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { enterHandler } from './signal-frame.js';

// include/uapi/asm-generic/signal-defs.h
const SA_NODEFER = 0x40000000n;
const SA_RESETHAND = 0x80000000n;
/** A fault's signal has the address in its siginfo. */
const SI_ADDR = 16;

/** Whether any signal waits for a task: what is looked at before anything is computed. */
export function signalsWait(task: TaskStruct): boolean {
  return (
    task.pendingSignals.size > 0 ||
    task.group.sharedPending.size > 0 ||
    (task.caughtSignals?.length ?? 0) > 0
  );
}

/** The next signal whose handler is to run, taken; null for none. */
export function nextCaught(task: TaskStruct): QueuedSignal | null {
  return signalsWait(task) ? takeCaught(task) : null;
}

/**
 * A thread that goes on, or runs a handler, leaves a restartable sequence; one that makes no sense is SIGSEGV.
 *
 * @param signal whose handler is to run, 0 for none
 * @returns false when it made no sense
 * @see kernel/rseq.c, __rseq_handle_notify_resume()
 */
export function restartSequence(cpu: Cpu, task: TaskStruct, signal = 0): boolean {
  if (task.rseq === null) return true;
  try {
    cpu.pc = rseqIpFixup(task, cpu.pc) ?? cpu.pc;
    return true;
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
  }
  forceSegv(task, signal);
  return false;
}

/**
 * Has the handler of a signal run; a stack that takes no frame ends in SIGSEGV, or at it, in death.
 *
 * @param mask the signals to be held back when it returns
 * @see arch/riscv/kernel/signal.c, handle_signal(), and kernel/signal.c, signal_setup_done()
 */
export function handleSignal(
  cpu: Cpu,
  task: TaskStruct,
  taken: QueuedSignal,
  mask = task.blocked,
): void {
  const { signal } = taken;
  const action = task.sighand.action(signal);
  const { mm } = task;
  if (mm === null) return;
  if (!restartSequence(cpu, task, signal)) return;
  const entered = enterHandler(cpu, task, mm, taken, mask);
  if ((action.flags & SA_RESETHAND) !== 0n)
    task.sighand.set(signal, { ...action, handler: SIG_DFL });
  if (!entered) {
    return forceSegv(task, signal);
  }
  const itself = (action.flags & SA_NODEFER) === 0n ? sigmask(signal) : 0n;
  sigprocmask(task, SIG_SETMASK, task.blocked | action.mask | itself);
}

/** SIGSEGV while a handler was to run; no second try for a handler of SIGSEGV itself (force_sigsegv()). */
function forceSegv(task: TaskStruct, signal: number): void {
  const forced = { signal: SIGSEGV, info: makeSiginfo(SIGSEGV, SI_KERNEL) };
  if (signal === SIGSEGV) forceDefault(task, forced);
  else forceSignal(task, forced);
}

/** The siginfo of a fault. */
export function faultInfo(signal: number, code: number, address: bigint): Uint8Array {
  const info = makeSiginfo(signal, code);
  new DataView(info.buffer).setBigUint64(SI_ADDR, address, true);
  return info;
}
