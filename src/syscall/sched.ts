import { E2BIG, EINVAL, ESRCH } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { ioprioGet, ioprioSet } from '../kernel/ioprio.js';
import { getPriority, setPriority } from '../kernel/nice.js';
import {
  isFair,
  isRealTime,
  keepsPolicy,
  priorityBound,
  SCHED_FLAG_RESET_ON_FORK,
  SCHED_RESET_ON_FORK,
  SCHED_RR,
  setScheduler,
} from '../kernel/sched-policy.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { int, readUser, type SyscallFamily, uint, writeU32s, writeUser } from './args.js';

/** struct sched_attr, without and with its clamps, bytes. */
const SCHED_ATTR_SIZE_VER0 = 48;
const SCHED_ATTR_SIZE = 56;
/** What a task of normal policy gets at a time on one CPU, and one of SCHED_RR, ns. */
const BASE_SLICE = 700_000n;
const RR_TIMESLICE = 100_000_000n;

/**
 * Scheduling of a machine with one CPU, on which all tasks are alike.
 *
 * @see kernel/sched/syscalls.c
 */
export const schedCalls: SyscallFamily = {
  sched_getaffinity(task, pid, length, mask) {
    const bytes = uint(length);
    if (bytes === 0 || bytes % 8 !== 0) fail(EINVAL);
    findAny(task, pid);
    writeUser(task, mask, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    return 8;
  },
  sched_setaffinity(task, pid, length, mask) {
    const bytes = Math.min(uint(length), 8);
    const first = bytes === 0 ? 0 : readUser(task, mask, bytes).getUint8(0);
    findAny(task, pid);
    // Only the CPUs that there are count, and one must be left.
    return (first & 1) === 0 ? fail(EINVAL) : 0;
  },
  sched_getscheduler(task, pid) {
    const { policy, resetOnFork } = find(task, pid).sched;
    return policy | (resetOnFork ? SCHED_RESET_ON_FORK : 0);
  },
  sched_getparam(task, pid, param) {
    if (param === 0) fail(EINVAL);
    writeU32s(task, param, find(task, pid).sched.rtPriority);
    return 0;
  },
  sched_setscheduler(task, pid, policy, param) {
    if (int(policy) < 0) fail(EINVAL);
    return setByPriority(task, pid, int(policy), param);
  },
  sched_setparam: (task, pid, param) => setByPriority(task, pid, -1, param),
  sched_getattr: getAttr,
  sched_setattr: setAttr,
  sched_get_priority_max: (_task, policy) => priorityBound(int(policy), true),
  sched_get_priority_min: (_task, policy) => priorityBound(int(policy), false),
  sched_rr_get_interval(task, pid, interval) {
    // Who is alone on its CPU has no turns, but of SCHED_RR.
    const ns = find(task, pid).sched.policy === SCHED_RR ? RR_TIMESLICE : 0n;
    writeUser(task, interval, new Uint8Array(BigInt64Array.of(0n, ns).buffer));
    return 0;
  },
  ioprio_get: (task, which, who) => ioprioGet(task, int(which), int(who)),
  ioprio_set(task, which, who, ioprio) {
    ioprioSet(task, int(which), int(who), int(ioprio));
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
  return int(pid) < 0 ? fail(EINVAL) : findAny(task, pid);
}

/** @throws {LinuxError} ESRCH: no such task */
function findAny(task: TaskStruct, pid: U64): TaskStruct {
  return int(pid) === 0 ? task : (task.kernel.findTask(int(pid)) ?? fail(ESRCH));
}

/** A struct sched_param holds a priority of real time. */
function setByPriority(task: TaskStruct, pid: U64, asked: number, param: U64): number {
  if (param === 0 || int(pid) < 0) fail(EINVAL);
  const priority = readUser(task, param, 4).getUint32(0, true);
  const target = find(task, pid);
  const policy = asked < 0 ? -1 : asked & ~SCHED_RESET_ON_FORK;
  const flags = asked >= 0 && asked !== policy ? SCHED_FLAG_RESET_ON_FORK : 0;
  const { runtime, deadline, period } = { runtime: 0n, deadline: 0n, period: 0n };
  setScheduler(task, target, { policy, flags, nice: null, priority, runtime, deadline, period });
  return 0;
}

/**
 *     struct sched_attr   0 size   4 policy   8 flags   16 nice   20 priority
 *                         24 runtime   32 deadline   40 period   48 clamps
 *
 * @see kernel/sched/syscalls.c sched_setattr(), sched_copy_attr()
 */
function setAttr(task: TaskStruct, pid: U64, addr: U64, flags: U64): number {
  if (addr === 0 || int(pid) < 0 || uint(flags) !== 0) fail(EINVAL);
  const size = readUser(task, addr, 4).getUint32(0, true) || SCHED_ATTR_SIZE_VER0;
  const known = Math.min(size, SCHED_ATTR_SIZE);
  const fits = size >= SCHED_ATTR_SIZE_VER0 && size <= PAGE_SIZE;
  const whole = fits ? readUser(task, addr, size) : null;
  if (whole === null || !isZero(whole, known)) {
    writeU32s(task, addr, SCHED_ATTR_SIZE);
    fail(E2BIG);
  }
  const view = readUser(task, addr, known);
  const policy = view.getInt32(4, true);
  if (policy < 0) fail(EINVAL);
  const asked = view.getBigUint64(8, true);
  if (asked >= 1n << 32n) fail(EINVAL);
  setScheduler(task, find(task, pid), {
    policy: keepsPolicy(Number(asked)) ? -1 : policy,
    flags: Number(asked),
    nice: Math.max(-20, Math.min(19, view.getInt32(16, true))),
    priority: view.getUint32(20, true),
    runtime: view.getBigUint64(24, true),
    deadline: view.getBigUint64(32, true),
    period: view.getBigUint64(40, true),
  });
  return 0;
}

/** Whether nothing is asked for in what this kernel does not know. */
function isZero({ buffer, byteOffset, byteLength }: DataView, start: number): boolean {
  return new Uint8Array(buffer, byteOffset + start, byteLength - start).every((byte) => byte === 0);
}

/** @see kernel/sched/syscalls.c sched_getattr(), get_params() */
function getAttr(task: TaskStruct, pid: U64, addr: U64, size: U64, flags: U64): number {
  const most = uint(size);
  const fits = most >= SCHED_ATTR_SIZE_VER0 && most <= PAGE_SIZE;
  if (addr === 0 || int(pid) < 0 || !fits || uint(flags) !== 0) fail(EINVAL);
  const { sched, nice } = find(task, pid);
  const fair = isFair(sched.policy);
  const view = new DataView(new ArrayBuffer(Math.min(most, SCHED_ATTR_SIZE)));
  view.setUint32(0, view.byteLength, true);
  view.setUint32(4, sched.policy, true);
  view.setUint32(8, sched.resetOnFork ? SCHED_FLAG_RESET_ON_FORK : 0, true);
  const named = !isRealTime(sched.policy) && sched.runtime === 0n;
  view.setInt32(16, named ? nice : 0, true);
  view.setUint32(20, sched.rtPriority, true);
  view.setBigUint64(24, fair || named ? BASE_SLICE : sched.runtime, true);
  view.setBigUint64(32, sched.deadline, true);
  view.setBigUint64(40, sched.period, true);
  writeUser(task, addr, view);
  return 0;
}
