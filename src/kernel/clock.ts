import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Kernel } from './kernel.js';
import { TaskStruct, ThreadGroup } from './task.js';

// include/uapi/linux/time.h
export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_PROCESS_CPUTIME_ID = 2;
export const CLOCK_THREAD_CPUTIME_ID = 3;
export const CLOCK_BOOTTIME = 7;
export const CLOCK_REALTIME_ALARM = 8;
export const CLOCK_BOOTTIME_ALARM = 9;
export const CLOCK_TAI = 11;
const CLOCK_SGI_CYCLE = 10;
/** Clocks that show the time of day; every other one counts from the boot. */
const WALL_CLOCKS: readonly number[] = [CLOCK_REALTIME, 5, CLOCK_REALTIME_ALARM, CLOCK_TAI];

// Clocks of CPU time are numbers below 0: | ~pid | 3 thread | 2 kind of time 0 |, all of it user time here.
const CPUCLOCK_PERTHREAD = 4;
const CPUCLOCK_MAX = 3;

/** A process or a thread, whose CPU time a clock shows. */
export type CpuOwner = ThreadGroup | TaskStruct;

/**
 * Whose CPU time a clock shows; null for a clock that shows time.
 *
 * @param reads whether it is only read: a thread may then name its process by its own number
 * @throws {LinuxError} EINVAL: no such clock, or nobody of that number
 * @see kernel/time/posix-cpu-timers.c, pid_for_clock()
 */
export function cpuClockOwner(task: TaskStruct, clock: number, reads: boolean): CpuOwner | null {
  if (clock === CLOCK_PROCESS_CPUTIME_ID) return task.group;
  if (clock === CLOCK_THREAD_CPUTIME_ID) return task;
  if (clock >= 0) return clock > CLOCK_TAI || clock === CLOCK_SGI_CYCLE ? fail(EINVAL) : null;
  if ((clock & 3) >= CPUCLOCK_MAX) fail(EINVAL);
  const pid = ~(clock >> 3);
  const thread = (clock & CPUCLOCK_PERTHREAD) !== 0;
  if (pid === 0) return thread ? task : task.group;
  const found = task.kernel.findTask(pid) ?? fail(EINVAL);
  if (thread) return found.group === task.group ? found : fail(EINVAL);
  return found.isLeader || (reads && found === task) ? found.group : fail(EINVAL);
}

/** Milliseconds of CPU that a process or a thread has had. */
export function cpuTimeOf(owner: CpuOwner): number {
  return owner instanceof TaskStruct ? owner.cpuTime : owner.cpuTime();
}

/** What a clock of time shows, ms. */
export function clockNow(kernel: Kernel, clock: number): number {
  return WALL_CLOCKS.includes(clock) ? kernel.realTime() : kernel.time();
}

/** What a clock shows to a task, ms. @throws {LinuxError} EINVAL: no such clock */
export function clockTime(task: TaskStruct, clock: number): number {
  const owner = cpuClockOwner(task, clock, true);
  return owner === null ? clockNow(task.kernel, clock) : cpuTimeOf(owner);
}
