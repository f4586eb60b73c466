import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SETGID, capable } from './capability.js';
import type { Cred } from './cred.js';
import { commitCreds, prepareCreds } from './cred.js';
import type { TaskStruct } from './task.js';
import type { UserNamespace } from './userns.js';
import { fromKgidMunged, INVALID_GID, makeKgid } from './userns.js';

/** What "leave it" looks like as a 32-bit id. */
const KEEP = 0xffffffff;
const NGROUPS_MAX = 65536;

function privileged(task: TaskStruct): boolean {
  return capable(task, task.cred.userNs, CAP_SETGID);
}

/** The kernel id of an argument, null where the argument says to keep it. */
function idOrKeep(task: TaskStruct, gid: number): number | null {
  if (gid >>> 0 === KEEP) return null;
  const kgid = makeKgid(task.cred.userNs, gid);
  return kgid === INVALID_GID ? fail(EINVAL) : kgid;
}

/** Gid changes never touch capabilities (K-407). */
function install(task: TaskStruct, cred: Cred): void {
  cred.fsgid = cred.egid;
  commitCreds(task, cred);
}

/**
 * Sets all group ids with CAP_SETGID, else the effective one to the real or saved one.
 * @throws {LinuxError} EINVAL: an id the namespace does not map, -1 included
 * @throws {LinuxError} EPERM: neither the capability nor one of its own ids
 * @see kernel/sys.c, __sys_setgid()
 */
export function sysSetgid(task: TaskStruct, gid: number): void {
  const kgid = makeKgid(task.cred.userNs, gid);
  if (kgid === INVALID_GID) fail(EINVAL);
  const old = task.cred;
  const cred = prepareCreds(task);
  if (privileged(task)) {
    cred.gid = kgid;
    cred.sgid = kgid;
  } else if (kgid !== old.gid && kgid !== old.sgid) {
    fail(EPERM);
  }
  cred.egid = kgid;
  install(task, cred);
}

/**
 * Sets the real and effective group id, -1 keeping one; the saved one follows as in sysSetreuid().
 * @throws {LinuxError} EINVAL: an id the namespace does not map
 * @throws {LinuxError} EPERM: an id that is not its own, without CAP_SETGID
 * @see kernel/sys.c, __sys_setregid()
 */
export function sysSetregid(task: TaskStruct, rgid: number, egid: number): void {
  const krgid = idOrKeep(task, rgid);
  const kegid = idOrKeep(task, egid);
  const old = task.cred;
  const cred = prepareCreds(task);
  if (krgid !== null) {
    if (krgid !== old.gid && krgid !== old.egid && !privileged(task)) fail(EPERM);
    cred.gid = krgid;
  }
  if (kegid !== null) {
    const own = kegid === old.gid || kegid === old.egid || kegid === old.sgid;
    if (!own && !privileged(task)) fail(EPERM);
    cred.egid = kegid;
  }
  if (krgid !== null || (kegid !== null && kegid !== old.gid)) cred.sgid = cred.egid;
  install(task, cred);
}

/**
 * Sets the real, effective and saved group id, -1 keeping one; nothing happens where nothing
 * differs.
 * @throws {LinuxError} EINVAL: an id the namespace does not map
 * @throws {LinuxError} EPERM: an id that is none of its three, without CAP_SETGID; nothing changed
 * @see kernel/sys.c, __sys_setresgid()
 */
export function sysSetresgid(task: TaskStruct, rgid: number, egid: number, sgid: number): void {
  const krgid = idOrKeep(task, rgid);
  const kegid = idOrKeep(task, egid);
  const ksgid = idOrKeep(task, sgid);
  const old = task.cred;
  const unchanged =
    (krgid ?? old.gid) === old.gid &&
    (kegid === null || (kegid === old.egid && kegid === old.fsgid)) &&
    (ksgid ?? old.sgid) === old.sgid;
  if (unchanged) return;
  const foreign = [krgid, kegid, ksgid].some(
    (kgid) => kgid !== null && kgid !== old.gid && kgid !== old.egid && kgid !== old.sgid,
  );
  if (foreign && !privileged(task)) fail(EPERM);
  const cred = prepareCreds(task);
  cred.gid = krgid ?? old.gid;
  cred.egid = kegid ?? old.egid;
  cred.sgid = ksgid ?? old.sgid;
  install(task, cred);
}

/**
 * Sets the filesystem group id and gives the previous one; a value refused or unmapped changes
 * nothing (K-403).
 * @see kernel/sys.c, __sys_setfsgid()
 */
export function sysSetfsgid(task: TaskStruct, gid: number): number {
  const old = task.cred;
  const previous = fromKgidMunged(old.userNs, old.fsgid);
  const kgid = makeKgid(old.userNs, gid);
  if (kgid === INVALID_GID || kgid === old.fsgid) return previous;
  const own = kgid === old.gid || kgid === old.egid || kgid === old.sgid;
  if (!own && !privileged(task)) return previous;
  const cred = prepareCreds(task);
  cred.fsgid = kgid;
  commitCreds(task, cred);
  return previous;
}

/**
 * Gives the supplementary groups as the caller's namespace sees them, in ascending order of kernel
 * id (K-407).
 */
export function sysGetgroups(task: TaskStruct): number[] {
  const { groups, userNs } = task.cred;
  return groups.map((kgid) => fromKgidMunged(userNs, kgid));
}

/**
 * A namespace whose gid_map is unset, or where "deny" was written, has no setgroups
 * (userns_may_setgroups()).
 */
function usernsMaySetgroups(ns: UserNamespace): boolean {
  return ns.gidMap !== null && ns.setgroupsAllowed;
}

/**
 * Checks whether a task may set `count` supplementary groups, before they are read.
 * @throws {LinuxError} EPERM: no CAP_SETGID (K-407), or a namespace without setgroups
 * @throws {LinuxError} EINVAL: more than 65,536
 * @see kernel/groups.c, SYSCALL_DEFINE2(setgroups)
 */
export function checkSetgroups(task: TaskStruct, count: number): void {
  if (!privileged(task) || !usernsMaySetgroups(task.cred.userNs)) fail(EPERM);
  if (count >>> 0 > NGROUPS_MAX) fail(EINVAL);
}

/**
 * Replaces the supplementary groups.
 * @throws {LinuxError} EPERM, EINVAL: see checkSetgroups(); EINVAL also: an id the namespace does
 *   not map
 * @see kernel/groups.c, set_current_groups()
 */
export function sysSetgroups(task: TaskStruct, gids: readonly number[]): void {
  checkSetgroups(task, gids.length);
  const groups = gids.map((gid) => {
    const kgid = makeKgid(task.cred.userNs, gid);
    return kgid === INVALID_GID ? fail(EINVAL) : kgid;
  });
  const cred = prepareCreds(task);
  cred.groups = groups.sort((a, b) => a - b);
  commitCreds(task, cred);
}
