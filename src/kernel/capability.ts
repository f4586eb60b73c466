import type { Cred } from './cred.js';
import type { Kernel } from './kernel.js';
import type { TaskStruct } from './task.js';
import type { UserNamespace } from './userns.js';
import { kgidHasMapping, kuidHasMapping } from './userns.js';

// include/uapi/linux/capability.h
export const CAP_CHOWN = 0;
export const CAP_DAC_OVERRIDE = 1;
export const CAP_DAC_READ_SEARCH = 2;
export const CAP_FOWNER = 3;
export const CAP_FSETID = 4;
export const CAP_KILL = 5;
export const CAP_SETGID = 6;
export const CAP_SETUID = 7;
export const CAP_SETPCAP = 8;
export const CAP_LINUX_IMMUTABLE = 9;
export const CAP_NET_BIND_SERVICE = 10;
export const CAP_NET_BROADCAST = 11;
export const CAP_NET_ADMIN = 12;
export const CAP_NET_RAW = 13;
export const CAP_IPC_LOCK = 14;
export const CAP_IPC_OWNER = 15;
export const CAP_SYS_MODULE = 16;
export const CAP_SYS_RAWIO = 17;
export const CAP_SYS_CHROOT = 18;
export const CAP_SYS_PTRACE = 19;
export const CAP_SYS_PACCT = 20;
export const CAP_SYS_ADMIN = 21;
export const CAP_SYS_BOOT = 22;
export const CAP_SYS_NICE = 23;
export const CAP_SYS_RESOURCE = 24;
export const CAP_SYS_TIME = 25;
export const CAP_SYS_TTY_CONFIG = 26;
export const CAP_MKNOD = 27;
export const CAP_LEASE = 28;
export const CAP_AUDIT_WRITE = 29;
export const CAP_AUDIT_CONTROL = 30;
export const CAP_SETFCAP = 31;
export const CAP_MAC_OVERRIDE = 32;
export const CAP_MAC_ADMIN = 33;
export const CAP_SYSLOG = 34;
export const CAP_WAKE_ALARM = 35;
export const CAP_BLOCK_SUSPEND = 36;
export const CAP_AUDIT_READ = 37;
export const CAP_PERFMON = 38;
export const CAP_BPF = 39;
export const CAP_CHECKPOINT_RESTORE = 40;
export const CAP_LAST_CAP = 40;

/** A set of capabilities: bit n is capability n (kernel_cap_t). */
export type CapSet = bigint;

export const CAP_EMPTY_SET: CapSet = 0n;
/** All 41 capabilities of Linux 6.18 (CAP_VALID_MASK). */
export const CAP_FULL_SET: CapSet = (1n << BigInt(CAP_LAST_CAP + 1)) - 1n;

/** Makes the set of the capabilities named. */
export function capMask(...caps: number[]): CapSet {
  return caps.reduce((set, cap) => set | (1n << BigInt(cap)), CAP_EMPTY_SET);
}

/** What setfsuid() takes from and gives to the effective set (CAP_FS_SET, K-406). */
export const CAP_FS_SET: CapSet = capMask(
  CAP_CHOWN,
  CAP_MKNOD,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_MAC_OVERRIDE,
  CAP_LINUX_IMMUTABLE,
);

/** Tells whether a set has a capability (cap_raised()). */
export function capRaised(set: CapSet, cap: number): boolean {
  return ((set >> BigInt(cap)) & 1n) === 1n;
}

/** Tells whether every capability of `subset` is in `set` (cap_issubset()). */
export function capIsSubset(subset: CapSet, set: CapSet): boolean {
  // Mostly both are the same one, and arithmetic on bigints allocates.
  return subset === set || (subset & ~set) === 0n;
}

/** Tells whether a number names a capability (cap_valid()). */
export function capValid(cap: number | bigint): boolean {
  return cap >= 0 && cap <= CAP_LAST_CAP;
}

/**
 * Tells whether credentials have a capability in a user namespace, as the security modules decide
 * it. A file's opener is asked this way (file_ns_capable()).
 * @see security/security.c, security_capable()
 */
export function credCapable(
  kernel: Kernel,
  cred: Readonly<Cred>,
  ns: UserNamespace,
  cap: number,
): boolean {
  return kernel.security.capable(cred, ns, cap) === 0;
}

/**
 * Tells whether a task has a capability in a user namespace; with the initial one this is Linux's
 * capable().
 * @see kernel/capability.c, ns_capable()
 */
export function capable(task: TaskStruct, ns: UserNamespace, cap: number): boolean {
  return credCapable(task.kernel, task.cred, ns, cap);
}

/**
 * Tells whether another task has a capability in a user namespace (kernel/capability.c,
 * has_ns_capability()). The same question as capable() here: no task of this machine overrides its
 * own credentials for a while.
 */
export function hasNsCapability(target: TaskStruct, ns: UserNamespace, cap: number): boolean {
  return capable(target, ns, cap);
}

/**
 * Tells whether a task may watch others' performance: CAP_PERFMON or CAP_SYS_ADMIN in the initial
 * namespace (K-041).
 * @see include/linux/capability.h, perfmon_capable()
 */
export function perfmonCapable(task: TaskStruct): boolean {
  const ns = task.kernel.initUserNs;
  return capable(task, ns, CAP_PERFMON) || capable(task, ns, CAP_SYS_ADMIN);
}

/** Who owns an inode, in kernel ids. */
export interface InodeOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Tells whether a namespace maps both owners of an inode, so that its capabilities count there.
 * @see kernel/capability.c, privileged_wrt_inode_uidgid()
 */
export function privilegedWrtInodeUidgid(ns: UserNamespace, inode: InodeOwner): boolean {
  return kuidHasMapping(ns, inode.uid) && kgidHasMapping(ns, inode.gid);
}

/**
 * Tells whether a task has a capability over an inode (CAP_DAC_* on a path walk, for instance).
 * @see kernel/capability.c, capable_wrt_inode_uidgid()
 */
export function capableWrtInodeUidgid(task: TaskStruct, inode: InodeOwner, cap: number): boolean {
  const ns = task.cred.userNs;
  return capable(task, ns, cap) && privilegedWrtInodeUidgid(ns, inode);
}
