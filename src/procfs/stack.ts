import { EACCES } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_ADMIN, credCapable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import type { File } from '../vfs/file.js';
import { lockTrace } from './lock-trace.js';

/**
 * /proc/PID/stack: the kernel stack, of which this kernel has none. Only for openers with
 * CAP_SYS_ADMIN in the initial namespace who may ATTACH (K-613).
 * @throws {LinuxError} EACCES: the capability; EPERM: may not
 * @see fs/proc/base.c proc_pid_stack()
 */
export function showStack(task: TaskStruct, caller: TaskStruct, file: File): string {
  const { kernel } = caller;
  if (!credCapable(kernel, file.cred, kernel.initUserNs, CAP_SYS_ADMIN)) fail(EACCES);
  lockTrace(caller, task);
  return '';
}
