import {
  EACCES,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EOPNOTSUPP,
  EPERM,
  EROFS,
  ETXTBSY,
} from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Path } from './dentry.js';
import { filesOf, nofileLimit } from './fdtable.js';
import {
  File,
  FMODE_LSEEK,
  FMODE_PATH,
  FMODE_PREAD,
  FMODE_PWRITE,
  FMODE_UNSIGNED_OFFSET,
  FMODE_WRITE,
} from './file.js';
import {
  __O_TMPFILE,
  AT_FDCWD,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOCTTY,
  O_PATH,
  O_TRUNC,
} from './flags.js';
import { fsOf } from './fs-struct.js';
import { fsnotifyFile, fsnotifyName } from './fsnotify.js';
import { IN_CREATE, IN_OPEN } from './inotify-flags.js';
import type { Inode } from './inode.js';
import {
  isDir,
  isReg,
  MAY_EXEC,
  MAY_OPEN,
  MAY_WRITE,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFSOCK,
  S_ISVTX,
} from './mode.js';
import {
  filenameLookup,
  lookupOne,
  LOOKUP_DIRECTORY,
  LOOKUP_EMPTY,
  LOOKUP_FOLLOW,
  Nameidata,
} from './namei.js';
import { buildOpenFlags, buildOpenHow, narrowOpenHow } from './open-flags.js';
import type { OpenFlags, OpenHow } from './open-flags.js';
import { inodeOwnerOrCapable, inodePermission } from './permission.js';
import { doTruncate } from './truncate.js';

/** Flags that act at open, or belong to the descriptor, and are not kept. */
const OPEN_ONLY_FLAGS = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;

/**
 * May the inode be opened so?
 * @throws {LinuxError} ELOOP: a symbolic link; EISDIR: writing a directory; EACCES; EROFS;
 *   EPERM: O_NOATIME on another's file
 * @see fs/namei.c may_open()
 */
function mayOpen(task: TaskStruct, inode: Inode, accMode: number, flags: number): void {
  const type = inode.mode & S_IFMT;
  if (type === S_IFLNK) fail(ELOOP);
  if (isDir(inode.mode) && (accMode & MAY_WRITE) !== 0) fail(EISDIR);
  inodePermission(task, inode, MAY_OPEN | accMode);
  if ((flags & O_NOATIME) !== 0 && !inodeOwnerOrCapable(task, inode)) fail(EPERM);
}

/** @throws {LinuxError} ETXTBSY: it is the program of somebody (get_write_access()) */
function getWriteAccess(file: File): void {
  const { inode } = file;
  if (inode.runners > 0) {
    file.abandon();
    fail(ETXTBSY);
  }
  inode.writers += 1;
  file.writes = true;
}

/**
 * Makes the open file of a path, without a permission check.
 * @throws {LinuxError} what the file's own open refuses; EINVAL: O_DIRECT where there is none;
 *   ENXIO: a socket; ETXTBSY: to be written, and somebody's program
 * @see fs/open.c do_dentry_open()
 */
export function vfsOpen(task: TaskStruct, path: Path, flags: number): File {
  const { inode } = path.dentry;
  if ((flags & O_PATH) !== 0) {
    return new File(path, flags & ~O_CLOEXEC, FMODE_PATH, task.cred, inode.fops);
  }
  const { fops } = inode;
  if ((inode.mode & S_IFMT) === S_IFSOCK) fail(ENXIO);
  // O_RDONLY 0, O_WRONLY 1, O_RDWR 2, 3: read, write, both, neither (OPEN_FMODE).
  let mode = (flags + 1) & O_ACCMODE;
  mode |= FMODE_PREAD | FMODE_PWRITE;
  if (fops.llseek !== undefined) mode |= FMODE_LSEEK;
  if (fops.unsignedOffset === true) mode |= FMODE_UNSIGNED_OFFSET;
  const kept = (flags & ~OPEN_ONLY_FLAGS) | O_LARGEFILE;
  const file = new File(path, kept, mode, task.cred, fops);
  if ((mode & FMODE_WRITE) !== 0 && isReg(inode.mode)) getWriteAccess(file);
  try {
    fops.open?.(task, file, flags);
  } catch (error) {
    file.abandon();
    throw error;
  }
  if ((flags & O_DIRECT) !== 0 && fops.direct !== true) {
    file.put();
    fail(EINVAL);
  }
  fsnotifyFile(file, IN_OPEN);
  return file;
}

/** Whether O_CREAT may add an entry to the directory; the error waits until one is needed. */
function createError(task: TaskStruct, dir: Path): LinuxError | null {
  try {
    if (dir.mnt.readOnly) fail(EROFS);
    inodePermission(task, dir.dentry.inode, MAY_WRITE | MAY_EXEC);
    return null;
  } catch (error) {
    if (error instanceof LinuxError) return error;
    throw error;
  }
}

/** The last steps of an open's walk: where it came to, and whether that file is new. */
interface LastLookup {
  /** Text of a link still to walk. */
  readonly link: string | null;
  readonly created: boolean;
  /** The directory it is in. */
  readonly dir: Inode;
}

/**
 * The last component of an open: created where O_CREAT asks and the directory allows.
 * @see fs/namei.c open_last_lookups(), lookup_open()
 */
function openLastLookups(task: TaskStruct, nd: Nameidata, op: OpenFlags): LastLookup {
  if (nd.lastType !== 'norm') {
    const dir = nd.path.dentry.inode;
    nd.handleDots();
    return { link: null, created: false, dir };
  }
  const create = (op.openFlag & O_CREAT) !== 0;
  if (nd.trailingSlash) {
    if (create) fail(EISDIR);
    nd.flags |= LOOKUP_FOLLOW | LOOKUP_DIRECTORY;
  }
  const dir = nd.path;
  // IS_DEADDIR(): nothing is created in a directory that was removed.
  if (dir.dentry.inode.nlink === 0) fail(ENOENT);
  const refused = create ? createError(task, dir) : null;
  let dentry = lookupOne(task, dir.dentry, nd.last);
  const created = dentry === null && create;
  if (dentry === null) {
    if (!create) fail(ENOENT);
    if (refused !== null) throw refused;
    const { mknod } = dir.dentry.inode.iops;
    if (mknod === undefined) fail(EACCES);
    const mode = op.mode & ~fsOf(task).umask;
    dentry = mknod(task, dir.dentry, nd.last, mode, 0);
    fsnotifyName(dir.dentry.inode, IN_CREATE, nd.last, dentry.inode);
  }
  const link = nd.stepInto(dentry, (nd.flags & LOOKUP_FOLLOW) !== 0);
  return { link, created, dir: dir.dentry.inode };
}

/**
 * O_CREAT on something of another's in a sticky directory that all may write: files and FIFOs pass, as
 * fs.protected_regular and fs.protected_fifos are 0.
 * @throws {LinuxError} EACCES
 * @see fs/namei.c may_create_in_sticky()
 */
function mayCreateInSticky(task: TaskStruct, dir: Inode, inode: Inode): void {
  const passes = isReg(inode.mode) || (inode.mode & S_IFMT) === S_IFIFO;
  if ((dir.mode & S_ISVTX) === 0 || passes) return;
  if (inode.uid === dir.uid || inode.uid === task.cred.fsuid) return;
  if ((dir.mode & 0o002) !== 0) fail(EACCES);
}

/** Opens where the walk arrived (fs/namei.c do_open()). */
function doOpen(task: TaskStruct, nd: Nameidata, op: OpenFlags, last: LastLookup): File {
  const { path } = nd;
  const { created } = last;
  const { inode } = path.dentry;
  let flags = op.openFlag;
  if ((flags & O_CREAT) !== 0) {
    if ((flags & O_EXCL) !== 0 && !created) fail(EEXIST);
    if (isDir(inode.mode)) fail(EISDIR);
    mayCreateInSticky(task, last.dir, inode);
  }
  if ((nd.flags & LOOKUP_DIRECTORY) !== 0 && !isDir(inode.mode)) fail(ENOTDIR);
  if (created) flags &= ~O_TRUNC;
  const truncates = (flags & O_TRUNC) !== 0 && isReg(inode.mode);
  if (truncates && path.mnt.readOnly) fail(EROFS);
  mayOpen(task, inode, created ? 0 : op.accMode, flags);
  const writes = ((flags + 1) & FMODE_WRITE) !== 0;
  if (writes && path.mnt.readOnly && isReg(inode.mode)) fail(EROFS);
  const file = vfsOpen(task, path, flags);
  if (truncates) truncateOpened(task, file);
  return file;
}

function truncateOpened(task: TaskStruct, file: File): void {
  try {
    if (file.inode.runners > 0) fail(ETXTBSY);
    doTruncate(task, file.path.dentry, 0, true);
  } catch (error) {
    file.put();
    throw error;
  }
}

/** A file without a name in a directory (fs/namei.c do_tmpfile()). */
function doTmpfile(task: TaskStruct, dfd: number, name: string, op: OpenFlags): File {
  const flags = op.lookupFlags | LOOKUP_DIRECTORY;
  const dir = filenameLookup(task, dfd, name, flags, op.resolve);
  if (dir.mnt.readOnly) fail(EROFS);
  inodePermission(task, dir.dentry.inode, MAY_WRITE | MAY_EXEC);
  const { tmpfile } = dir.dentry.inode.iops;
  if (tmpfile === undefined) fail(EOPNOTSUPP);
  const dentry = tmpfile(task, dir.dentry, op.mode & ~fsOf(task).umask);
  // vfs_tmpfile(): O_EXCL says that it never gets a name.
  if ((op.openFlag & O_EXCL) !== 0) dentry.inode.isTmpfile = false;
  return vfsOpen(task, { mnt: dir.mnt, dentry }, op.openFlag & ~__O_TMPFILE);
}

/**
 * Opens a path as openat2(2) asks, without a descriptor.
 * @throws {LinuxError} in Linux's order: EINVAL, ENOENT (empty path), EBADF (dfd), ENOTDIR, EACCES
 *   (search), ENOENT, ELOOP, EEXIST, EISDIR, ENOTDIR, EACCES, EROFS, then what the file refuses
 * @see fs/namei.c do_filp_open(), path_openat()
 */
export function doFilpOpen(task: TaskStruct, dfd: number, name: string, how: OpenHow): File {
  const op = buildOpenFlags(how);
  if ((op.openFlag & __O_TMPFILE) !== 0) return doTmpfile(task, dfd, name, op);
  if ((op.openFlag & O_PATH) !== 0) {
    const path = filenameLookup(task, dfd, name, op.lookupFlags, op.resolve);
    return vfsOpen(task, path, op.openFlag);
  }
  const nd = new Nameidata(task, dfd, name, op.lookupFlags, op.resolve);
  nd.walkParent(name);
  let last = openLastLookups(task, nd, op);
  while (last.link !== null) {
    nd.walkParent(nd.absorb(last.link));
    last = openLastLookups(task, nd, op);
  }
  return doOpen(task, nd, op, last);
}

/**
 * A descriptor for what `how` opens: the number is reserved before the walk (EMFILE comes first).
 */
function doSysOpen(task: TaskStruct, dfd: number, name: string, how: OpenHow): number {
  buildOpenFlags(how);
  if (name === '') fail(ENOENT);
  const files = filesOf(task);
  const fd = files.lowestFree(nofileLimit(task));
  files.install(fd, doFilpOpen(task, dfd, name, how), (how.flags & O_CLOEXEC) !== 0);
  return fd;
}

/**
 * openat2.
 * @throws {LinuxError} as doFilpOpen(); EMFILE: RLIMIT_NOFILE, before the walk
 * @see fs/open.c do_sys_openat2()
 */
export function openat2(
  task: TaskStruct,
  dfd: number,
  name: string,
  how: { readonly flags: bigint; readonly mode: bigint; readonly resolve: bigint },
): number {
  return doSysOpen(task, dfd, name, narrowOpenHow(how));
}

/**
 * openat; open is it with AT_FDCWD, creat with O_CREAT | O_WRONLY | O_TRUNC.
 * @throws {LinuxError} as openat2()
 * @see fs/open.c openat()
 */
export function openat(
  task: TaskStruct,
  dfd: number,
  name: string,
  flags: number,
  mode: number,
): number {
  return doSysOpen(task, dfd, name, buildOpenHow(flags, mode));
}

/**
 * Opens a place that was walked to before, with every check of an open but the walk's.
 * @throws {LinuxError} EINVAL: flags; ENOTDIR, EISDIR, EACCES, EROFS, then what the file refuses
 * @see fs/open.c file_open_root()
 */
export function fileOpenRoot(task: TaskStruct, path: Path, flags: number): File {
  const op = buildOpenFlags(buildOpenHow(flags, 0));
  const nd = new Nameidata(task, AT_FDCWD, '', op.lookupFlags | LOOKUP_EMPTY);
  nd.path = path;
  return doOpen(task, nd, op, { link: null, created: false, dir: path.dentry.inode });
}
