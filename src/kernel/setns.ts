import { EINVAL, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_ADMIN, capable } from './capability.js';
import { PTRACE_MODE_READ_REALCREDS, ptraceMayAccess } from './ptrace.js';
import type { TaskStruct } from './task.js';
import { CLONE_NEWUSER, CLONE_OTHER_NS, setnsUser } from './unshare.js';

/**
 * Moves the caller into namespaces of another task: what setns does with a pidfd.
 * @param target null once it is reaped
 * @param flags CLONE_NEW* bits
 * @throws {LinuxError} EINVAL: none or unknown flags, the own user namespace, or another kind of
 *   namespace, of which there is one
 * @throws {LinuxError} ESRCH: the task has exited
 * @throws {LinuxError} EPERM: not permitted, to look at the task or to enter
 * @see kernel/nsproxy.c, check_setns_flags() and validate_nsset()
 */
export function setnsTask(caller: TaskStruct, target: TaskStruct | null, flags: number): void {
  if (flags === 0 || flags & ~(CLONE_NEWUSER | CLONE_OTHER_NS)) fail(EINVAL);
  if (target === null) return fail(ESRCH);
  // A zombie can still be asked about, but has no namespaces left.
  if (!ptraceMayAccess(caller, target, PTRACE_MODE_READ_REALCREDS)) fail(EPERM);
  if (target.exited) fail(ESRCH);
  const { userNs } = target.cred;
  if (flags & CLONE_NEWUSER && userNs === caller.cred.userNs) fail(EINVAL);
  if (flags & CLONE_OTHER_NS) fail(capable(caller, userNs, CAP_SYS_ADMIN) ? EINVAL : EPERM);
  setnsUser(caller, userNs);
}
