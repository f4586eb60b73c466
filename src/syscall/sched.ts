import { EINVAL, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_NICE, capable } from '../kernel/capability.js';
import { getPriority, setPriority } from '../kernel/nice.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { int, readUser, type SyscallFamily, uint, writeU32s, writeUser } from './args.js';

// include/uapi/linux/sched.h
const SCHED_NORMAL = 0;
const SCHED_FIFO = 1;
const SCHED_RR = 2;
const POLICIES: ReadonlySet<number> = new Set([SCHED_NORMAL, SCHED_FIFO, SCHED_RR, 3, 5]);
/** MAX_RT_PRIO - 1 */
const RT_PRIORITY_MAX = 99;

/**
 * Scheduling of a machine with one CPU, on which all tasks are alike.
 *
 * @see kernel/sched/syscalls.c
 */
export const schedCalls: SyscallFamily = {
  sched_getaffinity(task, pid, length, mask) {
    const bytes = uint(length);
    if (bytes === 0 || bytes % 8 !== 0) fail(EINVAL);
    find(task, pid);
    writeUser(task, mask, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    return 8;
  },
  sched_setaffinity(task, pid, length, mask) {
    const bytes = Math.min(uint(length), 8);
    const first = bytes === 0 ? 0 : readUser(task, mask, bytes).getUint8(0);
    find(task, pid);
    // Only the CPUs that there are count, and one must be left.
    return (first & 1) === 0 ? fail(EINVAL) : 0;
  },
  sched_getscheduler: (task, pid) => (find(task, pid), SCHED_NORMAL),
  sched_getparam(task, pid, param) {
    if (param === 0) fail(EINVAL);
    find(task, pid);
    writeU32s(task, param, 0);
    return 0;
  },
  sched_setscheduler: (task, pid, policy, param) => setScheduler(task, pid, int(policy), param),
  sched_setparam: (task, pid, param) => setScheduler(task, pid, SCHED_NORMAL, param),
  sched_get_priority_max: (_task, policy) => priority(int(policy), RT_PRIORITY_MAX),
  sched_get_priority_min: (_task, policy) => priority(int(policy), 1),
  sched_rr_get_interval(task, pid, interval) {
    find(task, pid);
    // What a task of normal policy gets at a time: 3 ms, in nanoseconds.
    writeUser(task, interval, new Uint8Array(BigInt64Array.of(0n, 3_000_000n).buffer));
    return 0;
  },
  getpriority: (task, which, who) => getPriority(task, int(which), int(who)),
  setpriority(task, which, who, nice) {
    setPriority(task, int(which), int(who), int(nice));
    return 0;
  },
};

/** @throws {LinuxError} EINVAL: a negative number; ESRCH: no such task */
function find(task: TaskStruct, pid: U64): TaskStruct {
  if (int(pid) < 0) fail(EINVAL);
  return int(pid) === 0 ? task : (task.kernel.findTask(int(pid)) ?? fail(ESRCH));
}

function priority(policy: number, realTime: number): number {
  if (!POLICIES.has(policy) && policy !== 6) fail(EINVAL);
  return policy === SCHED_FIFO || policy === SCHED_RR ? realTime : 0;
}

/** Policies are accepted, and change nothing. */
function setScheduler(task: TaskStruct, pid: U64, policy: number, param: U64): number {
  if (param === 0 || policy < 0) fail(EINVAL);
  const wanted = readUser(task, param, 4).getInt32(0, true);
  find(task, pid);
  const realTime = policy === SCHED_FIFO || policy === SCHED_RR;
  if (!POLICIES.has(policy & ~0x40000000)) fail(EINVAL);
  if (realTime ? wanted < 1 || wanted > RT_PRIORITY_MAX : wanted !== 0) fail(EINVAL);
  if (realTime && !capable(task, task.kernel.initUserNs, CAP_SYS_NICE)) fail(EPERM);
  return 0;
}
