import { EBADF, EINVAL, EOPNOTSUPP, ESPIPE } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { takeProgress } from '../kernel/sleep.js';
import { transferLimit } from '../kernel/syscall-entry.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import { GatheredBuffer } from './iov.js';
import { filesOf } from './fdtable.js';
import type { File } from './file.js';
import { FMODE_PREAD, FMODE_PWRITE, FMODE_READ, FMODE_WRITE } from './file.js';
import {
  RWF_APPEND,
  RWF_ATOMIC,
  RWF_DONTCACHE,
  RWF_NOSIGNAL,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOAPPEND,
  RWF_NOWAIT,
  RWF_SYNC,
} from './flags.js';
import { fsnotifyTransfer } from './fsnotify.js';
import { rwVerifyArea, appendedPosition } from './read-write.js';
import { addU64, isNegative } from './u64.js';
import type { U64 } from './u64.js';

/** Gives the segments of a call, checked (importIovec()); asked once the descriptor is. */
export type IovecSource = () => readonly UserBuffer[];

const RWF_KNOWN =
  RWF_HIPRI |
  RWF_DSYNC |
  RWF_SYNC |
  RWF_NOWAIT |
  RWF_APPEND |
  RWF_NOAPPEND |
  RWF_ATOMIC |
  RWF_DONTCACHE |
  RWF_NOSIGNAL;
const ALL_ONES = (1n << 64n) - 1n;

/** What a vectored transfer did: bytes, and the position it left, which may be further (K-112). */
interface Transfer {
  readonly count: number;
  readonly pos: U64;
}

/**
 * Checks the flags of preadv2 and pwritev2: files that take one buffer at a time know RWF_HIPRI
 * only.
 * @throws {LinuxError} EOPNOTSUPP: a flag the file or Linux does not know (K-113); EINVAL: two that
 *   exclude each other
 * @see fs/read_write.c do_loop_readv_writev(), include/linux/fs.h kiocb_set_rw_flags()
 */
function checkRwf(file: File, rwf: number): void {
  if (rwf === 0) return;
  if (file.fops.iter !== true) {
    if ((rwf & ~RWF_HIPRI) !== 0) fail(EOPNOTSUPP);
    return;
  }
  if ((rwf & ~RWF_KNOWN) !== 0) fail(EOPNOTSUPP);
  if ((rwf & RWF_APPEND) !== 0 && (rwf & RWF_NOAPPEND) !== 0) fail(EINVAL);
  if ((rwf & (RWF_ATOMIC | RWF_DONTCACHE)) !== 0) fail(EOPNOTSUPP);
  // Files in memory have no FMODE_NOWAIT.
  if ((rwf & RWF_NOWAIT) !== 0 && file.inode.pages !== null) fail(EOPNOTSUPP);
}

/** The first `most` bytes of segments. */
function cutSegments(segments: readonly UserBuffer[], most: number): readonly UserBuffer[] {
  if (most === Infinity) return segments;
  let left = most;
  return segments.map((segment) => {
    const part = segment.slice(0, Math.min(left, segment.length));
    left -= part.length;
    return part;
  });
}

/**
 * One buffer after the other until one comes short; an error after the first bytes ends it quietly
 * (K-111).
 */
function loopSegments(
  task: TaskStruct,
  file: File,
  segments: readonly UserBuffer[],
  start: U64,
  write: boolean,
): Transfer {
  const op = write ? file.fops.write : file.fops.read;
  let count = 0;
  let pos = start;
  for (const segment of segments) {
    if (segment.length === 0) continue;
    file.failedAdvance = 0;
    let n: number;
    try {
      n = (op as NonNullable<typeof op>).call(file.fops, task, file, segment, pos);
    } catch (error) {
      if (count === 0) throw error;
      // A write to a pipe may have been done in part when it had to wait: nobody goes on with it.
      count += takeProgress(task);
      return { count, pos: addU64(pos, file.failedAdvance) };
    }
    count += n;
    if (!write || file.fops.writeStays !== true) pos = addU64(pos, n);
    if (n !== segment.length) break;
  }
  return { count, pos };
}

/**
 * A vectored read or write of an open file at a position.
 * @throws {LinuxError} EBADF: not for that; EINVAL: it cannot; what importing throws; EINVAL,
 *   EOVERFLOW: the range; EOPNOTSUPP: the flags; then what the file gives
 * @see fs/read_write.c vfs_readv(), vfs_writev()
 */
function vfsTransferv(
  task: TaskStruct,
  file: File,
  iov: IovecSource,
  pos: U64,
  rwf: number,
  write: boolean,
): Transfer {
  if ((file.mode & (write ? FMODE_WRITE : FMODE_READ)) === 0) fail(EBADF);
  if ((write ? file.fops.write : file.fops.read) === undefined) fail(EINVAL);
  const segments = iov();
  const total = segments.reduce((sum, segment) => sum + segment.length, 0);
  if (total === 0) return { count: 0, pos };
  rwVerifyArea(file, pos, total);
  checkRwf(file, rwf);
  const limited = cutSegments(segments, transferLimit(task));
  const cut = file.fops.gathers === true ? [new GatheredBuffer(limited)] : limited;
  const start = write ? rwfPosition(file, pos, rwf) : pos;
  const done = loopSegments(task, file, cut, start, write);
  fsnotifyTransfer(file, done.count, write);
  return done;
}

function rwfPosition(file: File, pos: U64, rwf: number): U64 {
  if ((rwf & RWF_NOAPPEND) !== 0) return pos;
  if ((rwf & RWF_APPEND) !== 0 && file.inode.pages !== null) return file.inode.size;
  return appendedPosition(file, pos);
}

function transferAtFilePos(
  task: TaskStruct,
  fd: number,
  iov: IovecSource,
  rwf: number,
  write: boolean,
): number {
  const file = filesOf(task).get(fd);
  const { count, pos } = vfsTransferv(task, file, iov, file.pos, rwf, write);
  file.pos = pos;
  return count;
}

function transferAt(
  task: TaskStruct,
  fd: number,
  iov: IovecSource,
  pos: U64,
  rwf: number,
  write: boolean,
): number {
  if (isNegative(pos)) fail(EINVAL);
  const file = filesOf(task).get(fd);
  if ((file.mode & (write ? FMODE_PWRITE : FMODE_PREAD)) === 0) fail(ESPIPE);
  return vfsTransferv(task, file, iov, pos, rwf, write).count;
}

/** Whether a preadv2 or pwritev2 means the position of the file. */
const isFilePos = (pos: U64): boolean => pos === ALL_ONES;

/**
 * readv, and preadv2 at the position of the file.
 * @throws {LinuxError} EBADF; as vfsTransferv()
 * @see fs/read_write.c do_readv()
 */
export function doReadv(task: TaskStruct, fd: number, iov: IovecSource, rwf: number): number {
  return transferAtFilePos(task, fd, iov, rwf, false);
}

/**
 * writev, and pwritev2 at the position of the file.
 * @throws {LinuxError} EBADF; as vfsTransferv()
 * @see fs/read_write.c do_writev()
 */
export function doWritev(task: TaskStruct, fd: number, iov: IovecSource, rwf: number): number {
  return transferAtFilePos(task, fd, iov, rwf, true);
}

/**
 * preadv; with `flagsForm` preadv2, where -1 means the position of the file.
 * @throws {LinuxError} EINVAL: a negative position; EBADF; ESPIPE; as vfsTransferv()
 * @see fs/read_write.c do_preadv(), preadv2()
 */
export function doPreadv(
  task: TaskStruct,
  fd: number,
  iov: IovecSource,
  pos: U64,
  rwf: number,
  flagsForm = false,
): number {
  if (flagsForm && isFilePos(pos)) return doReadv(task, fd, iov, rwf);
  return transferAt(task, fd, iov, pos, rwf, false);
}

/**
 * pwritev; with `flagsForm` pwritev2, where -1 means the position of the file.
 * @throws {LinuxError} EINVAL: a negative position; EBADF; ESPIPE; as vfsTransferv()
 * @see fs/read_write.c do_pwritev(), pwritev2()
 */
export function doPwritev(
  task: TaskStruct,
  fd: number,
  iov: IovecSource,
  pos: U64,
  rwf: number,
  flagsForm = false,
): number {
  if (flagsForm && isFilePos(pos)) return doWritev(task, fd, iov, rwf);
  return transferAt(task, fd, iov, pos, rwf, true);
}
