import { EINVAL, EROFS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_EMPTY_SET } from '../kernel/capability.js';
import { Cred, SECBIT_NO_SETUID_FIXUP } from '../kernel/cred.js';
import type { TaskStruct } from '../kernel/task.js';
import { makeKuid } from '../kernel/userns.js';
import { lookupForChange } from './attr.js';
import { AT_EACCESS, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } from './flags.js';
import { isDevice, MAY_ACCESS, MAY_EXEC, MAY_READ, MAY_WRITE } from './mode.js';
import { inodePermission } from './permission.js';

const MAY_RWX = MAY_READ | MAY_WRITE | MAY_EXEC;

/**
 * The caller's credentials as access(2) judges by: real ids as filesystem ids, and the capabilities
 * the real user would have.
 * @see fs/open.c access_override_creds()
 */
function accessCreds(task: TaskStruct): Readonly<Cred> {
  const { cred } = task;
  const fields: Partial<Cred> = { ...cred, fsuid: cred.uid, fsgid: cred.gid };
  if ((cred.securebits & SECBIT_NO_SETUID_FIXUP) === 0) {
    const root = cred.uid === makeKuid(cred.userNs, 0);
    fields.capEffective = root ? cred.capPermitted : CAP_EMPTY_SET;
  }
  return new Cred(cred.userNs, fields);
}

function checkAccess(
  task: TaskStruct,
  dfd: number,
  name: string,
  mode: number,
  flags: number,
): void {
  const path = lookupForChange(task, dfd, name, flags);
  const { inode } = path.dentry;
  inodePermission(task, inode, mode | MAY_ACCESS);
  // Devices take writes on a read-only mount: they are not part of it.
  if ((mode & MAY_WRITE) !== 0 && path.mnt.readOnly && !isDevice(inode.mode)) fail(EROFS);
}

/**
 * faccessat2; access and faccessat are it without flags. Judges by the real ids unless AT_EACCESS.
 * @param mode R_OK | W_OK | X_OK, or 0 for existence
 * @throws {LinuxError} EINVAL: mode or flags; the walk's; EACCES; EROFS
 * @see fs/open.c do_faccessat()
 */
export function faccessat(
  task: TaskStruct,
  dfd: number,
  name: string,
  mode: number,
  flags: number,
): void {
  if ((mode & ~MAY_RWX) !== 0) fail(EINVAL);
  if ((flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) !== 0) fail(EINVAL);
  if ((flags & AT_EACCESS) !== 0) {
    checkAccess(task, dfd, name, mode, flags & ~AT_EACCESS);
    return;
  }
  const own = task.cred;
  task.cred = accessCreds(task);
  try {
    checkAccess(task, dfd, name, mode, flags);
  } finally {
    task.cred = own;
  }
}
