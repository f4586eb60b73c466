import { EAGAIN, EFAULT, EINVAL, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { type QueuedSignal, siginfoLayout } from '../kernel/siginfo.js';
import { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from './file.js';
import { O_NONBLOCK, POLLIN } from './flags.js';

/** sizeof(struct signalfd_siginfo) */
const SIGNALFD_SIGINFO_SIZE = 128;

/** The signals that a file gives to who reads it (struct signalfd_ctx). */
export class Signalfd {
  /** Those it gives, n as bit n - 1. */
  mask: bigint;

  constructor(mask: bigint) {
    this.mask = mask;
  }
}

const signalsOf = (file: File): Signalfd => file.privateData as Signalfd;

/** The signals of a file. @throws {LinuxError} EINVAL: it has none */
export function signalfdOf(file: File): Signalfd {
  return file.privateData instanceof Signalfd ? file.privateData : fail(EINVAL);
}

/** Takes a signal that waits for a task, or for its process. */
function dequeue(task: TaskStruct, mask: bigint): QueuedSignal | null {
  const others = BigInt.asUintN(64, ~mask);
  return task.pendingSignals.take(others) ?? task.group.sharedPending.take(others);
}

/** Fields by what a siginfo tells, as their places in it and in what is read: `W` are 64 bits. */
const FIELDS = {
  kill: '16>12 20>16',
  timer: '16>24 20>32 24>44 24>48W',
  poll: '16>28 24>20',
  fault: '16>72W',
  child: '16>12 20>16 24>40 32>56W 40>64W',
  queue: '16>12 20>16 24>44 24>48W',
  sys: '16>88W 24>84 28>96',
} as const;

/** @see fs/signalfd.c signalfd_copyinfo() */
function encode({ info }: QueuedSignal): Uint8Array {
  const bytes = new Uint8Array(SIGNALFD_SIGINFO_SIZE);
  const to = new DataView(bytes.buffer);
  const from = new DataView(info.buffer, info.byteOffset);
  for (const at of [0, 4, 8]) to.setUint32(at, from.getUint32(at, true), true);
  for (const field of FIELDS[siginfoLayout(info)].split(' ')) {
    const [source = 0, target = 0] = field.split('>').map((each) => parseInt(each, 10));
    if (field.endsWith('W')) to.setBigUint64(target, from.getBigUint64(source, true), true);
    else to.setUint32(target, from.getUint32(source, true), true);
  }
  return bytes;
}

/**
 * As many as there are and fit; it waits for the first only.
 *
 * @see fs/signalfd.c signalfd_read_iter()
 */
function signalfdRead(task: TaskStruct, file: File, buf: UserBuffer): number {
  const count = Math.floor(buf.length / SIGNALFD_SIGINFO_SIZE);
  if (count === 0) fail(EINVAL);
  let done = 0;
  for (let i = 0; i < count; i++) {
    const taken = dequeue(task, signalsOf(file).mask);
    if (taken === null) break;
    if (buf.copyTo(done, encode(taken)) < SIGNALFD_SIGINFO_SIZE) return done || fail(EFAULT);
    done += SIGNALFD_SIGINFO_SIZE;
  }
  return done || fail((file.flags & O_NONBLOCK) !== 0 ? EAGAIN : ERESTARTSYS);
}

/** Who asks: a signalfd has the signals of whoever looks at it. */
function caller(file: File): TaskStruct | null {
  const { current } = file.inode.sb.vfs.kernel.core;
  return current instanceof TaskStruct ? current : null;
}

/** @see fs/signalfd.c signalfd_fops */
export const signalfdOperations: FileOperations = {
  read: signalfdRead,
  poll(file) {
    const task = caller(file);
    if (task === null) return 0;
    const waiting = task.pendingSignals.mask | task.group.sharedPending.mask;
    return (waiting & signalsOf(file).mask) === 0n ? 0 : POLLIN;
  },
  arrivals: (file) => caller(file)?.sighand.sent ?? 0,
  showFdinfo: (file) => `sigmask:\t${signalsOf(file).mask.toString(16).padStart(16, '0')}\n`,
  llseek: (_task, file) => file.pos,
  iter: true,
};
