import { EAGAIN, EFAULT, EINVAL, ENOTTY, EPIPE, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Cred } from '../kernel/cred.js';
import type { TaskStruct } from '../kernel/task.js';
import { putUserU32, type UserBuffer } from '../mm/user.js';
import { Dentry } from './dentry.js';
import { File, FMODE_READ, FMODE_WRITE, type FileOperations } from './file.js';
import {
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
} from './flags.js';
import { Inode } from './inode.js';
import { S_IFIFO } from './mode.js';
import { pipeName } from './pipe.js';
import type { Tty } from './tty.js';
import type { Vfs } from './vfs.js';

/** Bytes given to the host at a time. */
const CHUNK_BYTES = 65536;
const FIONREAD = 0x541b;

/** What the host has as the other end of streams and terminals; a restore gives them to it. */
export interface HostConsole {
  /** Takes the place of the console that one had when the snapshot was made. */
  restored(end: HostStream | Tty): void;
}

/** The end of a stream that the host holds: bytes it has sent, or whoever takes what is written. */
export class HostStream {
  /** Bytes for the machine to read, in the pieces they came in. */
  private readonly queue: Uint8Array[] = [];
  /** How many. */
  length = 0;
  /** Nothing more will come. */
  ended = false;
  /** Takes what the machine writes; false where nobody reads any more. */
  take: (bytes: Uint8Array) => boolean;
  /** The machine has read something, or looks for what has not come yet: send more. */
  wanted: () => void;
  /** Which it is of a program's: stdin, stdout or stderr. */
  name = '';

  constructor(take: (bytes: Uint8Array) => boolean, wanted: () => void) {
    this.take = take;
    this.wanted = wanted;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.queue.push(bytes.slice());
    this.length += bytes.length;
  }

  /** The first bytes, from one piece: never none while there are some. */
  peek(count: number): Uint8Array {
    return this.queue[0]?.subarray(0, count) ?? new Uint8Array(0);
  }

  /** Takes bytes that peek() gave. */
  drop(count: number): void {
    const first = this.queue[0];
    if (first === undefined || count === 0) return;
    if (count === first.length) this.queue.shift();
    else this.queue[0] = first.subarray(count);
    this.length -= count;
    this.wanted();
  }
}

const streamOf = (file: File): HostStream => file.inode.privateData as HostStream;

/** As a pipe's read: what is there, or the end. */
function streamRead(_task: TaskStruct, file: File, buf: UserBuffer): number {
  const stream = streamOf(file);
  if (buf.length === 0) return 0;
  if (stream.length === 0) {
    if (stream.ended) return 0;
    stream.wanted();
    fail((file.flags & O_NONBLOCK) !== 0 ? EAGAIN : ERESTARTSYS);
  }
  let done = 0;
  while (done < buf.length && stream.length > 0) {
    const bytes = stream.peek(buf.length - done);
    const stored = buf.copyTo(done, bytes);
    stream.drop(stored);
    done += stored;
    if (stored < bytes.length) break;
  }
  return done === 0 ? fail(EFAULT) : done;
}

/** As a pipe's write, to a reader that never lets one wait. */
function streamWrite(_task: TaskStruct, file: File, buf: UserBuffer): number {
  const stream = streamOf(file);
  let done = 0;
  while (done < buf.length) {
    const bytes = new Uint8Array(Math.min(buf.length - done, CHUNK_BYTES));
    const got = buf.copyFrom(done, bytes);
    if (got > 0 && !stream.take(bytes.subarray(0, got))) {
      if (done === 0) fail(EPIPE);
      break;
    }
    done += got;
    if (got < bytes.length) break;
  }
  if (done === 0 && buf.length > 0) fail(EFAULT);
  return done;
}

/** What looks like one end of a pipe whose other end the host has. */
export const streamOperations: FileOperations = {
  open(_task, file) {
    if ((file.mode & (FMODE_READ | FMODE_WRITE)) === 0) fail(EINVAL);
  },
  read: streamRead,
  write: streamWrite,
  poll(file) {
    const stream = streamOf(file);
    let mask = 0;
    if ((file.mode & FMODE_READ) !== 0) {
      if (stream.length > 0) mask |= POLLIN | POLLRDNORM;
      else if (!stream.ended) stream.wanted();
      if (stream.ended) mask |= POLLHUP;
    }
    if ((file.mode & FMODE_WRITE) !== 0) mask |= POLLOUT | POLLWRNORM;
    return mask & ~POLLERR;
  },
  ioctl(task, file, cmd, arg) {
    if (cmd !== FIONREAD) fail(ENOTTY);
    putUserU32(task.mm ?? fail(EFAULT), arg, streamOf(file).length);
    return 0;
  },
  iter: true,
  spliceRead: true,
  spliceWrite: true,
};

/** An open file on one end of a stream: to read, or to write. */
export function streamFile(
  vfs: Vfs,
  cred: Readonly<Cred>,
  stream: HostStream,
  way: 'read' | 'write',
): File {
  const inode = new Inode(
    vfs.pipefs,
    S_IFIFO | 0o600,
    cred.fsuid,
    cred.fsgid,
    {},
    streamOperations,
  );
  inode.privateData = stream;
  const path = { mnt: vfs.pipeMount, dentry: new Dentry('', null, inode, pipeName) };
  const [flags, mode] = way === 'read' ? [O_RDONLY, FMODE_READ] : [O_WRONLY, FMODE_WRITE];
  return new File(path, flags, mode, cred, streamOperations);
}
