import { EACCES, EINVAL, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_NICE, capable } from './capability.js';
import { RLIMIT_NICE } from './rlimit.js';
import type { TaskStruct } from './task.js';

// include/uapi/linux/resource.h
const PRIO_PROCESS = 0;
const PRIO_PGRP = 1;
const PRIO_USER = 2;

const MIN_NICE = -20;
const MAX_NICE = 19;

/** Niceness 19 to -20 as getpriority() and RLIMIT_NICE count: 1 to 40. */
export const niceToRlimit = (nice: number): number => MAX_NICE - nice + 1;

/**
 * Tasks that a call names: one, those of a group or of a user; 0 for the caller's.
 * @throws {LinuxError} EINVAL: no such kind
 */
export function chosenTasks(caller: TaskStruct, which: number, who: number): TaskStruct[] {
  const all = [...caller.kernel.tasks()];
  if (which === PRIO_PROCESS) return who === 0 ? [caller] : all.filter(({ pid }) => pid === who);
  if (which === PRIO_PGRP) {
    const pgid = who === 0 ? caller.group.pgid : who;
    return all.filter(({ group }) => group.pgid === pgid);
  }
  if (which !== PRIO_USER) fail(EINVAL);
  const uid = who === 0 ? caller.cred.uid : who >>> 0;
  return all.filter(({ cred }) => cred.uid === uid);
}

/**
 * The highest priority of those tasks, from 1 to 40: a niceness of 19 to -20.
 * @throws {LinuxError} EINVAL: no such kind; ESRCH: nobody there
 * @see kernel/sys.c getpriority()
 */
export function getPriority(caller: TaskStruct, which: number, who: number): number {
  const found = chosenTasks(caller, which, who).map(({ nice }) => niceToRlimit(nice));
  return found.length === 0 ? fail(ESRCH) : Math.max(...found);
}

/**
 * Sets the niceness of those tasks, as near to what is asked as there is.
 * @throws {LinuxError} EINVAL: no such kind; ESRCH: nobody there; EPERM: another's task; EACCES: a higher
 *   priority than RLIMIT_NICE allows. It sets the others all the same, and the last refusal counts
 * @see kernel/sys.c setpriority(), set_one_prio()
 */
export function setPriority(caller: TaskStruct, which: number, who: number, nice: number): void {
  const value = Math.max(MIN_NICE, Math.min(MAX_NICE, nice));
  const tasks = chosenTasks(caller, which, who);
  if (tasks.length === 0) fail(ESRCH);
  let refusal = 0;
  for (const task of tasks) {
    const error = checkNice(caller, task, value);
    if (error === 0) task.nice = value;
    else refusal = error;
  }
  if (refusal !== 0) fail(refusal);
}

/** can_nice() looks at the task's own limit, but at the caller's capabilities. */
function checkNice(caller: TaskStruct, task: TaskStruct, nice: number): number {
  const { uid, euid, userNs } = task.cred;
  const mine = uid === caller.cred.euid || euid === caller.cred.euid;
  if (!mine && !capable(caller, userNs, CAP_SYS_NICE)) return EPERM;
  if (nice >= task.nice) return 0;
  if (niceToRlimit(nice) <= Number(task.group.rlimits.get(RLIMIT_NICE).cur)) return 0;
  return capable(caller, caller.kernel.initUserNs, CAP_SYS_NICE) ? 0 : EACCES;
}
