import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_WAKE_ALARM, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import { filesOf } from '../vfs/fdtable.js';
import { O_CLOEXEC, O_NONBLOCK } from '../vfs/flags.js';
import { Timerfd, timerfdOf, timerfdOperations, type TimerSpec } from '../vfs/timerfd.js';
import type { U64 } from '../vfs/u64.js';
import { anonInodeGetfd } from './anon-inode.js';
import { int, readUser, type SyscallFamily, writeUser } from './args.js';
import { wallTime } from './time.js';

// include/uapi/linux/time.h
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
const CLOCK_REALTIME_ALARM = 8;
const CLOCK_BOOTTIME_ALARM = 9;
const ALARMS: readonly number[] = [CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM];
const CLOCKS: readonly number[] = [CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, ...ALARMS];
// include/uapi/linux/timerfd.h
const TFD_TIMER_ABSTIME = 1;
const TFD_TIMER_CANCEL_ON_SET = 2;

/**
 * Timers that are files.
 *
 * @see fs/timerfd.c
 */
export const timerfdCalls: SyscallFamily = {
  timerfd_create(task, clockid, flags) {
    const [clock, bits] = [int(clockid), int(flags)];
    if ((bits & ~(O_CLOEXEC | O_NONBLOCK)) !== 0 || !CLOCKS.includes(clock)) fail(EINVAL);
    const { kernel } = task;
    const mayWake = capable(task, kernel.initUserNs, CAP_WAKE_ALARM);
    if (ALARMS.includes(clock) && !mayWake) fail(EPERM);
    return anonInodeGetfd(task, {
      name: 'timerfd',
      fops: timerfdOperations,
      data: new Timerfd(kernel, clock),
      flags: bits & O_NONBLOCK,
      cloexec: (bits & O_CLOEXEC) !== 0,
    });
  },
  timerfd_settime(task, fd, flags, value, old) {
    const spec = readSpec(task, value);
    const known = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
    if ((int(flags) & ~known) !== 0 || spec === null) return fail(EINVAL);
    const timer = timerfdOf(filesOf(task).get(int(fd)));
    const before = timer.left;
    timer.set(fromNow(task, timer, spec, int(flags)), int(flags));
    if (old !== 0) writeSpec(task, old, before);
    return 0;
  },
  timerfd_gettime(task, fd, value) {
    writeSpec(task, value, timerfdOf(filesOf(task).get(int(fd))).left);
    return 0;
  },
};

/** A moment of the timer's clock as a length of time; a time of nothing is never. */
function fromNow(task: TaskStruct, timer: Timerfd, spec: TimerSpec, flags: number): TimerSpec {
  if (spec.value === 0) return { ...spec, value: Infinity };
  if ((flags & TFD_TIMER_ABSTIME) === 0) return spec;
  const wall = timer.clock === CLOCK_REALTIME || timer.clock === CLOCK_REALTIME_ALARM;
  return { ...spec, value: spec.value - (wall ? wallTime(task) : task.kernel.time()) };
}

/**
 *     struct itimerspec   0 it_interval   16 it_value
 *
 * @returns null for no such times
 * @throws {LinuxError} EFAULT
 */
function readSpec(task: TaskStruct, addr: U64): TimerSpec | null {
  const view = readUser(task, addr, 32);
  const ms = (at: number): number | null => {
    const [seconds, nanoseconds] = [view.getBigInt64(at, true), view.getBigInt64(at + 8, true)];
    if (seconds < 0n || nanoseconds < 0n || nanoseconds > 999_999_999n) return null;
    return Number(seconds) * 1000 + Number(nanoseconds) / 1e6;
  };
  const [interval, value] = [ms(0), ms(16)];
  return interval === null || value === null ? null : { interval, value };
}

function writeSpec(task: TaskStruct, addr: U64, { interval, value }: TimerSpec): void {
  const words = [interval, value].flatMap((ms) => {
    const seconds = Math.floor(ms / 1000);
    return [BigInt(seconds), BigInt(Math.floor((ms - seconds * 1000) * 1e6))];
  });
  writeUser(task, addr, new Uint8Array(BigInt64Array.from(words).buffer));
}
