import {
  EBADF,
  EINVAL,
  EISDIR,
  EOPNOTSUPP,
  EOVERFLOW,
  ESPIPE,
  EXDEV,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { HostBuffer } from '../mm/user.js';
import { filesOf } from './fdtable.js';
import type { File } from './file.js';
import { FMODE_PREAD, FMODE_PWRITE, FMODE_READ, FMODE_WRITE } from './file.js';
import { MAX_RW_COUNT, O_APPEND } from './flags.js';
import { isDir, isReg, S_IFIFO, S_IFMT } from './mode.js';
import { rwVerifyArea } from './read-write.js';
import { addU64, isNegative } from './u64.js';
import type { U64 } from './u64.js';

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
 * Copies until the source ends or one side comes short; an error after the first bytes ends it
 * quietly.
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
      const put =
        to.fops.write?.(task, to, new HostBuffer(chunk.subarray(0, got)), dst.pos) ?? fail(EINVAL);
      src.pos = addU64(src.pos, put);
      dst.pos = addU64(dst.pos, put);
      done += put;
      if (put < got) break;
    } catch (error) {
      if (done === 0) throw error;
      break;
    }
  }
  return done;
}

/**
 * sendfile: copies from one file to another.
 * @param offset where to read; null: the position of `inFd`, which moves
 * @returns the bytes copied, and the offset after them (null with a null offset)
 * @throws {LinuxError} EBADF; ESPIPE: an offset into a pipe; EINVAL: a negative offset, O_APPEND,
 *   or a file that cannot be spliced; EOVERFLOW: at or beyond the largest position of either file
 *   system (K-022)
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
  if ((to.flags & O_APPEND) !== 0 || from.fops.spliceRead !== true) fail(EINVAL);
  const done = move(task, from, src, to, dst, wanted);
  store(from, src);
  store(to, dst);
  return { count: done, offset: offset === null ? null : src.pos };
}

const isPipe = (file: File): boolean => (file.inode.mode & S_IFMT) === S_IFIFO;

/**
 * splice: moves bytes between a pipe and a file, or two pipes.
 * @throws {LinuxError} EINVAL: flags, no pipe, O_APPEND, or a file that cannot be spliced (K-022);
 *   EBADF; ESPIPE: an offset into a pipe; EAGAIN, ERESTARTSYS: the pipe is empty or full
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
  if ((flags & ~0xf) !== 0) fail(EINVAL);
  const files = filesOf(task);
  const from = files.get(fdIn);
  const to = files.get(fdOut);
  if ((from.mode & FMODE_READ) === 0 || (to.mode & FMODE_WRITE) === 0) fail(EBADF);
  if (!isPipe(from) && !isPipe(to)) fail(EINVAL);
  if ((isPipe(from) && offIn !== null) || (isPipe(to) && offOut !== null)) fail(ESPIPE);
  if (offIn !== null && (from.mode & FMODE_PREAD) === 0) fail(EINVAL);
  if (offOut !== null && (to.mode & FMODE_PWRITE) === 0) fail(EINVAL);
  if ((to.flags & O_APPEND) !== 0 || from.inode === to.inode) fail(EINVAL);
  const src = cursor(from, offIn);
  const dst = cursor(to, offOut);
  const count = Math.min(Number(len), MAX_RW_COUNT);
  rwVerifyArea(from, src.pos, count);
  if (from.fops.spliceRead !== true) fail(EINVAL);
  const done = move(task, from, src, to, dst, count);
  store(from, src);
  store(to, dst);
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
  if (from.inode.sb !== to.inode.sb || from.inode.pages === null) fail(EXDEV);
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
  if (from.inode.pages === null) fail(EOPNOTSUPP);
  const done = count === 0 ? 0 : move(task, from, src, to, dst, count);
  store(from, src);
  store(to, dst);
  return {
    count: done,
    offIn: offIn === null ? null : src.pos,
    offOut: offOut === null ? null : dst.pos,
  };
}
