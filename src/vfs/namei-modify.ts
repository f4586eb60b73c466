import {
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  EMLINK,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import {
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_MKNOD,
  capable,
  capableWrtInodeUidgid,
} from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Dentry, Path } from './dentry.js';
import { AT_EMPTY_PATH, AT_REMOVEDIR, AT_SYMLINK_FOLLOW } from './flags.js';
import { fsOf } from './fs-struct.js';
import { fsnotifyInode, fsnotifyInodeRemove, fsnotifyName } from './fsnotify.js';
import { IN_ATTRIB, IN_CREATE, IN_DELETE } from './inotify-flags.js';
import type { Inode } from './inode.js';
import {
  isDir,
  isReg,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
  S_IALLUGO,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISGID,
  S_ISUID,
  S_ISVTX,
  S_IXGRP,
} from './mode.js';
import {
  filenameLookup,
  filenameParentat,
  lookupOne,
  LOOKUP_EMPTY,
  LOOKUP_FOLLOW,
} from './namei.js';
import type { Nameidata } from './namei.js';
import { inodeOwnerOrCapable, inodePermission } from './permission.js';

/** A place to make something: the directory and the free name in it. */
export interface NewName {
  readonly dir: Path;
  readonly name: string;
}

/**
 * Walks to where something new is to be made.
 * @param directory whether the new thing is a directory, so that "name/" is fine
 * @throws {LinuxError} the walk's; EEXIST: the name is taken; ENOENT: "name/" for what is no
 *   directory; EROFS
 * @see fs/namei.c filename_create()
 */
export function filenameCreate(
  task: TaskStruct,
  dfd: number,
  path: string,
  directory: boolean,
): NewName {
  const nd = filenameParentat(task, dfd, path);
  if (nd.lastType !== 'norm') fail(EEXIST);
  const { dentry, mnt } = nd.path;
  if (lookupOne(task, dentry, nd.last) !== null) fail(EEXIST);
  if (nd.trailingSlash && !directory) fail(ENOENT);
  if (mnt.readOnly) fail(EROFS);
  return { dir: nd.path, name: nd.last };
}

/**
 * May the caller add an entry to the directory?
 * @throws {LinuxError} EACCES, EROFS, EPERM; ENOENT: the directory was removed
 * @see fs/namei.c may_create()
 */
export function mayCreate(task: TaskStruct, dir: Dentry): void {
  if (!dir.hashed && !dir.isRoot) fail(ENOENT);
  inodePermission(task, dir.inode, MAY_WRITE | MAY_EXEC);
}

/**
 * In a sticky directory only its owner and the file's may remove a name (fs/namei.c
 * check_sticky()).
 */
function checkSticky(task: TaskStruct, dir: Inode, inode: Inode): boolean {
  if ((dir.mode & S_ISVTX) === 0) return false;
  const { fsuid } = task.cred;
  if (inode.uid === fsuid || dir.uid === fsuid) return false;
  return !capableWrtInodeUidgid(task, inode, CAP_FOWNER);
}

/**
 * May the caller take an entry out of the directory?
 * @throws {LinuxError} EACCES, EROFS; EPERM: sticky or immutable; ENOTDIR, EISDIR: of the other
 *   kind; EBUSY: a root
 * @see fs/namei.c may_delete()
 */
export function mayDelete(task: TaskStruct, dir: Dentry, victim: Dentry, wantDir: boolean): void {
  inodePermission(task, dir.inode, MAY_WRITE | MAY_EXEC);
  if (checkSticky(task, dir.inode, victim.inode) || victim.inode.immutable) fail(EPERM);
  if (wantDir) {
    if (!isDir(victim.inode.mode)) fail(ENOTDIR);
    if (victim.isRoot) fail(EBUSY);
  } else if (isDir(victim.inode.mode)) {
    fail(EISDIR);
  }
}

/**
 * mkdirat.
 * @throws {LinuxError} the walk's; EEXIST; EROFS; EACCES; EPERM: the file system makes none
 * @see fs/namei.c do_mkdirat(), vfs_mkdir()
 */
export function mkdirat(task: TaskStruct, dfd: number, path: string, mode: number): void {
  const { dir, name } = filenameCreate(task, dfd, path, true);
  mayCreate(task, dir.dentry);
  const { mkdir } = dir.dentry.inode.iops;
  if (mkdir === undefined) fail(EPERM);
  const made = mkdir(task, dir.dentry, name, mode & ~fsOf(task).umask & (0o777 | S_ISVTX));
  fsnotifyName(dir.dentry.inode, IN_CREATE, name, made.inode);
}

/**
 * mknodat.
 * @throws {LinuxError} EPERM: a directory, or a device without CAP_MKNOD; EINVAL: no type of file;
 *   the walk's; EEXIST; EROFS; EACCES
 * @see fs/namei.c do_mknodat(), vfs_mknod()
 */
export function mknodat(
  task: TaskStruct,
  dfd: number,
  path: string,
  mode: number,
  dev: number,
): void {
  const type = (mode & S_IFMT) === 0 ? S_IFREG : mode & S_IFMT;
  if (type === S_IFDIR) fail(EPERM);
  if (![S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK].includes(type)) fail(EINVAL);
  const { dir, name } = filenameCreate(task, dfd, path, false);
  mayCreate(task, dir.dentry);
  const device = type === S_IFCHR || type === S_IFBLK;
  const whiteout = type === S_IFCHR && dev === 0;
  if (device && !whiteout && !capable(task, task.kernel.initUserNs, CAP_MKNOD)) fail(EPERM);
  const { mknod } = dir.dentry.inode.iops;
  if (mknod === undefined) fail(type === S_IFREG ? EACCES : EPERM);
  const bits = type | (mode & S_IALLUGO & ~fsOf(task).umask);
  const made = mknod(task, dir.dentry, name, bits, device ? dev : 0);
  fsnotifyName(dir.dentry.inode, IN_CREATE, name, made.inode);
}

/**
 * symlinkat.
 * @throws {LinuxError} ENOENT: an empty target; the walk's; EEXIST; EROFS; EACCES
 * @see fs/namei.c do_symlinkat()
 */
export function symlinkat(task: TaskStruct, target: string, dfd: number, path: string): void {
  if (target === '') fail(ENOENT);
  const { dir, name } = filenameCreate(task, dfd, path, false);
  mayCreate(task, dir.dentry);
  const { symlink } = dir.dentry.inode.iops;
  if (symlink === undefined) fail(EPERM);
  const made = symlink(task, dir.dentry, name, target);
  fsnotifyName(dir.dentry.inode, IN_CREATE, name, made.inode);
}

/**
 * fs.protected_hardlinks: others' files may be linked only when they are ordinary and ours to use.
 */
function mayLinkat(task: TaskStruct, inode: Inode): void {
  if (inodeOwnerOrCapable(task, inode)) return;
  const { mode } = inode;
  const setgid = (mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP);
  if (!isReg(mode) || (mode & S_ISUID) !== 0 || setgid) fail(EPERM);
  try {
    inodePermission(task, inode, MAY_READ | MAY_WRITE);
  } catch {
    fail(EPERM);
  }
}

/**
 * linkat.
 * @throws {LinuxError} EINVAL: flags; ENOENT: AT_EMPTY_PATH without CAP_DAC_READ_SEARCH; the
 *   walks'; EEXIST; EXDEV; EPERM: a directory, or another's file; EACCES; EROFS; ENOENT: nameless;
 *   EMLINK
 * @see fs/namei.c do_linkat(), vfs_link()
 */
export function linkat(
  task: TaskStruct,
  olddfd: number,
  oldpath: string,
  newdfd: number,
  newpath: string,
  flags: number,
): void {
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) fail(EINVAL);
  const follow = (flags & AT_SYMLINK_FOLLOW) !== 0 ? LOOKUP_FOLLOW : 0;
  const empty = (flags & AT_EMPTY_PATH) !== 0 ? LOOKUP_EMPTY : 0;
  const old = filenameLookup(task, olddfd, oldpath, follow | empty);
  const byFd = oldpath === '';
  if (byFd && !capable(task, task.cred.userNs, CAP_DAC_READ_SEARCH)) fail(ENOENT);
  const { dir, name } = filenameCreate(task, newdfd, newpath, false);
  if (old.mnt !== dir.mnt) fail(EXDEV);
  const { inode } = old.dentry;
  mayLinkat(task, inode);
  mayCreate(task, dir.dentry);
  const { link } = dir.dentry.inode.iops;
  if (link === undefined || isDir(inode.mode)) fail(EPERM);
  // Only an O_TMPFILE may come from no link to one.
  if (inode.nlink === 0 && !inode.isTmpfile) fail(ENOENT);
  if (inode.nlink >= 0xffffffff) fail(EMLINK);
  link(task, inode, dir.dentry, name);
  fsnotifyInode(inode, IN_ATTRIB);
  fsnotifyName(dir.dentry.inode, IN_CREATE, name, inode);
}

/** What a removal found: the directory, the entry and the walk. */
interface Victim {
  readonly nd: Nameidata;
  readonly dentry: Dentry;
}

function findVictim(task: TaskStruct, nd: Nameidata): Victim {
  if (nd.path.mnt.readOnly) fail(EROFS);
  const dentry = lookupOne(task, nd.path.dentry, nd.last);
  return dentry === null ? fail(ENOENT) : { nd, dentry };
}

/** A name is gone (d_delete_notify()). */
function fsnotifyRemoved({ path, last }: Nameidata, inode: Inode): void {
  fsnotifyInodeRemove(inode);
  fsnotifyName(path.dentry.inode, IN_DELETE, last, inode);
}

function doRmdir(task: TaskStruct, dfd: number, path: string): void {
  const nd = filenameParentat(task, dfd, path);
  if (nd.lastType === 'dotdot') fail(ENOTEMPTY);
  if (nd.lastType === 'dot') fail(EINVAL);
  if (nd.lastType === 'root') fail(EBUSY);
  const { dentry } = findVictim(task, nd);
  mayDelete(task, nd.path.dentry, dentry, true);
  const { rmdir } = nd.path.dentry.inode.iops;
  if (rmdir === undefined) fail(EPERM);
  if (dentry.mounted !== null) fail(EBUSY);
  rmdir(task, nd.path.dentry, dentry);
  fsnotifyRemoved(nd, dentry.inode);
}

function doUnlink(task: TaskStruct, dfd: number, path: string): void {
  const nd = filenameParentat(task, dfd, path);
  if (nd.lastType !== 'norm') fail(EISDIR);
  const { dentry } = findVictim(task, nd);
  if (nd.trailingSlash) fail(isDir(dentry.inode.mode) ? EISDIR : ENOTDIR);
  mayDelete(task, nd.path.dentry, dentry, false);
  const { unlink } = nd.path.dentry.inode.iops;
  if (unlink === undefined) fail(EPERM);
  if (dentry.mounted !== null) fail(EBUSY);
  unlink(task, nd.path.dentry, dentry);
  fsnotifyInode(dentry.inode, IN_ATTRIB);
  fsnotifyRemoved(nd, dentry.inode);
}

/**
 * unlinkat; rmdir is it with AT_REMOVEDIR.
 * @throws {LinuxError} EINVAL: flags, or "."; the walk's; ENOENT; EISDIR; ENOTDIR; ENOTEMPTY;
 *   EBUSY; EACCES; EPERM; EROFS
 * @see fs/namei.c do_unlinkat(), do_rmdir()
 */
export function unlinkat(task: TaskStruct, dfd: number, path: string, flags: number): void {
  if ((flags & ~AT_REMOVEDIR) !== 0) fail(EINVAL);
  if (flags === 0) doUnlink(task, dfd, path);
  else doRmdir(task, dfd, path);
}
