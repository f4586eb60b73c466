import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { UNBLOCKABLE } from '../kernel/sighand.js';
import type { TaskStruct } from '../kernel/task.js';
import { filesOf } from '../vfs/fdtable.js';
import { O_CLOEXEC, O_NONBLOCK } from '../vfs/flags.js';
import { Signalfd, signalfdOf, signalfdOperations } from '../vfs/signalfd.js';
import type { U64 } from '../vfs/u64.js';
import { anonInodeGetfd } from './anon-inode.js';
import { int, readU64, type SyscallFamily } from './args.js';

const SIGSET_SIZE = 8;

/**
 * Signals that are read.
 *
 * @see fs/signalfd.c
 */
export const signalfdCalls: SyscallFamily = {
  signalfd: (task, fd, mask, size) => signalfd(task, int(fd), givenMask(task, mask, size), 0),
  signalfd4: (task, fd, mask, size, flags) =>
    signalfd(task, int(fd), givenMask(task, mask, size), int(flags)),
};

/** @throws {LinuxError} EINVAL: not the size of a mask; EFAULT */
function givenMask(task: TaskStruct, mask: U64, size: U64): bigint {
  return size === SIGSET_SIZE ? BigInt(readU64(task, mask)) : fail(EINVAL);
}

/**
 * Opens one, or has another give other signals.
 *
 * @throws {LinuxError} EINVAL: flags, or a descriptor of another kind; EBADF, EMFILE
 * @see fs/signalfd.c do_signalfd4()
 */
function signalfd(task: TaskStruct, fd: number, given: bigint, flags: number): number {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) fail(EINVAL);
  const mask = given & ~UNBLOCKABLE;
  if (fd !== -1) {
    signalfdOf(filesOf(task).get(fd)).mask = mask;
    return fd;
  }
  return anonInodeGetfd(task, {
    name: 'signalfd',
    fops: signalfdOperations,
    data: new Signalfd(mask),
    flags: flags & O_NONBLOCK,
    cloexec: (flags & O_CLOEXEC) !== 0,
  });
}
