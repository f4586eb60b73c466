import { RLIMIT_SIGPENDING } from './rlimit.js';
import { clockNow, type CpuOwner, cpuTimeOf } from './clock.js';
import { sendSignal } from './deliver.js';
import type { Pid } from './pid.js';
import { makeSiginfo, type Siginfo, type SignalOwner, siginfoTimer } from './siginfo.js';
import type { TaskStruct, ThreadGroup } from './task.js';

// sigev_notify: include/uapi/asm-generic/siginfo.h
export const SIGEV_SIGNAL = 0;
export const SIGEV_NONE = 1;
export const SIGEV_THREAD = 2;
export const SIGEV_THREAD_ID = 4;

const SI_TIMER = -2;
const INT_MAX = 0x7fffffff;
/** Milliseconds of a nanosecond: what is left of a timer whose signal was not taken yet. */
const NANOSECOND = 1e-6;

/** How a timer tells that it went off (struct sigevent). */
export interface SigEvent {
  /** SIGEV_* */
  readonly notify: number;
  readonly signal: number;
  /** sigval, 64 bits. */
  readonly value: bigint;
  /** The process, or the thread of SIGEV_THREAD_ID. */
  readonly target: Pid;
}

/** What a timer is set to, or has left: milliseconds, 0 for not at all. */
export interface TimerSetting {
  readonly value: number;
  readonly interval: number;
}

/**
 * A timer of a process (struct k_itimer). It stands still from when its signal is sent until that is
 * taken: what it would have sent meanwhile is counted as overruns.
 *
 * @see kernel/time/posix-timers.c
 */
export class PosixTimer implements SignalOwner {
  readonly id: number;
  readonly group: ThreadGroup;
  /** CLOCK_*, or a clock of CPU time as a number below 0. */
  readonly clock: number;
  /** Whose CPU time it counts; null for time. */
  readonly owner: CpuOwner | null;
  readonly event: SigEvent;
  /** Kernel id of the user whose waiting signals it counts among. */
  readonly uid: number;
  private interval = 0;
  /** When it goes off, milliseconds of its clock. */
  private expires = Infinity;
  private state: 'disarmed' | 'armed' | 'requeue' = 'disarmed';
  /** One less than how often it went off since its signal was taken. */
  private overrun = -1;
  private overrunLast = 0;
  private queued = false;
  /** It was set anew or deleted since its signal was sent, which then is not delivered. */
  private stale = false;
  /** Its signal was ignored, and is sent when it is not any more. */
  private ignored = false;

  constructor(
    task: TaskStruct,
    id: number,
    clock: { readonly id: number; readonly owner: CpuOwner | null },
    event: SigEvent,
  ) {
    this.group = task.group;
    this.uid = task.cred.uid;
    this.id = id;
    this.clock = clock.id;
    this.owner = clock.owner;
    this.event = event;
  }

  /** What its clock shows, ms. */
  now(): number {
    return this.owner === null
      ? clockNow(this.group.leader.kernel, this.clock)
      : cpuTimeOf(this.owner);
  }

  private get silent(): boolean {
    return (this.event.notify & ~SIGEV_THREAD_ID) === SIGEV_NONE;
  }

  /** Moves the next moment beyond now; gives by how many intervals (hrtimer_forward()). */
  private forward(now: number): number {
    if (now < this.expires) return 0;
    const times = Math.floor((now - this.expires) / this.interval) + 1;
    this.expires += times * this.interval;
    return times;
  }

  /** What is left until it goes off, and how often it does (common_timer_get()). */
  get setting(): TimerSetting {
    const { interval, silent } = this;
    if (interval === 0 && this.state === 'disarmed' && !silent) return { value: 0, interval: 0 };
    const now = this.now();
    if (interval > 0 && this.state !== 'armed') this.overrun += this.forward(now);
    const left = this.expires === Infinity ? 0 : this.expires - now;
    if (left > 0) return { value: left, interval };
    // One that is due but whose signal was not taken yet has a nanosecond left.
    return { value: silent ? 0 : NANOSECOND, interval };
  }

  /** Sets it, `value` a moment of its clock or a length of time (common_timer_set()). */
  set({ value, interval }: TimerSetting, absolute: boolean): void {
    this.retire();
    this.interval = value === 0 ? 0 : interval;
    this.overrun = -1;
    this.overrunLast = 0;
    if (value === 0) return;
    this.expires = absolute ? value : this.now() + value;
    if (!this.silent) this.state = 'armed';
  }

  /** Takes it off its clock; a signal that waits comes to nothing. */
  retire(): void {
    this.stale = this.queued;
    this.ignored = false;
    this.state = 'disarmed';
    this.expires = Infinity;
  }

  /** How often it went off beyond the signal that was taken last (timer_overrun_to_int()). */
  get overruns(): number {
    return Math.min(this.overrunLast, INT_MAX);
  }

  /** When it goes off by itself, in milliseconds of the kernel's time. */
  get next(): number {
    if (this.state !== 'armed' || this.owner !== null) return Infinity;
    return this.expires - this.now() + this.group.leader.kernel.time();
  }

  /** Milliseconds of its clock until it goes off, where that counts CPU time; else Infinity. */
  get cpuLeft(): number {
    return this.state !== 'armed' || this.owner === null ? Infinity : this.expires - this.now();
  }

  /** Goes off, if it is due; whether it was (posix_timer_fn()). */
  run(): boolean {
    if (this.state !== 'armed' || this.now() < this.expires) return false;
    this.state = this.interval === 0 ? 'disarmed' : 'requeue';
    this.stale = false;
    if (!this.queued) this.send();
    return true;
  }

  /** @see kernel/signal.c, posixtimer_send_sigqueue() */
  private send(): void {
    const { notify, signal, value, target } = this.event;
    const { task } = target;
    if (task === null) return;
    const thread = (notify & SIGEV_THREAD_ID) !== 0;
    const info = siginfoTimer(makeSiginfo(signal, SI_TIMER), this.id, value);
    this.ignored = false;
    this.queued = true;
    const to = thread ? task : (task.group.threads.find((each) => !each.exited) ?? task);
    sendSignal(to, signal, { info, shared: !thread, owner: this });
  }

  /** Its signal is taken: it goes on (__posixtimer_deliver_signal()). */
  deliver(info: Siginfo): boolean {
    this.queued = false;
    if (this.stale) return false;
    if (this.interval === 0 || this.state !== 'requeue') return true;
    this.overrun += this.forward(this.now());
    this.state = 'armed';
    this.overrunLast = this.overrun;
    this.overrun = -1;
    new DataView(info.buffer, info.byteOffset).setInt32(20, this.overruns, true);
    return true;
  }

  /** Its signal is not wanted: one that repeats waits until it is (posixtimer_sig_ignore()). */
  drop(): void {
    this.queued = false;
    this.ignored = !this.stale && this.state === 'requeue';
  }

  /** A signal is no longer ignored (posixtimer_sig_unignore()). */
  unignore(signal: number): void {
    if (this.ignored && this.event.signal === signal) this.send();
  }
}

/** The timers of a process; no child has them. */
export interface PosixTimers {
  /** By number, the last one made last. */
  readonly byId: Map<number, PosixTimer>;
  /** The number that is tried next. */
  nextId: number;
}

/** Counts a signal of a user, within RLIMIT_SIGPENDING (posixtimer_init_sigqueue()). */
export function chargeTimer({ kernel, cred, group }: TaskStruct): boolean {
  const count = kernel.signalCounts.get(cred.uid) ?? 0;
  if (count >= group.rlimits.soft(RLIMIT_SIGPENDING)) return false;
  kernel.signalCounts.set(cred.uid, count + 1);
  return true;
}

/** Deletes a timer of a process (posix_timer_delete()). */
export function deletePosixTimer(group: ThreadGroup, timer: PosixTimer): void {
  timer.retire();
  group.posixTimers?.byId.delete(timer.id);
  const { signalCounts } = group.leader.kernel;
  const left = (signalCounts.get(timer.uid) ?? 0) - 1;
  if (left > 0) signalCounts.set(timer.uid, left);
  else signalCounts.delete(timer.uid);
}

/** A process ends or runs another program: its timers go (exit_itimers()). */
export function exitPosixTimers(group: ThreadGroup): void {
  for (const timer of [...(group.posixTimers?.byId.values() ?? [])]) deletePosixTimer(group, timer);
}
