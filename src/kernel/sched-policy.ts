import { EBUSY, EINVAL, EOPNOTSUPP, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_NICE, capable } from './capability.js';
import { niceToRlimit } from './nice.js';
import { RLIMIT_NICE, RLIMIT_RTPRIO } from './rlimit.js';
import { newSchedState } from './sched-state.js';
import type { TaskStruct } from './task.js';

// include/uapi/linux/sched.h
const SCHED_NORMAL = 0;
const SCHED_FIFO = 1;
/** Real time in turns. */
export const SCHED_RR = 2;
const SCHED_BATCH = 3;
const SCHED_IDLE = 5;
/** Real time by deadlines. */
export const SCHED_DEADLINE = 6;
const SCHED_EXT = 7;
/** Children begin with SCHED_NORMAL; beside a policy. */
export const SCHED_RESET_ON_FORK = 0x40000000;
/** sched_flags of struct sched_attr. */
export const SCHED_FLAG_RESET_ON_FORK = 1;
const SCHED_FLAG_KEEP_POLICY = 8;
const SCHED_FLAG_KEEP_PARAMS = 0x10;
const SCHED_FLAG_UTIL_CLAMP = 0x60;
const SCHED_FLAG_ALL = 0x7f;
/** MAX_RT_PRIO - 1 */
const RT_PRIORITY_MAX = 99;
/** The shortest run time of a deadline, ns (1 << DL_SCALE), and the longest period, µs. */
const DL_RUNTIME_MIN = 1024n;
const DL_PERIOD_MIN = 100_000n;
const DL_PERIOD_MAX = (1n << 22n) * 1000n;
/** kernel.sched_rt_runtime_us of kernel.sched_rt_period_us: 95 of 100. */
const DL_SHARE_MAX = 95n;

const POLICIES = [SCHED_NORMAL, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE, SCHED_DEADLINE];

/** What a call asks for (struct sched_attr). */
export interface SchedAttr {
  /** Negative: stays as it is. */
  readonly policy: number;
  readonly flags: number;
  /** null: not told. */
  readonly nice: number | null;
  readonly priority: number;
  readonly runtime: bigint;
  readonly deadline: bigint;
  readonly period: bigint;
}

/**
 * What a child begins with.
 * @see kernel/sched/core.c sched_fork()
 */
export function inheritSched(child: TaskStruct, parent: TaskStruct): void {
  Object.assign(child.sched, parent.sched);
  child.nice = parent.nice;
  if (!parent.sched.resetOnFork) return;
  const keepsNice = isFair(parent.sched.policy) && parent.nice > 0;
  Object.assign(child.sched, newSchedState(), { ioprio: parent.sched.ioprio });
  child.nice = keepsNice ? parent.nice : 0;
}

/** SCHED_FIFO and SCHED_RR, which have priorities of their own. */
export function isRealTime(policy: number): boolean {
  return policy === SCHED_FIFO || policy === SCHED_RR;
}

/** SCHED_NORMAL and SCHED_BATCH, which have a niceness. */
export function isFair(policy: number): boolean {
  return policy === SCHED_NORMAL || policy === SCHED_BATCH;
}

/**
 * The least or the most priority of a policy: 0 but of real time.
 * @throws {LinuxError} EINVAL: no such policy
 */
export function priorityBound(policy: number, most: boolean): number {
  if (!POLICIES.includes(policy) && policy !== SCHED_EXT) fail(EINVAL);
  if (!isRealTime(policy)) return 0;
  return most ? RT_PRIORITY_MAX : 1;
}

/** The priority that /proc/PID/stat shows: 0 to 39 by niceness, below it real time. */
export function shownPriority({ sched, nice }: TaskStruct): number {
  if (sched.policy === SCHED_DEADLINE) return -101;
  return isRealTime(sched.policy) ? -1 - sched.rtPriority : 20 + nice;
}

/**
 * Gives a task another policy.
 * @throws {LinuxError} EINVAL: policy, flags or values; EPERM: another's task, or more than
 *   RLIMIT_RTPRIO and RLIMIT_NICE allow, without CAP_SYS_NICE; EBUSY: a deadline that cannot be kept;
 *   EOPNOTSUPP: clamps
 * @see kernel/sched/syscalls.c __sched_setscheduler()
 */
export function setScheduler(caller: TaskStruct, task: TaskStruct, given: SchedAttr): void {
  const { sched } = task;
  const keepsParams = (given.flags & SCHED_FLAG_KEEP_PARAMS) !== 0;
  const asked = keepsParams ? { ...given, ...paramsOf(task) } : given;
  const keeps = asked.policy < 0;
  const policy = keeps ? sched.policy : asked.policy;
  const resets = keeps ? sched.resetOnFork : (asked.flags & SCHED_FLAG_RESET_ON_FORK) !== 0;
  if (!POLICIES.includes(policy)) fail(EINVAL);
  if ((asked.flags & ~SCHED_FLAG_ALL) !== 0) fail(EINVAL);
  if (asked.priority > RT_PRIORITY_MAX) fail(EINVAL);
  if (policy === SCHED_DEADLINE) checkDeadline(asked);
  if (isRealTime(policy) !== (asked.priority !== 0)) fail(EINVAL);
  if (needsPrivilege(task, asked, policy, resets) || !owns(caller, task)) {
    if (!capable(caller, caller.kernel.initUserNs, CAP_SYS_NICE)) fail(EPERM);
  }
  if ((asked.flags & SCHED_FLAG_UTIL_CLAMP) !== 0) fail(EOPNOTSUPP);
  sched.resetOnFork = resets;
  if (keepsParams) return;
  sched.policy = policy;
  sched.rtPriority = asked.priority;
  const isDeadline = policy === SCHED_DEADLINE;
  sched.runtime = isDeadline ? asked.runtime : 0n;
  sched.deadline = isDeadline ? asked.deadline : 0n;
  sched.period = isDeadline ? asked.period || asked.deadline : 0n;
  if (isFair(policy) && asked.nice !== null) task.nice = asked.nice;
}

/** @see kernel/sched/syscalls.c get_params() */
function paramsOf({ sched, nice }: TaskStruct): Partial<SchedAttr> {
  const { rtPriority, runtime, deadline, period } = sched;
  return {
    nice: isFair(sched.policy) ? nice : null,
    priority: rtPriority,
    runtime,
    deadline,
    period,
  };
}

/** The flags of struct sched_attr that leave the policy as it is. */
export function keepsPolicy(flags: number): boolean {
  return (flags & SCHED_FLAG_KEEP_POLICY) !== 0;
}

/** @see kernel/sched/deadline.c __checkparam_dl(), sched_dl_overflow() */
function checkDeadline({ runtime, deadline, period: given }: SchedAttr): void {
  const period = given || deadline;
  if (deadline === 0n || runtime < DL_RUNTIME_MIN) fail(EINVAL);
  if ((deadline | period) >= 1n << 63n) fail(EINVAL);
  if (period < deadline || deadline < runtime) fail(EINVAL);
  if (period < DL_PERIOD_MIN || period > DL_PERIOD_MAX) fail(EINVAL);
  if (runtime * 100n > period * DL_SHARE_MAX) fail(EBUSY);
}

/** @see kernel/sched/syscalls.c user_check_sched_setscheduler() */
function needsPrivilege(
  task: TaskStruct,
  { nice, priority }: SchedAttr,
  policy: number,
  resets: boolean,
): boolean {
  const { sched } = task;
  const { rlimits } = task.group;
  const lowers = (value: number): boolean =>
    value >= task.nice || niceToRlimit(value) <= rlimits.soft(RLIMIT_NICE);
  if (isFair(policy) && nice !== null && nice < task.nice && !lowers(nice)) return true;
  if (isRealTime(policy)) {
    const most = rlimits.soft(RLIMIT_RTPRIO);
    if (policy !== sched.policy && most === 0) return true;
    if (priority > sched.rtPriority && priority > most) return true;
  }
  if (policy === SCHED_DEADLINE) return true;
  const wakes = sched.policy === SCHED_IDLE && policy !== SCHED_IDLE;
  // is_nice_reduction() of the niceness that it has: only RLIMIT_NICE says yes.
  if (wakes && niceToRlimit(task.nice) > rlimits.soft(RLIMIT_NICE)) return true;
  return sched.resetOnFork && !resets;
}

/** check_same_owner() */
function owns(caller: TaskStruct, task: TaskStruct): boolean {
  const { euid, uid } = task.cred;
  return caller.cred.euid === euid || caller.cred.euid === uid;
}
