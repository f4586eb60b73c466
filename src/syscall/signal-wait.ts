import { EAGAIN, EFAULT, EINTR, EINVAL, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { UNBLOCKABLE } from '../kernel/sighand.js';
import { timedOut } from '../kernel/sleep.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { readU64, type SyscallFamily, writeUser } from './args.js';
import { setUserSigmask } from './signal-mask.js';
import { readTimespec } from './time.js';

const SIGSET_SIZE = 8;

/**
 * Waiting for signals.
 *
 * @see kernel/signal.c
 */
export const signalWaitCalls: SyscallFamily = {
  pause: () => -ERESTARTSYS,
  rt_sigsuspend(task, set, size) {
    if (size !== SIGSET_SIZE) fail(EINVAL);
    if (set === 0) fail(EFAULT);
    setUserSigmask(task, set, size);
    return -ERESTARTSYS;
  },
  rt_sigtimedwait: sigtimedwait,
  // What an interrupted sleep goes on with; whoever runs the CPU makes the call itself again.
  restart_syscall: () => -EINTR,
};

/**
 * Takes a signal of a set without its handler.
 *
 * @throws {LinuxError} EAGAIN: none came in time; EINVAL: the size of a mask, a length of time; EFAULT
 * @see kernel/signal.c, do_sigtimedwait()
 */
function sigtimedwait(task: TaskStruct, set: U64, info: U64, timeout: U64, size: U64): number {
  if (size !== SIGSET_SIZE) fail(EINVAL);
  const wanted = BigInt(readU64(task, set)) & ~UNBLOCKABLE;
  const ms = timeout === 0 ? Infinity : readTimespec(task, timeout);
  const others = BigInt.asUintN(64, ~wanted);
  const taken = task.pendingSignals.take(others) ?? task.group.sharedPending.take(others);
  if (taken !== null) {
    if (info !== 0) writeUser(task, info, taken.info);
    return taken.signal;
  }
  return timedOut(task, 'rt_sigtimedwait', ms) ? fail(EAGAIN) : -ERESTARTSYS;
}
