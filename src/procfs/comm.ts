import { EFAULT, EINVAL, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { commFromBytes, TASK_COMM_LEN } from '../kernel/comm.js';
import type { TaskStruct } from '../kernel/task.js';
import { sameThreadGroup } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from '../vfs/file.js';
import type { InodeOperations } from '../vfs/inode.js';
import { MAY_EXEC } from '../vfs/mode.js';
import { genericPermission } from '../vfs/permission.js';
import { singleFile } from '../vfs/seq-file.js';
import { getProcTask, procSetattr, procTaskOf } from './proc-inode.js';

/**
 * Names a thread: the first 15 bytes count, and all are taken.
 * @throws {LinuxError} EFAULT; ESRCH: the task is gone; EINVAL: a thread of another process
 * @see fs/proc/base.c comm_write()
 */
function write(caller: TaskStruct, file: File, buf: UserBuffer): number {
  const bytes = new Uint8Array(Math.min(buf.length, TASK_COMM_LEN - 1));
  if (buf.copyFrom(0, bytes) < bytes.length) fail(EFAULT);
  const task = procTaskOf(file);
  if (!sameThreadGroup(caller, task)) fail(EINVAL);
  task.comm = commFromBytes(bytes);
  return buf.length;
}

/** /proc/PID/comm: the name of a thread (fs/proc/base.c proc_pid_set_comm_operations). */
export const commOperations: FileOperations = singleFile(
  (_caller, file) => `${procTaskOf(file).comm}\n`,
  { write, writeStays: true },
);

/**
 * The comm of /proc/PID/task/TID is open to every thread of its process, whoever owns it.
 * @throws {LinuxError} ESRCH: the thread is gone; EACCES
 * @see fs/proc/base.c proc_tid_comm_permission()
 */
export const tidCommInodeOperations: InodeOperations = {
  setattr: procSetattr,
  permission(caller, inode, mask) {
    const task = getProcTask(inode) ?? fail(ESRCH);
    if (sameThreadGroup(caller, task) && (mask & MAY_EXEC) === 0) return;
    genericPermission(caller, inode, mask);
  },
};
