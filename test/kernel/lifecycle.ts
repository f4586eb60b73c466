import { copyProcess } from '../../src/kernel/fork.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { SIGCHLD } from '../../src/kernel/signal.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from '../../src/kernel/unshare.js';
import type { WaitOutcome } from '../../src/kernel/wait.js';
import { wait4, WNOHANG } from '../../src/kernel/wait.js';
import { outcome, spawn } from './fixture.js';

/** The flags of a thread. */
export const THREAD = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;

/** A child as fork makes it. */
export function fork(parent: TaskStruct): TaskStruct {
  return copyProcess(parent, { flags: SIGCHLD });
}

/** Another thread of a process. */
export function thread(task: TaskStruct): TaskStruct {
  return copyProcess(task, { flags: THREAD });
}

/** A process whose parent is no pid 1, so that its zombies last. */
export function family(kernel: Kernel): { parent: TaskStruct; child: TaskStruct } {
  const parent = spawn(kernel);
  return { parent, child: fork(parent) };
}

/** The wait status, or what came instead. */
export function status(result: WaitOutcome | string): string | number | null {
  return result === null || typeof result === 'string' ? result : result.status;
}

/** Exit status or error of a wait for any child. */
export function reap(parent: TaskStruct, pid = -1, options = WNOHANG): string | number | null {
  return status(outcome(() => wait4(parent, pid, options)));
}
