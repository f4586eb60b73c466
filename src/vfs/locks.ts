import { EAGAIN, EBADF, EINVAL, EOVERFLOW, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { File } from './file.js';
import { FMODE_READ, FMODE_WRITE } from './file.js';
import { SEEK_CUR, SEEK_END, SEEK_SET } from './flags.js';

// include/uapi/asm-generic/fcntl.h
export const F_RDLCK = 0;
export const F_WRLCK = 1;
export const F_UNLCK = 2;
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
/** The last byte of a file. */
const OFFSET_MAX = (1n << 63n) - 1n;

/** struct flock as a caller gives it, and gets it back. */
export interface Flock {
  readonly type: number;
  readonly whence: number;
  readonly start: bigint;
  readonly len: bigint;
  readonly pid: number;
}

/** A lock on the bytes [start, end], both inclusive (struct file_lock). */
interface RangeLock {
  /** A table of descriptors, or the open file (OFD locks). */
  readonly owner: object;
  readonly type: number;
  readonly start: bigint;
  readonly end: bigint;
  /** The process, as F_GETLK tells it; -1 of an open file. */
  readonly pid: number;
}

/** What is locked of one file (struct file_lock_context). */
export class FileLocks {
  /** In rising order of their starts for each owner; those of one owner do not overlap. */
  ranges: RangeLock[] = [];
  /** Locks of flock(): the open file, and F_RDLCK or F_WRLCK. */
  readonly whole = new Map<File, number>();

  /** The first lock of somebody else that stands in the way. */
  conflict({ owner, type, start, end }: RangeLock): RangeLock | null {
    const found = this.ranges.find(
      (lock) =>
        lock.owner !== owner &&
        (lock.type === F_WRLCK || type === F_WRLCK) &&
        lock.start <= end &&
        start <= lock.end,
    );
    return found ?? null;
  }

  /** Puts a lock in place of what its owner had there; F_UNLCK leaves nothing. */
  set(lock: RangeLock): void {
    const rest = this.ranges.flatMap((old) => (old.owner === lock.owner ? cut(old, lock) : [old]));
    if (lock.type !== F_UNLCK) rest.push(lock);
    this.ranges = mergeOwn(rest, lock.owner);
  }

  /** All that an owner has is unlocked. */
  release(owner: object): void {
    this.ranges = this.ranges.filter((lock) => lock.owner !== owner);
  }
}

/** What is left of a lock without the bytes of another. */
function cut(old: RangeLock, gone: RangeLock): RangeLock[] {
  if (old.end < gone.start || gone.end < old.start) return [old];
  const left: RangeLock[] = [];
  if (old.start < gone.start) left.push({ ...old, end: gone.start - 1n });
  if (old.end > gone.end) left.push({ ...old, start: gone.end + 1n });
  return left;
}

/** Joins locks of one owner and type that touch. */
function mergeOwn(locks: readonly RangeLock[], owner: object): RangeLock[] {
  const own = locks.filter((lock) => lock.owner === owner);
  own.sort((a, b) => (a.start < b.start ? -1 : 1));
  const merged: RangeLock[] = [];
  for (const lock of own) {
    const last = merged.at(-1);
    if (last?.type === lock.type && last.end + 1n === lock.start) {
      merged[merged.length - 1] = { ...last, end: lock.end };
    } else merged.push(lock);
  }
  return [...locks.filter((lock) => lock.owner !== owner), ...merged];
}

/**
 * The bytes that a struct flock names.
 * @throws {LinuxError} EINVAL: whence, type, or before the beginning; EOVERFLOW: beyond the end
 * @see fs/locks.c flock64_to_posix_lock()
 */
function toRange(file: File, flock: Flock, owner: object, pid: number): RangeLock {
  const { whence, len, type } = flock;
  if (whence < SEEK_SET || whence > SEEK_END) fail(EINVAL);
  const from = whence === SEEK_CUR ? file.pos : whence === SEEK_END ? file.inode.size : 0;
  const base = BigInt(from);
  if (flock.start > OFFSET_MAX - base) fail(EOVERFLOW);
  let start = base + flock.start;
  if (start < 0n) fail(EINVAL);
  let end = OFFSET_MAX;
  if (len > 0n) {
    if (len - 1n > OFFSET_MAX - start) fail(EOVERFLOW);
    end = start + len - 1n;
  } else if (len < 0n) {
    if (start + len < 0n) fail(EINVAL);
    end = start - 1n;
    start += len;
  }
  if (type !== F_RDLCK && type !== F_WRLCK && type !== F_UNLCK) fail(EINVAL);
  return { owner, type, start, end, pid };
}

function locksOf(file: File): FileLocks {
  return (file.inode.locks ??= new FileLocks());
}

/**
 * F_GETLK and F_OFD_GETLK: a lock in the way, or the same with F_UNLCK.
 * @throws {LinuxError} EINVAL, EOVERFLOW: no such range or type
 * @see fs/locks.c fcntl_getlk()
 */
export function getRangeLock(file: File, flock: Flock, owner: object): Flock {
  if (flock.type !== F_RDLCK && flock.type !== F_WRLCK) fail(EINVAL);
  const other = locksOf(file).conflict(toRange(file, flock, owner, 0));
  if (other === null) return { ...flock, type: F_UNLCK };
  const len = other.end === OFFSET_MAX ? 0n : other.end - other.start + 1n;
  return { type: other.type, whence: SEEK_SET, start: other.start, len, pid: other.pid };
}

/**
 * F_SETLK, F_SETLKW and their OFD twins.
 * @throws {LinuxError} EINVAL, EOVERFLOW: no such range or type; EBADF: not open for what the lock
 *   protects; EAGAIN, ERESTARTSYS: somebody else has a lock in the way
 * @see fs/locks.c fcntl_setlk(), posix_lock_inode()
 */
export function setRangeLock(
  file: File,
  flock: Flock,
  by: { readonly owner: object; readonly pid: number; readonly waits: boolean },
): void {
  const lock = toRange(file, flock, by.owner, by.pid);
  if (lock.type === F_RDLCK && (file.mode & FMODE_READ) === 0) fail(EBADF);
  if (lock.type === F_WRLCK && (file.mode & FMODE_WRITE) === 0) fail(EBADF);
  const locks = locksOf(file);
  if (lock.type !== F_UNLCK && locks.conflict(lock) !== null) {
    fail(by.waits ? ERESTARTSYS : EAGAIN);
  }
  locks.set(lock);
}

/**
 * flock: a lock of the open file on all of it. A lock of another type is given up first.
 * @throws {LinuxError} EINVAL: no such operation; EBADF: opened for nothing; EAGAIN, ERESTARTSYS: another
 *   open file has a lock in the way
 * @see fs/locks.c flock(), flock_lock_inode()
 */
export function flock(file: File, operation: number): void {
  const wanted = operation & ~LOCK_NB;
  if (wanted !== LOCK_SH && wanted !== LOCK_EX && wanted !== LOCK_UN) fail(EINVAL);
  if (wanted !== LOCK_UN && (file.mode & (FMODE_READ | FMODE_WRITE)) === 0) fail(EBADF);
  const { whole } = locksOf(file);
  const type = wanted === LOCK_SH ? F_RDLCK : F_WRLCK;
  if (wanted !== LOCK_UN && whole.get(file) === type) return;
  whole.delete(file);
  if (wanted === LOCK_UN) return;
  const blocked = [...whole.values()].some((held) => held === F_WRLCK || type === F_WRLCK);
  if (blocked) fail((operation & LOCK_NB) !== 0 ? EAGAIN : ERESTARTSYS);
  whole.set(file, type);
}

/** A table of descriptors closes one: its locks on that file go, whichever descriptor set them (POSIX). */
export function locksRemovePosix(file: File, owner: object): void {
  file.inode.locks?.release(owner);
}

/** The last reference to an open file goes: so do its own locks. */
export function locksRemoveFile(file: File): void {
  file.inode.locks?.release(file);
  file.inode.locks?.whole.delete(file);
}
