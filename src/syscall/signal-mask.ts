import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { sigprocmask, SIG_SETMASK } from '../kernel/sigaction.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { readU64 } from './args.js';

/** Bytes of a mask. */
const SIGSET_SIZE = 8;

/**
 * Holds other signals back for as long as the call under way lasts, however often it is made again; none
 * when `addr` is 0. The mask of before comes back when the call ends, or when a handler that ends it does.
 *
 * @throws {LinuxError} EINVAL: not the size of a mask; EFAULT: an address
 * @see kernel/signal.c, set_user_sigmask()
 */
export function setUserSigmask(task: TaskStruct, addr: U64, size: U64): void {
  if (addr === 0) return;
  if (size !== SIGSET_SIZE) fail(EINVAL);
  const mask = BigInt(readU64(task, addr));
  task.savedSigmask ??= task.blocked;
  sigprocmask(task, SIG_SETMASK, mask);
}
