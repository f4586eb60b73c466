import {
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  ENOTTY,
  ENXIO,
  EPIPE,
  ERESTARTSYS,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Sleep } from '../kernel/sleep.js';
import type { TaskStruct } from '../kernel/task.js';
import { putUserU32 } from '../mm/user.js';
import type { UserBuffer } from '../mm/user.js';
import { Dentry } from './dentry.js';
import { filesOf, nofileLimit } from './fdtable.js';
import { File, FMODE_READ, FMODE_WRITE, FMODE_LSEEK, FMODE_PREAD, FMODE_PWRITE } from './file.js';
import type { FileOperations } from './file.js';
import {
  F_GETPIPE_SZ,
  O_CLOEXEC,
  O_DIRECT,
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
import { fsOf } from './fs-struct.js';
import { Inode } from './inode.js';
import { S_IFIFO } from './mode.js';

/** Bytes a pipe holds: 16 pages. */
const PIPE_SIZE = 65536;
/** Writes up to this many bytes go in whole or not at all (include/uapi/linux/limits.h). */
const PIPE_BUF = 4096;

/** What an open of a FIFO that waits is called, for who makes it again. */
const FIFO_OPEN = 'fifo open';

/** Bytes that can be read (include/uapi/asm-generic/ioctls.h). */
const FIONREAD = 0x541b;

/** Who waits in open() of a FIFO for its other end, and has its own open meanwhile. */
interface Opener {
  readonly task: TaskStruct;
  /** What it left with its task; another one there says that it no longer waits. */
  readonly sleep: Sleep;
  /** FMODE_READ or FMODE_WRITE. */
  readonly end: number;
  /** How often the other end had been opened when it began to wait. */
  readonly seen: number;
}

/** What a pipe holds and who has it open (struct pipe_inode_info). */
export class Pipe {
  readonly data = new Uint8Array(PIPE_SIZE);
  /** First byte to read, and how many there are; the array is a ring. */
  start = 0;
  length = 0;
  /** Writes so far. */
  arrivals = 0;
  /** Open files that read, and that write. */
  readFiles = 0;
  writeFiles = 0;
  /** How often each end has been opened: r_counter and w_counter. */
  readOpens = 0;
  writeOpens = 0;
  openers: readonly Opener[] = [];

  get readers(): number {
    return this.readFiles + this.waitingFor(FMODE_READ);
  }

  get writers(): number {
    return this.writeFiles + this.waitingFor(FMODE_WRITE);
  }

  waitingFor(end: number): number {
    if (this.openers.length === 0) return 0;
    this.openers = this.openers.filter(({ task, sleep }) => !task.exited && task.sleep === sleep);
    return this.openers.filter((opener) => opener.end === end).length;
  }

  /**
   * Opens one end, once the other has been opened too.
   * @throws {LinuxError} ERESTARTSYS: it has not
   * @see fs/pipe.c fifo_open(), wait_for_partner()
   */
  meet(task: TaskStruct, end: number): void {
    const reads = end === FMODE_READ;
    const opens = reads ? this.writeOpens : this.readOpens;
    const waits = this.openers.find((each) => each.task === task && each.sleep === task.sleep);
    if (waits?.end === end) {
      if (opens === waits.seen) fail(ERESTARTSYS);
      task.sleep = null;
      return;
    }
    this.announce(end);
    if ((reads ? this.writers : this.readers) > 0) return;
    task.sleep = { call: FIFO_OPEN, until: Infinity };
    this.openers = [...this.openers, { task, sleep: task.sleep, end, seen: opens }];
    fail(ERESTARTSYS);
  }

  /** Notes that ends have been opened, for who waits for that. */
  announce(ends: number): void {
    if ((ends & FMODE_READ) !== 0) this.readOpens += 1;
    if ((ends & FMODE_WRITE) !== 0) this.writeOpens += 1;
  }

  get room(): number {
    return PIPE_SIZE - this.length;
  }

  /** Takes up to `count` bytes out without removing them. */
  peek(count: number): Uint8Array {
    const bytes = new Uint8Array(Math.min(count, this.length));
    const head = Math.min(bytes.length, PIPE_SIZE - this.start);
    bytes.set(this.data.subarray(this.start, this.start + head));
    bytes.set(this.data.subarray(0, bytes.length - head), head);
    return bytes;
  }

  /**
   * Whether there is something to take; false at the end, when nobody writes.
   * @throws {LinuxError} EAGAIN or ERESTARTSYS: empty while a writer exists
   * @see fs/splice.c ipipe_prep(), splice_from_pipe_next()
   */
  waitForData(nonblock: boolean): boolean {
    if (this.length > 0) return true;
    return this.writers === 0 ? false : failBlocking(nonblock);
  }

  /**
   * Bytes there is room for.
   * @throws {LinuxError} EPIPE: nobody reads; EAGAIN or ERESTARTSYS: full
   * @see fs/splice.c wait_for_space()
   */
  waitForSpace(nonblock: boolean): number {
    if (this.readers === 0) fail(EPIPE);
    return this.room > 0 ? this.room : failBlocking(nonblock);
  }

  drop(count: number): void {
    this.start = (this.start + count) % PIPE_SIZE;
    this.length -= count;
  }

  /** Appends bytes, which must fit. */
  push(bytes: Uint8Array): void {
    const end = (this.start + this.length) % PIPE_SIZE;
    const head = Math.min(bytes.length, PIPE_SIZE - end);
    this.data.set(bytes.subarray(0, head), end);
    this.data.set(bytes.subarray(head), 0);
    this.length += bytes.length;
  }
}

/** pipefs_dname() */
export function pipeName({ inode }: Dentry): string {
  return `pipe:[${inode.ino}]`;
}

function pipeOf(file: File): Pipe {
  const pipe = (file.inode.privateData ??= new Pipe());
  return pipe as Pipe;
}

const isNonblock = (file: File): boolean => (file.flags & O_NONBLOCK) !== 0;

function enter(file: File): void {
  const pipe = pipeOf(file);
  if ((file.mode & FMODE_READ) !== 0) pipe.readFiles += 1;
  if ((file.mode & FMODE_WRITE) !== 0) pipe.writeFiles += 1;
}

/**
 * Where Linux would wait, this kernel, which runs one call at a time, asks for the call to be made
 * again.
 * @throws {LinuxError} EAGAIN: O_NONBLOCK; ERESTARTSYS: otherwise
 */
function failBlocking(nonblock: boolean): never {
  return fail(nonblock ? EAGAIN : ERESTARTSYS);
}

/** The pipe an open file is an end of, or null (fs/pipe.c get_pipe_info()). */
export function getPipeInfo(file: File): Pipe | null {
  return file.fops.poll === pipeOperations.poll ? pipeOf(file) : null;
}

/**
 * Reads what is there.
 * @throws {LinuxError} EAGAIN or ERESTARTSYS: empty while a writer exists; EFAULT
 * @see fs/pipe.c anon_pipe_read()
 */
function pipeRead(_task: TaskStruct, file: File, buf: UserBuffer): number {
  const pipe = pipeOf(file);
  if (buf.length === 0) return 0;
  if (!pipe.waitForData(isNonblock(file))) return 0;
  const done = buf.copyTo(0, pipe.peek(buf.length));
  if (done === 0) fail(EFAULT);
  pipe.drop(done);
  return done;
}

/** What a write that waits for room is called, for who makes it again. */
const PIPE_WRITE = 'pipe write';
/** And one of a socket. */
export const SOCKET_WRITE = 'socket write';

/** Bytes that a write which waited has written before; whoever asks takes the note away. */
export function takeProgress(task: TaskStruct): number {
  const { sleep } = task;
  if (sleep?.call !== PIPE_WRITE && sleep?.call !== SOCKET_WRITE) return 0;
  task.sleep = null;
  return sleep.done ?? 0;
}

/**
 * Writes all, or without waiting what fits; up to PIPE_BUF bytes go in at once or not at all. A write that
 * waits in the middle is made again and goes on where it was.
 * @throws {LinuxError} EPIPE: nobody reads; EAGAIN or ERESTARTSYS: full; EFAULT
 * @see fs/pipe.c anon_pipe_write()
 */
function pipeWrite(task: TaskStruct, file: File, buf: UserBuffer): number {
  const pipe = pipeOf(file);
  const before = takeProgress(task);
  if (buf.length === 0) return 0;
  if (pipe.readers === 0) return before > 0 ? before : fail(EPIPE);
  const left = buf.length - before;
  const nonblock = isNonblock(file);
  const count = Math.min(left, pipe.room);
  const none = count === 0 || (left <= PIPE_BUF && count < left);
  if (none && before === 0) failBlocking(nonblock);
  const bytes = new Uint8Array(none ? 0 : count);
  const stored = buf.copyFrom(before, bytes);
  const done = before + stored;
  if (done === 0) fail(EFAULT);
  pipe.push(bytes.subarray(0, stored));
  pipe.arrivals += 1;
  if (nonblock || stored < bytes.length || done === buf.length) return done;
  task.sleep = { call: PIPE_WRITE, until: Infinity, done };
  return fail(ERESTARTSYS);
}

/** Both ends of a pipe (fs/pipe.c pipeanon_fops). */
export const pipeOperations: FileOperations = {
  read: pipeRead,
  write: pipeWrite,
  poll(file) {
    const pipe = pipeOf(file);
    let mask = 0;
    if ((file.mode & FMODE_READ) !== 0) {
      if (pipe.length > 0) mask |= POLLIN | POLLRDNORM;
      if (pipe.writers === 0 && file.privateData !== pipe.writeOpens) mask |= POLLHUP;
    }
    if ((file.mode & FMODE_WRITE) !== 0) {
      if (pipe.room > 0) mask |= POLLOUT | POLLWRNORM;
      if (pipe.readers === 0) mask |= POLLERR;
    }
    return mask;
  },
  arrivals: (file) => pipeOf(file).arrivals,
  ioctl(task, file, cmd, arg) {
    if (cmd !== FIONREAD) fail(ENOTTY);
    putUserU32(task.mm ?? fail(EFAULT), arg, pipeOf(file).length);
    return 0;
  },
  release(file) {
    const pipe = pipeOf(file);
    if ((file.mode & FMODE_READ) !== 0) pipe.readFiles -= 1;
    if ((file.mode & FMODE_WRITE) !== 0) pipe.writeFiles -= 1;
    if (pipe.readers + pipe.writers === 0) file.inode.privateData = null;
  },
  iter: true,
  direct: true,
  spliceWrite: true,
};

/**
 * A pipe, opened by a name or by /proc/PID/fd. One end of a named one waits for the other.
 * @see fs/pipe.c fifo_open()
 */
export const fifoOperations: FileOperations = {
  ...pipeOperations,
  open(task, file) {
    const ends = file.mode & (FMODE_READ | FMODE_WRITE);
    if (ends === 0) fail(EINVAL); // Neither end: access mode 3
    const pipe = pipeOf(file);
    // One that pipe() made and /proc/PID/fd leads to needs no other end.
    const named = file.inode.sb !== file.inode.sb.vfs.pipefs;
    const half = named && ends !== (FMODE_READ | FMODE_WRITE);
    if (half && !isNonblock(file)) pipe.meet(task, ends);
    else if (half && ends === FMODE_WRITE && pipe.readers === 0) fail(ENXIO);
    else pipe.announce(ends);
    // f_pipe: nobody can have hung up before somebody has opened the other end.
    const early = half && isNonblock(file) && pipe.writers === 0;
    if (early) file.privateData = pipe.writeOpens;
    // stream_open(): it has no positions.
    file.mode &= ~(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
    enter(file);
  },
};

/**
 * pipe2: two descriptors, to read and to write.
 * @throws {LinuxError} EINVAL: flags; EMFILE
 * @see fs/pipe.c do_pipe2()
 */
export function doPipe2(task: TaskStruct, flags: number): [number, number] {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) !== 0) fail(EINVAL);
  const files = filesOf(task);
  const limit = nofileLimit(task);
  const readFd = files.lowestFree(limit);
  const writeFd = files.lowestFree(limit, readFd + 1);
  const { vfs } = fsOf(task);
  const { fsuid, fsgid } = task.cred;
  const inode = new Inode(vfs.pipefs, S_IFIFO | 0o600, fsuid, fsgid, {}, fifoOperations);
  const dentry = new Dentry('', null, inode, pipeName);
  const path = { mnt: vfs.pipeMount, dentry };
  const kept = flags & (O_NONBLOCK | O_DIRECT);
  const ends: readonly (readonly [number, number, number])[] = [
    [readFd, O_RDONLY | kept, FMODE_READ],
    [writeFd, O_WRONLY | kept, FMODE_WRITE],
  ];
  for (const [fd, openFlags, mode] of ends) {
    const file = new File(path, openFlags, mode, task.cred, pipeOperations);
    enter(file);
    files.install(fd, file, (flags & O_CLOEXEC) !== 0);
  }
  return [readFd, writeFd];
}

/**
 * F_GETPIPE_SZ and F_SETPIPE_SZ: pipes of this kernel have one size.
 * @throws {LinuxError} EBADF: no pipe; EINVAL: a size it cannot have
 * @see fs/pipe.c pipe_fcntl()
 */
export function pipeFcntl(file: File, cmd: number, size: number): number {
  if (getPipeInfo(file) === null) fail(EBADF);
  return cmd === F_GETPIPE_SZ || size <= PIPE_SIZE ? PIPE_SIZE : fail(EINVAL);
}
