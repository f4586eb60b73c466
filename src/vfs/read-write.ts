import { EBADF, EFAULT, EINVAL, EOVERFLOW, ESPIPE } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { transferLimit } from '../kernel/syscall-entry.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import { type FdTable, filesOf } from './fdtable.js';
import type { File } from './file.js';
import {
  FMODE_LSEEK,
  FMODE_PATH,
  FMODE_PREAD,
  FMODE_PWRITE,
  FMODE_READ,
  FMODE_UNSIGNED_OFFSET,
  FMODE_WRITE,
} from './file.js';
import { fsnotifyTransfer } from './fsnotify.js';
import { MAX_RW_COUNT, O_APPEND, SEEK_HOLE } from './flags.js';
import { isReg } from './mode.js';
import { addU64, isNegative, toSigned } from './u64.js';
import type { U64 } from './u64.js';

const TWO_63 = 2 ** 63;

/**
 * Checks a position and a count together. Only files whose positions are addresses may begin at
 * 2^63 and above, and none may wrap past 2^64 (K-123).
 * @throws {LinuxError} EINVAL: the range leaves loff_t; EOVERFLOW: it wraps
 * @see fs/read_write.c rw_verify_area()
 */
export function rwVerifyArea(file: File, pos: U64, count: number): void {
  if (typeof pos !== 'number' || pos + count >= TWO_63) verifyFarArea(file, pos, count);
}

function verifyFarArea(file: File, pos: U64, count: number): void {
  const unsigned = (file.mode & FMODE_UNSIGNED_OFFSET) !== 0;
  if (!isNegative(pos)) {
    if (unsigned || BigInt(pos) + BigInt(count) < 1n << 63n) return;
    fail(EINVAL);
  }
  if (!unsigned) fail(EINVAL);
  if (BigInt(count) >= (1n << 64n) - BigInt(pos)) fail(EOVERFLOW);
}

/** The part of a buffer that one call may move. */
function cutToLimit(task: TaskStruct, buf: UserBuffer): UserBuffer {
  return task.kernel.entry === null && buf.length <= MAX_RW_COUNT ? buf : cut(task, buf);
}

function cut(task: TaskStruct, buf: UserBuffer): UserBuffer {
  const most = Math.min(transferLimit(task), MAX_RW_COUNT);
  return buf.length > most ? buf.slice(0, most) : buf;
}

/**
 * Reads from an open file at a position; the position of the file stays.
 * @returns bytes read, short or 0 as read(2)
 * @throws {LinuxError} EBADF: not for reading; EINVAL: it cannot be read, or the position; EFAULT:
 *   the buffer is no user range (K-108); EOVERFLOW; then what the file gives
 * @see fs/read_write.c vfs_read()
 */
export function vfsRead(task: TaskStruct, file: File, buf: UserBuffer, pos: U64): number {
  if ((file.mode & FMODE_READ) === 0) fail(EBADF);
  if (file.fops.read === undefined) fail(EINVAL);
  if (!buf.ok()) fail(EFAULT);
  rwVerifyArea(file, pos, buf.length);
  const n = file.fops.read(task, file, cutToLimit(task, buf), pos);
  fsnotifyTransfer(file, n, false);
  task.ioac.rchar += n;
  task.ioac.syscr += 1;
  return n;
}

/**
 * Writes to an open file at a position; the position of the file stays.
 * @returns bytes written
 * @throws {LinuxError} as vfsRead(), for writing
 * @see fs/read_write.c vfs_write()
 */
export function vfsWrite(task: TaskStruct, file: File, buf: UserBuffer, pos: U64): number {
  if ((file.mode & FMODE_WRITE) === 0) fail(EBADF);
  if (file.fops.write === undefined) fail(EINVAL);
  if (!buf.ok()) fail(EFAULT);
  rwVerifyArea(file, pos, buf.length);
  const n = file.fops.write(task, file, cutToLimit(task, buf), pos);
  fsnotifyTransfer(file, n, true);
  task.ioac.wchar += n;
  task.ioac.syscw += 1;
  return n;
}

/** Where a write begins: O_APPEND moves it to the end of a regular file with contents (K-114). */
export function appendedPosition(file: File, pos: U64): U64 {
  const appends = (file.flags & O_APPEND) !== 0 && file.inode.pages !== null;
  return appends && isReg(file.inode.mode) ? file.inode.size : pos;
}

/** The position is verified as it stands, before O_APPEND moves it; a write of nothing moves nothing. */
export function writePosition(file: File, buf: UserBuffer, pos: U64): U64 {
  // Where nothing moves it vfsWrite() verifies it in time.
  if ((file.flags & O_APPEND) === 0) return pos;
  if (buf.length === 0 || (file.mode & FMODE_WRITE) === 0 || !buf.ok()) return pos;
  rwVerifyArea(file, pos, buf.length);
  return appendedPosition(file, pos);
}

/**
 * read on an open file: at its position, which moves by the bytes read, and stays on an error
 * (K-110).
 * @throws {LinuxError} as vfsRead()
 */
function fileRead(task: TaskStruct, file: File, buf: UserBuffer): number {
  const n = vfsRead(task, file, buf, file.pos);
  file.pos = addU64(file.pos, n);
  return n;
}

/**
 * write on an open file: at its position, which moves by the bytes written.
 * @throws {LinuxError} as vfsWrite()
 */
function fileWrite(task: TaskStruct, file: File, buf: UserBuffer): number {
  const pos = writePosition(file, buf, file.pos);
  const n = vfsWrite(task, file, buf, pos);
  file.pos = file.fops.writeStays === true ? pos : addU64(pos, n);
  return n;
}

/**
 * pread64 on an open file.
 * @throws {LinuxError} EINVAL: a negative position (K-124); ESPIPE: it has no positions; as
 *   vfsRead()
 */
export function filePread(task: TaskStruct, file: File, buf: UserBuffer, pos: U64): number {
  if (isNegative(pos)) fail(EINVAL);
  if ((file.mode & FMODE_PREAD) === 0) fail(ESPIPE);
  return vfsRead(task, file, buf, pos);
}

/**
 * pwrite64 on an open file.
 * @throws {LinuxError} EINVAL: a negative position (K-124); ESPIPE: it has no positions; as
 *   vfsWrite()
 */
export function filePwrite(task: TaskStruct, file: File, buf: UserBuffer, pos: U64): number {
  if (isNegative(pos)) fail(EINVAL);
  if ((file.mode & FMODE_PWRITE) === 0) fail(ESPIPE);
  return vfsWrite(task, file, buf, writePosition(file, buf, pos));
}

/**
 * read.
 * @throws {LinuxError} EBADF: no descriptor; as fileRead()
 * @see fs/read_write.c ksys_read()
 */
export function ksysRead(task: TaskStruct, fd: number, buf: UserBuffer): number {
  return fileRead(task, filesOf(task).get(fd), buf);
}

/**
 * write.
 * @throws {LinuxError} EBADF: no descriptor; as fileWrite()
 * @see fs/read_write.c ksys_write()
 */
export function ksysWrite(task: TaskStruct, fd: number, buf: UserBuffer): number {
  return fileWrite(task, filesOf(task).get(fd), buf);
}

/**
 * pread64. A negative position is refused before the descriptor is looked at.
 * @throws {LinuxError} EINVAL; EBADF; as filePread()
 * @see fs/read_write.c ksys_pread64()
 */
export function ksysPread64(task: TaskStruct, fd: number, buf: UserBuffer, pos: U64): number {
  if (isNegative(pos)) fail(EINVAL);
  return filePread(task, filesOf(task).get(fd), buf, pos);
}

/**
 * pwrite64. A negative position is refused before the descriptor is looked at.
 * @throws {LinuxError} EINVAL; EBADF; as filePwrite()
 * @see fs/read_write.c ksys_pwrite64()
 */
export function ksysPwrite64(task: TaskStruct, fd: number, buf: UserBuffer, pos: U64): number {
  if (isNegative(pos)) fail(EINVAL);
  return filePwrite(task, filesOf(task).get(fd), buf, pos);
}

const PREADS = FMODE_READ | FMODE_PREAD;
const PWRITES = FMODE_WRITE | FMODE_PWRITE;

/** The open file of a descriptor with these FMODE_*, when no rule looks at calls; null: ask the calls above. */
function fileFor(task: TaskStruct, fd: number, mode: number): File | null {
  if (task.kernel.entry !== null || task.files === null) return null;
  // Every table of descriptors is one; to ask would be to follow prototypes (measured).
  const file = (task.files as FdTable).getRaw(fd);
  return file !== null && (file.mode & (mode | FMODE_PATH)) === mode ? file : null;
}

function readFrom(task: TaskStruct, file: File, host: Uint8Array, pos: U64): number {
  if (file.fops.ready === undefined || typeof pos !== 'number') return 0;
  const n = file.fops.ready(file, host, pos, false);
  if (n === 0) return 0;
  fsnotifyTransfer(file, n, false);
  task.ioac.rchar += n;
  task.ioac.syscr += 1;
  return n;
}

function writeTo(task: TaskStruct, file: File, host: Uint8Array, pos: U64): number {
  if (file.fops.ready === undefined || typeof pos !== 'number') return 0;
  const n = file.fops.ready(file, host, pos, true);
  if (n === 0) return 0;
  fsnotifyTransfer(file, n, true);
  task.ioac.wchar += n;
  task.ioac.syscw += 1;
  return n;
}

/**
 * pread64 to an array of the host, where it takes no more than a copy: bytes read, or 0 when ksysPread64() has to be
 * called, for whatever reason. Nothing is made and nothing is thrown.
 */
export function preadReady(task: TaskStruct, fd: number, host: Uint8Array, pos: U64): number {
  const file = fileFor(task, fd, PREADS);
  return file === null ? 0 : readFrom(task, file, host, pos);
}

/** The same of pwrite64. */
export function pwriteReady(task: TaskStruct, fd: number, host: Uint8Array, pos: U64): number {
  const file = fileFor(task, fd, PWRITES);
  return file === null ? 0 : writeTo(task, file, host, pos);
}

/** The same of read. */
export function readReady(task: TaskStruct, fd: number, host: Uint8Array): number {
  const file = fileFor(task, fd, FMODE_READ);
  const n = file === null ? 0 : readFrom(task, file, host, file.pos);
  if (file !== null && n > 0) file.pos = addU64(file.pos, n);
  return n;
}

/** The same of write: what has anything ready knows no end that O_APPEND would mean. */
export function writeReady(task: TaskStruct, fd: number, host: Uint8Array): number {
  const file = fileFor(task, fd, FMODE_WRITE);
  const n = file === null ? 0 : writeTo(task, file, host, file.pos);
  if (file !== null && n > 0) file.pos = addU64(file.pos, n);
  return n;
}

/**
 * lseek on an open file: stores and returns the new position.
 * @throws {LinuxError} EINVAL: whence, or what the file refuses; ESPIPE: it has no positions
 * @see fs/read_write.c vfs_llseek()
 */
function vfsLlseek(task: TaskStruct, file: File, offset: U64, whence: number): U64 {
  if (whence < 0 || whence > SEEK_HOLE) fail(EINVAL);
  if ((file.mode & FMODE_LSEEK) === 0 || file.fops.llseek === undefined) fail(ESPIPE);
  const pos = file.fops.llseek(task, file, toSigned(offset), whence);
  // In a file with pages that is no position but an answer only: see shmemLlseek().
  if (file.inode.pages === null || !isNegative(pos)) file.pos = pos;
  return pos;
}

/**
 * lseek.
 * @throws {LinuxError} EBADF; as vfsLlseek()
 * @see fs/read_write.c ksys_lseek()
 */
export function ksysLseek(task: TaskStruct, fd: number, offset: U64, whence: number): U64 {
  return vfsLlseek(task, filesOf(task).get(fd), offset, whence);
}
