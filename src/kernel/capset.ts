import { EINVAL, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { checked, fail } from '../errno.js';
import type { CapSet } from './capability.js';
import {
  CAP_EMPTY_SET,
  CAP_FULL_SET,
  CAP_SETPCAP,
  capRaised,
  capValid,
  capable,
  capMask,
} from './capability.js';
import type { Cred } from './cred.js';
import {
  SECBIT_KEEP_CAPS,
  SECBIT_KEEP_CAPS_LOCKED,
  SECBIT_NO_CAP_AMBIENT_RAISE,
  SECURE_ALL_BITS,
  SECURE_ALL_LOCKS,
  SECURE_ALL_UNPRIVILEGED,
  commitCreds,
  prepareCreds,
} from './cred.js';
import type { CapSets } from './security.js';
import { NOT_MINE } from './security.js';
import type { TaskStruct } from './task.js';

// include/uapi/linux/capability.h
const LINUX_CAPABILITY_VERSION_1 = 0x19980330;
const LINUX_CAPABILITY_VERSION_2 = 0x20071026;
export const LINUX_CAPABILITY_VERSION_3 = 0x20080522;

// include/uapi/linux/prctl.h
export const PR_GET_KEEPCAPS = 7;
export const PR_SET_KEEPCAPS = 8;
export const PR_CAPBSET_READ = 23;
export const PR_CAPBSET_DROP = 24;
export const PR_GET_SECUREBITS = 27;
export const PR_SET_SECUREBITS = 28;
export const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_IS_SET = 1n;
const PR_CAP_AMBIENT_RAISE = 2n;
const PR_CAP_AMBIENT_LOWER = 3n;
const PR_CAP_AMBIENT_CLEAR_ALL = 4n;

/**
 * How many 32-bit halves a version of the structure has; null for an unknown one
 * (cap_validate_magic()).
 */
export function capDataWords(version: number): number | null {
  if (version === LINUX_CAPABILITY_VERSION_1) return 1;
  const twoWords = version === LINUX_CAPABILITY_VERSION_2 || version === LINUX_CAPABILITY_VERSION_3;
  return twoWords ? 2 : null;
}

/**
 * Reads the capability sets of a thread, 0 meaning the caller.
 * @throws {LinuxError} EINVAL: a negative number
 * @throws {LinuxError} ESRCH: no such thread
 * @see kernel/capability.c, cap_get_target_pid()
 */
export function capget(task: TaskStruct, pid: number): CapSets {
  if (pid < 0) fail(EINVAL);
  const target = pid === 0 ? task : (task.kernel.findTask(pid) ?? fail(ESRCH));
  const { capEffective, capInheritable, capPermitted } = target.cred;
  return { effective: capEffective, inheritable: capInheritable, permitted: capPermitted };
}

/**
 * Replaces the caller's capability sets; unknown bits are ignored (K-408).
 * @throws {LinuxError} EPERM: another thread's number, or sets beyond what it may have
 * @see kernel/capability.c, SYSCALL_DEFINE2(capset)
 */
export function capset(task: TaskStruct, pid: number, sets: CapSets): void {
  if (pid !== 0 && pid !== task.pid) fail(EPERM);
  const cred = prepareCreds(task);
  checked(
    task.kernel.security.capset(cred, task.cred, {
      effective: sets.effective & CAP_FULL_SET,
      inheritable: sets.inheritable & CAP_FULL_SET,
      permitted: sets.permitted & CAP_FULL_SET,
    }),
  );
  commitCreds(task, cred);
}

function bsetDrop(task: TaskStruct, cap: bigint): number {
  // The privilege is asked before the range (K-409).
  if (!capable(task, task.cred.userNs, CAP_SETPCAP)) return -EPERM;
  if (!capValid(cap)) return -EINVAL;
  return change(task, (cred) => (cred.capBset &= ~capMask(Number(cap))));
}

function change(task: TaskStruct, edit: (cred: Cred) => void): number {
  const cred = prepareCreds(task);
  edit(cred);
  commitCreds(task, cred);
  return 0;
}

/**
 * K-411: locks are for ever; without CAP_SETPCAP only the bits user space enforces on itself may
 * change.
 */
function setSecurebits(task: TaskStruct, bits: bigint): number {
  const old = task.cred.securebits;
  if (bits & ~BigInt(SECURE_ALL_BITS | SECURE_ALL_LOCKS)) return -EPERM;
  const wanted = Number(bits);
  const changed = old ^ wanted;
  const locked = (old & SECURE_ALL_LOCKS) >> 1;
  if (locked & changed || old & SECURE_ALL_LOCKS & ~wanted) return -EPERM;
  if (!capable(task, task.cred.userNs, CAP_SETPCAP)) {
    const free = SECURE_ALL_UNPRIVILEGED | (SECURE_ALL_UNPRIVILEGED << 1);
    // Setting what is set already has always been refused.
    if (changed === 0 || changed & ~free) return -EPERM;
  }
  return change(task, (cred) => (cred.securebits = wanted));
}

function setKeepcaps(task: TaskStruct, value: bigint): number {
  if (value > 1n) return -EINVAL;
  if (task.cred.securebits & SECBIT_KEEP_CAPS_LOCKED) return -EPERM;
  return change(task, (cred) => {
    if (value === 1n) cred.securebits |= SECBIT_KEEP_CAPS;
    else cred.securebits &= ~SECBIT_KEEP_CAPS;
  });
}

/** K-410. */
function ambient(task: TaskStruct, args: readonly bigint[]): number {
  const [what = 0n, cap = 0n, junk4 = 0n, junk5 = 0n] = args;
  if (what === PR_CAP_AMBIENT_CLEAR_ALL) {
    if (cap | junk4 | junk5) return -EINVAL;
    return change(task, (cred) => (cred.capAmbient = CAP_EMPTY_SET));
  }
  if (!capValid(cap) || junk4 | junk5) return -EINVAL;
  const { capAmbient, capPermitted, capInheritable, securebits } = task.cred;
  const number = Number(cap);
  if (what === PR_CAP_AMBIENT_IS_SET) return Number(capRaised(capAmbient, number));
  const bit: CapSet = capMask(number);
  if (what === PR_CAP_AMBIENT_LOWER) return change(task, (cred) => (cred.capAmbient &= ~bit));
  if (what !== PR_CAP_AMBIENT_RAISE) return -EINVAL;
  const may = capRaised(capPermitted & capInheritable, number);
  if (!may || securebits & SECBIT_NO_CAP_AMBIENT_RAISE) return -EPERM;
  return change(task, (cred) => (cred.capAmbient |= bit));
}

/**
 * Serves the prctl options of capabilities; `args` are arguments 2 to 5.
 * @returns a value, a negative errno, or NOT_MINE
 * @see security/commoncap.c, cap_task_prctl()
 */
export function capTaskPrctl(
  task: TaskStruct,
  option: number,
  args: readonly bigint[],
): number | null {
  const [arg2 = 0n] = args;
  const { cred } = task;
  switch (option) {
    case PR_CAPBSET_READ:
      return capValid(arg2) ? Number(capRaised(cred.capBset, Number(arg2))) : -EINVAL;
    case PR_CAPBSET_DROP:
      return bsetDrop(task, arg2);
    case PR_SET_SECUREBITS:
      return setSecurebits(task, arg2);
    case PR_GET_SECUREBITS:
      return cred.securebits;
    case PR_GET_KEEPCAPS:
      return Number((cred.securebits & SECBIT_KEEP_CAPS) !== 0);
    case PR_SET_KEEPCAPS:
      return setKeepcaps(task, arg2);
    case PR_CAP_AMBIENT:
      return ambient(task, args);
    default:
      return NOT_MINE;
  }
}
