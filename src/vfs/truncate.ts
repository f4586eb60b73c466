import {
  EBADF,
  EFBIG,
  EINVAL,
  EISDIR,
  ENODEV,
  EOPNOTSUPP,
  EPERM,
  EROFS,
  ESPIPE,
  ETXTBSY,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { sendSignal } from '../kernel/deliver.js';
import { RLIMIT_FSIZE } from '../kernel/rlimit.js';
import { makeSiginfo, SI_USER } from '../kernel/siginfo.js';
import { SIGXFSZ } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { fileRemovePrivs, notifyChange } from './attr.js';
import { filesOf } from './fdtable.js';
import { FMODE_WRITE } from './file.js';
import {
  AT_FDCWD,
  F_SEAL_GROW,
  F_SEAL_SHRINK,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_LARGEFILE,
} from './flags.js';
import type { Dentry } from './dentry.js';
import { fsnotifyFile } from './fsnotify.js';
import { IN_MODIFY } from './inotify-flags.js';
import { isDir, isReg, MAY_WRITE, S_IFIFO, S_IFMT } from './mode.js';
import { filenameLookup, LOOKUP_FOLLOW } from './namei.js';
import { inodePermission } from './permission.js';
import { isNegative, toU64 } from './u64.js';
import type { U64 } from './u64.js';

/** Bytes a file the task writes may have: the soft limit of RLIMIT_FSIZE. */
export function fsizeLimit(task: TaskStruct): number {
  return task.group.rlimits.soft(RLIMIT_FSIZE);
}

/**
 * Refuses what goes beyond RLIMIT_FSIZE, with SIGXFSZ.
 * @throws {LinuxError} EFBIG
 * @see fs/attr.c inode_newsize_ok(), fs/read_write.c generic_write_check_limits()
 */
export function failFsize(task: TaskStruct): never {
  sendSignal(task, SIGXFSZ, { info: makeSiginfo(SIGXFSZ, SI_USER, task) });
  return fail(EFBIG);
}

/**
 * Gives a file a size through its setattr; the page cache drops what is beyond, also from mappings.
 * @param viaFile by an open file rather than by path
 * @throws {LinuxError} EPERM: a seal; EFBIG: beyond RLIMIT_FSIZE; what setattr refuses
 * @see fs/open.c do_truncate(), mm/shmem.c shmem_setattr()
 */
export function doTruncate(task: TaskStruct, dentry: Dentry, size: U64, viaFile: boolean): void {
  const { inode } = dentry;
  inode.iops.loadPages?.(inode);
  if (inode.pages !== null) {
    if (size < inode.size && (inode.seals & F_SEAL_SHRINK) !== 0) fail(EPERM);
    if (size > inode.size && (inode.seals & F_SEAL_GROW) !== 0) fail(EPERM);
    if (size > inode.size && size > fsizeLimit(task)) failFsize(task);
  }
  const now = inode.sb.vfs.now();
  notifyChange(task, dentry, { size, mtime: now, viaFile });
  if (inode.pages !== null) {
    fileRemovePrivs(task, inode);
    inode.pages.resize(size);
  }
}

/**
 * truncate.
 * @throws {LinuxError} EINVAL: a negative length, or no regular file; the walk's; EISDIR; EACCES;
 *   EROFS; ETXTBSY: somebody's program; EPERM: a seal
 * @see fs/open.c vfs_truncate()
 */
export function sysTruncate(task: TaskStruct, name: string, length: U64): void {
  if (isNegative(length)) fail(EINVAL);
  const path = filenameLookup(task, AT_FDCWD, name, LOOKUP_FOLLOW);
  const { inode } = path.dentry;
  if (isDir(inode.mode)) fail(EISDIR);
  if (!isReg(inode.mode)) fail(EINVAL);
  if (path.mnt.readOnly) fail(EROFS);
  inodePermission(task, inode, MAY_WRITE);
  if (inode.runners > 0) fail(ETXTBSY);
  doTruncate(task, path.dentry, length, false);
}

/** The largest size of a file that was opened without O_LARGEFILE, bytes. */
const MAX_NON_LFS = 0x7fffffff;

/**
 * ftruncate.
 * @throws {LinuxError} EINVAL: a negative length, no regular file, or not opened for writing;
 *   EBADF; EPERM: a seal
 * @see fs/open.c do_sys_ftruncate()
 */
export function sysFtruncate(task: TaskStruct, fd: number, length: U64): void {
  if (isNegative(length)) fail(EINVAL);
  const file = filesOf(task).get(fd);
  if (!isReg(file.inode.mode) || (file.mode & FMODE_WRITE) === 0) fail(EINVAL);
  if ((file.flags & O_LARGEFILE) === 0 && length > MAX_NON_LFS) fail(EINVAL);
  doTruncate(task, file.path.dentry, length, true);
}

/** Every FALLOC_FL_* of include/uapi/linux/falloc.h; files in memory know the two below. */
const FALLOC_FL_ALL = 0xfb;
const KNOWN_MODES = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
const PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

/**
 * fallocate: grows a file, or punches a hole (mode 3).
 * @throws {LinuxError} EBADF: no descriptor, or not for writing; EINVAL: range; EOPNOTSUPP: mode;
 *   ESPIPE: a pipe; EISDIR; ENODEV: no regular file; EOPNOTSUPP: the file has no such operation;
 *   EPERM: a seal
 * @see fs/open.c vfs_fallocate(), mm/shmem.c shmem_fallocate()
 */
export function sysFallocate(
  task: TaskStruct,
  fd: number,
  mode: number,
  offset: U64,
  length: U64,
): void {
  const file = filesOf(task).get(fd);
  if (isNegative(offset) || isNegative(length) || length === 0) fail(EINVAL);
  if ((mode & ~FALLOC_FL_ALL) !== 0) fail(EOPNOTSUPP);
  if (mode === FALLOC_FL_PUNCH_HOLE) fail(EOPNOTSUPP);
  if ((file.mode & FMODE_WRITE) === 0) fail(EBADF);
  const { inode } = file;
  if ((inode.mode & S_IFMT) === S_IFIFO) fail(ESPIPE);
  if (isDir(inode.mode)) fail(EISDIR);
  if (!isReg(inode.mode)) fail(ENODEV);
  const end = toU64(BigInt(offset) + BigInt(length));
  if (isNegative(end)) fail(EFBIG);
  if ((mode & ~KNOWN_MODES) !== 0) fail(EOPNOTSUPP);
  if (inode.pages === null || file.fops.fallocates !== true) fail(EOPNOTSUPP);
  if (mode === PUNCH) {
    file.punchHole(Number(offset), Number(end));
    fsnotifyFile(file, IN_MODIFY);
    return;
  }
  if (end > inode.size && (inode.seals & F_SEAL_GROW) !== 0) fail(EPERM);
  if (end > inode.size && end > fsizeLimit(task)) failFsize(task);
  inode.pages.allocate(Number(offset), Number(end));
  if (end > inode.size && (mode & FALLOC_FL_KEEP_SIZE) === 0) inode.pages.resize(end);
  fsnotifyFile(file, IN_MODIFY);
}
