import { EAGAIN, EBUSY, EINVAL, EOPNOTSUPP, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_WAKE_ALARM, capable } from '../kernel/capability.js';
import * as clocks from '../kernel/clock.js';
import {
  chargeTimer,
  deletePosixTimer,
  PosixTimer,
  type PosixTimers,
  SIGEV_NONE,
  SIGEV_SIGNAL,
  SIGEV_THREAD,
  SIGEV_THREAD_ID,
  type SigEvent,
  type TimerSetting,
} from '../kernel/posix-timer.js';
import { NSIG, SIGALRM } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { int, readUser, type SyscallFamily, writeU32s, writeUser } from './args.js';

const { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI } = clocks;
const { CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM } = clocks;
const ALARMS: readonly number[] = [CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM];
const TIMED = [CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI, ...ALARMS];
// The CPU clocks of the caller and its process as numbers below 0: what their timers are said to have.
const OWN_CLOCKS: Readonly<Record<number, number>> = { 2: -6, 3: -2 };
/** Of numbers below 0: the clock of a file. */
const CLOCKFD = 3;
const TIMER_ABSTIME = 1;
const INT_MAX = 0x7fffffff;
/** sizeof(struct sigevent) */
const SIGEVENT_SIZE = 64;

/**
 * Timers of a process that send signals.
 *
 * @see kernel/time/posix-timers.c
 */
export const posixTimerCalls: SyscallFamily = {
  timer_create: (task, clock, event, id) =>
    create(task, int(clock), event === 0 ? null : readUser(task, event, SIGEVENT_SIZE), id),
  timer_settime(task, id, flags, value, old) {
    if (value === 0) fail(EINVAL);
    const setting = readSetting(readUser(task, value, 32));
    const timer = timerOf(task, id);
    const before = timer.setting;
    timer.set(setting, (int(flags) & TIMER_ABSTIME) !== 0);
    if (old !== 0) writeUser(task, old, encode(before));
    return 0;
  },
  timer_gettime(task, id, value) {
    writeUser(task, value, encode(timerOf(task, id).setting));
    return 0;
  },
  timer_getoverrun: (task, id) => timerOf(task, id).overruns,
  timer_delete(task, id) {
    deletePosixTimer(task.group, timerOf(task, id));
    return 0;
  },
};

/** @throws {LinuxError} EINVAL: the process has no such timer */
function timerOf(task: TaskStruct, id: U64): PosixTimer {
  return task.group.posixTimers?.byId.get(int(id)) ?? fail(EINVAL);
}

/**
 * @throws {LinuxError} EINVAL: the clock, the event; EOPNOTSUPP: a clock without timers; EPERM: an alarm without
 * CAP_WAKE_ALARM; EAGAIN: over RLIMIT_SIGPENDING; EBUSY: the number that was asked for is taken; EFAULT
 */
function create(task: TaskStruct, clock: number, event: DataView | null, idAddr: U64): number {
  const owner = checkClock(task, clock);
  const { group } = task;
  const wanted = group.timerRestoreIds ? readUser(task, idAddr, 4).getUint32(0, true) : null;
  if (wanted !== null && wanted > INT_MAX) fail(EINVAL);
  if (!chargeTimer(task)) fail(EAGAIN);
  const timers = (group.posixTimers ??= { byId: new Map(), nextId: 0 });
  const id = takeId(timers, wanted);
  const known = { id: OWN_CLOCKS[clock] ?? clock, owner: null };
  let timer = new PosixTimer(task, id, known, alarmEvent(task, id));
  timers.byId.set(id, timer);
  try {
    if (event !== null) timer = new PosixTimer(task, id, known, sigevent(task, event));
    writeU32s(task, idAddr, id);
    const mayWake = capable(task, task.kernel.initUserNs, CAP_WAKE_ALARM);
    if (ALARMS.includes(clock) && !mayWake) fail(EPERM);
    const cpu = owner ? clocks.cpuClockOwner(task, clock, false) : null;
    timers.byId.set(id, new PosixTimer(task, id, { ...known, owner: cpu }, timer.event));
  } catch (error) {
    deletePosixTimer(group, timer);
    throw error;
  }
  return 0;
}

/** Whether a clock is one of CPU time; who has that comes later. */
function checkClock(task: TaskStruct, clock: number): boolean {
  // One of a descriptor has no timers.
  if (clock < 0) return (clock & 7) === CLOCKFD ? fail(EOPNOTSUPP) : true;
  const owner = clocks.cpuClockOwner(task, clock, false);
  return owner !== null || TIMED.includes(clock) ? owner !== null : fail(EOPNOTSUPP);
}

/** The next free number, or the wanted one (posix_timer_add()). */
function takeId(timers: PosixTimers, wanted: number | null): number {
  if (wanted !== null && timers.byId.has(wanted)) return fail(EBUSY);
  let id = wanted ?? timers.nextId;
  while (timers.byId.has(id)) id = (id + 1) & INT_MAX;
  timers.nextId = (id + 1) & INT_MAX;
  return id;
}

const alarmEvent = ({ group }: TaskStruct, id: number): SigEvent => ({
  notify: SIGEV_SIGNAL,
  signal: SIGALRM,
  value: BigInt(id),
  target: group.leader.threadPid,
});

/**
 *     struct sigevent   0 sigev_value   8 sigev_signo   12 sigev_notify   16 sigev_notify_thread_id
 *
 * @throws {LinuxError} EINVAL: no such way to tell, no signal, no thread of the caller's process
 * @see kernel/time/posix-timers.c, good_sigevent()
 */
function sigevent(task: TaskStruct, view: DataView): SigEvent {
  const notify = view.getInt32(12, true);
  const signal = view.getInt32(8, true);
  const { group, kernel } = task;
  let target = group.leader.threadPid;
  if (notify === (SIGEV_SIGNAL | SIGEV_THREAD_ID)) {
    const thread = kernel.findTask(view.getInt32(16, true));
    if (thread === null || thread.group !== group) return fail(EINVAL);
    target = thread.threadPid;
  } else if (notify !== SIGEV_SIGNAL && notify !== SIGEV_THREAD && notify !== SIGEV_NONE) {
    fail(EINVAL);
  }
  if (notify !== SIGEV_NONE && (signal <= 0 || signal > NSIG)) fail(EINVAL);
  return { notify, signal, value: view.getBigUint64(0, true), target };
}

/**
 *     struct itimerspec   0 it_interval   16 it_value
 *
 * @throws {LinuxError} EINVAL: no such times
 */
function readSetting(view: DataView): TimerSetting {
  const ms = (at: number): number => {
    const [seconds, nanoseconds] = [view.getBigInt64(at, true), view.getBigInt64(at + 8, true)];
    if (seconds < 0n || nanoseconds < 0n || nanoseconds > 999_999_999n) fail(EINVAL);
    return Number(seconds) * 1000 + Number(nanoseconds) / 1e6;
  };
  return { interval: ms(0), value: ms(16) };
}

function encode({ interval, value }: TimerSetting): Uint8Array {
  const words = [interval, value].flatMap((ms) => {
    const seconds = Math.floor(ms / 1000);
    return [BigInt(seconds), BigInt(Math.round((ms - seconds * 1000) * 1e6))];
  });
  return new Uint8Array(BigInt64Array.from(words).buffer);
}
