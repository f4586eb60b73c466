import { EINVAL, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from '../vfs/file.js';
import { INT, kstrto, strstrip, textFromUser } from './kstrtox.js';
import { getProcTask } from './proc-inode.js';

/** Bytes looked at: PROC_NUMBUF without its NUL. */
const MAX_BYTES = 12;

/**
 * Takes what shall be forgotten, 1 to 5. This kernel keeps neither referenced nor soft-dirty bits,
 * so there is nothing to forget but the permission and the errors are Linux's.
 * @throws {LinuxError} EFAULT; EINVAL: not 1 to 5; ERANGE: no int; ESRCH: the task is gone
 * @see fs/proc/task_mmu.c clear_refs_write()
 */
function write(_caller: TaskStruct, file: File, buf: UserBuffer): number {
  const type = kstrto(strstrip(textFromUser(buf, MAX_BYTES)), 10, INT);
  if (type < 1n || type > 5n) fail(EINVAL);
  if (getProcTask(file.inode) === null) fail(ESRCH);
  return Math.min(buf.length, MAX_BYTES);
}

/**
 * /proc/PID/clear_refs: whoever may open it may write it (K-609; fs/proc/task_mmu.c
 * proc_clear_refs_operations).
 */
export const clearRefsOperations: FileOperations = {
  write,
  llseek: (_caller, file) => file.pos,
};
