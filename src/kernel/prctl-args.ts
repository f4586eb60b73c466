import { EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { copyToUser } from '../mm/user.js';
import type { MmStruct } from './mm-struct.js';
import type { TaskStruct } from './task.js';
import { toUserAddr } from './user-address.js';

/** The memory of a task that makes a call. @throws {LinuxError} EFAULT: a kernel thread */
export function prctlMm(task: TaskStruct): MmStruct {
  return task.mm ?? fail(EFAULT);
}

/** Arguments an option does not use must be zero. @throws {LinuxError} EINVAL */
export function noSpareArgs(args: readonly bigint[], from: number): void {
  if (args.slice(from).some((arg) => arg !== 0n)) fail(EINVAL);
}

/** Stores an int of the result; gives 0. @throws {LinuxError} EFAULT: not writable */
export function putInt(task: TaskStruct, addr: bigint, value: number): number {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  copyToUser(prctlMm(task), toUserAddr(addr), bytes);
  return 0;
}
