import type { Cpu } from '../api/cpu.js';
import { LinuxError } from '../errno.js';
import { sendSignal, takeCaught } from '../kernel/deliver.js';
import { doExitGroup } from '../kernel/exit.js';
import { sigprocmask, SIG_SETMASK } from '../kernel/sigaction.js';
import { rseqIpFixup } from '../kernel/rseq.js';
import { SIG_DFL, SIG_IGN, sigmask } from '../kernel/sighand.js';
import { makeSiginfo, type QueuedSignal, SI_KERNEL, signalBlocked } from '../kernel/siginfo.js';
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
  const info = makeSiginfo(SIGSEGV, SI_KERNEL);
  if (signal === SIGSEGV) resetAndSend(task, SIGSEGV, info);
  else forceSignal(cpu, task, { signal: SIGSEGV, info });
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
    // force_sigsegv(): no second try for a handler of SIGSEGV itself.
    if (signal === SIGSEGV) return resetAndSend(task, SIGSEGV, makeSiginfo(SIGSEGV, 0x80));
    return forceSignal(cpu, task, { signal: SIGSEGV, info: makeSiginfo(SIGSEGV, 0x80) });
  }
  const itself = (action.flags & SA_NODEFER) === 0n ? sigmask(signal) : 0n;
  sigprocmask(task, SIG_SETMASK, task.blocked | action.mask | itself);
}

/** The siginfo of a fault. */
export function faultInfo(signal: number, code: number, address: bigint): Uint8Array {
  const info = makeSiginfo(signal, code);
  new DataView(info.buffer).setBigUint64(SI_ADDR, address, true);
  return info;
}

/**
 * A signal that a task cannot escape: one of an instruction of its own. Held back or ignored it kills.
 *
 * @see kernel/signal.c, force_sig_info_to_task()
 */
export function forceSignal(cpu: Cpu, task: TaskStruct, forced: QueuedSignal): void {
  const { signal, info } = forced;
  const { handler } = task.sighand.action(signal);
  const held = signalBlocked(task.blocked, signal) || handler === SIG_IGN;
  if (held || handler === SIG_DFL) resetAndSend(task, signal, info);
  // Signals of instructions come before all others (dequeue_synchronous_signal()).
  else if (task.ptrace === null) handleSignal(cpu, task, forced);
  else sendSignal(task, signal, { info });
}

function resetAndSend(task: TaskStruct, signal: number, info: Uint8Array): void {
  const { handler } = task.sighand.action(signal);
  if (handler !== SIG_DFL) {
    task.sighand.set(signal, { handler: SIG_DFL, flags: 0n, restorer: 0n, mask: 0n });
  }
  task.blocked &= ~sigmask(signal);
  // Pid 1's own protection does not count: nothing can go on after such an instruction.
  if (task.group.unkillable) doExitGroup(task, signal);
  else sendSignal(task, signal, { info });
}
