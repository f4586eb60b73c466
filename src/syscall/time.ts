import { EINVAL, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CLOCK_THREAD_CPUTIME_ID, clockTime } from '../kernel/clock.js';
import { childrenRusage, type Rusage, groupRusage, threadRusage } from '../kernel/rusage.js';
import { timedOut } from '../kernel/sleep.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { int, readUser, type SyscallFamily, uint, writeU32s, writeU64, writeUser } from './args.js';

/** CLOCK_REALTIME_COARSE and CLOCK_MONOTONIC_COARSE go on at each tick of CONFIG_HZ. */
const COARSE_CLOCKS = [5, 6];
const TICK_MS = 4;
const TIMER_ABSTIME = 1;

/** Clock ticks of times(2) in a second. */
const USER_HZ = 100;

/**
 * Clocks and sleeping.
 *
 * @see kernel/time/
 */
export const timeCalls: SyscallFamily = {
  clock_gettime(task, clock, buf) {
    writeTimespec(task, buf, clockTime(task, int(clock)));
    return 0;
  },
  clock_getres(task, clock, buf) {
    clockTime(task, int(clock));
    if (buf !== 0) writeTimespec(task, buf, COARSE_CLOCKS.includes(int(clock)) ? TICK_MS : 1e-6);
    return 0;
  },
  gettimeofday(task, tv, zone) {
    if (tv !== 0) writeTimeval(task, tv, wallTime(task));
    if (zone !== 0) writeU32s(task, zone, 0, 0);
    return 0;
  },
  time(task, buf) {
    const seconds = Math.floor(wallTime(task) / 1000);
    if (buf !== 0) writeU64(task, buf, seconds);
    return seconds;
  },
  times(task, buf) {
    const ticks = (ms: number): bigint => BigInt(Math.floor((ms * USER_HZ) / 1000));
    // struct tms
    const all = [groupRusage(task.group), childrenRusage(task.group)];
    const tms = all.flatMap(({ utime, stime }) => [ticks(utime / 1e6), ticks(stime / 1e6)]);
    if (buf !== 0) writeUser(task, buf, new Uint8Array(BigUint64Array.from(tms).buffer));
    return Number(ticks(task.kernel.time()));
  },
  getrusage: sysGetrusage,
  nanosleep: (task, request) => sleep(task, 'nanosleep', readTimespec(task, request)),
  clock_nanosleep(task, clock, flags, request) {
    const now = clockTime(task, int(clock));
    if (int(clock) === CLOCK_THREAD_CPUTIME_ID) fail(EINVAL);
    const ms = readTimespec(task, request);
    const absolute = (uint(flags) & TIMER_ABSTIME) !== 0;
    return sleep(task, 'clock_nanosleep', absolute ? ms - now : ms);
  },
};

/** A sleep of no length is over; any other lasts until the call is made again after it. */
function sleep(task: TaskStruct, call: string, ms: number): number {
  return timedOut(task, call, ms) ? 0 : -ERESTARTSYS;
}

/**
 *     struct rusage   0 ru_utime   16 ru_stime   32 ru_maxrss, KiB   …   64 ru_minflt   72 ru_majflt   …
 *                    128 ru_nvcsw   136 ru_nivcsw
 *
 * @throws {LinuxError} EINVAL: neither RUSAGE_SELF, RUSAGE_THREAD nor RUSAGE_CHILDREN; EFAULT
 * @see kernel/sys.c, getrusage()
 */
function sysGetrusage(task: TaskStruct, who: U64, buf: U64): number {
  const times = WHOSE_TIMES.get(int(who)) ?? fail(EINVAL);
  writeUser(task, buf, rusage(times(task), int(who) < 0 ? 0 : (task.mm?.peakRss() ?? 0)));
  return 0;
}

/** RUSAGE_SELF, RUSAGE_THREAD, RUSAGE_CHILDREN */
const WHOSE_TIMES: ReadonlyMap<number, (task: TaskStruct) => Readonly<Rusage>> = new Map([
  [0, (task) => groupRusage(task.group)],
  [1, threadRusage],
  [-1, (task) => childrenRusage(task.group)],
]);

/** A struct rusage; `pages` are of memory that is in use still. */
export function rusage(times: Readonly<Rusage>, pages = 0): Uint8Array {
  const view = new DataView(new ArrayBuffer(144));
  for (const [at, ns] of [times.utime, times.stime].entries()) {
    view.setBigInt64(16 * at, BigInt(Math.floor(ns / 1e9)), true);
    view.setBigInt64(16 * at + 8, BigInt(Math.floor((ns % 1e9) / 1000)), true);
  }
  view.setBigInt64(32, BigInt(Math.max(times.maxrss, pages) * 4), true);
  view.setBigInt64(64, BigInt(times.minflt), true);
  view.setBigInt64(72, BigInt(times.majflt), true);
  view.setBigInt64(128, BigInt(times.nvcsw), true);
  view.setBigInt64(136, BigInt(times.nivcsw), true);
  return new Uint8Array(view.buffer);
}

/** Milliseconds since 1970. */
export function wallTime(task: TaskStruct): number {
  return task.kernel.realTime();
}

/** A struct timespec in milliseconds. @throws {LinuxError} EINVAL: out of range; EFAULT */
export function readTimespec(task: TaskStruct, addr: U64): number {
  const view = readUser(task, addr, 16);
  const seconds = view.getBigInt64(0, true);
  const nanoseconds = view.getBigInt64(8, true);
  if (seconds < 0n || nanoseconds < 0n || nanoseconds > 999_999_999n) fail(EINVAL);
  return Number(seconds) * 1000 + Number(nanoseconds) / 1e6;
}

/** Stores milliseconds as a struct timespec. @throws {LinuxError} EFAULT */
export function writeTimespec(task: TaskStruct, addr: U64, ms: number): void {
  writePair(task, addr, ms, 1e6);
}

/** Stores milliseconds as a struct timeval. @throws {LinuxError} EFAULT */
function writeTimeval(task: TaskStruct, addr: U64, ms: number): void {
  writePair(task, addr, ms, 1e3);
}

function writePair(task: TaskStruct, addr: U64, ms: number, fraction: number): void {
  const seconds = Math.floor(ms / 1000);
  const view = new DataView(new ArrayBuffer(16));
  view.setBigInt64(0, BigInt(seconds), true);
  view.setBigInt64(8, BigInt(Math.floor((ms - seconds * 1000) * fraction)), true);
  writeUser(task, addr, view);
}
