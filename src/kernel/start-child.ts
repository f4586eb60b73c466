import { PTRACE_EVENT_CLONE, PTRACE_EVENT_FORK, PTRACE_EVENT_VFORK } from './ptrace-abi.js';
import { ptraceInitTask } from './ptrace-link.js';
import { ptraceEvent } from './ptrace-stop.js';
import { SIGCHLD } from './signal.js';
import type { TaskStruct } from './task.js';
import { CLONE_PTRACE, CLONE_UNTRACED, CLONE_VFORK } from './unshare.js';

/** The event a tracer may have asked for of a clone with these flags (kernel_clone()). */
function cloneEvent(flags: number, signal: number): number {
  if (flags & CLONE_VFORK) return PTRACE_EVENT_VFORK;
  return signal === SIGCHLD ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
}

/**
 * Has a child that is complete run, and its parent's tracer hear of it: the child comes under the same
 * tracer where that asked for the event, or the parent for CLONE_PTRACE. A vfork is remembered.
 * @see kernel/fork.c, kernel_clone()
 */
export function startChild(
  parent: TaskStruct,
  child: TaskStruct,
  flags: number,
  signal: number,
): void {
  if (flags & CLONE_VFORK) {
    child.vforkedBy = { parent, child, done: false };
    parent.vforkWait = child.vforkedBy;
  }
  const event = flags & CLONE_UNTRACED ? 0 : cloneEvent(flags, signal);
  const traced = event !== 0 && ((parent.ptrace?.options ?? 0) & (1 << event)) !== 0;
  if (traced || flags & CLONE_PTRACE) ptraceInitTask(child, parent);
  if (traced) ptraceEvent(parent, event, child.pid);
}
