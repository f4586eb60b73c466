import { sendSignal } from './deliver.js';
import { doExitGroup } from './exit.js';
import { SIG_DFL, SIG_IGN, sigmask } from './sighand.js';
import { type QueuedSignal, signalBlocked } from './siginfo.js';
import type { TaskStruct } from './task.js';

/**
 * A signal that a task cannot escape: one of an instruction or a call of its own. Held back or ignored it kills;
 * its handler comes before those of all other signals (dequeue_synchronous_signal()).
 *
 * @see kernel/signal.c, force_sig_info_to_task()
 */
export function forceSignal(task: TaskStruct, forced: QueuedSignal): void {
  const { signal, info } = forced;
  const { handler } = task.sighand.action(signal);
  const held = signalBlocked(task.blocked, signal) || handler === SIG_IGN;
  if (held || handler === SIG_DFL) forceDefault(task, forced);
  else if (task.ptrace === null) (task.caughtSignals ??= []).unshift(forced);
  else sendSignal(task, signal, { info });
}

/** The same for one whose handler cannot or must not run (force_fatal_sig(), force_sigsegv()). */
export function forceDefault(task: TaskStruct, { signal, info }: QueuedSignal): void {
  const { handler } = task.sighand.action(signal);
  if (handler !== SIG_DFL) {
    task.sighand.set(signal, { handler: SIG_DFL, flags: 0n, restorer: 0n, mask: 0n });
  }
  task.blocked &= ~sigmask(signal);
  // Pid 1's own protection does not count: nothing can go on after such an instruction.
  if (task.group.unkillable) doExitGroup(task, signal);
  else sendSignal(task, signal, { info });
}
