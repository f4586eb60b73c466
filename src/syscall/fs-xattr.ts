import { ERANGE, EROFS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Path } from '../vfs/dentry.js';
import { filesOf } from '../vfs/fdtable.js';
import { AT_FDCWD } from '../vfs/flags.js';
import { fsnotifyDentry } from '../vfs/fsnotify.js';
import { IN_ATTRIB } from '../vfs/inotify-flags.js';
import { filenameLookup, LOOKUP_FOLLOW } from '../vfs/namei.js';
import type { U64 } from '../vfs/u64.js';
import {
  checkSetxattr,
  checkXattrName,
  vfsGetxattr,
  vfsListxattr,
  vfsRemovexattr,
  vfsSetxattr,
  XATTR_NAME_MAX,
} from '../vfs/xattr.js';
import {
  int,
  readUser,
  type SyscallFamily,
  type SyscallHandler,
  userPath,
  userString,
  writeUser,
} from './args.js';

/** How a call names its file. */
type Find = (task: TaskStruct, file: U64) => Path;

const byPath: Find = (task, file) =>
  filenameLookup(task, AT_FDCWD, userPath(task, file), LOOKUP_FOLLOW);
const byLink: Find = (task, file) => filenameLookup(task, AT_FDCWD, userPath(task, file), 0);
const byFd: Find = (task, file) => filesOf(task).get(int(file)).path;

function userName(task: TaskStruct, name: U64): string {
  return checkXattrName(userString(task, name, XATTR_NAME_MAX + 1, ERANGE));
}

/** Bytes for a buffer of the caller; without one only how many there are. */
function give(task: TaskStruct, buf: U64, size: U64, bytes: Uint8Array): number {
  if (size === 0) return bytes.length;
  if (bytes.length > size) fail(ERANGE);
  writeUser(task, buf, bytes);
  return bytes.length;
}

function setxattr(find: Find): SyscallHandler {
  return (task, file, name, value, size, flags) => {
    checkSetxattr(int(flags), 0);
    const key = userName(task, name);
    checkSetxattr(int(flags), Number(size));
    const bytes = readUser(task, value, Number(size));
    const { mnt, dentry } = find(task, file);
    if (mnt.readOnly) fail(EROFS);
    const contents = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    vfsSetxattr(task, dentry.inode, key, contents, int(flags));
    fsnotifyDentry(dentry, IN_ATTRIB);
    return 0;
  };
}

function getxattr(find: Find): SyscallHandler {
  return (task, file, name, value, size) => {
    const key = userName(task, name);
    const { dentry } = find(task, file);
    return give(task, value, size, vfsGetxattr(task, dentry.inode, key));
  };
}

function listxattr(find: Find): SyscallHandler {
  return (task, file, list, size) =>
    give(task, list, size, vfsListxattr(task, find(task, file).dentry.inode));
}

function removexattr(find: Find): SyscallHandler {
  return (task, file, name) => {
    const key = userName(task, name);
    const { mnt, dentry } = find(task, file);
    if (mnt.readOnly) fail(EROFS);
    vfsRemovexattr(task, dentry.inode, key);
    fsnotifyDentry(dentry, IN_ATTRIB);
    return 0;
  };
}

/**
 * Extended attributes.
 *
 * @see fs/xattr.c
 */
export const xattrCalls: SyscallFamily = {
  setxattr: setxattr(byPath),
  lsetxattr: setxattr(byLink),
  fsetxattr: setxattr(byFd),
  getxattr: getxattr(byPath),
  lgetxattr: getxattr(byLink),
  fgetxattr: getxattr(byFd),
  listxattr: listxattr(byPath),
  llistxattr: listxattr(byLink),
  flistxattr: listxattr(byFd),
  removexattr: removexattr(byPath),
  lremovexattr: removexattr(byLink),
  fremovexattr: removexattr(byFd),
};
