import { EBADF, EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import { checked, fail } from '../errno.js';
import { copyToUser, loadUser } from '../mm/user.js';
import { commBytes, commFromBytes, TASK_COMM_LEN } from './comm.js';
import { SUID_DUMP_DISABLE, SUID_DUMP_USER } from './mm-struct.js';
import { noSpareArgs, prctlMm, putInt } from './prctl-args.js';
import type { ExeFileOf } from './prctl-mm.js';
import { prctlSetMm } from './prctl-mm.js';
import { PRCTL_STATE } from './prctl-state.js';
import { propagateHasChildSubreaper } from './reparent.js';
import { NOT_MINE } from './security.js';
import { NSIG } from './signal.js';
import type { TaskStruct } from './task.js';
import { toUserAddr } from './user-address.js';

// include/uapi/linux/prctl.h
export const PR_SET_PDEATHSIG = 1;
export const PR_GET_PDEATHSIG = 2;
export const PR_GET_DUMPABLE = 3;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_NAME = 15;
export const PR_GET_NAME = 16;
export const PR_SET_MM = 35;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_GET_CHILD_SUBREAPER = 37;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_GET_NO_NEW_PRIVS = 39;

/** K-300: 0 and 1 only; all who share the memory see it (K-301). */
function setDumpable(task: TaskStruct, value: bigint): number {
  if (value !== BigInt(SUID_DUMP_DISABLE) && value !== BigInt(SUID_DUMP_USER)) fail(EINVAL);
  prctlMm(task).dumpable = value === 0n ? SUID_DUMP_DISABLE : SUID_DUMP_USER;
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
  noSpareArgs(args, 0);
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
  const got = loadUser(prctlMm(task), toUserAddr(addr), bytes);
  const ended = bytes.subarray(0, got).includes(0);
  if (!ended && got < bytes.length) fail(EFAULT);
  task.comm = commFromBytes(bytes);
  return 0;
}

function getName(task: TaskStruct, addr: bigint): number {
  const bytes = new Uint8Array(TASK_COMM_LEN);
  bytes.set(commBytes(task));
  copyToUser(prctlMm(task), toUserAddr(addr), bytes);
  return 0;
}

function ownOption(
  task: TaskStruct,
  option: number,
  args: readonly bigint[],
  exeFileOf: ExeFileOf,
): number {
  const [arg2 = 0n] = args;
  switch (option) {
    case PR_SET_PDEATHSIG:
      return setPdeathSignal(task, arg2);
    case PR_GET_PDEATHSIG:
      return putInt(task, arg2, task.pdeathSignal);
    case PR_GET_DUMPABLE:
      return prctlMm(task).dumpable;
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
    case PR_SET_MM:
      prctlSetMm(task, prctlMm(task), args, exeFileOf);
      return 0;
    default:
      return (PRCTL_STATE.get(option) ?? fail(EINVAL))(task, args);
  }
}

/**
 * The system call prctl. `args` are arguments 2 to 5, unsigned 64-bit. Security modules are asked
 * first: the capability options are theirs (K-409..K-411), as is PR_SET_PTRACER, which is EINVAL
 * without Yama (K-053).
 * @param exeFileOf opens the program that PR_SET_MM_EXE_FILE names (default: there are no files)
 * @throws {LinuxError} EINVAL: an unknown option or bad arguments
 * @throws {LinuxError} EPERM: not permitted
 * @throws {LinuxError} EFAULT: a bad address for a name or a result
 * @see kernel/sys.c, SYSCALL_DEFINE5(prctl)
 */
export function sysPrctl(
  task: TaskStruct,
  option: number,
  args: readonly bigint[],
  exeFileOf: ExeFileOf = () => fail(EBADF),
): number {
  const answer = task.kernel.security.taskPrctl(task, option, args);
  return answer === NOT_MINE ? ownOption(task, option, args, exeFileOf) : checked(answer);
}
