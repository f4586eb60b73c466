import { EACCES, EPERM, EROFS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import {
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  capable,
  capableWrtInodeUidgid,
} from '../kernel/capability.js';
import { inGroup } from '../kernel/cred.js';
import type { Cred } from '../kernel/cred.js';
import type { TaskStruct } from '../kernel/task.js';
import { kuidHasMapping } from '../kernel/userns.js';
import type { Inode } from './inode.js';
import { isDir, isLnk, isReg, MAY_EXEC, MAY_READ, MAY_WRITE, S_IXUGO } from './mode.js';

const MAY_RWX = MAY_READ | MAY_WRITE | MAY_EXEC;

/**
 * Whether the caller owns the inode, or has CAP_FOWNER over it.
 * @see fs/inode.c inode_owner_or_capable()
 */
export function inodeOwnerOrCapable(task: TaskStruct, inode: Inode): boolean {
  if (task.cred.fsuid === inode.uid) return true;
  const ns = task.cred.userNs;
  return kuidHasMapping(ns, inode.uid) && capable(task, ns, CAP_FOWNER);
}

/** Whether the permission bits that apply to the caller grant all of `want`. */
function modeGrants(cred: Readonly<Cred>, inode: Inode, want: number): boolean {
  if (inode.uid === cred.fsuid) return ((inode.mode >>> 6) & want) === want;
  if (inGroup(cred, inode.gid)) return ((inode.mode >>> 3) & want) === want;
  return (inode.mode & want) === want;
}

/**
 * Classic permission bits with fsuid and fsgid, then CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
 * @throws {LinuxError} EACCES: refused
 * @see fs/namei.c generic_permission()
 */
export function genericPermission(task: TaskStruct, inode: Inode, mask: number): void {
  const want = mask & MAY_RWX;
  if (modeGrants(task.cred, inode, want)) return;
  if (isDir(inode.mode)) {
    const reads = (want & MAY_WRITE) === 0;
    if (reads && capableWrtInodeUidgid(task, inode, CAP_DAC_READ_SEARCH)) return;
    if (capableWrtInodeUidgid(task, inode, CAP_DAC_OVERRIDE)) return;
    fail(EACCES);
  }
  if (want === MAY_READ && capableWrtInodeUidgid(task, inode, CAP_DAC_READ_SEARCH)) return;
  // A file without any x bit is executable for nobody, whatever their capabilities.
  const executable = (want & MAY_EXEC) === 0 || (inode.mode & S_IXUGO) !== 0;
  if (executable && capableWrtInodeUidgid(task, inode, CAP_DAC_OVERRIDE)) return;
  fail(EACCES);
}

/**
 * May the caller use the inode so? The file system's own rule where it has one.
 * @throws {LinuxError} EROFS: writing on a read-only file system; EPERM: an immutable inode;
 *   EACCES: refused, or writing an inode whose owner has no name
 * @see fs/namei.c inode_permission()
 */
export function inodePermission(task: TaskStruct, inode: Inode, mask: number): void {
  if ((mask & MAY_WRITE) !== 0) {
    const onDisk = isReg(inode.mode) || isDir(inode.mode) || isLnk(inode.mode);
    if (inode.sb.readOnly && onDisk) fail(EROFS);
    if (inode.immutable) fail(EPERM);
    if (inode.uid === -1 || inode.gid === -1) fail(EACCES);
  }
  if (inode.iops.permission !== undefined) inode.iops.permission(task, inode, mask);
  else genericPermission(task, inode, mask);
}
