import type { Cred } from './cred.js';
import { doNotifyParent, releaseTask } from './exit.js';
import { deliverPending, sendSignal } from './kill.js';
import { SIGKILL } from './signal.js';
import type { TaskStruct } from './task.js';
import { sameThreadGroup, threadGroupEmpty } from './task.js';

/** Kills the tracee when its tracer exits. */
export const PTRACE_O_EXITKILL = 0x100000;

/**
 * Puts a task under a tracer; `cred` is who counts as the tracer at later checks (kernel/ptrace.c,
 * __ptrace_link()).
 */
export function ptraceLink(
  tracee: TaskStruct,
  tracer: TaskStruct,
  how: { cred: Readonly<Cred>; seized: boolean; options: number },
): void {
  tracee.ptrace = { tracer, ...how };
  tracer.ptraced.add(tracee);
}

/**
 * Takes a task from its tracer, if it has one; a task stopped for the tracer runs on
 * (__ptrace_unlink()).
 */
export function ptraceUnlink(tracee: TaskStruct): void {
  const { ptrace } = tracee;
  if (ptrace === null) return;
  ptrace.tracer.ptraced.delete(tracee);
  tracee.ptrace = null;
  if (tracee.state === 't') {
    tracee.state = 'R';
    tracee.stopCode = null;
  }
}

/** Stops a traced task for its tracer, who sees `code` << 8 | 0x7f as its wait status. */
export function ptraceStop(tracee: TaskStruct, code: number): void {
  tracee.state = 't';
  tracee.stopCode = (code << 8) | 0x7f;
}

/** Tells whether the tracer is not the process that waits for it anyway (ptrace_reparented()). */
export function ptraceReparented(task: TaskStruct): boolean {
  const { ptracer, parent } = task;
  return ptracer !== null && (parent === null || !sameThreadGroup(ptracer, parent));
}

/**
 * Whether a zombie just detached has nobody left to wait for it (kernel/ptrace.c,
 * __ptrace_detach()).
 */
function detachedZombieIsDead(zombie: TaskStruct, tracer: TaskStruct): boolean {
  if (!zombie.isLeader) return true;
  if (!threadGroupEmpty(zombie)) return false;
  const ownChild = zombie.parent !== null && sameThreadGroup(zombie.parent, tracer);
  return ownChild ? tracer.group.ignoresSigchld : doNotifyParent(zombie);
}

/** Ends tracing; a zombie that only its tracer kept is reaped. */
export function ptraceDetach(tracee: TaskStruct, tracer: TaskStruct): void {
  ptraceUnlink(tracee);
  if (tracee.state === 'Z' && detachedZombieIsDead(tracee, tracer)) releaseTask(tracee);
  deliverPending(tracee);
}

/** A tracer exits: its tracees run on, or die if it asked for that (K-206; exit_ptrace()). */
export function exitPtrace(tracer: TaskStruct): void {
  for (const tracee of [...tracer.ptraced]) {
    const kill = ((tracee.ptrace?.options ?? 0) & PTRACE_O_EXITKILL) !== 0;
    ptraceDetach(tracee, tracer);
    if (kill) sendSignal(tracee, SIGKILL);
  }
}
