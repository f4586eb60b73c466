import { EACCES, ENOENT, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import { genericReadDir } from '../vfs/directory.js';
import type { File, FileOperations } from '../vfs/file.js';
import { O_CLOEXEC } from '../vfs/flags.js';
import type { Inode, InodeOperations } from '../vfs/inode.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { S_IFREG } from '../vfs/mode.js';
import { genericPermission } from '../vfs/permission.js';
import { singleFile } from '../vfs/seq-file.js';
import { toSigned } from '../vfs/u64.js';
import { fdFile, iterateFds, lookupFd, taskFiles } from './fd.js';
import { getProcTask, isAlive, procInode, procSetattr } from './proc-inode.js';

/**
 * @throws {LinuxError} ENOENT: the task is gone or the descriptor closed (fs/proc/fd.c seq_show())
 */
function show(info: File): string {
  const task = getProcTask(info.inode) ?? fail(ENOENT);
  const file = fdFile(info.inode) ?? fail(ENOENT);
  const cloexec = taskFiles(task)?.isCloexec(procInode(info.inode).fd ?? -1) === true;
  const flags = (file.flags & ~O_CLOEXEC) | (cloexec ? O_CLOEXEC : 0);
  return [
    `pos:\t${toSigned(file.pos)}\n`,
    `flags:\t0${flags.toString(8)}\n`,
    `mnt_id:\t${file.path.mnt.id}\n`,
    `ino:\t${file.inode.ino}\n`,
    file.fops.showFdinfo?.(file) ?? '',
  ].join('');
}

export const fdinfoFileOperations = singleFile((_caller, file) => show(file));

/**
 * Only for who may READ-access the task: the directory and each file in it.
 * @throws {LinuxError} ESRCH: the task is gone; EACCES
 * @see fs/proc/fd.c proc_fdinfo_permission()
 */
function permission(caller: TaskStruct, inode: Inode, mask: number): void {
  const task = getProcTask(inode) ?? fail(ESRCH);
  if (!ptraceMayAccess(caller, task, PTRACE_MODE_READ_FSCREDS)) fail(EACCES);
  genericPermission(caller, inode, mask);
}

export const fdinfoFileInodeOperations: InodeOperations = { permission, setattr: procSetattr };
const fileInit = {
  mode: S_IFREG | 0o444,
  iops: fdinfoFileInodeOperations,
  fops: fdinfoFileOperations,
};

/** /proc/PID/fdinfo as a directory to search (fs/proc/fd.c proc_fdinfo_inode_operations). */
export const fdinfoInodeOperations: InodeOperations = {
  lookup: (_caller, dir, name) => lookupFd(dir, name, fileInit),
  permission,
  setattr: procSetattr,
};

/** /proc/PID/fdinfo as a directory to list (fs/proc/fd.c proc_fdinfo_operations). */
export const fdinfoOperations: FileOperations = {
  read: genericReadDir,
  llseek: genericFileLlseek,
  iterate: iterateFds,
  iterateResumes: isAlive,
};
