import { ECHILD, EINVAL, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { releaseTask } from './exit.js';
import { doNotifyParent } from './notify.js';
import { ptraceReparented, ptraceUnlink } from './ptrace-link.js';
import { SIGCHLD } from './signal.js';
import type { TaskStruct } from './task.js';
import { threadGroupEmpty } from './task.js';

// include/uapi/linux/wait.h
export const WNOHANG = 1;
export const WUNTRACED = 2;
export const WSTOPPED = 2;
export const WEXITED = 4;
export const WCONTINUED = 8;
export const WNOWAIT = 0x01000000;
export const __WNOTHREAD = 0x20000000;
export const __WALL = 0x40000000;
export const __WCLONE = 0x80000000;

export const P_ALL = 0;
export const P_PID = 1;
export const P_PGID = 2;
export const P_PIDFD = 3;

/** Wait status of a process that SIGCONT let run on. */
const CONTINUED_STATUS = 0xffff;
const INT_MIN = -0x80000000;
const LINEAGE = __WNOTHREAD | __WALL | __WCLONE;

/** What wait4 tells of a child. */
export interface WaitResult {
  readonly pid: number;
  /** Exit code << 8, or a signal, or a stop (0x7f), as the W* macros of sys/wait.h read it. */
  readonly status: number;
  /** Real user id, as a kernel id. */
  readonly uid: number;
  /** The stop is one for the tracer (CLD_TRAPPED). */
  readonly traced: boolean;
}

/** A child, null when there is none to report with WNOHANG, or 'block': the caller would sleep. */
export type WaitOutcome = WaitResult | null | 'block';

/** Whom a wait is for. */
type WaitFor = (task: TaskStruct) => boolean;

/**
 * Clone children (an exit signal other than SIGCHLD) need __WCLONE or __WALL (eligible_child()).
 */
function eligible(task: TaskStruct, wanted: WaitFor, flags: number, traced: boolean): boolean {
  if (!wanted(task)) return false;
  if (traced || flags & __WALL) return true;
  return (task.exitSignal !== SIGCHLD) === ((flags & __WCLONE) !== 0);
}

function report(task: TaskStruct, status: number): WaitResult {
  return { pid: task.pid, status, uid: task.cred.uid, traced: false };
}

/**
 * Reports a zombie and reaps it; one its tracer reported stays for its parent (wait_task_zombie()).
 */
function waitTaskZombie(task: TaskStruct, flags: number): WaitResult {
  const result = report(task, task.group.groupExitCode ?? task.exitCode);
  if (flags & WNOWAIT) return result;
  if (ptraceReparented(task) && task.isLeader) {
    ptraceUnlink(task);
    if (doNotifyParent(task)) releaseTask(task);
  } else {
    releaseTask(task);
  }
  return result;
}

/** A stop for the tracer, or of the whole group for the parent (task_stopped_code()). */
function waitTaskStopped(task: TaskStruct, flags: number, traced: boolean): WaitResult | null {
  if (!traced && !(flags & WUNTRACED)) return null;
  if (traced && (task.state !== 't' || task.ptrace?.listening)) return null;
  const holder = traced ? task : task.group;
  if (holder.stopCode === null) return null;
  const result = { ...report(task, holder.stopCode), traced };
  if (!(flags & WNOWAIT)) holder.stopCode = null;
  return result;
}

function waitTaskContinued(task: TaskStruct, flags: number): WaitResult | null {
  if (!(flags & WCONTINUED) || !task.continued) return null;
  if (!(flags & WNOWAIT)) task.continued = false;
  return report(task, CONTINUED_STATUS);
}

/** What one child has to tell, null for nothing yet (wait_consider_task()). */
function considerTask(task: TaskStruct, flags: number, asTracer: boolean): WaitResult | null {
  const traced = asTracer || (task.ptrace !== null && !ptraceReparented(task));
  if (task.state === 'Z') {
    // A leader waits for its threads; a traced zombie shows to its tracer first.
    const delayed = task.isLeader && !threadGroupEmpty(task);
    const visible = traced || task.ptrace === null;
    return !delayed && visible && flags & WEXITED ? waitTaskZombie(task, flags) : null;
  }
  return waitTaskStopped(task, flags, traced) ?? waitTaskContinued(task, flags);
}

/** @see kernel/exit.c, do_wait() */
function doWait(task: TaskStruct, wanted: WaitFor, flags: number): WaitOutcome {
  const ownThreadOnly = (flags & __WNOTHREAD) !== 0;
  const children = task.children.filter((child) => !ownThreadOnly || child.parent === task);
  const tracers = ownThreadOnly ? [task] : task.group.threads;
  const tracees = tracers.flatMap((thread) => [...thread.ptraced]);
  const candidates = [
    ...children.map((child) => ({ child, traced: false })),
    ...tracees.map((child) => ({ child, traced: true })),
  ].filter(({ child, traced }) => eligible(child, wanted, flags, traced));
  for (const { child, traced } of candidates) {
    const result = considerTask(child, flags, traced);
    if (result !== null) return result;
  }
  if (candidates.length === 0) fail(ECHILD);
  return flags & WNOHANG ? null : 'block';
}

/**
 * Waits for a child: `pid` > 0 that one, -1 any, 0 the caller's process group, < -1 the group -pid.
 * @returns the child, null with WNOHANG when none has anything to tell, or 'block'
 * @throws {LinuxError} EINVAL: unknown options
 * @throws {LinuxError} ESRCH: pid is INT_MIN
 * @throws {LinuxError} ECHILD: no such child
 * @see kernel/exit.c, kernel_wait4()
 */
export function wait4(task: TaskStruct, pid: number, options: number): WaitOutcome {
  if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | LINEAGE)) fail(EINVAL);
  if (pid === INT_MIN) fail(ESRCH);
  return doWait(task, pidFilter(task, pid), options | WEXITED);
}

function pidFilter(task: TaskStruct, pid: number): WaitFor {
  if (pid === -1) return () => true;
  if (pid > 0) return (child) => child.pid === pid;
  const pgid = pid === 0 ? task.group.pgid : -pid;
  return (child) => child.group.pgid === pgid;
}

/**
 * Waits for a child by kind of number: P_ALL, P_PID or P_PGID.
 * @returns as wait4()
 * @throws {LinuxError} EINVAL: unknown options, none of WEXITED, WSTOPPED and WCONTINUED, or a kind
 *   or number that makes no sense
 * @throws {LinuxError} ECHILD: no such child
 * @see kernel/exit.c, kernel_waitid()
 */
export function waitid(task: TaskStruct, which: number, id: number, options: number): WaitOutcome {
  const events = WEXITED | WSTOPPED | WCONTINUED;
  if (options & ~(WNOHANG | WNOWAIT | events | LINEAGE)) fail(EINVAL);
  if (!(options & events)) fail(EINVAL);
  if (which === P_ALL) return doWait(task, () => true, options);
  if (which === P_PID && id > 0) return doWait(task, pidFilter(task, id), options);
  if (which !== P_PGID || id < 0) fail(EINVAL);
  const pgid = id === 0 ? task.group.pgid : id;
  return doWait(task, (child) => child.group.pgid === pgid, options);
}
