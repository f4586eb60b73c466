import { EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { checkAction, SECCOMP_DATA_SIZE, setFilter, setStrictMode } from '../kernel/seccomp.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { anonInodeGetfd } from './anon-inode.js';
import { readUser, type SyscallFamily, uint, writeUser } from './args.js';
import { listenerOperations, NOTIF_RESP_SIZE, NOTIF_SIZE } from './seccomp-listener.js';

// include/uapi/linux/seccomp.h
const SECCOMP_SET_MODE_STRICT = 0;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_GET_ACTION_AVAIL = 2;
const SECCOMP_GET_NOTIF_SIZES = 3;

/** Filters of system calls. @see kernel/seccomp.c, do_seccomp() */
export const seccompCalls: SyscallFamily = {
  seccomp: (task, op, flags, args) => seccomp(task, uint(op), uint(flags), args),
};

/**
 * @throws {LinuxError} EINVAL: operation, flags, arguments; EOPNOTSUPP: an unknown action; EFAULT; what setFilter()
 *   throws
 */
function seccomp(task: TaskStruct, op: number, flags: number, args: U64): number {
  switch (op) {
    case SECCOMP_SET_MODE_STRICT:
      if (flags !== 0 || args !== 0) fail(EINVAL);
      setStrictMode(task);
      return 0;
    case SECCOMP_SET_MODE_FILTER:
      return setFilter(task, flags, args, (data) =>
        anonInodeGetfd(task, { name: 'seccomp notify', fops: listenerOperations, data }),
      );
    case SECCOMP_GET_ACTION_AVAIL:
      if (flags !== 0) fail(EINVAL);
      checkAction(readUser(task, args, 4).getUint32(0, true));
      return 0;
    case SECCOMP_GET_NOTIF_SIZES:
      if (flags !== 0) fail(EINVAL);
      writeSizes(task, args);
      return 0;
    default:
      return fail(EINVAL);
  }
}

/** struct seccomp_notif_sizes */
function writeSizes(task: TaskStruct, addr: U64): void {
  if (addr === 0) fail(EFAULT);
  const sizes = new DataView(new ArrayBuffer(6));
  sizes.setUint16(0, NOTIF_SIZE, true);
  sizes.setUint16(2, NOTIF_RESP_SIZE, true);
  sizes.setUint16(4, SECCOMP_DATA_SIZE, true);
  writeUser(task, addr, sizes);
}
