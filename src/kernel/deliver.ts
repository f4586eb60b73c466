import { doExitGroup } from './exit.js';
import { PTRACE_EVENT_VFORK_DONE } from './ptrace-abi.js';
import { jobctlTrap, ptraceEvent, ptraceStop } from './ptrace-stop.js';
import type { Siginfo } from './siginfo.js';
import { makeSiginfo, SI_KERNEL, signalBlocked } from './siginfo.js';
import { defaultAction, SIGCONT, SIGKILL, STOPPING } from './signal.js';
import type { PtraceLink, TaskStruct } from './task.js';

const CONTINUING: ReadonlySet<number> = new Set([SIGCONT]);

/** Stops every thread of a process; those traced stop for their tracers (do_signal_stop()). */
function stopGroup(task: TaskStruct, signal: number): void {
  const { group } = task;
  // A group that is stopped already is not news to its parent.
  if (group.stopSignal === 0) group.stopCode = (signal << 8) | 0x7f;
  group.stopSignal = signal;
  group.leader.continued = false;
  for (const thread of group.threads) {
    if (thread.exited) continue;
    if (thread.ptrace === null) {
      thread.state = 'T';
    } else {
      thread.ptrace.trap = true;
      deliverPending(thread);
    }
  }
}

/** Does what a signal does to a process without a handler for it; handlers need a CPU. */
export function takeDefaultAction(target: TaskStruct, signal: number): void {
  const action = defaultAction(signal);
  if (action === 'terminate') doExitGroup(target, signal);
  else if (action === 'stop') stopGroup(target, signal);
}

/**
 * What the sending alone does: stop signals and SIGCONT cancel each other, and SIGCONT has the
 * process run, whatever becomes of the signal itself (prepare_signal()).
 */
function prepareSignal(target: TaskStruct, signal: number): void {
  const { group } = target;
  if (STOPPING.has(signal)) {
    for (const thread of group.threads) thread.pendingSignals.flush(CONTINUING);
  }
  if (signal !== SIGCONT) return;
  if (group.stopSignal !== 0) group.leader.continued = true;
  group.stopSignal = 0;
  group.stopCode = null;
  for (const thread of group.threads) {
    thread.pendingSignals.flush(STOPPING);
    if (thread.state === 'T') thread.state = 'R';
    if (thread.ptrace !== null) notifyContinue(thread, thread.ptrace);
  }
}

/** A stop signal that its tracer holds is void now; one that was seized tells its tracer. */
function notifyContinue(tracee: TaskStruct, link: PtraceLink): void {
  link.mayStop = false;
  if (!link.seized) return;
  link.notify = true;
  endListening(tracee, link);
}

/** Has a task that PTRACE_LISTEN left stopped run, to stop anew (ptrace_signal_wake_up()). */
export function endListening(tracee: TaskStruct, link: PtraceLink): void {
  if (!link.listening) return;
  link.listening = false;
  tracee.state = 'R';
}

/**
 * Lets a task that runs take what waits for it: the end of a vfork, a stop for its tracer, signals;
 * under a tracer each signal stops it first.
 * @see kernel/signal.c, get_signal()
 */
export function deliverPending(task: TaskStruct): void {
  while (task.state === 'R') {
    if (vforkIsDone(task)) continue;
    if (task.ptrace?.trap || task.ptrace?.notify) return jobctlTrap(task);
    if (task.ptrace === null && task.group.stopSignal !== 0) {
      task.state = 'T';
      return;
    }
    const next = task.pendingSignals.take(task.blocked);
    if (next === null) return;
    if (task.ptrace !== null) return ptraceStop(task, next.signal, next.info, true);
    takeDefaultAction(task, next.signal);
  }
}

/** A parent whose vfork has ended tells its tracer, once; true if it did stop for that. */
function vforkIsDone(task: TaskStruct): boolean {
  const { vforkWait } = task;
  if (!vforkWait?.done) return false;
  task.vforkWait = null;
  return ptraceEvent(task, PTRACE_EVENT_VFORK_DONE, vforkWait.child.threadPid.nr);
}

/** A child gives the memory of its parent in vfork back (complete_vfork_done()). */
export function completeVfork(child: TaskStruct): void {
  const wait = child.vforkedBy;
  if (wait === null) return;
  child.vforkedBy = null;
  wait.done = true;
  deliverPending(wait.parent);
}

/** How a signal is sent; by default the kernel sends it to the thread. */
export interface SignalSource {
  readonly info?: Siginfo;
  /** For the process rather than the thread. */
  readonly shared?: boolean;
}

/**
 * Sends a signal without a check. SIGKILL works at once; a stopped task takes others when it runs
 * again; a traced task stops for its tracer, even for what it would ignore; pid 1 takes none.
 * @see kernel/signal.c, send_signal_locked()
 */
export function sendSignal(target: TaskStruct, signal: number, source: SignalSource = {}): void {
  if (signal === 0 || target.exited || target.group.unkillable) return;
  if (signal === SIGKILL) return doExitGroup(target, SIGKILL);
  prepareSignal(target, signal);
  if (!ignored(target, signal)) {
    const { info = makeSiginfo(signal, SI_KERNEL), shared = false } = source;
    target.pendingSignals.add({ signal, info, shared });
  }
  for (const thread of [...target.group.threads]) deliverPending(thread);
}

/** What nobody would notice is not even queued (sig_ignored()). */
function ignored(target: TaskStruct, signal: number): boolean {
  if (target.ptrace !== null || signalBlocked(target.blocked, signal)) return false;
  const action = defaultAction(signal);
  return action === 'ignore' || action === 'continue';
}
