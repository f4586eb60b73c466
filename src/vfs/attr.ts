import { EFAULT, EINVAL, EOPNOTSUPP, EPERM, EROFS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_CHOWN, CAP_FSETID, capableWrtInodeUidgid } from '../kernel/capability.js';
import { inGroup } from '../kernel/cred.js';
import type { TaskStruct } from '../kernel/task.js';
import { makeKgid, makeKuid } from '../kernel/userns.js';
import type { Dentry, Path } from './dentry.js';
import { filesOf } from './fdtable.js';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, F_SEAL_EXEC } from './flags.js';
import { fsOf } from './fs-struct.js';
import { fsnotifyDentry } from './fsnotify.js';
import { IN_ACCESS, IN_ATTRIB, IN_MODIFY } from './inotify-flags.js';
import type { ExactTime, Iattr, Inode } from './inode.js';
import {
  isDir,
  isLnk,
  MAY_WRITE,
  S_IALLUGO,
  S_IFMT,
  S_ISGID,
  S_ISUID,
  S_IXGRP,
  S_IXUGO,
} from './mode.js';
import { filenameLookup, LOOKUP_EMPTY, LOOKUP_FOLLOW } from './namei.js';
import { inodeOwnerOrCapable, inodePermission } from './permission.js';

/** A time to set, in ms or exact, what UTIME_NOW and UTIME_OMIT ask for, or nanoseconds that are none. */
export type SetTime = number | ExactTime | 'now' | 'omit' | 'invalid';

/** An id argument that keeps what is there. */
const KEEP_ID = 0xffffffff;

/** Whether the caller may keep S_ISGID of a file of that group. */
function mayKeepSgid(task: TaskStruct, inode: Inode, gid: number): boolean {
  return inGroup(task.cred, gid) || capableWrtInodeUidgid(task, inode, CAP_FSETID);
}

function chownOk(task: TaskStruct, inode: Inode, uid: number): boolean {
  if (task.cred.fsuid === inode.uid && uid === inode.uid) return true;
  return capableWrtInodeUidgid(task, inode, CAP_CHOWN);
}

function chgrpOk(task: TaskStruct, inode: Inode, gid: number): boolean {
  const own = gid === inode.gid || inGroup(task.cred, gid);
  if (task.cred.fsuid === inode.uid && own) return true;
  return capableWrtInodeUidgid(task, inode, CAP_CHOWN);
}

/**
 * May the caller change these attributes? Takes S_ISGID from a mode the caller may not give it to.
 * @throws {LinuxError} EPERM: not the owner, nor the capability (CHOWN, FOWNER)
 * @see fs/attr.c setattr_prepare()
 */
export function setattrPrepare(task: TaskStruct, inode: Inode, attr: Iattr): void {
  if (attr.uid !== undefined && !chownOk(task, inode, attr.uid)) fail(EPERM);
  if (attr.gid !== undefined && !chgrpOk(task, inode, attr.gid)) fail(EPERM);
  if (attr.mode !== undefined) {
    if (!inodeOwnerOrCapable(task, inode)) fail(EPERM);
    if (!mayKeepSgid(task, inode, attr.gid ?? inode.gid)) attr.mode &= ~S_ISGID;
  }
  if (attr.timesSet === true && !inodeOwnerOrCapable(task, inode)) fail(EPERM);
}

/** Stores attributes that were allowed (fs/attr.c setattr_copy()). */
export function setattrCopy(inode: Inode, attr: Iattr): void {
  if (attr.uid !== undefined) inode.uid = attr.uid;
  if (attr.gid !== undefined) inode.gid = attr.gid;
  if (attr.mode !== undefined) inode.mode = (inode.mode & S_IFMT) | (attr.mode & S_IALLUGO);
  if (attr.atime !== undefined) inode.atime = attr.atime;
  if (attr.mtime !== undefined) inode.mtime = attr.mtime;
  if (attr.exactAtime !== undefined || attr.exactMtime !== undefined) {
    const { atime = null, mtime = null } = inode.exactTimes ?? {};
    inode.exactTimes = { atime: attr.exactAtime ?? atime, mtime: attr.exactMtime ?? mtime };
  }
  inode.ctime = inode.sb.vfs.now();
}

/** Without set-user-id and, where it grants something, set-group-id. */
function withoutSuid(mode: number): number {
  const kills = (mode & S_IXGRP) !== 0 ? S_ISUID | S_ISGID : S_ISUID;
  return mode & ~kills;
}

/**
 * Takes the setuid and setgid bits from a file that a caller without CAP_FSETID writes.
 * @see fs/inode.c file_remove_privs()
 */
export function fileRemovePrivs(task: TaskStruct, inode: Inode): void {
  const mode = withoutSuid(inode.mode);
  if (mode === inode.mode || capableWrtInodeUidgid(task, inode, CAP_FSETID)) return;
  inode.mode = mode;
}

/**
 * Changes attributes through the file system's setattr, or the generic one.
 * @throws {LinuxError} EROFS; EPERM: immutable, or not allowed; EOPNOTSUPP: the mode of a link;
 *   EACCES: touching an unwritable file
 * @see fs/attr.c notify_change()
 */
export function notifyChange(task: TaskStruct, dentry: Dentry, attr: Iattr): void {
  const { inode } = dentry;
  if (inode.sb.readOnly) fail(EROFS);
  const { mode, uid, gid, timesSet, touch } = attr;
  const owned = [mode, uid, gid, timesSet, touch].some((field) => field !== undefined);
  if (inode.immutable && owned) fail(EPERM);
  if (mode !== undefined && isLnk(inode.mode)) fail(EOPNOTSUPP);
  const executes = mode !== undefined && ((mode ^ inode.mode) & S_IXUGO) !== 0;
  if (executes && inode.pages !== null && (inode.seals & F_SEAL_EXEC) !== 0) fail(EPERM);
  if (touch === true && !inodeOwnerOrCapable(task, inode)) {
    inodePermission(task, inode, MAY_WRITE);
  }
  if (inode.iops.setattr !== undefined) {
    inode.iops.setattr(task, inode, attr);
  } else {
    if (attr.killSetid === true) killSetid(task, inode, attr);
    setattrPrepare(task, inode, attr);
    setattrCopy(inode, attr);
  }
  fsnotifyChange(dentry, attr);
}

/** Tells watches what changed: one time alone is what a read or a write does (fsnotify_change()). */
function fsnotifyChange(dentry: Dentry, { mode, uid, gid, size, atime, mtime }: Iattr): void {
  const both = atime !== undefined && mtime !== undefined;
  let mask = [mode, uid, gid].some((field) => field !== undefined) || both ? IN_ATTRIB : 0;
  if (atime !== undefined && !both) mask |= IN_ACCESS;
  if (size !== undefined || (mtime !== undefined && !both)) mask |= IN_MODIFY;
  if (mask !== 0) fsnotifyDentry(dentry, mask);
}

/** Makes taking the setuid and setgid bits a change of mode, which not everybody may make. */
function killSetid(task: TaskStruct, inode: Inode, attr: Iattr): void {
  let mode = withoutSuid(inode.mode);
  if (!mayKeepSgid(task, inode, inode.gid)) mode &= ~S_ISGID;
  if (mode !== inode.mode) attr.mode = mode;
}

function chmodCommon(task: TaskStruct, path: Path, mode: number): void {
  notifyChange(task, path.dentry, { mode: mode & S_IALLUGO });
}

/**
 * fchmod.
 * @throws {LinuxError} EBADF; EPERM: not the owner; EROFS
 * @see fs/open.c vfs_fchmod()
 */
export function fchmod(task: TaskStruct, fd: number, mode: number): void {
  chmodCommon(task, filesOf(task).get(fd).path, mode);
}

/**
 * fchmodat2; chmod and fchmodat are it without flags.
 * @throws {LinuxError} EINVAL: flags; the walk's; EOPNOTSUPP: a symbolic link itself; EPERM: not
 *   the owner; EROFS
 * @see fs/open.c do_fchmodat()
 */
export function fchmodat2(
  task: TaskStruct,
  dfd: number,
  name: string,
  mode: number,
  flags: number,
): void {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) fail(EINVAL);
  chmodCommon(task, lookupForChange(task, dfd, name, flags), mode);
}

/** The path a changing call names, by the AT_ flags of most of them. */
export function lookupForChange(task: TaskStruct, dfd: number, name: string, flags: number): Path {
  const follow = (flags & AT_SYMLINK_NOFOLLOW) === 0 ? LOOKUP_FOLLOW : 0;
  const empty = (flags & AT_EMPTY_PATH) !== 0 ? LOOKUP_EMPTY : 0;
  return filenameLookup(task, dfd, name, follow | empty);
}

function chownCommon(task: TaskStruct, path: Path, uid: number, gid: number): void {
  const ns = task.cred.userNs;
  const { inode } = path.dentry;
  const attr: Iattr = {};
  if (uid >>> 0 !== KEEP_ID) attr.uid = makeKuid(ns, uid);
  if (gid >>> 0 !== KEEP_ID) attr.gid = makeKgid(ns, gid);
  if (attr.uid === -1 || attr.gid === -1) fail(EINVAL);
  // A new owner may not inherit what the old one marked set-user-id, capabilities or not.
  if (!isDir(inode.mode)) attr.killSetid = true;
  notifyChange(task, path.dentry, attr);
}

/**
 * fchownat; ids as the caller's namespace names them, 0xffffffff keeps one.
 * @throws {LinuxError} EINVAL: flags, or an id without a mapping; EPERM; EROFS
 * @see fs/open.c do_fchownat()
 */
export function fchownat(
  task: TaskStruct,
  dfd: number,
  name: string,
  uid: number,
  gid: number,
  flags: number,
): void {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) fail(EINVAL);
  chownCommon(task, lookupForChange(task, dfd, name, flags), uid, gid);
}

/**
 * fchown.
 * @throws {LinuxError} EBADF; EINVAL; EPERM; EROFS
 * @see fs/open.c ksys_fchown()
 */
export function fchown(task: TaskStruct, fd: number, uid: number, gid: number): void {
  chownCommon(task, filesOf(task).get(fd).path, uid, gid);
}

/** The attributes a pair of times asks for; null: both now. */
function timesAttr(now: number, times: readonly [SetTime, SetTime] | null): Iattr {
  if (times !== null && times.includes('invalid')) fail(EINVAL);
  if (times === null) return { atime: now, mtime: now, touch: true };
  const attr: Iattr = {};
  const [atime, mtime] = times;
  if (atime === 'now' || typeof atime === 'number') attr.atime = atime === 'now' ? now : atime;
  if (mtime === 'now' || typeof mtime === 'number') attr.mtime = mtime === 'now' ? now : mtime;
  if (typeof atime === 'object') Object.assign(attr, { atime: atime.ms, exactAtime: atime });
  if (typeof mtime === 'object') Object.assign(attr, { mtime: mtime.ms, exactMtime: mtime });
  if (atime === 'now' && mtime === 'now') attr.touch = true;
  else attr.timesSet = true;
  return attr;
}

/**
 * utimensat; `name` null: the file of `dfd` itself (futimens).
 * @param times null: both now
 * @throws {LinuxError} EINVAL: flags, or no such time; EBADF; EFAULT: no name and no descriptor; EPERM:
 *   times of another's file; EACCES: now on another's file without write permission
 * @see fs/utimes.c do_utimes()
 */
export function utimensat(
  task: TaskStruct,
  dfd: number,
  name: string | null,
  times: readonly [SetTime, SetTime] | null,
  flags: number,
): void {
  if (times !== null && times[0] === 'omit' && times[1] === 'omit') return;
  const now = fsOf(task).vfs.now();
  if (name === null && dfd !== AT_FDCWD) {
    if (flags !== 0) fail(EINVAL);
    const { dentry } = filesOf(task).get(dfd).path;
    notifyChange(task, dentry, timesAttr(now, times));
    return;
  }
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) fail(EINVAL);
  if (name === null) fail(EFAULT);
  const { dentry } = lookupForChange(task, dfd, name, flags);
  notifyChange(task, dentry, timesAttr(now, times));
}
