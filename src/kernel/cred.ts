import type { CapSet } from './capability.js';
import { CAP_EMPTY_SET, CAP_FULL_SET, capIsSubset } from './capability.js';
import type { TaskStruct } from './task.js';
import type { UserNamespace } from './userns.js';

// include/uapi/linux/securebits.h
export const SECBIT_NOROOT = 0x1;
export const SECBIT_NO_SETUID_FIXUP = 0x4;
export const SECBIT_KEEP_CAPS = 0x10;
export const SECBIT_KEEP_CAPS_LOCKED = 0x20;
export const SECBIT_NO_CAP_AMBIENT_RAISE = 0x40;
/** EXEC_RESTRICT_FILE and EXEC_DENY_INTERACTIVE: restrictions user space puts on itself. */
export const SECURE_ALL_UNPRIVILEGED = 0x500;
export const SECURE_ALL_BITS = 0x555;
export const SECURE_ALL_LOCKS = 0xaaa;

/**
 * The credentials of a thread. Ids are kernel ids. Mutable until committed; a committed one is
 * shared by threads, children and open files and is never changed.
 * @see include/linux/cred.h, struct cred
 */
export class Cred {
  /** Real ids: who signals and REALCREDS checks compare (K-043). */
  uid = 0;
  gid = 0;
  /** Saved ids. */
  suid = 0;
  sgid = 0;
  /** Effective ids. */
  euid = 0;
  egid = 0;
  /**
   * Filesystem ids: DAC and FSCREDS checks (K-043); they follow the effective ones but for
   * setfsuid().
   */
  fsuid = 0;
  fsgid = 0;
  /** Supplementary kgids, ascending. */
  groups: readonly number[] = [];
  /** SECBIT_* bits. */
  securebits = 0;
  /** Kept over exec where the file agrees. */
  capInheritable: CapSet = CAP_EMPTY_SET;
  /** What the effective set may be raised to. */
  capPermitted: CapSet = CAP_EMPTY_SET;
  /** What capable() looks at. */
  capEffective: CapSet = CAP_EMPTY_SET;
  /** What exec may give at most. */
  capBset: CapSet = CAP_FULL_SET;
  /** Kept over an exec of an ordinary file; always within permitted and inheritable. */
  capAmbient: CapSet = CAP_EMPTY_SET;
  /** Where the capabilities count. */
  userNs: UserNamespace;
  /** What security modules keep with credentials, by module name: it goes where they go. */
  security: Readonly<Record<string, unknown>> = {};

  /** Makes credentials of root without capabilities in a namespace; `fields` overrides. */
  constructor(userNs: UserNamespace, fields: Partial<Cred> = {}) {
    this.userNs = userNs;
    Object.assign(this, fields);
  }
}

/** Ids and capabilities a new process is to have; kernel ids of the initial namespace. */
export interface CredOptions {
  /** Real, effective, saved and filesystem user id (default 0). */
  readonly uid?: number;
  /** Real, effective, saved and filesystem group id (default: uid). */
  readonly gid?: number;
  /** Supplementary groups (default none). */
  readonly groups?: readonly number[];
  /** Permitted and effective capabilities (default: all for uid 0, else none). */
  readonly caps?: CapSet;
  /** Bounding set (default all). */
  readonly bset?: CapSet;
}

/** Makes the credentials of a process as a login would give them. */
export function makeCred(userNs: UserNamespace, options: CredOptions = {}): Cred {
  const uid = options.uid ?? 0;
  const gid = options.gid ?? uid;
  const caps = options.caps ?? (uid === 0 ? CAP_FULL_SET : CAP_EMPTY_SET);
  return new Cred(userNs, {
    ...{ uid, euid: uid, suid: uid, fsuid: uid },
    ...{ gid, egid: gid, sgid: gid, fsgid: gid },
    groups: [...(options.groups ?? [])].sort((a, b) => a - b),
    capPermitted: caps,
    capEffective: caps,
    capBset: options.bset ?? CAP_FULL_SET,
  });
}

/** Copies a task's credentials for a change (kernel/cred.c, prepare_creds()). */
export function prepareCreds(task: TaskStruct): Cred {
  return new Cred(task.cred.userNs, task.cred);
}

/**
 * Tells whether a kgid is the filesystem group or a supplementary one (kernel/groups.c,
 * in_group_p()).
 */
export function inGroup(cred: Readonly<Cred>, kgid: number): boolean {
  return kgid === cred.fsgid || cred.groups.includes(kgid);
}

/**
 * Tells whether new credentials have no capability the old lacked. A child namespace that `set`
 * owns counts as less (K-303).
 * @see kernel/cred.c, cred_cap_issubset()
 */
function credCapIsSubset(set: Readonly<Cred>, subset: Readonly<Cred>): boolean {
  if (set.userNs === subset.userNs) return capIsSubset(subset.capPermitted, set.capPermitted);
  for (let ns = subset.userNs; ns.parent !== null; ns = ns.parent) {
    if (ns.parent === set.userNs && ns.owner === set.euid) return true;
  }
  return false;
}

/**
 * Installs credentials on a task. A change of effective or filesystem ids, or a gain of permitted
 * capabilities, makes its memory as dumpable as fs.suid_dumpable says (K-302) for all who share it;
 * giving the ids back does not undo that (K-305).
 * @see kernel/cred.c, commit_creds()
 */
export function commitCreds(task: TaskStruct, cred: Readonly<Cred>): void {
  const old = task.cred;
  const privileged =
    old.euid !== cred.euid ||
    old.egid !== cred.egid ||
    old.fsuid !== cred.fsuid ||
    old.fsgid !== cred.fsgid ||
    !credCapIsSubset(old, cred);
  if (privileged) {
    if (task.mm !== null) task.mm.dumpable = task.kernel.sysctl.suidDumpable;
    task.pdeathSignal = 0;
  }
  if (old.uid !== cred.uid) task.kernel.processes.move(old.uid, cred.uid);
  task.cred = cred;
}

/** What a security module keeps with credentials; undefined where it has kept nothing. */
export function credSecurity(cred: Readonly<Cred>, module: string): unknown {
  return cred.security[module];
}

/**
 * Has a task, one thread, keep something for a security module. It goes with the credentials: to
 * children, over exec, and with a change of ids.
 */
export function setCredSecurity(task: TaskStruct, module: string, value: unknown): void {
  const cred = prepareCreds(task);
  cred.security = { ...cred.security, [module]: value };
  commitCreds(task, cred);
}
