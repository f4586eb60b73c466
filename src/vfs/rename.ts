import {
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Dentry } from './dentry.js';
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from './flags.js';
import { fsnotifyInodeRemove, fsnotifyMove } from './fsnotify.js';
import { isDir, MAY_WRITE, S_IFCHR } from './mode.js';
import { mayCreate, mayDelete } from './namei-modify.js';
import { filenameParentat, lookupOne } from './namei.js';
import type { Nameidata } from './namei.js';
import { inodePermission } from './permission.js';

const KNOWN_FLAGS = RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT;

/** Whether `dir` is `dentry` or lies below it. */
function isBelow(dir: Dentry, dentry: Dentry): boolean {
  for (let at = dir; ; at = at.parent) {
    if (at === dentry) return true;
    if (at.isRoot) return false;
  }
}

/** A slash after a name asks for a directory. */
function checkSlashes(from: Nameidata, to: Nameidata, old: Dentry, exchanged: Dentry | null): void {
  if (exchanged !== null) {
    if (!isDir(exchanged.inode.mode) && to.trailingSlash) fail(ENOTDIR);
  }
  if (isDir(old.inode.mode)) return;
  if (from.trailingSlash) fail(ENOTDIR);
  if (exchanged === null && to.trailingSlash) fail(ENOTDIR);
}

/** The two names, found and compared (fs/namei.c do_renameat2()). */
function findBoth(
  task: TaskStruct,
  from: Nameidata,
  to: Nameidata,
  flags: number,
): { old: Dentry; target: Dentry | null } {
  if (from.path.mnt !== to.path.mnt) fail(EXDEV);
  if (from.lastType !== 'norm') fail(EBUSY);
  if (to.lastType !== 'norm') fail((flags & RENAME_NOREPLACE) !== 0 ? EEXIST : EBUSY);
  if (from.path.mnt.readOnly) fail(EROFS);
  const old = lookupOne(task, from.path.dentry, from.last) ?? fail(ENOENT);
  const target = lookupOne(task, to.path.dentry, to.last);
  if ((flags & RENAME_NOREPLACE) !== 0 && target !== null) fail(EEXIST);
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  if (exchange && target === null) fail(ENOENT);
  checkSlashes(from, to, old, exchange ? target : null);
  // Neither may move into itself, nor replace what it lies in.
  if (isBelow(to.path.dentry, old)) fail(EINVAL);
  if (target !== null && isBelow(from.path.dentry, target)) fail(exchange ? EINVAL : ENOTEMPTY);
  return { old, target };
}

/** The permission checks of vfs_rename(), in order. */
function mayRename(
  task: TaskStruct,
  from: Dentry,
  to: Dentry,
  old: Dentry,
  target: Dentry | null,
  exchange: boolean,
): void {
  const wantDir = isDir(old.inode.mode);
  mayDelete(task, from, old, wantDir);
  if (target === null) {
    mayCreate(task, to);
  } else {
    mayDelete(task, to, target, exchange ? isDir(target.inode.mode) : wantDir);
  }
  if (to === from) return;
  // A directory that moves gets a new "..".
  if (wantDir) inodePermission(task, old.inode, MAY_WRITE);
  if (exchange && target !== null && isDir(target.inode.mode)) {
    inodePermission(task, target.inode, MAY_WRITE);
  }
}

/**
 * renameat2; rename and renameat are it without flags.
 * @throws {LinuxError} EINVAL: flags, or a directory into itself; the walks'; EXDEV; EBUSY: ".",
 *   "..", a mount point; EEXIST; ENOENT; ENOTDIR, EISDIR: over the other kind; ENOTEMPTY; EACCES;
 *   EPERM; EROFS
 * @see fs/namei.c do_renameat2(), vfs_rename()
 */
export function renameat2(
  task: TaskStruct,
  olddfd: number,
  oldpath: string,
  newdfd: number,
  newpath: string,
  flags: number,
): void {
  if ((flags & ~KNOWN_FLAGS) !== 0) fail(EINVAL);
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  if (exchange && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) !== 0) fail(EINVAL);
  const from = filenameParentat(task, olddfd, oldpath);
  const to = filenameParentat(task, newdfd, newpath);
  const { old, target } = findBoth(task, from, to, flags);
  if (target !== null && target.inode === old.inode) return;
  const fromDir = from.path.dentry;
  const toDir = to.path.dentry;
  mayRename(task, fromDir, toDir, old, target, exchange);
  const { rename } = fromDir.inode.iops;
  if (rename === undefined) fail(EPERM);
  const whiteout = (flags & RENAME_WHITEOUT) !== 0;
  const { mknod } = fromDir.inode.iops;
  if (whiteout && (fromDir.inode.sb.type !== 'tmpfs' || mknod === undefined)) fail(EINVAL);
  if (old.mounted !== null || (target !== null && target.mounted !== null)) fail(EBUSY);
  if (!exchange && target !== null && isDir(target.inode.mode) && !isDir(old.inode.mode)) {
    fail(EISDIR);
  }
  rename(old, toDir, to.last, target, exchange);
  // A device of no number stays behind, of mode 0 (mm/shmem.c shmem_whiteout()).
  if (whiteout) mknod?.(task, fromDir, from.last, S_IFCHR, 0);
  const [source, destination] = [
    { dir: fromDir.inode, name: from.last },
    { dir: toDir.inode, name: to.last },
  ];
  fsnotifyMove(old.inode, source, destination, exchange ? null : (target?.inode ?? null));
  if (target === null) return;
  if (exchange) fsnotifyMove(target.inode, destination, source, null);
  else fsnotifyInodeRemove(target.inode);
}
