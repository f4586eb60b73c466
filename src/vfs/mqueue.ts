import { EAGAIN, EBADF, EMSGSIZE, ERESTARTSYS, ETIMEDOUT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { sendToProcess } from '../kernel/kill.js';
import { makeSiginfo } from '../kernel/siginfo.js';
import { endSleep, leaveQueue, timedOut, type Waiting } from '../kernel/sleep.js';
import type { TaskStruct, ThreadGroup } from '../kernel/task.js';
import { SideTable } from '../side-table.js';
import { bytesOf } from './byte-string.js';
import type { File, FileOperations } from './file.js';
import { O_NONBLOCK, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from './flags.js';
import type { Inode, InodeOperations } from './inode.js';
import { simpleReadFromBuffer } from './seq-file.js';
import type { Vfs } from './vfs.js';

const SI_MESGQ = -3;
const SIGEV_SIGNAL = 0;

/** A message of a POSIX queue. */
export interface MqMessage {
  readonly priority: number;
  readonly bytes: Uint8Array;
}

/** Who is told once that a message has come to an empty queue. */
export interface MqNotify {
  readonly group: ThreadGroup;
  /** SIGEV_* */
  readonly notify: number;
  readonly signal: number;
  /** sigval, 64 bits. */
  readonly value: bigint;
}

/** A POSIX message queue (struct mqueue_inode_info). */
export class Mqueue {
  readonly maxMessages: number;
  readonly messageSize: number;
  /** By falling priority, those of one priority in the order they came. */
  readonly messages: MqMessage[] = [];
  notify: MqNotify | null = null;
  /** Calls that wait, in the order they came. */
  readonly receivers: MqReceiver[] = [];
  readonly senders: MqSender[] = [];

  constructor(maxMessages: number, messageSize: number) {
    this.maxMessages = maxMessages;
    this.messageSize = messageSize;
  }

  get full(): boolean {
    return this.messages.length >= this.maxMessages;
  }

  /** Bytes of all messages, which is what its file says. */
  get bytes(): number {
    return this.messages.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** What it counts against RLIMIT_MSGQUEUE: messages, and what holds each (mqueue_get_inode()). */
  get footprint(): number {
    return this.maxMessages * (this.messageSize + 96);
  }

  /** Gives a message to who waits for one, or keeps it (do_mq_timedsend()). */
  put(message: MqMessage, sender: TaskStruct): void {
    const [receiver] = this.receivers;
    if (receiver !== undefined) return receiver.give(message);
    const before = this.messages.findIndex(({ priority }) => priority < message.priority);
    this.messages.splice(before < 0 ? this.messages.length : before, 0, message);
    if (this.messages.length === 1) this.tell(sender);
  }

  /** Takes the first message; who waits for room puts his (do_mq_timedreceive()). */
  take(by: TaskStruct): MqMessage | undefined {
    const first = this.messages.shift();
    const [sender] = this.senders;
    if (first !== undefined && sender !== undefined) {
      sender.sent = true;
      sender.leave();
      this.put(sender.message, by);
    }
    return first;
  }

  /** @see ipc/mqueue.c, __do_notify() */
  private tell(sender: TaskStruct): void {
    const { notify } = this;
    this.notify = null;
    if (notify?.notify !== SIGEV_SIGNAL || notify.group.threads.length === 0) return;
    const info = makeSiginfo(notify.signal, SI_MESGQ, sender);
    new DataView(info.buffer).setBigUint64(24, notify.value, true);
    sendToProcess(notify.group.leader, notify.signal, info);
  }
}

/** A receive that waits for a message (struct ext_wait_queue). */
export class MqReceiver implements Waiting {
  readonly queue: Mqueue;
  message: MqMessage | null = null;

  constructor(queue: Mqueue) {
    this.queue = queue;
    queue.receivers.push(this);
  }

  get woken(): boolean {
    return this.message !== null;
  }

  give(message: MqMessage): void {
    this.leave();
    this.message = message;
  }

  leave(): void {
    leaveQueue(this.queue.receivers, this);
  }
}

/** A send that waits for room. */
export class MqSender implements Waiting {
  readonly queue: Mqueue;
  readonly message: MqMessage;
  sent = false;

  constructor(queue: Mqueue, message: MqMessage) {
    this.queue = queue;
    this.message = message;
    queue.senders.push(this);
  }

  get woken(): boolean {
    return this.sent;
  }

  leave(): void {
    leaveQueue(this.queue.senders, this);
  }
}

/** The queue of an open file. @throws {LinuxError} EBADF: it is none, or not opened so */
export function mqueueOf(file: File, mode = 0): Mqueue {
  const { privateData } = file.inode;
  return privateData instanceof Mqueue && (file.mode & mode) === mode ? privateData : fail(EBADF);
}

/** How long a call waits, and whether it does at all. */
interface Patience {
  readonly ms: number;
  readonly flags: number;
}

/**
 * Sends a message.
 *
 * @returns 0, or -ERESTARTSYS while there is no room
 * @throws {LinuxError} EMSGSIZE; EAGAIN: no room, with O_NONBLOCK; ETIMEDOUT
 * @see ipc/mqueue.c, do_mq_timedsend()
 */
export function mqSend(task: TaskStruct, queue: Mqueue, message: MqMessage, how: Patience): number {
  const { waiting } = task;
  if (waiting instanceof MqSender && waiting.queue === queue) {
    if (waiting.sent) return 0;
    return timedOut(task, 'mq_timedsend', how.ms) ? fail(ETIMEDOUT) : -ERESTARTSYS;
  }
  endSleep(task);
  if (message.bytes.length > queue.messageSize) fail(EMSGSIZE);
  if (queue.full) {
    if ((how.flags & O_NONBLOCK) !== 0) fail(EAGAIN);
    if (timedOut(task, 'mq_timedsend', how.ms)) fail(ETIMEDOUT);
    task.waiting = new MqSender(queue, message);
    return -ERESTARTSYS;
  }
  queue.put(message, task);
  return 0;
}

/**
 * Receives the first message.
 *
 * @returns null while there is none
 * @throws {LinuxError} EAGAIN: none, with O_NONBLOCK; ETIMEDOUT
 * @see ipc/mqueue.c, do_mq_timedreceive()
 */
export function mqReceive(task: TaskStruct, queue: Mqueue, how: Patience): MqMessage | null {
  const { waiting } = task;
  if (waiting instanceof MqReceiver && waiting.queue === queue) {
    if (waiting.message !== null) return waiting.message;
    return timedOut(task, 'mq_timedreceive', how.ms) ? fail(ETIMEDOUT) : null;
  }
  endSleep(task);
  const message = queue.take(task);
  if (message !== undefined) return message;
  if ((how.flags & O_NONBLOCK) !== 0) fail(EAGAIN);
  if (timedOut(task, 'mq_timedreceive', how.ms)) fail(ETIMEDOUT);
  task.waiting = new MqReceiver(queue);
  return null;
}

/** @see ipc/mqueue.c, mqueue_read_file() */
function show({ bytes, notify }: Mqueue): string {
  const field = (value: number, width: number): string => String(value).padEnd(width);
  const signal = notify?.notify === SIGEV_SIGNAL ? notify.signal : 0;
  return (
    `QSIZE:${field(bytes, 10)} NOTIFY:${field(notify?.notify ?? 0, 5)} ` +
    `SIGNO:${field(signal, 5)} NOTIFY_PID:${field(notify?.group.tgid ?? 0, 6)}\n`
  );
}

/** @see ipc/mqueue.c, mqueue_file_operations */
export const mqueueOperations: FileOperations = {
  read: (_task, file, buf, pos) => simpleReadFromBuffer(buf, pos, bytesOf(show(mqueueOf(file)))),
  llseek: (_task, file) => file.pos,
  poll(file) {
    const queue = mqueueOf(file);
    const readable = queue.messages.length > 0 ? POLLIN | POLLRDNORM : 0;
    return readable | (queue.full ? 0 : POLLOUT | POLLWRNORM);
  },
};

/** Inodes of queues have nothing of their own. */
export const mqueueInodeOperations: InodeOperations = {};

/** The queues of a machine by their names. */
export interface Mqueues {
  readonly byName: Map<string, Inode>;
}

const queuesByVfs = new SideTable<Vfs, Mqueues>('mqueues', 'Vfs');

/** The queues of a machine. */
export function mqueuesOf(vfs: Vfs): Mqueues {
  const queues = queuesByVfs.get(vfs) ?? { byName: new Map<string, Inode>() };
  queuesByVfs.set(vfs, queues);
  return queues;
}
