import { EINVAL, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { RLIMIT_NOFILE } from '../kernel/rlimit.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { doPollfd } from '../vfs/ioctl.js';
import { int, readUser, type SyscallFamily, uint, writeUser } from './args.js';

/** struct pollfd: fd, events, revents. */
const POLLFD_SIZE = 8;

/**
 * Waiting for files: the answer as of now, or ERESTARTSYS where Linux would sleep.
 *
 * @see fs/select.c
 */
export const pollCalls: SyscallFamily = {
  poll: (task, fds, count, timeout) => poll(task, fds, uint(count), int(timeout) !== 0),
  ppoll: (task, fds, count, timeout) =>
    poll(task, fds, uint(count), timeout === 0 || !isZeroTimespec(task, timeout)),
};

function isZeroTimespec(task: TaskStruct, addr: U64): boolean {
  const view = readUser(task, addr, 16);
  const seconds = view.getBigInt64(0, true);
  const nanoseconds = view.getBigInt64(8, true);
  if (seconds < 0n || nanoseconds < 0n || nanoseconds > 999_999_999n) fail(EINVAL);
  return seconds === 0n && nanoseconds === 0n;
}

/** @param mayWait whether the caller would sleep until something happens */
function poll(task: TaskStruct, addr: U64, count: number, mayWait: boolean): number {
  if (count > task.group.rlimits.soft(RLIMIT_NOFILE)) fail(EINVAL);
  if (count === 0) return mayWait ? -ERESTARTSYS : 0;
  const fds = readUser(task, addr, count * POLLFD_SIZE);
  let ready = 0;
  for (let at = 0; at < fds.byteLength; at += POLLFD_SIZE) {
    const fd = fds.getInt32(at, true);
    const revents = fd < 0 ? 0 : doPollfd(task, fd, fds.getInt16(at + 4, true));
    fds.setInt16(at + 6, revents, true);
    if (revents !== 0) ready += 1;
  }
  if (ready === 0 && mayWait) return -ERESTARTSYS;
  writeUser(task, addr, fds);
  return ready;
}
