import { ESRCH } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { mmAccess, PTRACE_MODE_FSCREDS } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import type { File } from '../vfs/file.js';
import type { Inode } from '../vfs/inode.js';
import { getProcTask } from './proc-inode.js';

/**
 * The memory of the task an inode is about, for a caller who may access it; it is kept as an
 * object, not as a user, so that it can die under the open file (K-100).
 * @returns null for a task without memory
 * @throws {LinuxError} ESRCH: the task is gone; EACCES: may not
 * @see fs/proc/base.c proc_mem_open()
 */
export function procMemOpen(caller: TaskStruct, inode: Inode, mode: number): MmStruct | null {
  const task = getProcTask(inode) ?? fail(ESRCH);
  try {
    return mmAccess(caller, task, mode | PTRACE_MODE_FSCREDS);
  } catch (error) {
    if (error instanceof LinuxError && error.code === 'ESRCH') return null;
    throw error;
  }
}

/**
 * Opens a file that is about nothing but a memory. Before 6.16 that of a task without memory could be
 * opened (`memNeedsMm` of the profile).
 * @throws {LinuxError} ESRCH: the task is gone or has no memory (K-031, K-032); EACCES: may not
 *   (K-030)
 * @see fs/proc/base.c __mem_open()
 */
export function openMem(caller: TaskStruct, file: File, mode: number): void {
  const mm = procMemOpen(caller, file.inode, mode);
  if (mm === null && caller.kernel.profile.memNeedsMm) fail(ESRCH);
  file.privateData = mm;
}

/** The memory openMem() kept; null of a task that had none. */
export function memOf(file: File): MmStruct | null {
  return file.privateData as MmStruct | null;
}
