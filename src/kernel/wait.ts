import { ECHILD, EINVAL, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { childrenRusage, groupRusage, inheritRusage, type Rusage } from './rusage.js';
import { releaseTask } from './exit.js';
import { doNotifyParent } from './notify.js';
import { ptraceReparented, ptraceUnlink } from './ptrace-link.js';
import { SIGCHLD } from './signal.js';
import type { TaskStruct } from './task.js';
import { sameThreadGroup, threadGroupEmpty } from './task.js';

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
  /** What it had, and the processes that it waited for. */
  readonly rusage: Rusage;
}

/** A child, null when there is none to report with WNOHANG, or 'block': the caller would sleep. */
export type WaitOutcome = WaitResult | null | 'block';

/** Whom a wait is for: anybody, the process of a number, or those of a process group. */
type WaitFor =
  | { readonly kind: 'any' }
  | { readonly kind: 'pid'; readonly pid: number }
  | { readonly kind: 'pgid'; readonly pgid: number };

/**
 * Clone children (an exit signal other than SIGCHLD) need __WCLONE or __WALL (eligible_child()).
 */
function eligible(task: TaskStruct, wanted: WaitFor, flags: number, traced: boolean): boolean {
  if (wanted.kind === 'pgid' && task.group.pgid !== wanted.pgid) return false;
  if (traced || flags & __WALL) return true;
  return (task.exitSignal !== SIGCHLD) === ((flags & __WCLONE) !== 0);
}

function report(task: TaskStruct, status: number): WaitResult {
  const rusage = groupRusage(task.group);
  rusage.add(childrenRusage(task.group));
  return { pid: task.pid, status, uid: task.cred.uid, traced: false, rusage };
}

/**
 * Reports a zombie and reaps it; one its tracer reported stays for its parent (wait_task_zombie()).
 */
function waitTaskZombie(task: TaskStruct, flags: number): WaitResult {
  const result = report(task, task.group.groupExitCode ?? task.exitCode);
  if (flags & WNOWAIT) return result;
  if (!ptraceReparented(task) && task.isLeader && task.parent !== null) {
    inheritRusage(task.parent.group, task.group);
  }
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

/** Whether `waiter` counts as the thread that waits (is_effectively_child()). */
function waitsAs(task: TaskStruct, waiter: TaskStruct | null, flags: number): boolean {
  if (waiter === task) return true;
  return !(flags & __WNOTHREAD) && waiter !== null && sameThreadGroup(waiter, task);
}

/** Calls `consider` with whom a wait may be about, until it says true. */
type Visit = (consider: (child: TaskStruct, traced: boolean) => boolean) => void;

/** One number: found without a walk of the others (do_wait_pid()). */
function visitPid(task: TaskStruct, pid: number, flags: number): Visit {
  return (consider) => {
    const child = task.kernel.findTask(pid);
    if (child === null) return;
    if (child.isLeader && waitsAs(task, child.parent, flags) && consider(child, false)) return;
    if (child.ptracer !== null && waitsAs(task, child.ptracer, flags)) consider(child, true);
  };
}

/** Whose children and tracees are waited for, in turn: the caller's own first (while_each_thread()). */
function threadsFrom(task: TaskStruct, ownOnly: boolean): readonly TaskStruct[] {
  if (ownOnly) return [task];
  const threads = [...task.group.threads];
  const own = threads.indexOf(task);
  return [...threads.slice(own), ...threads.slice(0, own)];
}

/** Thread by thread the children, then the tracees (do_wait_thread(), ptrace_do_wait()). */
function visitAll(task: TaskStruct, flags: number): Visit {
  return (consider) => {
    for (const { ownChildren, ptraced } of threadsFrom(task, (flags & __WNOTHREAD) !== 0)) {
      if (ownChildren?.some(({ leader }) => consider(leader, false))) return;
      for (const tracee of ptraced ?? []) if (consider(tracee, true)) return;
    }
  };
}

/** @see kernel/exit.c, __do_wait() */
function doWait(task: TaskStruct, wanted: WaitFor, flags: number): WaitOutcome {
  const visit = wanted.kind === 'pid' ? visitPid(task, wanted.pid, flags) : visitAll(task, flags);
  let anybody = false;
  let result: WaitResult | null = null;
  visit((child, traced) => {
    if (!eligible(child, wanted, flags, traced)) return false;
    anybody = true;
    result = considerTask(child, flags, traced);
    return result !== null;
  });
  if (result !== null) return result;
  if (!anybody) fail(ECHILD);
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
  if (pid === -1) return { kind: 'any' };
  if (pid > 0) return { kind: 'pid', pid };
  return { kind: 'pgid', pgid: pid === 0 ? task.group.pgid : -pid };
}

/**
 * The options of waitid, which are looked at before whom to wait for.
 * @throws {LinuxError} EINVAL: unknown ones, or no event
 * @see kernel/exit.c kernel_waitid_prepare()
 */
export function checkWaitOptions(options: number): void {
  const events = WEXITED | WSTOPPED | WCONTINUED;
  if (options & ~(WNOHANG | WNOWAIT | events | LINEAGE)) fail(EINVAL);
  if (!(options & events)) fail(EINVAL);
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
  checkWaitOptions(options);
  if (which === P_ALL) return doWait(task, { kind: 'any' }, options);
  if (which === P_PID && id > 0) return doWait(task, pidFilter(task, id), options);
  if (which !== P_PGID || id < 0) fail(EINVAL);
  const pgid = id === 0 ? task.group.pgid : id;
  return doWait(task, { kind: 'pgid', pgid }, options);
}
