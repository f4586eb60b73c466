import { EBADF, EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { filesOf, nofileLimit } from './fdtable.js';
import type { File } from './file.js';
import { FMODE_PATH } from './file.js';
import {
  F_ADD_SEALS,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GET_SEALS,
  F_GETFD,
  F_GETFL,
  F_GETOWN,
  F_GETPIPE_SZ,
  F_GETSIG,
  F_SETFD,
  F_SETFL,
  F_SETOWN,
  F_SETPIPE_SZ,
  F_SETSIG,
  FASYNC,
  FD_CLOEXEC,
  O_APPEND,
  O_CLOEXEC,
  O_DIRECT,
  O_NOATIME,
  O_NONBLOCK,
} from './flags.js';
import { getOwner, setOwner, setOwnerSignal } from './file-owner.js';
import { memfdAddSeals, memfdGetSeals } from './memfd.js';
import { inodeOwnerOrCapable } from './permission.js';
import { pipeFcntl } from './pipe.js';
import type { U64 } from './u64.js';

/** What F_SETFL may change. */
const SETFL_MASK = O_APPEND | O_NONBLOCK | FASYNC | O_DIRECT | O_NOATIME;
/** What fcntl does with an O_PATH descriptor. */
const PATH_COMMANDS = new Set([F_DUPFD, F_DUPFD_CLOEXEC, F_DUPFD_QUERY, F_GETFD, F_SETFD, F_GETFL]);
/** Flags of close_range(2). */
const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;

/** fs/fcntl.c f_dupfd() */
function dupFrom(task: TaskStruct, file: File, start: number, cloexec: boolean): number {
  const files = filesOf(task);
  const limit = nofileLimit(task);
  if (start >= limit) fail(EINVAL);
  const fd = files.lowestFree(limit, start);
  file.get();
  files.install(fd, file, cloexec);
  return fd;
}

/** fs/fcntl.c setfl() */
function setFlags(task: TaskStruct, file: File, flags: number): void {
  const sets = flags & ~file.flags;
  if ((sets & O_NOATIME) !== 0 && !inodeOwnerOrCapable(task, file.inode)) fail(EPERM);
  // A memfd was never opened, and so lacks FMODE_CAN_ODIRECT.
  const direct = file.fops.direct === true && file.inode.sb !== file.inode.sb.vfs.shm;
  if ((flags & O_DIRECT) !== 0 && !direct) fail(EINVAL);
  file.flags = (flags & SETFL_MASK) | (file.flags & ~SETFL_MASK);
}

/**
 * fcntl.
 * @throws {LinuxError} EBADF: no descriptor, or O_PATH and a command that uses the file; EINVAL: an
 *   unknown command or argument; EMFILE; EPERM: O_NOATIME or seals; EBUSY: seals; ESRCH: no such owner
 * @see fs/fcntl.c do_fcntl()
 */
export function sysFcntl(task: TaskStruct, fd: number, cmd: number, arg: U64): number {
  const files = filesOf(task);
  const file = files.rawFile(fd);
  if ((file.mode & FMODE_PATH) !== 0 && !PATH_COMMANDS.has(cmd)) fail(EBADF);
  const value = Number(BigInt.asUintN(32, BigInt(arg)));
  switch (cmd) {
    case F_DUPFD:
      return dupFrom(task, file, value, false);
    case F_DUPFD_CLOEXEC:
      return dupFrom(task, file, value, true);
    case F_DUPFD_QUERY:
      return Number(files.rawFile(value) === file);
    case F_GETFD:
      return files.isCloexec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
      files.setCloexec(fd, (value & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return file.flags;
    case F_SETFL:
      setFlags(task, file, value);
      return 0;
    case F_SETOWN:
      setOwner(task, file, value | 0);
      return 0;
    case F_GETOWN:
      return getOwner(task, file);
    case F_SETSIG:
      setOwnerSignal(file, value | 0);
      return 0;
    case F_GETSIG:
      return file.ownerSignal;
    case F_ADD_SEALS:
      memfdAddSeals(file, value);
      return 0;
    case F_GET_SEALS:
      return memfdGetSeals(file);
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
      return pipeFcntl(task, file, cmd, value);
    default:
      fail(EINVAL);
  }
}

/**
 * dup; O_PATH descriptors too.
 * @throws {LinuxError} EBADF; EMFILE
 * @see fs/file.c dup()
 */
export function sysDup(task: TaskStruct, oldfd: number): number {
  const files = filesOf(task);
  const file = files.rawFile(oldfd);
  const fd = files.lowestFree(nofileLimit(task));
  file.get();
  files.install(fd, file, false);
  return fd;
}

function dupTo(task: TaskStruct, oldfd: number, newfd: number, cloexec: boolean): number {
  if (newfd < 0 || newfd >= nofileLimit(task)) fail(EBADF);
  const files = filesOf(task);
  const file = files.rawFile(oldfd);
  file.get();
  files.replace(newfd, file, cloexec);
  return newfd;
}

/**
 * dup2; the same number twice only asks whether it is open.
 * @throws {LinuxError} EBADF: not open, or a number beyond RLIMIT_NOFILE
 * @see fs/file.c dup2()
 */
export function sysDup2(task: TaskStruct, oldfd: number, newfd: number): number {
  if (oldfd !== newfd) return dupTo(task, oldfd, newfd, false);
  filesOf(task).rawFile(oldfd);
  return oldfd;
}

/**
 * dup3.
 * @throws {LinuxError} EINVAL: flags, or the same number twice; EBADF: as dup2
 * @see fs/file.c ksys_dup3()
 */
export function sysDup3(task: TaskStruct, oldfd: number, newfd: number, flags: number): number {
  if ((flags & ~O_CLOEXEC) !== 0 || oldfd === newfd) fail(EINVAL);
  return dupTo(task, oldfd, newfd, (flags & O_CLOEXEC) !== 0);
}

/**
 * close.
 * @throws {LinuxError} EBADF
 * @see fs/open.c close()
 */
export function sysClose(task: TaskStruct, fd: number): void {
  filesOf(task).close(fd);
}

/**
 * close_range: closes, or marks close-on-exec, every descriptor from `first` to `last`. A shared
 * table is first copied where CLOSE_RANGE_UNSHARE asks.
 * @throws {LinuxError} EINVAL: flags, or an empty range
 * @see fs/file.c close_range()
 */
export function sysCloseRange(task: TaskStruct, first: number, last: number, flags: number): void {
  if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) !== 0 || first > last) fail(EINVAL);
  let files = filesOf(task);
  if ((flags & CLOSE_RANGE_UNSHARE) !== 0 && files.users > 1) {
    files.users -= 1;
    files = files.dup();
    task.files = files;
  }
  for (const fd of files.openFds()) {
    if (fd < first || fd > last) continue;
    if ((flags & CLOSE_RANGE_CLOEXEC) !== 0) files.setCloexec(fd, true);
    else files.close(fd);
  }
}
