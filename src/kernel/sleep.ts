import type { TaskStruct } from './task.js';

/** What a call that sleeps leaves behind, until it is made again. */
export interface Sleep {
  /** The call that sleeps. */
  readonly call: string;
  /** When it is over at the latest, in milliseconds of the kernel's time; Infinity for never. */
  readonly until: number;
  /** What it has done in part already, and answers when a signal ends it. */
  readonly done?: number;
}

/** A place in a queue (of a futex, of semaphores) that a call has until it is made again. */
export interface Waiting {
  /** Somebody has had it go on: what the call answers is certain, and no signal comes before that. */
  readonly woken: boolean;
  /** Leaves the queue, if it is in it. */
  leave(): void;
}

/** Takes who waits out of a queue; nothing happens when it has left already. */
export function leaveQueue<T>(queue: T[], waiter: T): void {
  const at = queue.indexOf(waiter);
  if (at >= 0) queue.splice(at, 1);
}

/**
 * Whether a call has slept as long as it was to. The first of the calls notes when that is; when it is made
 * again that moment stays.
 *
 * @param call its name, so that another call does not take the moment for its own
 * @param ms how long from now, Infinity for ever
 */
export function timedOut(task: TaskStruct, call: string, ms: number): boolean {
  const now = task.kernel.time();
  if (task.sleep?.call !== call) task.sleep = { call, until: now + ms };
  return ms <= 0 || now >= task.sleep.until;
}

/** What a write that waits for room is called, for who makes it again. */
const WRITE_IN_PART = 'write in part';

/** And one of a socket, which may wait for so long only. */
export const SOCKET_WRITE = 'socket write';

/** A write waits for room, having written `done` bytes; who makes it again asks takeProgress(). */
export function noteProgress(task: TaskStruct, done: number): void {
  task.sleep = { call: WRITE_IN_PART, until: Infinity, done };
}

/** Bytes that a write which waited has written before; whoever asks takes the note away. */
export function takeProgress(task: TaskStruct): number {
  const { sleep } = task;
  if (sleep?.call !== WRITE_IN_PART && sleep?.call !== SOCKET_WRITE) return 0;
  task.sleep = null;
  return sleep.done ?? 0;
}

/** Whether a call of a task noted something for when it is made again. */
export function isAsleep(task: TaskStruct): boolean {
  const { sleep, waiting, savedSigmask, notification, filterPassed } = task;
  const noted = sleep !== null || waiting !== null || savedSigmask !== null;
  return noted || notification !== null || filterPassed >= 0;
}

/**
 * A call is over, or a signal ends it: what it had noted goes, and signals are held back as before it.
 */
export function endSleep(task: TaskStruct): void {
  task.sleep = null;
  task.waiting?.leave();
  task.waiting = null;
  task.notification?.leave();
  task.notification = null;
  task.filterPassed = -1;
  if (task.savedSigmask === null) return;
  task.blocked = task.savedSigmask;
  task.savedSigmask = null;
}
