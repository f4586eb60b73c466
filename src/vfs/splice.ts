import { EBADF, EINVAL, EISDIR, EOVERFLOW, ESPIPE, EXDEV } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { takeProgress } from '../kernel/sleep.js';
import type { TaskStruct } from '../kernel/task.js';
import { HostBuffer } from '../mm/user.js';
import { filesOf } from './fdtable.js';
import type { File } from './file.js';
import { FMODE_LSEEK, FMODE_PREAD, FMODE_PWRITE, FMODE_READ, FMODE_WRITE } from './file.js';
import { MAX_RW_COUNT, O_APPEND, O_NONBLOCK } from './flags.js';
import { fsnotifyTransfer } from './fsnotify.js';
import { isDir, isReg } from './mode.js';
import { getPipeInfo } from './pipe.js';
import type { Pipe } from './pipe.js';
import { rwVerifyArea } from './read-write.js';
import { addU64, isNegative } from './u64.js';
import type { U64 } from './u64.js';

/** include/linux/splice.h: flags of splice, tee and vmsplice. */
export const SPLICE_F_ALL = 0xf;
/** Neither pipe waits. */
export const SPLICE_F_NONBLOCK = 0x2;
/** Bytes moved at a time. */
const CHUNK_BYTES = 65536;

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Where to read or write, and whether it is the file's own position. */
interface Cursor {
  pos: U64;
  readonly ofFile: boolean;
}

function cursor(file: File, offset: U64 | null): Cursor {
  return { pos: offset ?? file.pos, ofFile: offset === null };
}

function store(file: File, at: Cursor): void {
  if (at.ofFile) file.pos = at.pos;
}

/**
 * Copies from a file with positions until it ends or one side comes short; an error after the first
 * bytes ends it quietly. What was read and not written stays to be read.
 * @throws {LinuxError} EINVAL: a side that cannot be spliced; the read's and the write's
 */
function move(
  task: TaskStruct,
  from: File,
  src: Cursor,
  to: File,
  dst: Cursor,
  count: number,
): number {
  let done = 0;
  while (done < count) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, count - done));
    try {
      const got = from.fops.read?.(task, from, new HostBuffer(chunk), src.pos) ?? fail(EINVAL);
      if (got === 0) break;
      const put = spliceWrite(task, to, chunk.subarray(0, got), dst);
      src.pos = addU64(src.pos, put);
      done += put;
      if (put < got) break;
    } catch (error) {
      if (done === 0) throw error;
      // Nobody goes on with a write that waits in the middle: what it has written counts.
      const part = takeProgress(task);
      src.pos = addU64(src.pos, part);
      done += part;
      break;
    }
  }
  fsnotifyTransfer(from, done, false);
  fsnotifyTransfer(to, done, true);
  return done;
}

function spliceWrite(task: TaskStruct, to: File, bytes: Uint8Array, dst: Cursor): number {
  if (to.fops.spliceWrite !== true) fail(EINVAL);
  const put = to.fops.write?.(task, to, new HostBuffer(bytes), dst.pos) ?? fail(EINVAL);
  dst.pos = addU64(dst.pos, put);
  return put;
}

/**
 * Reads from a file into a pipe, once, no more than there is room for.
 * @throws {LinuxError} EPIPE: nobody reads; EAGAIN, ERESTARTSYS: full; EINVAL: a file that cannot
 *   be spliced; the read's
 * @see fs/splice.c splice_file_to_pipe()
 */
function fileToPipe(
  task: TaskStruct,
  from: File,
  src: Cursor,
  pipe: Pipe,
  count: number,
  nonblock: boolean,
): number {
  const chunk = new Uint8Array(Math.min(pipe.waitForSpace(nonblock), count));
  if (from.fops.spliceRead !== true) fail(EINVAL);
  const got = from.fops.read?.(task, from, new HostBuffer(chunk), src.pos) ?? fail(EINVAL);
  pipe.push(chunk.subarray(0, got));
  src.pos = addU64(src.pos, got);
  fsnotifyTransfer(from, got, false);
  return got;
}

/**
 * Writes what a pipe holds to a file; only what was written leaves the pipe.
 * @throws {LinuxError} EINVAL: a file that cannot be spliced to; EAGAIN, ERESTARTSYS: empty; the
 *   write's
 * @see fs/splice.c iter_file_splice_write()
 */
function pipeToFile(
  task: TaskStruct,
  pipe: Pipe,
  to: File,
  dst: Cursor,
  count: number,
  nonblock: boolean,
): number {
  if (to.fops.spliceWrite !== true) fail(EINVAL);
  if (!pipe.waitForData(nonblock)) return 0;
  const bytes = pipe.peek(count);
  const put = spliceWrite(task, to, bytes, dst);
  pipe.drop(put);
  fsnotifyTransfer(to, put, true);
  return put;
}

/**
 * Moves bytes from one pipe to another.
 * @throws {LinuxError} EAGAIN, ERESTARTSYS: one is empty or the other full; EPIPE: nobody reads
 * @see fs/splice.c splice_pipe_to_pipe()
 */
function pipeToPipe(from: Pipe, to: Pipe, count: number, nonblock: boolean): number {
  if (!from.waitForData(nonblock)) return 0;
  const bytes = from.peek(Math.min(to.waitForSpace(nonblock), count));
  to.push(bytes);
  from.drop(bytes.length);
  return bytes.length;
}

/**
 * Copies from one file to another through a pipe of the kernel's own.
 * @throws {LinuxError} EINVAL: O_APPEND, a source without positions, or a file that cannot be
 *   spliced
 * @see fs/splice.c do_splice_direct(), splice_direct_to_actor()
 */
function spliceDirect(
  task: TaskStruct,
  from: File,
  src: Cursor,
  to: File,
  dst: Cursor,
  count: number,
): number {
  if ((to.flags & O_APPEND) !== 0 || (from.mode & FMODE_LSEEK) === 0) fail(EINVAL);
  if (count > 0 && from.fops.spliceRead !== true) fail(EINVAL);
  return move(task, from, src, to, dst, count);
}

/**
 * sendfile: copies from one file to another.
 * @param offset where to read; null: the position of `inFd`, which moves
 * @returns the bytes copied, and the offset after them (null with a null offset)
 * @throws {LinuxError} EBADF; ESPIPE: an offset into a pipe; EINVAL: a negative offset, O_APPEND,
 *   or a file that cannot be spliced; EOVERFLOW: at or beyond the largest position of either file
 *   system (K-022); EAGAIN, ERESTARTSYS: a pipe that is full; EPIPE
 * @see fs/read_write.c do_sendfile(), fs/splice.c do_splice_direct()
 */
export function sendfile(
  task: TaskStruct,
  outFd: number,
  inFd: number,
  offset: U64 | null,
  count: U64,
): { count: number; offset: U64 | null } {
  const files = filesOf(task);
  const from = files.get(inFd);
  if ((from.mode & FMODE_READ) === 0) fail(EBADF);
  if (offset !== null && (from.mode & FMODE_PREAD) === 0) fail(ESPIPE);
  const src = cursor(from, offset);
  let wanted = Math.min(Number(count), MAX_RW_COUNT);
  rwVerifyArea(from, src.pos, Number(count));
  const to = files.get(outFd);
  if ((to.mode & FMODE_WRITE) === 0) fail(EBADF);
  const dst = cursor(to, null);
  rwVerifyArea(to, dst.pos, wanted);
  if (isNegative(src.pos)) fail(EINVAL);
  const max = smaller(from.inode.sb.maxBytes, to.inode.sb.maxBytes);
  if (BigInt(src.pos) + BigInt(wanted) > max) {
    if (src.pos >= max) fail(EOVERFLOW);
    wanted = Number(max - BigInt(src.pos));
  }
  const pipe = getPipeInfo(to);
  const done =
    pipe === null
      ? spliceDirect(task, from, src, to, dst, wanted)
      : fileToPipe(task, from, src, pipe, wanted, (to.flags & O_NONBLOCK) !== 0);
  store(from, src);
  store(to, dst);
  return { count: done, offset: offset === null ? null : src.pos };
}

/**
 * splice: moves bytes between a pipe and a file, or two pipes; nothing that did not arrive is gone.
 * @throws {LinuxError} EINVAL: flags, no pipe, O_APPEND, or a file that cannot be spliced (K-022);
 *   EBADF; ESPIPE: an offset into a pipe; EAGAIN, ERESTARTSYS: a pipe is empty or full; EPIPE
 * @see fs/splice.c do_splice()
 */
export function splice(
  task: TaskStruct,
  fdIn: number,
  offIn: U64 | null,
  fdOut: number,
  offOut: U64 | null,
  len: U64,
  flags: number,
): number {
  if (len === 0) return 0;
  if ((flags & ~SPLICE_F_ALL) !== 0) fail(EINVAL);
  const files = filesOf(task);
  const from = files.get(fdIn);
  const to = files.get(fdOut);
  const input = getPipeInfo(from);
  const output = getPipeInfo(to);
  if ((input !== null && offIn !== null) || (output !== null && offOut !== null)) fail(ESPIPE);
  if ((from.mode & FMODE_READ) === 0 || (to.mode & FMODE_WRITE) === 0) fail(EBADF);
  if (input === null && output === null) fail(EINVAL);
  const count = Math.min(Number(len), MAX_RW_COUNT);
  const nonblock = (flags & SPLICE_F_NONBLOCK) !== 0;
  const waits = (pipe: File): boolean => !nonblock && (pipe.flags & O_NONBLOCK) === 0;
  if (input !== null && output !== null) {
    if (input === output) fail(EINVAL);
    return pipeToPipe(input, output, count, !waits(from) || !waits(to));
  }
  if (input !== null) {
    if (offOut !== null && (to.mode & FMODE_PWRITE) === 0) fail(EINVAL);
    if ((to.flags & O_APPEND) !== 0) fail(EINVAL);
    const dst = cursor(to, offOut);
    rwVerifyArea(to, dst.pos, count);
    const done = pipeToFile(task, input, to, dst, count, !waits(from));
    store(to, dst);
    return done;
  }
  if (offIn !== null && (from.mode & FMODE_PREAD) === 0) fail(EINVAL);
  const src = cursor(from, offIn);
  rwVerifyArea(from, src.pos, count);
  const done = fileToPipe(task, from, src, output as Pipe, count, !waits(to));
  store(from, src);
  return done;
}

/**
 * copy_file_range.
 * @returns the bytes copied, and the offsets after them
 * @throws {LinuxError} EBADF; EINVAL: flags, no regular file, overlap; EISDIR; EXDEV: two file
 *   systems, or one that cannot (K-022); EOVERFLOW: the range wraps
 * @see fs/read_write.c vfs_copy_file_range()
 */
export function copyFileRange(
  task: TaskStruct,
  fdIn: number,
  offIn: U64 | null,
  fdOut: number,
  offOut: U64 | null,
  len: U64,
  flags: number,
): { count: number; offIn: U64 | null; offOut: U64 | null } {
  const files = filesOf(task);
  const from = files.get(fdIn);
  const to = files.get(fdOut);
  if (flags !== 0) fail(EINVAL);
  if (isDir(from.inode.mode) || isDir(to.inode.mode)) fail(EISDIR);
  if (!isReg(from.inode.mode) || !isReg(to.inode.mode)) fail(EINVAL);
  if ((from.mode & FMODE_READ) === 0 || (to.mode & FMODE_WRITE) === 0) fail(EBADF);
  if ((to.flags & O_APPEND) !== 0) fail(EBADF);
  if (from.inode.sb !== to.inode.sb) fail(EXDEV);
  const src = cursor(from, offIn);
  const dst = cursor(to, offOut);
  const count = Math.min(
    Number(len),
    MAX_RW_COUNT,
    Math.max(Number(from.inode.size) - Number(src.pos), 0),
  );
  if (BigInt(src.pos) + BigInt(len) >= 1n << 64n) fail(EOVERFLOW);
  const overlaps =
    from.inode === to.inode &&
    BigInt(dst.pos) + BigInt(count) > BigInt(src.pos) &&
    BigInt(dst.pos) < BigInt(src.pos) + BigInt(count);
  if (overlaps) fail(EINVAL);
  const done = count === 0 ? 0 : move(task, from, src, to, dst, count);
  store(from, src);
  store(to, dst);
  return {
    count: done,
    offIn: offIn === null ? null : src.pos,
    offOut: offOut === null ? null : dst.pos,
  };
}
