import { ENOENT } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { sameThreadGroup } from '../kernel/task.js';
import type { Dentry, Path } from '../vfs/dentry.js';
import { genericReadDir } from '../vfs/directory.js';
import { FdTable } from '../vfs/fdtable.js';
import { FMODE_READ, FMODE_WRITE } from '../vfs/file.js';
import type { DirEntry, File, FileOperations } from '../vfs/file.js';
import type { Inode, InodeOperations } from '../vfs/inode.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { isLnk, S_IFLNK } from '../vfs/mode.js';
import { genericPermission } from '../vfs/permission.js';
import { nameToInt } from './name-to-int.js';
import { fillDirectory, procPidLinkOperations } from './pid-entry.js';
import {
  getProcTask,
  isAlive,
  procInode,
  procInstantiate,
  procSetattr,
  taskDumpOwner,
} from './proc-inode.js';
import type { ProcInodeInit } from './proc-inode.js';

/** Bytes a link of fd/ or map_files/ claims to have. */
export const MAGIC_LINK_SIZE = 64;

/** The descriptors of a task; a zombie has none. */
export function taskFiles(task: TaskStruct): FdTable | null {
  return task.files instanceof FdTable ? task.files : null;
}

/** The open file of a descriptor entry, while both last (fget_task()). */
export function fdFile(inode: Inode): File | null {
  const task = getProcTask(inode);
  const { fd } = procInode(inode);
  if (task === null || fd === undefined) return null;
  return taskFiles(task)?.getRaw(fd) ?? null;
}

/**
 * Owner and, of a link, what its file is open for.
 * @see fs/proc/fd.c tid_fd_update_inode()
 */
function updateFdInode(task: TaskStruct, inode: Inode, file: File): void {
  const { uid, gid } = taskDumpOwner(task, 0);
  inode.uid = uid;
  inode.gid = gid;
  if (!isLnk(inode.mode)) return;
  inode.mode = S_IFLNK;
  if ((file.mode & FMODE_READ) !== 0) inode.mode |= 0o500;
  if ((file.mode & FMODE_WRITE) !== 0) inode.mode |= 0o300;
}

/** A name of fd/ stands while the descriptor is open (fs/proc/fd.c tid_fd_revalidate()). */
export function fdRevalidate(_caller: TaskStruct, inode: Inode): boolean {
  const task = getProcTask(inode);
  const file = fdFile(inode);
  if (task === null || file === null) return false;
  updateFdInode(task, inode, file);
  return true;
}

/**
 * Looks a descriptor up by its number.
 * @throws {LinuxError} ENOENT: the task is gone, or it has no such descriptor
 * @see fs/proc/fd.c proc_lookupfd_common()
 */
export function lookupFd(dir: Dentry, name: string, init: ProcInodeInit): Dentry {
  const task = getProcTask(dir.inode) ?? fail(ENOENT);
  const fd = nameToInt(name) ?? fail(ENOENT);
  const file = taskFiles(task)?.getRaw(fd) ?? fail(ENOENT);
  const dentry = procInstantiate(dir, name, task, { ...init, fd, revalidate: fdRevalidate });
  updateFdInode(task, dentry.inode, file);
  return dentry;
}

/**
 * Lists the open descriptors.
 * @throws {LinuxError} ENOENT: the task is gone
 * @see fs/proc/fd.c proc_readfd_common()
 */
export function iterateFds(caller: TaskStruct, file: File): Iterable<DirEntry> {
  const task = getProcTask(file.inode) ?? fail(ENOENT);
  return fillDirectory(caller, file, fdNames(task));
}

/** The descriptors open when it comes to them. */
function* fdNames(task: TaskStruct): Generator<string, void, void> {
  let fd = taskFiles(task)?.nextOpen(0) ?? null;
  while (fd !== null) {
    yield String(fd);
    fd = taskFiles(task)?.nextOpen(fd + 1) ?? null;
  }
}

/** @throws {LinuxError} ENOENT: the descriptor was closed (fs/proc/fd.c proc_fd_link()) */
function fdLink(inode: Inode): Path {
  return (fdFile(inode) ?? fail(ENOENT)).path;
}

export const fdLinkOperations = procPidLinkOperations(fdLink);

/**
 * Threads of the process may search whatever the mode says.
 * @throws {LinuxError} EACCES
 * @see fs/proc/fd.c proc_fd_permission()
 */
export function procFdPermission(caller: TaskStruct, inode: Inode, mask: number): void {
  try {
    genericPermission(caller, inode, mask);
  } catch (error) {
    const task = getProcTask(inode);
    const own = task !== null && sameThreadGroup(task, caller);
    if (!(error instanceof LinuxError) || !own) throw error;
  }
}

/** /proc/PID/fd as a directory to search (K-612; fs/proc/fd.c proc_fd_inode_operations). */
export const fdInodeOperations: InodeOperations = {
  lookup(_caller, dir, name) {
    const dentry = lookupFd(dir, name, { mode: S_IFLNK, iops: fdLinkOperations });
    dentry.inode.fixedSize = MAGIC_LINK_SIZE;
    return dentry;
  },
  permission: procFdPermission,
  setattr: procSetattr,
  // The size is the number of open descriptors.
  getattr(_caller, inode, stat) {
    const task = getProcTask(inode) ?? fail(ENOENT);
    stat.size = taskFiles(task)?.openFds().length ?? 0;
  },
};

/** /proc/PID/fd as a directory to list (fs/proc/fd.c proc_fd_operations). */
export const fdOperations: FileOperations = {
  read: genericReadDir,
  llseek: genericFileLlseek,
  iterate: iterateFds,
  iterateResumes: isAlive,
};
