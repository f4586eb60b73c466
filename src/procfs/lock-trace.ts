import { EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { PTRACE_MODE_ATTACH_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';

/**
 * Asks for ATTACH access at the time of a read (K-613).
 * @throws {LinuxError} EPERM: may not
 * @see fs/proc/base.c lock_trace()
 */
export function lockTrace(caller: TaskStruct, task: TaskStruct): void {
  if (!ptraceMayAccess(caller, task, PTRACE_MODE_ATTACH_FSCREDS)) fail(EPERM);
}
