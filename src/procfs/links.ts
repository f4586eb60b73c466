import { ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { getTaskMm } from '../kernel/ptrace.js';
import type { Path } from '../vfs/dentry.js';
import { ExeFile } from '../vfs/exe-file.js';
import { FsStruct } from '../vfs/fs-struct.js';
import type { Inode, LinkTarget } from '../vfs/inode.js';
import { getProcTask } from './proc-inode.js';

/** The fs_struct of the task; gone once it exited. @throws {LinuxError} ENOENT */
function taskFs(inode: Inode): FsStruct {
  const fs = getProcTask(inode)?.fs;
  return fs instanceof FsStruct ? fs : fail(ENOENT);
}

/**
 * /proc/PID/cwd: the working directory.
 * @throws {LinuxError} ENOENT: the task is gone or a zombie
 * @see fs/proc/base.c proc_cwd_link()
 */
export function cwdLink(inode: Inode): Path {
  return taskFs(inode).pwd;
}

/**
 * /proc/PID/root: the root directory.
 * @throws {LinuxError} ENOENT: the task is gone or a zombie
 * @see fs/proc/base.c proc_root_link()
 */
export function rootLink(inode: Inode): Path {
  return taskFs(inode).root;
}

/**
 * /proc/PID/exe: the program. One that is only known by its path is found by it.
 * @throws {LinuxError} ENOENT: the task is gone, or has no memory or no program (K-032)
 * @see fs/proc/base.c proc_exe_link()
 */
export function exeLink(inode: Inode): LinkTarget {
  const task = getProcTask(inode);
  const exe = task === null ? null : (getTaskMm(task)?.exeFile ?? null);
  if (exe === null) fail(ENOENT);
  return exe instanceof ExeFile ? exe.file.path : exe.path;
}
