import { EINVAL, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_ADMIN, CAP_SYS_NICE, capable } from './capability.js';
import { chosenTasks } from './nice.js';
import { isRealTime } from './sched-policy.js';
import type { TaskStruct } from './task.js';

// include/uapi/linux/ioprio.h
const IOPRIO_CLASS_SHIFT = 13;
const IOPRIO_CLASS_MASK = 7;
const IOPRIO_LEVEL_MASK = 7;
const IOPRIO_CLASS_NONE = 0;
const IOPRIO_CLASS_RT = 1;
const IOPRIO_CLASS_BE = 2;
const IOPRIO_CLASS_IDLE = 3;
/** IOPRIO_WHO_PROCESS; the others follow it as PRIO_PGRP and PRIO_USER follow PRIO_PROCESS. */
const WHO_PROCESS = 1;
const SCHED_IDLE = 5;

const classOf = (ioprio: number): number => (ioprio >> IOPRIO_CLASS_SHIFT) & IOPRIO_CLASS_MASK;

/** Tasks by IOPRIO_WHO_*. @throws {LinuxError} EINVAL; ESRCH: nobody there */
function chosen(caller: TaskStruct, which: number, who: number): TaskStruct[] {
  const tasks = chosenTasks(caller, which - WHO_PROCESS, who);
  return tasks.length === 0 ? fail(ESRCH) : tasks;
}

/** What counts for a task that set nothing: a class and level by its niceness and policy. */
function effective(task: TaskStruct): number {
  const { ioprio, policy } = task.sched;
  if (classOf(ioprio) !== IOPRIO_CLASS_NONE) return ioprio;
  const level = Math.floor((task.nice + 20) / 5);
  if (policy === SCHED_IDLE) return (IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT) | level;
  const kind = isRealTime(policy) ? IOPRIO_CLASS_RT : IOPRIO_CLASS_BE;
  return (kind << IOPRIO_CLASS_SHIFT) | level;
}

/**
 * The I/O priority of a task as it was set, or the best that counts of several.
 * @throws {LinuxError} EINVAL: no such kind; ESRCH: nobody there
 * @see block/ioprio.c ioprio_get()
 */
export function ioprioGet(caller: TaskStruct, which: number, who: number): number {
  const tasks = chosen(caller, which, who);
  if (which === WHO_PROCESS) return tasks[0]?.sched.ioprio ?? fail(ESRCH);
  return Math.min(...tasks.map(effective));
}

/**
 * Sets the I/O priority of tasks. There is no disk that would know it.
 * @throws {LinuxError} EINVAL: no such kind or class; EPERM: the real-time class without CAP_SYS_ADMIN or
 *   CAP_SYS_NICE, or another's task without the latter; ESRCH: nobody there
 * @see block/ioprio.c ioprio_set(), ioprio_check_cap()
 */
export function ioprioSet(caller: TaskStruct, which: number, who: number, ioprio: number): void {
  const init = caller.kernel.initUserNs;
  const nice = capable(caller, init, CAP_SYS_NICE);
  const kind = classOf(ioprio);
  if (kind > IOPRIO_CLASS_IDLE) fail(EINVAL);
  if (kind === IOPRIO_CLASS_NONE && (ioprio & IOPRIO_LEVEL_MASK) !== 0) fail(EINVAL);
  if (kind === IOPRIO_CLASS_RT && !nice && !capable(caller, init, CAP_SYS_ADMIN)) fail(EPERM);
  for (const task of chosen(caller, which, who)) {
    const { uid } = task.cred;
    if (uid !== caller.cred.euid && uid !== caller.cred.uid && !nice) fail(EPERM);
    task.sched.ioprio = ioprio & 0xffff;
  }
}
