import { EBADF, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { filesOf } from '../vfs/fdtable.js';
import { type Flock, flock, getRangeLock, setRangeLock } from '../vfs/locks.js';
import type { U64 } from '../vfs/u64.js';
import { int, readUser, type SyscallFamily, writeUser } from './args.js';

// Commands of fcntl: include/uapi/asm-generic/fcntl.h.
const F_GETLK = 5;
const F_SETLK = 6;
const F_SETLKW = 7;
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_OFD_SETLKW = 38;
const LOCK_COMMANDS = [F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW];
/** Bytes of struct flock: type, whence, start, len, pid. */
const FLOCK_SIZE = 32;

/** Whether a command of fcntl is about locks. */
export function isLockCommand(command: number): boolean {
  return LOCK_COMMANDS.includes(command);
}

function readFlock(task: TaskStruct, addr: U64): Flock {
  const view = readUser(task, addr, FLOCK_SIZE);
  return {
    type: view.getInt16(0, true),
    whence: view.getInt16(2, true),
    start: view.getBigInt64(8, true),
    len: view.getBigInt64(16, true),
    pid: view.getInt32(24, true),
  };
}

function encodeFlock(lock: Flock): DataView {
  const view = new DataView(new ArrayBuffer(FLOCK_SIZE));
  view.setInt16(0, lock.type, true);
  view.setInt16(2, lock.whence, true);
  view.setBigInt64(8, lock.start, true);
  view.setBigInt64(16, lock.len, true);
  view.setInt32(24, lock.pid, true);
  return view;
}

/**
 * The commands of fcntl about locks; see locks.ts for their errors.
 * @throws {LinuxError} EBADF; EFAULT; EINVAL: an OFD lock that names a process
 */
export function fcntlLock(task: TaskStruct, fd: number, command: number, addr: U64): number {
  const files = filesOf(task);
  const file = files.getRaw(fd) === null ? fail(EBADF) : files.get(fd);
  const ofd = command >= F_OFD_GETLK;
  const wanted = readFlock(task, addr);
  if (ofd && wanted.pid !== 0) fail(EINVAL);
  const owner = ofd ? file : files;
  if (command === F_GETLK || command === F_OFD_GETLK) {
    writeUser(task, addr, encodeFlock(getRangeLock(file, wanted, owner)));
    return 0;
  }
  const waits = command === F_SETLKW || command === F_OFD_SETLKW;
  setRangeLock(file, wanted, { owner, pid: ofd ? -1 : task.tgid, waits });
  return 0;
}

/**
 * Locks of whole files.
 *
 * @see fs/locks.c
 */
export const lockCalls: SyscallFamily = {
  flock(task, fd, operation) {
    flock(filesOf(task).get(int(fd)), int(operation));
    return 0;
  },
};
