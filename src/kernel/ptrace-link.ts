import type { Cred } from './cred.js';
import { completeExit, releaseTask } from './exit.js';
import { doNotifyParent } from './notify.js';
import { deliverPending, sendSignal, takeAction } from './deliver.js';
import { PTRACE_O_EXITKILL } from './ptrace-abi.js';
import type { Siginfo } from './siginfo.js';
import { makeSiginfo, SI_USER, signalBlocked, siginfoSignal } from './siginfo.js';
import { SIGKILL, SIGSTOP, STOPPING } from './signal.js';
import type { TaskStruct } from './task.js';
import { sameThreadGroup, threadGroupEmpty } from './task.js';

/** How a tracer holds a task: what ptrace's field `ptrace` and the tracer's credentials say. */
export interface PtraceLink {
  /** The tracing thread. */
  readonly tracer: TaskStruct;
  /**
   * Who the checks at exec and on memory hold responsible; for TRACEME the tracee itself (K-205).
   */
  readonly cred: Readonly<Cred>;
  /** PTRACE_SEIZE rather than ATTACH or TRACEME. */
  readonly seized: boolean;
  /** PTRACE_O_* bits. */
  options: number;
  /** What PTRACE_GETEVENTMSG gives: a task's number, or an exit status. */
  message: bigint;
  /** What the present stop is about; null between stops, and at a bare group stop. */
  info: Siginfo | null;
  /** The present stop is for a signal, which the tracer may let through. */
  delivery: boolean;
  /** It stops for its tracer as soon as it runs: PTRACE_INTERRUPT, group stops (TRAP_STOP). */
  trap: boolean;
  /** The same for SIGCONT, which ends PTRACE_LISTEN too (TRAP_NOTIFY). */
  notify: boolean;
  /** A stop signal that the tracer lets through stops it: no SIGCONT came since (STOP_DEQUEUED). */
  mayStop: boolean;
  /** PTRACE_LISTEN: stopped, but for the tracer as good as running. */
  listening: boolean;
  /** It was let go by PTRACE_SYSCALL: it stops at both ends of calls. */
  syscalls: boolean;
  /** The present stop is one of those. */
  atSyscall: boolean;
  /** The beginning of its call was told, the end not yet. */
  inSyscall: boolean;
  /** Its call is over, and it has not yet stopped for that. */
  leaving: boolean;
  /** It is making a call: signals it sends to itself stop it when that is over (exit_to_user_mode_loop()). */
  calling: boolean;
}

/**
 * Puts a task under a tracer; `cred` is who counts as the tracer at later checks (kernel/ptrace.c,
 * __ptrace_link()).
 */
export function ptraceLink(
  tracee: TaskStruct,
  tracer: TaskStruct,
  how: { cred: Readonly<Cred>; seized: boolean; options: number },
): PtraceLink {
  const stop = { message: 0n, info: null, delivery: false, listening: false };
  const calls = {
    syscalls: false,
    atSyscall: false,
    inSyscall: false,
    leaving: false,
    calling: false,
  };
  const link = { tracer, ...how, ...stop, ...calls, trap: false, notify: false, mayStop: false };
  tracee.ptrace = link;
  (tracer.ptraced ??= new Set()).add(tracee);
  return link;
}

/**
 * A child of a traced task comes under the same tracer, and stops for it.
 * @see include/linux/ptrace.h, ptrace_init_task()
 */
export function ptraceInitTask(child: TaskStruct, parent: TaskStruct): void {
  const { ptrace } = parent;
  if (ptrace === null) return;
  const { tracer, cred, seized, options } = ptrace;
  ptraceLink(child, tracer, { cred, seized, options }).trap = seized;
  const info = makeSiginfo(SIGSTOP, SI_USER);
  if (seized) deliverPending(child);
  else sendSignal(child, SIGSTOP, { info });
}

/** What a tracer lets a task go on with: a signal of its choice, 0 for none. */
interface Resumption {
  readonly signal: number;
  readonly by: TaskStruct;
  /** Whether it stops at system calls from now on. */
  readonly syscalls?: boolean;
}

/**
 * Lets a stopped tracee run. The signal counts where the stop was for one; it may be another.
 * @see kernel/signal.c, ptrace_signal()
 */
export function ptraceResume(tracee: TaskStruct, link: PtraceLink, how: Resumption): void {
  const { info, delivery, atSyscall } = link;
  link.info = null;
  link.syscalls = how.syscalls ?? false;
  link.atSyscall = false;
  link.delivery = false;
  link.listening = false;
  tracee.stopCode = null;
  tracee.state = 'R';
  if (tracee.exitingWith !== null) return completeExit(tracee, tracee.exitingWith);
  if (delivery && how.signal !== 0 && (link.mayStop || !STOPPING.has(how.signal))) {
    inject(tracee, info, how);
  }
  if (atSyscall && how.signal !== 0) sendSignal(tracee, how.signal);
  deliverPending(tracee);
}

/** A blocked signal waits like any other; one that the tracer chose comes from the tracer. */
function inject(tracee: TaskStruct, info: Siginfo | null, { signal, by }: Resumption): void {
  const same = info !== null && siginfoSignal(info) === signal;
  const own = same ? info : makeSiginfo(signal, SI_USER, by);
  if (!signalBlocked(tracee.blocked, signal)) return takeAction(tracee, { signal, info: own });
  tracee.pendingSignals.add({ signal, info: own }, tracee.cred.uid);
}

/**
 * Takes a task from its tracer, if it has one; a task stopped for the tracer runs on, with a signal
 * or none (__ptrace_unlink()).
 */
export function ptraceUnlink(tracee: TaskStruct, signal = 0): void {
  const { ptrace } = tracee;
  if (ptrace === null) return;
  ptrace.tracer.ptraced?.delete(tracee);
  tracee.ptrace = null;
  if (tracee.state === 't') ptraceResume(tracee, ptrace, { signal, by: ptrace.tracer });
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
  return ownChild ? tracer.sighand.reapsChildren : doNotifyParent(zombie);
}

/** Ends tracing; a zombie that only its tracer kept is reaped. */
export function ptraceDetach(tracee: TaskStruct, tracer: TaskStruct, signal: number): void {
  ptraceUnlink(tracee, signal);
  if (tracee.state === 'Z' && detachedZombieIsDead(tracee, tracer)) releaseTask(tracee);
}

/** The signal of a stop that the tracer has not waited for: it is still to be delivered. */
function signalLeft(tracee: TaskStruct): number {
  const { stopCode } = tracee;
  return stopCode === null || tracee.state !== 't' ? 0 : (stopCode >> 8) & 0x7f;
}

/** A tracer exits: its tracees run on, or die if it asked for that (K-206; exit_ptrace()). */
export function exitPtrace(tracer: TaskStruct): void {
  for (const tracee of [...(tracer.ptraced ?? [])]) {
    const kill = ((tracee.ptrace?.options ?? 0) & PTRACE_O_EXITKILL) !== 0;
    ptraceDetach(tracee, tracer, signalLeft(tracee));
    if (kill) sendSignal(tracee, SIGKILL);
  }
}
