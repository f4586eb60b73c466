import { E2BIG, EAGAIN, EIDRM, ENOMSG, ERESTARTSYS } from '../../../assembly/abi/errno.js';
import { fail } from '../../errno.js';
import { endSleep, leaveQueue, timedOut, type Waiting } from '../sleep.js';
import type { TaskStruct } from '../task.js';
import { checkIpcPermission, IPC_NOWAIT, IpcObject, ipcSeconds, S_IRUGO, S_IWUGO } from './perm.js';

// include/uapi/linux/msg.h
export const MSGMNI = 32000;
export const MSGMAX = 8192;
export const MSGMNB = 16384;
const MSG_NOERROR = 0o10000;
const MSG_EXCEPT = 0o20000;
export const MSG_COPY = 0o40000;
const LONG_MAX = 2n ** 63n - 1n;

/** A message. */
export interface Message {
  readonly type: bigint;
  readonly bytes: Uint8Array;
}

/** What a receiver takes. */
export interface Wanted {
  readonly by: 'any' | 'equal' | 'except' | 'lowest' | 'number';
  readonly type: bigint;
  /** Bytes it has room for. */
  readonly size: number;
  readonly flags: number;
}

/** What type and flags of a msgrcv() ask for (convert_mode()). */
export function wantedMessage(type: bigint, size: number, flags: number): Wanted {
  const wanted = (by: Wanted['by'], of = type): Wanted => ({ by, type: of, size, flags });
  if ((flags & MSG_COPY) !== 0) return wanted('number');
  if (type === 0n) return wanted('any');
  if (type < 0n) return wanted('lowest', type === -LONG_MAX - 1n ? LONG_MAX : -type);
  return wanted((flags & MSG_EXCEPT) !== 0 ? 'except' : 'equal');
}

function matches({ type }: Message, wanted: Wanted): boolean {
  if (wanted.by === 'any') return true;
  if (wanted.by === 'lowest') return type <= wanted.type;
  return wanted.by === 'except' ? type !== wanted.type : type === wanted.type;
}

/** A msgrcv() that waits for a message (struct msg_receiver). */
export class MsgReceiver implements Waiting {
  readonly task: TaskStruct;
  readonly queue: MsgQueue;
  readonly wanted: Wanted;
  /** What it is given, or a negative errno; null while it waits. */
  given: Message | number | null = null;

  constructor(task: TaskStruct, queue: MsgQueue, wanted: Wanted) {
    this.task = task;
    this.queue = queue;
    this.wanted = wanted;
    queue.receivers.push(this);
  }

  get woken(): boolean {
    return this.given !== null;
  }

  leave(): void {
    leaveQueue(this.queue.receivers, this);
  }

  /** Gives it a message, or an error. */
  give(given: Message | number): void {
    this.leave();
    this.given = given;
  }
}

/** A msgsnd() that waits for room: it tries again when anything happens. */
export class MsgSender implements Waiting {
  readonly queue: MsgQueue;

  constructor(queue: MsgQueue) {
    this.queue = queue;
  }

  get woken(): boolean {
    return this.queue.removed;
  }

  leave(): void {}
}

/** A queue of messages (struct msg_queue). */
export class MsgQueue extends IpcObject {
  messages: Message[] = [];
  /** Bytes of all messages, and what they may come to. */
  cbytes = 0;
  qbytes = MSGMNB;
  /** Processes that sent and received last; 0 for none. */
  lspid = 0;
  lrpid = 0;
  /** Seconds since 1970 of the last send and receive; 0 for never. */
  stime = 0;
  rtime = 0;
  /** Calls that wait for a message, in the order they came. */
  readonly receivers: MsgReceiver[] = [];
  removed = false;

  constructor(task: TaskStruct, { id, key, flags }: { id: number; key: number; flags: number }) {
    super(task, { id, key, mode: flags & 0o777 });
  }

  /** Whether there is room for so many bytes more (msg_fits_inqueue()). */
  fits(bytes: number): boolean {
    return bytes + this.cbytes <= this.qbytes && 1 + this.messages.length <= this.qbytes;
  }

  /** The message that a receiver gets; undefined for none (find_msg()). */
  find(wanted: Wanted): Message | undefined {
    if (wanted.by === 'number') return this.messages[Number(wanted.type)];
    const fitting = this.messages.filter((message) => matches(message, wanted));
    if (wanted.by !== 'lowest') return fitting[0];
    return fitting.reduce<Message | undefined>(
      (best, each) => (best === undefined || each.type < best.type ? each : best),
      undefined,
    );
  }

  take(message: Message, by: TaskStruct): void {
    this.messages = this.messages.filter((each) => each !== message);
    this.cbytes -= message.bytes.length;
    this.lrpid = by.tgid;
    this.rtime = ipcSeconds(by);
  }

  /** Gives a message to the first who waits for such; false when nobody does (pipelined_send()). */
  handOver(message: Message): boolean {
    for (const receiver of [...this.receivers]) {
      const { wanted, task } = receiver;
      if (!matches(message, wanted)) continue;
      if (wanted.size < message.bytes.length && (wanted.flags & MSG_NOERROR) === 0) {
        receiver.give(-E2BIG);
        continue;
      }
      this.lrpid = task.tgid;
      this.rtime = ipcSeconds(task);
      receiver.give(message);
      return true;
    }
    return false;
  }

  /** It is there no more: who waits hears of it (freeque()). */
  free(): void {
    this.removed = true;
    for (const receiver of [...this.receivers]) receiver.give(-EIDRM);
  }
}

/**
 * Makes a queue, or finds it.
 *
 * @throws {LinuxError} what IpcIds.get() throws
 * @see ipc/msg.c, msgget()
 */
export function msgget(task: TaskStruct, key: number, flags: number): MsgQueue {
  const make = (id: number): MsgQueue => new MsgQueue(task, { id, key, flags });
  return task.kernel.ipc.msgs.get(task, key, flags, { make, fits: () => undefined });
}

/**
 * Sends a message.
 *
 * @returns 0, or -ERESTARTSYS while there is no room
 * @throws {LinuxError} EINVAL: no queue; EACCES; EAGAIN: no room, with IPC_NOWAIT; EIDRM: the queue went
 * @see ipc/msg.c, do_msgsnd()
 */
export function msgsnd(task: TaskStruct, id: number, message: Message, flags: number): number {
  const { waiting } = task;
  const again = waiting instanceof MsgSender && waiting.queue.id === id;
  if (!again) endSleep(task);
  const queue = again ? waiting.queue : task.kernel.ipc.msgs.byId(id);
  if (queue.removed) fail(EIDRM);
  checkIpcPermission(task, queue, S_IWUGO);
  if (!queue.fits(message.bytes.length)) {
    if ((flags & IPC_NOWAIT) !== 0) fail(EAGAIN);
    timedOut(task, 'msgsnd', Infinity);
    task.waiting ??= new MsgSender(queue);
    return -ERESTARTSYS;
  }
  queue.lspid = task.tgid;
  queue.stime = ipcSeconds(task);
  if (queue.handOver(message)) return 0;
  queue.messages.push(message);
  queue.cbytes += message.bytes.length;
  return 0;
}

/**
 * Receives a message.
 *
 * @returns the message, or null while there is none
 * @throws {LinuxError} EINVAL: no queue; EACCES; ENOMSG: none, with IPC_NOWAIT; E2BIG: it is larger; EIDRM
 * @see ipc/msg.c, do_msgrcv()
 */
export function msgrcv(task: TaskStruct, id: number, wanted: Wanted): Message | null {
  const { waiting } = task;
  if (waiting instanceof MsgReceiver && waiting.queue.id === id) {
    const { given } = waiting;
    return typeof given === 'number' ? fail(-given) : given;
  }
  endSleep(task);
  const queue = task.kernel.ipc.msgs.byId(id);
  checkIpcPermission(task, queue, S_IRUGO);
  const found = queue.find(wanted);
  if (found === undefined) {
    if ((wanted.flags & IPC_NOWAIT) !== 0) fail(ENOMSG);
    timedOut(task, 'msgrcv', Infinity);
    task.waiting = new MsgReceiver(task, queue, wanted);
    return null;
  }
  if (wanted.size < found.bytes.length && (wanted.flags & MSG_NOERROR) === 0) fail(E2BIG);
  if (wanted.by !== 'number') queue.take(found, task);
  return found;
}
