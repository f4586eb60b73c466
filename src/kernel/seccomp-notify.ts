import { ENOSYS } from '../../assembly/abi/errno.js';
import { leaveQueue } from './sleep.js';
import type { TaskStruct } from './task.js';

/** SECCOMP_USER_NOTIF_FLAG_CONTINUE: the call is made after all. */
export const NOTIF_FLAG_CONTINUE = 1;

/** A call that waits for what a supervisor says (struct seccomp_knotif). */
export class SeccompNotification {
  readonly listener: SeccompListener;
  readonly id: bigint;
  readonly task: TaskStruct;
  /** Number of the call. */
  readonly nr: number;
  /** struct seccomp_data. */
  readonly data: Uint8Array;
  state: 'init' | 'sent' | 'replied' = 'init';
  error = 0;
  value = 0n;
  flags = 0;

  constructor(listener: SeccompListener, task: TaskStruct, nr: number, data: Uint8Array) {
    this.listener = listener;
    this.id = listener.nextId++;
    this.task = task;
    this.nr = nr;
    this.data = data;
    listener.notifications.push(this);
    listener.arrivals += 1;
  }

  /** Says what becomes of the call. */
  reply(error: number, value: bigint, flags: number): void {
    this.state = 'replied';
    this.error = error;
    this.value = value;
    this.flags = flags;
  }

  /** Whether only what kills may end the wait: the supervisor has it, and asked for that. */
  get killable(): boolean {
    return this.listener.waitKillable && this.state === 'sent';
  }

  /** Its task waits no more. */
  leave(): void {
    leaveQueue(this.listener.notifications, this);
  }
}

/** What the descriptor of a filter's supervisor is about (struct notification). */
export class SeccompListener {
  readonly notifications: SeccompNotification[] = [];
  /** Once a supervisor has a call, signals with handlers leave that waiting. */
  readonly waitKillable: boolean;
  nextId = 1n;
  /** Calls that came so far. */
  arrivals = 0;
  /** No task has the filter any more. */
  hungUp = false;
  /** The descriptor is closed: nobody answers. */
  closed = false;

  constructor(waitKillable: boolean) {
    this.waitKillable = waitKillable;
  }

  /** The first call nobody has been told of. */
  get next(): SeccompNotification | null {
    return this.notifications.find(({ state }) => state === 'init') ?? null;
  }

  /** The call with this number; null when it waits no more. */
  find(id: bigint): SeccompNotification | null {
    return this.notifications.find((each) => each.id === id) ?? null;
  }

  /** The supervisor is gone: what waits fails (seccomp_notify_detach()). */
  close(): void {
    this.closed = true;
    for (const each of this.notifications) {
      if (each.state !== 'replied') each.reply(-ENOSYS, 0n, 0);
    }
  }
}
