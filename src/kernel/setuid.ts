import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { checked, fail } from '../errno.js';
import { CAP_SETUID, capable } from './capability.js';
import type { Cred } from './cred.js';
import { commitCreds, prepareCreds } from './cred.js';
import type { TaskStruct } from './task.js';
import { fromKuidMunged, INVALID_UID, makeKuid } from './userns.js';

/** What "leave it" looks like as a 32-bit id. */
const KEEP = 0xffffffff;

function privileged(task: TaskStruct): boolean {
  return capable(task, task.cred.userNs, CAP_SETUID);
}

/** The kernel id of an argument, null where the argument says to keep it. */
function idOrKeep(task: TaskStruct, uid: number): number | null {
  if (uid >>> 0 === KEEP) return null;
  const kuid = makeKuid(task.cred.userNs, uid);
  return kuid === INVALID_UID ? fail(EINVAL) : kuid;
}

/**
 * New ids are in place: the filesystem id follows, capabilities are adjusted (K-405), and they
 * count.
 */
function install(task: TaskStruct, cred: Cred): void {
  cred.fsuid = cred.euid;
  checked(task.kernel.security.taskFixSetuid(cred, task.cred, 'id'));
  commitCreds(task, cred);
}

/**
 * Sets all user ids with CAP_SETUID, else the effective one to the real or saved one (K-400).
 * @throws {LinuxError} EINVAL: an id the namespace does not map, -1 included (K-404)
 * @throws {LinuxError} EPERM: neither the capability nor one of its own ids
 * @see kernel/sys.c, __sys_setuid()
 */
export function sysSetuid(task: TaskStruct, uid: number): void {
  const kuid = makeKuid(task.cred.userNs, uid);
  if (kuid === INVALID_UID) fail(EINVAL);
  const old = task.cred;
  const cred = prepareCreds(task);
  if (privileged(task)) {
    cred.uid = kuid;
    cred.suid = kuid;
  } else if (kuid !== old.uid && kuid !== old.suid) {
    fail(EPERM);
  }
  cred.euid = kuid;
  install(task, cred);
}

/**
 * Sets the real and effective user id, -1 keeping one; the saved one follows the effective by the
 * rule of K-401.
 * @throws {LinuxError} EINVAL: an id the namespace does not map
 * @throws {LinuxError} EPERM: an id that is not its own, without CAP_SETUID
 * @see kernel/sys.c, __sys_setreuid()
 */
export function sysSetreuid(task: TaskStruct, ruid: number, euid: number): void {
  const kruid = idOrKeep(task, ruid);
  const keuid = idOrKeep(task, euid);
  const old = task.cred;
  const cred = prepareCreds(task);
  if (kruid !== null) {
    cred.uid = kruid;
    if (kruid !== old.uid && kruid !== old.euid && !privileged(task)) fail(EPERM);
  }
  if (keuid !== null) {
    cred.euid = keuid;
    const own = keuid === old.uid || keuid === old.euid || keuid === old.suid;
    if (!own && !privileged(task)) fail(EPERM);
  }
  if (kruid !== null || (keuid !== null && keuid !== old.uid)) cred.suid = cred.euid;
  install(task, cred);
}

/**
 * Sets the real, effective and saved user id, -1 keeping one (K-402). When nothing differs the call
 * does nothing at all: the filesystem id stays where setfsuid() put it.
 * @throws {LinuxError} EINVAL: an id the namespace does not map
 * @throws {LinuxError} EPERM: an id that is none of its three, without CAP_SETUID; nothing changed
 * @see kernel/sys.c, __sys_setresuid()
 */
export function sysSetresuid(task: TaskStruct, ruid: number, euid: number, suid: number): void {
  const kruid = idOrKeep(task, ruid);
  const keuid = idOrKeep(task, euid);
  const ksuid = idOrKeep(task, suid);
  const old = task.cred;
  const unchanged =
    (kruid ?? old.uid) === old.uid &&
    (keuid === null || (keuid === old.euid && keuid === old.fsuid)) &&
    (ksuid ?? old.suid) === old.suid;
  if (unchanged) return;
  const foreign = [kruid, keuid, ksuid].some(
    (kuid) => kuid !== null && kuid !== old.uid && kuid !== old.euid && kuid !== old.suid,
  );
  if (foreign && !privileged(task)) fail(EPERM);
  const cred = prepareCreds(task);
  cred.uid = kruid ?? old.uid;
  cred.euid = keuid ?? old.euid;
  cred.suid = ksuid ?? old.suid;
  install(task, cred);
}

/**
 * Sets the filesystem user id and gives the previous one; a value refused or unmapped changes
 * nothing (K-403). The filesystem capabilities go and come with it (K-406).
 * @see kernel/sys.c, __sys_setfsuid()
 */
export function sysSetfsuid(task: TaskStruct, uid: number): number {
  const old = task.cred;
  const previous = fromKuidMunged(old.userNs, old.fsuid);
  const kuid = makeKuid(old.userNs, uid);
  if (kuid === INVALID_UID || kuid === old.fsuid) return previous;
  const own = kuid === old.uid || kuid === old.euid || kuid === old.suid;
  if (!own && !privileged(task)) return previous;
  const cred = prepareCreds(task);
  cred.fsuid = kuid;
  if (task.kernel.security.taskFixSetuid(cred, old, 'fs') === 0) commitCreds(task, cred);
  return previous;
}
