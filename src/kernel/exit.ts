import { LinuxError } from '../errno.js';
import { leaveMemory, leaveRusage } from './rusage.js';
import type { TaskStruct } from './task.js';
import { PF_EXITING, PF_SIGNALED, threadGroupEmpty } from './task.js';
import { storeUser } from '../mm/user.js';
import type { MmStruct } from './mm-struct.js';
import { SUID_DUMP_USER } from './mm-struct.js';
import { completeVfork } from './deliver.js';
import { FUTEX_BITSET_MATCH_ANY, futexWake } from './futex.js';
import { exitPi } from './futex-pi.js';
import { exitPosixTimers } from './posix-timer.js';
import { exitSem } from './ipc/sem.js';
import { exitRobustList } from './robust-list.js';
import { endSleep } from './sleep.js';
import { PTRACE_EVENT_EXIT } from './ptrace-abi.js';
import { doNotifyParent } from './notify.js';
import { exitPtrace, ptraceReparented, ptraceUnlink } from './ptrace-link.js';
import { ptraceEvent } from './ptrace-stop.js';
import { releaseSeccomp } from './seccomp.js';
import { forgetOriginalParent } from './reparent.js';
import { SIGCHLD } from './signal.js';
import { disassociateCtty, killOrphanedPgrp } from './tty-jobctrl.js';

/** The wait status of an exit code (the W_EXITCODE of a normal exit). */
export function exitStatus(code: number): number {
  return (code & 0xff) << 8;
}

/**
 * The task leaves its memory, which from now on is remembered as dumpable or not (K-047;
 * exit_mm()).
 */
function exitMm(task: TaskStruct): void {
  completeVfork(task);
  endSleep(task);
  const { mm } = task;
  if (mm === null) return;
  mmRelease(task, mm);
  leaveMemory(task.group, mm.peakRss());
  task.userDumpable = mm.dumpable === SUID_DUMP_USER;
  task.mm = null;
  mm.mmput();
}

/**
 * A task that leaves its memory tells those that wait there for its locks, and for its end.
 * @see kernel/fork.c, mm_release()
 */
export function mmRelease(task: TaskStruct, mm: MmStruct): void {
  exitRobustList(task, mm);
  exitPi(task);
  clearTid(task, mm);
}

/** Whoever joins a thread waits for this word, if the memory lives on. */
function clearTid(task: TaskStruct, mm: MmStruct): void {
  const { clearChildTid } = task;
  task.clearChildTid = 0;
  if (clearChildTid === 0 || !mm.shared) return;
  storeUser(mm, clearChildTid, new Uint8Array(4));
  try {
    const word = { mm, addr: clearChildTid, shared: true };
    futexWake(task.kernel, word, 1, FUTEX_BITSET_MATCH_ANY);
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
  }
}

/** Drops open files, root and working directory (exit_files(), exit_fs()). */
function exitFiles(task: TaskStruct): void {
  const { files, fs } = task;
  task.files = null;
  task.fs = null;
  if (files !== null && --files.users === 0) files.release();
  if (fs !== null && --fs.users === 0) fs.release();
}

/**
 * Removes a zombie for good: its number, its place among threads and children (kernel/exit.c,
 * __exit_signal()).
 */
function unhash(task: TaskStruct): void {
  const { group, kernel } = task;
  ptraceUnlink(task);
  group.threads.remove(task);
  leaveRusage(task);
  if (group.threads.length === 0) {
    group.parent?.ownChildren?.remove(group);
    kernel.pids.put(group.pgrp);
    kernel.pids.put(group.session);
  }
  task.state = 'X';
  task.sighand.users--;
  task.pendingSignals.flush();
  if (group.threads.length === 0) group.sharedPending.flush();
  task.threadPid.task = null;
  kernel.pids.put(task.threadPid);
  kernel.processes.add(task.cred.uid, -1);
  kernel.security.taskFree(task);
}

/**
 * Reaps a zombie. When it was the last thread beside a leader that exited before, the leader's
 * parent is told now, and where nobody waits the leader goes too.
 * @see kernel/exit.c, release_task()
 */
export function releaseTask(task: TaskStruct): void {
  unhash(task);
  const { leader } = task.group;
  if (leader === task || leader.state !== 'Z' || !threadGroupEmpty(leader)) return;
  if (leader.ptrace === null && doNotifyParent(leader)) releaseTask(leader);
}

/**
 * A tracer hears of every thread that ends, of its own child by the signal that was asked for; true when it
 * will not wait.
 */
function notifyTracer(task: TaskStruct, tracer: TaskStruct): boolean {
  const asChild = task.isLeader && threadGroupEmpty(task) && !ptraceReparented(task);
  doNotifyParent(task, tracer, asChild ? task.exitSignal : SIGCHLD);
  return tracer.sighand.reapsChildren;
}

/** Whether a thread that just became a zombie is reaped at once (kernel/exit.c, exit_notify()). */
function reapsItself(task: TaskStruct): boolean {
  if (task.ptrace !== null) return notifyTracer(task, task.ptrace.tracer);
  return task.isLeader ? threadGroupEmpty(task) && doNotifyParent(task) : true;
}

/**
 * Ends one thread. `code` is a wait status. A leader stays a zombie until its last sibling is gone
 * too (K-034) and its parent waits; other threads vanish. Where a tracer asked for
 * PTRACE_EVENT_EXIT the thread stops first, and ends when it is let go or killed.
 * @see kernel/exit.c, do_exit()
 */
export function doExit(task: TaskStruct, code: number): void {
  if (task.exited) return;
  if (task.exitingWith === null && ptraceEvent(task, PTRACE_EVENT_EXIT, code)) {
    task.exitingWith = code;
    return;
  }
  completeExit(task, task.exitingWith ?? code);
}

/** Whether no thread of the process is left that does not end. */
function isLast({ group }: TaskStruct): boolean {
  return !group.threads.some((thread) => (thread.flags & PF_EXITING) === 0);
}

/** Ends a thread that no tracer holds at its exit any more. */
export function completeExit(task: TaskStruct, code: number): void {
  if (task.exited || (task.flags & PF_EXITING) !== 0) return;
  task.flags |= PF_EXITING;
  task.exitCode = code;
  if (code & 0x7f) task.flags |= PF_SIGNALED;
  task.stopCode = null;
  task.state = 'R';
  releaseSeccomp(task);
  if (task.group.posixTimers !== null && isLast(task)) exitPosixTimers(task.group);
  exitMm(task);
  exitSem(task);
  exitFiles(task);
  const last = task.group.threads.find((thread) => thread !== task && !thread.exited) === null;
  if (last) disassociateCtty(task, true);
  exitPtrace(task);
  forgetOriginalParent(task);
  if (last) killOrphanedPgrp(task.group.leader, null);
  task.state = 'Z';
  if (reapsItself(task)) releaseTask(task);
}

/**
 * Ends a process: all its threads, with one wait status.
 * @see kernel/exit.c, do_group_exit()
 */
export function doExitGroup(task: TaskStruct, code: number): void {
  const { group } = task;
  group.groupExitCode ??= code;
  for (const thread of [...group.threads]) {
    if (thread !== task) doExit(thread, group.groupExitCode);
  }
  doExit(task, group.groupExitCode);
}
