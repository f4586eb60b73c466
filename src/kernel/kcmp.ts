import { EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import {
  PTRACE_MODE_ATTACH_REALCREDS,
  PTRACE_MODE_READ_REALCREDS,
  ptraceMayAccess,
} from './ptrace.js';
import type { TaskStruct } from './task.js';

/**
 * Checks a kcmp of two tasks by number and gives both: looking at each is needed, by real ids
 * (K-045).
 * @throws {LinuxError} ESRCH: one of them does not exist
 * @throws {LinuxError} EPERM: not permitted for both
 * @see kernel/kcmp.c, SYSCALL_DEFINE5(kcmp)
 */
export function checkKcmp(
  caller: TaskStruct,
  pid1: number,
  pid2: number,
): [TaskStruct, TaskStruct] {
  const task1 = caller.kernel.findTask(pid1);
  const task2 = caller.kernel.findTask(pid2);
  if (task1 === null || task2 === null) fail(ESRCH);
  const may = (task: TaskStruct): boolean =>
    ptraceMayAccess(caller, task, PTRACE_MODE_READ_REALCREDS);
  if (!may(task1) || !may(task2)) fail(EPERM);
  return [task1, task2];
}

/**
 * Checks taking a descriptor out of another process (pidfd_getfd), by real ids (K-045).
 * @throws {LinuxError} EPERM: not permitted
 * @see kernel/pid.c, __pidfd_fget()
 */
export function checkPidfdGetfd(caller: TaskStruct, target: TaskStruct): void {
  if (!ptraceMayAccess(caller, target, PTRACE_MODE_ATTACH_REALCREDS)) fail(EPERM);
}
