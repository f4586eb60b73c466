import { EAGAIN } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { doExitGroup } from './exit.js';
import { PTRACE_EVENT_VFORK_DONE } from './ptrace-abi.js';
import { jobctlTrap, ptraceEvent, ptraceStop } from './ptrace-stop.js';
import { backToSyscall, stopAtSyscallExit, stopInterrupted } from './ptrace-syscall.js';
import { CLD_CONTINUED, CLD_STOPPED, doNotifyParentCldstop } from './notify.js';
import { SIG_DFL, SIG_IGN } from './sighand.js';
import type { QueuedSignal, Siginfo, SignalOwner } from './siginfo.js';
import {
  makeSiginfo,
  SI_KERNEL,
  SI_USER,
  SIGRTMIN,
  signalBlocked,
  siginfoCode,
} from './siginfo.js';
import { RLIMIT_SIGPENDING } from './rlimit.js';
import { defaultAction, SIGCONT, SIGKILL, SIGSTOP, STOPPING } from './signal.js';
import { isOrphanedPgrp } from './tty-jobctrl.js';
import type { PtraceLink } from './ptrace-link.js';
import { PF_EXITING, type TaskStruct } from './task.js';

const CONTINUING: ReadonlySet<number> = new Set([SIGCONT]);

/** Stops every thread of a process; those traced stop for their tracers (do_signal_stop()). */
function stopGroup(task: TaskStruct, signal: number): void {
  const { group } = task;
  // A group that is stopped already is not news to its parent.
  const news = group.stopSignal === 0;
  if (news) group.stopCode = (signal << 8) | 0x7f;
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
  if (news) doNotifyParentCldstop(group.leader, group.parent, CLD_STOPPED, signal);
}

/**
 * Does what a signal that was taken from its queue does. One with a handler is kept for the CPU.
 */
export function takeAction(target: TaskStruct, taken: QueuedSignal): void {
  const { signal } = taken;
  const { handler } = target.sighand.action(signal);
  if (handler === SIG_IGN) return;
  if (handler !== SIG_DFL) (target.caughtSignals ??= []).push(taken);
  else takeDefaultAction(target, taken);
}

function takeDefaultAction(target: TaskStruct, taken: QueuedSignal): void {
  const { signal } = taken;
  const action = defaultAction(signal);
  if (action === 'terminate') {
    target.killedBy = taken;
    doExitGroup(target, signal);
  } else if (action === 'stop') {
    // Nobody would continue it (get_signal()).
    if (signal !== SIGSTOP && isOrphanedPgrp(target)) return;
    stopGroup(target, signal);
  }
}

/**
 * What the sending alone does: stop signals and SIGCONT cancel each other, and SIGCONT has the
 * process run, whatever becomes of the signal itself (prepare_signal()).
 */
function prepareSignal(target: TaskStruct, signal: number): void {
  const { group } = target;
  if (STOPPING.has(signal)) {
    group.sharedPending.flush(CONTINUING);
    for (const thread of group.threads) thread.pendingSignals.flush(CONTINUING);
  }
  if (signal !== SIGCONT) return;
  const stopped = group.stopSignal !== 0;
  if (stopped) group.leader.continued = true;
  group.stopSignal = 0;
  group.stopCode = null;
  group.sharedPending.flush(STOPPING);
  for (const thread of group.threads) {
    thread.pendingSignals.flush(STOPPING);
    if (thread.state === 'T') thread.state = 'R';
    if (thread.ptrace !== null) notifyContinue(thread, thread.ptrace);
  }
  if (stopped) doNotifyParentCldstop(group.leader, group.parent, CLD_CONTINUED, SIGCONT);
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
  if (task.ptrace?.calling) return;
  while (task.state === 'R') {
    if (vforkIsDone(task)) continue;
    backToSyscall(task);
    if (task.entered || stopAtSyscallExit(task)) return;
    if (isInterrupted(task) && stopInterrupted(task)) return;
    if (task.ptrace?.trap || task.ptrace?.notify) return jobctlTrap(task);
    if (task.ptrace === null && task.group.stopSignal !== 0) {
      task.state = 'T';
      return;
    }
    // A handler runs on a CPU: until one asks for its signal, that waits.
    const later = task.ptrace === null ? task.sighand.caught : 0n;
    const next = dequeue(task, task.blocked | later);
    if (next === null) return;
    if (task.ptrace !== null) return ptraceStop(task, next.signal, next.info, true);
    takeAction(task, next);
  }
}

/** Whether a traced task that sleeps is to do something else first. */
function isInterrupted(task: TaskStruct): boolean {
  if (task.ptrace === null || task.sleep === null) return false;
  const waiting = [...task.pendingSignals.list(), ...task.group.sharedPending.list()];
  return task.ptrace.trap || waiting.some(({ signal }) => !signalBlocked(task.blocked, signal));
}

/** The thread's own signals come first (dequeue_signal()). */
function dequeue(task: TaskStruct, blocked: bigint): QueuedSignal | null {
  return task.pendingSignals.take(blocked) ?? task.group.sharedPending.take(blocked);
}

/**
 * The next signal whose handler the CPU that runs a task is to enter; null when there is none. To build the
 * frame, and to change the mask and the action as SA_* ask, is the CPU's part.
 */
export function takeCaught(task: TaskStruct): QueuedSignal | null {
  if (task.state !== 'R' || task.entered) return null;
  const given = task.caughtSignals?.shift();
  if (given !== undefined) return given;
  return task.ptrace === null ? dequeue(task, task.blocked | ~task.sighand.caught) : null;
}

/** The live thread a signal to a process goes to: the leader, or another where that has exited. */
export function receiver(target: TaskStruct): TaskStruct {
  return target.group.threads.find((thread) => !thread.exited) ?? target;
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
  /** The timer whose signal it is. */
  readonly owner?: SignalOwner;
}

/**
 * Sends a signal without a check. SIGKILL works at once; a stopped task takes others when it runs
 * again; a traced task stops for its tracer, even for what it would ignore; pid 1 takes none.
 * @throws {LinuxError} EAGAIN: over RLIMIT_SIGPENDING, see enqueue()
 * @see kernel/signal.c, send_signal_locked()
 */
export function sendSignal(target: TaskStruct, signal: number, source: SignalSource = {}): void {
  // One that is about to exit takes none any more (complete_signal()).
  const gone = target.exited || (target.flags & PF_EXITING) !== 0;
  if (signal === 0 || gone || target.group.unkillable) return;
  if (signal === SIGKILL) return doExitGroup(target, SIGKILL);
  prepareSignal(target, signal);
  const { info = makeSiginfo(signal, SI_KERNEL), shared = false, owner } = source;
  if (ignored(target, signal)) owner?.drop();
  else enqueue(target, { signal, info, ...(owner && { owner }) }, shared);
  for (const thread of [...target.group.threads]) deliverPending(thread);
}

/**
 * Queues a signal within RLIMIT_SIGPENDING. Beyond it those of kill() and the kernel come without their
 * siginfo, ordinary ones with it.
 * @throws {LinuxError} EAGAIN: a real-time signal with a siginfo that would be lost
 * @see kernel/signal.c, __send_signal_locked()
 */
function enqueue(target: TaskStruct, queued: QueuedSignal, shared: boolean): void {
  const { group, kernel, cred, sighand } = target;
  const { signal, info, owner } = queued;
  const queue = shared ? group.sharedPending : target.pendingSignals;
  sighand.sent += 1;
  if (owner !== undefined) return queue.add(queued, null);
  const code = siginfoCode(info);
  const exempt = signal < SIGRTMIN && code >= 0;
  const limit = group.rlimits.soft(RLIMIT_SIGPENDING);
  if (exempt || (kernel.signalCounts.get(cred.uid) ?? 0) < limit) {
    return queue.add({ signal, info }, cred.uid);
  }
  if (signal >= SIGRTMIN && code !== SI_USER) fail(EAGAIN);
  queue.add({ signal, info: makeSiginfo(signal, SI_USER) }, null);
}

/** What nobody would notice is not even queued (sig_ignored()). */
function ignored(target: TaskStruct, signal: number): boolean {
  if (target.ptrace !== null || signalBlocked(target.blocked, signal)) return false;
  return target.sighand.ignores(signal);
}
