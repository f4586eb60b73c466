import { EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import { checked, fail } from '../errno.js';
import { copyToUser, loadUser } from '../mm/user.js';
import { commBytes, commFromBytes, TASK_COMM_LEN } from './comm.js';
import type { MmStruct } from './mm-struct.js';
import { SUID_DUMP_DISABLE, SUID_DUMP_USER } from './mm-struct.js';
import { propagateHasChildSubreaper } from './reparent.js';
import { NOT_MINE } from './security.js';
import { NSIG } from './signal.js';
import type { TaskStruct } from './task.js';

// include/uapi/linux/prctl.h
export const PR_SET_PDEATHSIG = 1;
export const PR_GET_PDEATHSIG = 2;
export const PR_GET_DUMPABLE = 3;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_NAME = 15;
export const PR_GET_NAME = 16;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_GET_CHILD_SUBREAPER = 37;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_GET_NO_NEW_PRIVS = 39;

function mmOf(task: TaskStruct): MmStruct {
  return task.mm ?? fail(EFAULT);
}

/** K-300: 0 and 1 only; all who share the memory see it (K-301). */
function setDumpable(task: TaskStruct, value: bigint): number {
  if (value !== BigInt(SUID_DUMP_DISABLE) && value !== BigInt(SUID_DUMP_USER)) fail(EINVAL);
  mmOf(task).dumpable = value === 0n ? SUID_DUMP_DISABLE : SUID_DUMP_USER;
  return 0;
}

/** K-411: only to 1, and never back. */
function setNoNewPrivs(task: TaskStruct, args: readonly bigint[]): number {
  const [value, ...junk] = args;
  if (value !== 1n || junk.some((arg) => arg !== 0n)) fail(EINVAL);
  task.noNewPrivs = true;
  return 0;
}

function getNoNewPrivs(task: TaskStruct, args: readonly bigint[]): number {
  if (args.some((arg) => arg !== 0n)) fail(EINVAL);
  return Number(task.noNewPrivs);
}

function setChildSubreaper(task: TaskStruct, value: bigint): number {
  task.group.isChildSubreaper = value !== 0n;
  if (value !== 0n) propagateHasChildSubreaper(task);
  return 0;
}

function setPdeathSignal(task: TaskStruct, value: bigint): number {
  if (value > NSIG) fail(EINVAL);
  task.pdeathSignal = Number(value);
  return 0;
}

function setName(task: TaskStruct, addr: bigint): number {
  const bytes = new Uint8Array(TASK_COMM_LEN - 1);
  const got = loadUser(mmOf(task), userAddr(addr), bytes);
  const ended = bytes.subarray(0, got).includes(0);
  if (!ended && got < bytes.length) fail(EFAULT);
  task.comm = commFromBytes(bytes);
  return 0;
}

function getName(task: TaskStruct, addr: bigint): number {
  const bytes = new Uint8Array(TASK_COMM_LEN);
  bytes.set(commBytes(task));
  copyToUser(mmOf(task), userAddr(addr), bytes);
  return 0;
}

function putInt(task: TaskStruct, addr: bigint, value: number): number {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  copyToUser(mmOf(task), userAddr(addr), bytes);
  return 0;
}

/** An address as the memory room takes it. */
function userAddr(addr: bigint): number | bigint {
  return addr <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(addr) : addr;
}

function ownOption(task: TaskStruct, option: number, args: readonly bigint[]): number {
  const [arg2 = 0n] = args;
  switch (option) {
    case PR_SET_PDEATHSIG:
      return setPdeathSignal(task, arg2);
    case PR_GET_PDEATHSIG:
      return putInt(task, arg2, task.pdeathSignal);
    case PR_GET_DUMPABLE:
      return mmOf(task).dumpable;
    case PR_SET_DUMPABLE:
      return setDumpable(task, arg2);
    case PR_SET_NAME:
      return setName(task, arg2);
    case PR_GET_NAME:
      return getName(task, arg2);
    case PR_SET_CHILD_SUBREAPER:
      return setChildSubreaper(task, arg2);
    case PR_GET_CHILD_SUBREAPER:
      return putInt(task, arg2, Number(task.group.isChildSubreaper));
    case PR_SET_NO_NEW_PRIVS:
      return setNoNewPrivs(task, args);
    case PR_GET_NO_NEW_PRIVS:
      return getNoNewPrivs(task, args);
    default:
      return fail(EINVAL);
  }
}

/**
 * The system call prctl. `args` are arguments 2 to 5, unsigned 64-bit. Security modules are asked
 * first: the capability options are theirs (K-409..K-411), as is PR_SET_PTRACER, which is EINVAL
 * without Yama (K-053).
 * @throws {LinuxError} EINVAL: an unknown option or bad arguments
 * @throws {LinuxError} EPERM: not permitted
 * @throws {LinuxError} EFAULT: a bad address for a name or a result
 * @see kernel/sys.c, SYSCALL_DEFINE5(prctl)
 */
export function sysPrctl(task: TaskStruct, option: number, args: readonly bigint[]): number {
  const answer = task.kernel.security.taskPrctl(task, option, args);
  return answer === NOT_MINE ? ownOption(task, option, args) : checked(answer);
}
