import { EACCES, EINVAL, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Pid } from './pid.js';
import type { TaskStruct, ThreadGroup } from './task.js';
import { PF_FORKNOEXEC, sameThreadGroup } from './task.js';

/** Finds a process by number, 0 meaning the caller's. */
function find(task: TaskStruct, pid: number): TaskStruct {
  return pid === 0 ? task : (task.kernel.findTask(pid) ?? fail(ESRCH));
}

/** Gives the process group of a process (getpgid). @throws {LinuxError} ESRCH: no such process */
export function sysGetpgid(task: TaskStruct, pid: number): number {
  return find(task, pid).group.pgid;
}

/** Gives the session of a process (getsid). @throws {LinuxError} ESRCH: no such process */
export function sysGetsid(task: TaskStruct, pid: number): number {
  return find(task, pid).group.sid;
}

function isSessionLeader(group: ThreadGroup): boolean {
  return group.sid === group.tgid;
}

/** Whether some process of a session is in a process group. */
function groupInSession(task: TaskStruct, pgid: number, session: Pid | null): boolean {
  for (const other of task.kernel.tasks()) {
    const { group } = other;
    if (group.pgid === pgid && (session === null || group.session === session)) return true;
  }
  return false;
}

/**
 * Moves the caller or a child that has not run an exec to a process group, 0 meaning its own
 * number.
 * @throws {LinuxError} EINVAL: a negative group, or a thread that leads no process
 * @throws {LinuxError} ESRCH: neither the caller nor a child
 * @throws {LinuxError} EPERM: another session, a session leader, or no such group
 * @throws {LinuxError} EACCES: a child that ran an exec
 * @see kernel/sys.c, SYSCALL_DEFINE2(setpgid)
 */
export function sysSetpgid(task: TaskStruct, pid: number, pgid: number): void {
  const { leader, session } = task.group;
  const nr = pid === 0 ? leader.pid : pid;
  const wanted = pgid === 0 ? nr : pgid;
  if (wanted < 0) fail(EINVAL);
  const target = find(task, nr);
  if (!target.isLeader) fail(EINVAL);
  if (target.parent !== null && sameThreadGroup(target.parent, task)) {
    if (target.group.session !== session) fail(EPERM);
    if (!(target.flags & PF_FORKNOEXEC)) fail(EACCES);
  } else if (target !== leader) {
    fail(ESRCH);
  }
  if (isSessionLeader(target.group)) fail(EPERM);
  if (wanted !== nr && !groupInSession(task, wanted, session)) fail(EPERM);
  const { pids } = task.kernel;
  const pgrp = wanted === nr ? target.threadPid : (pids.findPid(wanted) ?? fail(EPERM));
  pids.get(pgrp);
  pids.put(target.group.pgrp);
  target.group.pgrp = pgrp;
}

/**
 * Makes the caller's process the leader of a new session and group; gives its number.
 * @throws {LinuxError} EPERM: it leads one, or a group has its number
 * @see kernel/sys.c, ksys_setsid()
 */
export function sysSetsid(task: TaskStruct): number {
  const { group } = task;
  const { pids } = task.kernel;
  if (isSessionLeader(group) || groupInSession(task, group.tgid, null)) fail(EPERM);
  const own = group.leader.threadPid;
  for (const name of ['session', 'pgrp'] as const) {
    pids.put(group[name]);
    group[name] = pids.get(own);
  }
  group.tty = null;
  group.autogroup = { id: ++task.kernel.autogroups.last, nice: 0 };
  return own.nr;
}
