import {
  E2BIG,
  EEXIST,
  EINVAL,
  ENODATA,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_ADMIN, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import { encodeName } from '../mm/name-bytes.js';
import type { Inode } from './inode.js';
import { isDir, isReg, MAY_READ, MAY_WRITE, S_ISVTX } from './mode.js';
import { inodeOwnerOrCapable, inodePermission } from './permission.js';

// include/uapi/linux/limits.h, include/uapi/linux/xattr.h
/** Bytes of a name without its NUL. */
export const XATTR_NAME_MAX = 255;
/** Bytes of a value. */
const XATTR_SIZE_MAX = 65536;
const XATTR_CREATE = 1;
const XATTR_REPLACE = 2;

/** Names that a tmpfs keeps: it is mounted without access control lists, so none of `system.`. */
const PREFIXES = ['user.', 'trusted.', 'security.'];

/**
 * May the caller read or write the attribute?
 * @throws {LinuxError} EPERM; ENODATA: what may not be seen is not there; EACCES
 * @see fs/xattr.c xattr_permission()
 */
function xattrPermission(task: TaskStruct, inode: Inode, name: string, mask: number): void {
  const writes = (mask & MAY_WRITE) !== 0;
  if (writes && inode.immutable) fail(EPERM);
  if (name.startsWith('security.') || name.startsWith('system.')) return;
  if (name.startsWith('trusted.')) {
    if (capable(task, task.kernel.initUserNs, CAP_SYS_ADMIN)) return;
    fail(writes ? EPERM : ENODATA);
  }
  if (name.startsWith('user.')) {
    if (!isReg(inode.mode) && !isDir(inode.mode)) fail(writes ? EPERM : ENODATA);
    const sticky = isDir(inode.mode) && (inode.mode & S_ISVTX) !== 0;
    if (sticky && writes && !inodeOwnerOrCapable(task, inode)) fail(EPERM);
  }
  inodePermission(task, inode, mask);
}

/** security/commoncap.c cap_inode_setxattr(), cap_inode_removexattr() */
function mayChangeSecurity(task: TaskStruct, name: string): void {
  if (!name.startsWith('security.')) return;
  if (!capable(task, task.kernel.initUserNs, CAP_SYS_ADMIN)) fail(EPERM);
}

/**
 * Does the file system have attributes of that name?
 * @throws {LinuxError} EOPNOTSUPP: it has not; EINVAL: a prefix without a name
 * @see fs/xattr.c xattr_resolve_name()
 */
function resolveName(inode: Inode, name: string): void {
  const kept = inode.sb.type === 'tmpfs' || inode.sb.type === 'devtmpfs';
  const prefix = kept ? PREFIXES.find((each) => name.startsWith(each)) : undefined;
  if (prefix === undefined) fail(EOPNOTSUPP);
  if (name === prefix) fail(EINVAL);
}

/**
 * An attribute's value.
 * @throws {LinuxError} ENODATA: there is none; EOPNOTSUPP, EINVAL: the name; EACCES
 * @see fs/xattr.c vfs_getxattr()
 */
export function vfsGetxattr(task: TaskStruct, inode: Inode, name: string): Uint8Array {
  xattrPermission(task, inode, name, MAY_READ);
  resolveName(inode, name);
  return inode.xattrs?.get(name) ?? fail(ENODATA);
}

/**
 * Sets an attribute.
 * @param flags XATTR_CREATE, XATTR_REPLACE
 * @throws {LinuxError} EEXIST, ENODATA: against the flags; EOPNOTSUPP, EINVAL: the name; EPERM; EACCES
 * @see fs/xattr.c vfs_setxattr(), simple_xattr_set()
 */
export function vfsSetxattr(
  task: TaskStruct,
  inode: Inode,
  name: string,
  value: Uint8Array,
  flags: number,
): void {
  xattrPermission(task, inode, name, MAY_WRITE);
  mayChangeSecurity(task, name);
  resolveName(inode, name);
  const exists = inode.xattrs?.has(name) === true;
  if (exists && (flags & XATTR_CREATE) !== 0) fail(EEXIST);
  if (!exists && (flags & XATTR_REPLACE) !== 0) fail(ENODATA);
  (inode.xattrs ??= new Map()).set(name, value);
  inode.ctime = inode.sb.vfs.now();
}

/**
 * Removes an attribute.
 * @throws {LinuxError} ENODATA: there is none; EOPNOTSUPP, EINVAL: the name; EPERM; EACCES
 * @see fs/xattr.c vfs_removexattr()
 */
export function vfsRemovexattr(task: TaskStruct, inode: Inode, name: string): void {
  xattrPermission(task, inode, name, MAY_WRITE);
  mayChangeSecurity(task, name);
  resolveName(inode, name);
  if (inode.xattrs?.delete(name) !== true) fail(ENODATA);
  inode.ctime = inode.sb.vfs.now();
}

/** The names of all attributes the caller may know of, each with a NUL (fs/xattr.c simple_xattr_list()). */
export function vfsListxattr(task: TaskStruct, inode: Inode): Uint8Array {
  const trusted = capable(task, task.kernel.initUserNs, CAP_SYS_ADMIN);
  const names = [...(inode.xattrs?.keys() ?? [])].filter(
    (name) => trusted || !name.startsWith('trusted.'),
  );
  return encodeName(names.map((name) => `${name}\0`).join(''));
}

/** The flags and the size of setxattr, looked at before anything else. @throws {LinuxError} EINVAL; E2BIG */
export function checkSetxattr(flags: number, size: number): void {
  if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) !== 0) fail(EINVAL);
  if (size > XATTR_SIZE_MAX) fail(E2BIG);
}

/** @throws {LinuxError} ERANGE: no name is so short, or so long */
export function checkXattrName(name: string): string {
  return name === '' || encodeName(name).length > XATTR_NAME_MAX ? fail(ERANGE) : name;
}
