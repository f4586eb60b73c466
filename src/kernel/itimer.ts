import { groupRusage } from './rusage.js';
import { sendToProcess } from './kill.js';
import { makeSiginfo, SI_KERNEL } from './siginfo.js';
import { SIGALRM, SIGPROF, SIGVTALRM } from './signal.js';
import type { TaskStruct, ThreadGroup } from './task.js';

/** ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF. */
export type ItimerWhich = 0 | 1 | 2;

/** A timer of a process; times in milliseconds of its clock. */
export interface Itimer {
  /** When it goes off. */
  readonly next: number;
  /** How much later it goes off again; 0 for never. */
  readonly interval: number;
}

const SIGNALS: Readonly<Record<ItimerWhich, number>> = { 0: SIGALRM, 1: SIGVTALRM, 2: SIGPROF };

/** What the clock of a timer shows, ms: time, CPU time in user mode, or all CPU time. */
function clockOf(group: ThreadGroup, which: ItimerWhich): number {
  if (which === 0) return group.leader.kernel.time();
  return which === 1 ? groupRusage(group).utime / 1e6 : group.cpuTime();
}

/**
 * What is left of a timer, and how often it goes off; zeros when it is not set.
 *
 * @see kernel/time/itimer.c, do_getitimer()
 */
export function getItimer(
  group: ThreadGroup,
  which: ItimerWhich,
): { left: number; interval: number } {
  const timer = group.itimers?.[which] ?? null;
  if (timer === null) return { left: 0, interval: 0 };
  // One that is due but was not seen to be has a microsecond left.
  return { left: Math.max(timer.next - clockOf(group, which), 1e-3), interval: timer.interval };
}

/**
 * Sets a timer, `ms` from now; 0 takes it away.
 *
 * @see kernel/time/itimer.c, do_setitimer()
 */
export function setItimer(
  group: ThreadGroup,
  which: ItimerWhich,
  ms: number,
  interval: number,
): void {
  const timers = (group.itimers ??= [null, null, null]);
  timers[which] = ms === 0 ? null : { next: clockOf(group, which) + ms, interval };
  if (timers.every((timer) => timer === null)) group.itimers = null;
}

/** Whether a task's process has timers at all. */
export function hasTimers({ group }: TaskStruct): boolean {
  return group.itimers !== null || group.posixTimers !== null;
}

/** Sends the signals of the timers of a task's process that are due, of both kinds; whether any was. */
export function runTimers({ group }: TaskStruct): boolean {
  let any = false;
  for (const timer of group.posixTimers?.byId.values() ?? []) any = timer.run() || any;
  return runItimers(group) || any;
}

function runItimers(group: ThreadGroup): boolean {
  let any = false;
  if (group.itimers === null) return any;
  for (const which of [0, 1, 2] as const) {
    const timer = group.itimers?.[which] ?? null;
    const now = timer === null ? 0 : clockOf(group, which);
    if (timer === null || timer.next > now) continue;
    // Those that were missed are not made up for.
    const missed = timer.interval === 0 ? 0 : Math.ceil((now - timer.next) / timer.interval);
    const next = timer.next + Math.max(missed, 1) * timer.interval;
    setItimer(group, which, timer.interval === 0 ? 0 : next - now, timer.interval);
    const signal = SIGNALS[which];
    sendToProcess(group.leader, signal, makeSiginfo(signal, SI_KERNEL));
    any = true;
  }
  return any;
}

/** Milliseconds of CPU time until the first timer of a task's process that counts it goes off; Infinity for none. */
export function cpuTimerLeft({ group }: TaskStruct): number {
  let left = Infinity;
  for (const which of [1, 2] as const) {
    const timer = group.itimers?.[which] ?? null;
    if (timer !== null) left = Math.min(left, timer.next - clockOf(group, which));
  }
  for (const timer of group.posixTimers?.byId.values() ?? []) left = Math.min(left, timer.cpuLeft);
  return left;
}

/** When the next timer of a task's process goes off by itself, however little happens meanwhile. */
export function nextTimer({ group }: TaskStruct): number {
  let first = group.itimers?.[0]?.next ?? Infinity;
  for (const timer of group.posixTimers?.byId.values() ?? []) first = Math.min(first, timer.next);
  return first;
}
