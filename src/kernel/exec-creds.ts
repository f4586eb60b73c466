import { EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { CapSet } from './capability.js';
import { CAP_EMPTY_SET, CAP_SETUID, capable, capIsSubset } from './capability.js';
import type { Cred } from './cred.js';
import { inGroup, prepareCreds, SECBIT_KEEP_CAPS, SECBIT_NOROOT } from './cred.js';
import type { ExeFile } from './mm-struct.js';
import { ptracerCapable } from './ptrace.js';
import type { TaskStruct } from './task.js';
import type { UserNamespace } from './userns.js';
import { fromKuid, kgidHasMapping, kuidHasMapping, makeKuid } from './userns.js';

const S_ISUID = 0o4000;
/** A setgid bit without execute for the group meant mandatory locking once. */
const S_ISGID_XGRP = 0o2010;

/** The extended attribute security.capability of a program. */
export interface FileCaps {
  readonly permitted: CapSet;
  readonly inheritable: CapSet;
  /** The flag "effective": what is gained counts at once. */
  readonly effective: boolean;
  /**
   * kuid that must be root of the caller's namespace or of one above (default 0, the initial root).
   */
  readonly rootKuid?: number;
}

/** A program as exec sees it. */
export interface ExecFile extends ExeFile {
  /** Owner, as kernel ids. */
  readonly uid: number;
  readonly gid: number;
  /** Permission bits with setuid and setgid. */
  readonly mode: number;
  /** Whether the caller may read it: a program one may only run is not to be dumped (K-306). */
  readonly readable: boolean;
  /** File capabilities; null for none. */
  readonly caps: FileCaps | null;
  /** Its mount ignores setuid bits and file capabilities. */
  readonly nosuid: boolean;
}

/** What the file says about the new credentials, before any restriction. */
interface FilePrivilege {
  /** The effective set is to be the permitted one. */
  effective: boolean;
  /** The file has capabilities. */
  hasFcap: boolean;
}

/**
 * Whether a file's capabilities were written by a root of this namespace or of one above
 * (rootid_owns_currentns()).
 */
function rootidOwns(ns: UserNamespace, rootKuid: number): boolean {
  for (let walker: UserNamespace | null = ns; walker !== null; walker = walker.parent) {
    if (fromKuid(walker, rootKuid) === 0) return true;
  }
  return false;
}

/** Whether set-id bits count; @see fs/exec.c, bprm_fill_uid() */
function fillUid(task: TaskStruct, file: ExecFile, cred: Cred): boolean {
  if (file.nosuid || task.noNewPrivs) return false;
  if (!kuidHasMapping(cred.userNs, file.uid) || !kgidHasMapping(cred.userNs, file.gid)) {
    return false;
  }
  const setuid = (file.mode & S_ISUID) !== 0;
  const setgid = (file.mode & S_ISGID_XGRP) === S_ISGID_XGRP;
  if (setuid) cred.euid = file.uid;
  if (setgid) cred.egid = file.gid;
  return setuid || setgid;
}

/** pP' = (X & fP) | (pI & fI); @see security/commoncap.c, get_file_caps() */
function fileCaps(file: ExecFile, cred: Cred): FilePrivilege {
  const { caps } = file;
  cred.capPermitted = CAP_EMPTY_SET;
  if (caps === null || file.nosuid || !rootidOwns(cred.userNs, caps.rootKuid ?? 0)) {
    return { effective: false, hasFcap: false };
  }
  cred.capPermitted = (cred.capBset & caps.permitted) | (cred.capInheritable & caps.inheritable);
  // A program that relies on all it asks for does not start with less.
  if (caps.effective && !capIsSubset(caps.permitted, cred.capPermitted)) fail(EPERM);
  return { effective: caps.effective, hasFcap: true };
}

/** Root has all of the bounding set, unless SECBIT_NOROOT (K-415; handle_privileged_root()). */
function privilegedRoot(old: Readonly<Cred>, cred: Cred, file: FilePrivilege): void {
  if (old.securebits & SECBIT_NOROOT) return;
  const root = makeKuid(cred.userNs, 0);
  const real = cred.uid === root;
  const effective = cred.euid === root;
  // A setuid-root program with file capabilities gets those only.
  if (file.hasFcap && effective && !real) return;
  if (effective || real) cred.capPermitted = old.capBset | old.capInheritable;
  if (effective) file.effective = true;
}

/**
 * What may not be gained: under a tracer without the right, no_new_privs, or a root shared with
 * another process.
 */
function restrict(task: TaskStruct, cred: Cred): void {
  const old = task.cred;
  if (task.noNewPrivs || !capable(task, cred.userNs, CAP_SETUID)) {
    cred.euid = old.euid;
    cred.egid = old.egid;
  }
  cred.capPermitted &= old.capPermitted;
}

/**
 * Whether someone outside the process shares root and working directory (check_unsafe_exec(),
 * LSM_UNSAFE_SHARE).
 */
function sharesFs(task: TaskStruct): boolean {
  const { fs, group } = task;
  if (fs === null) return false;
  return fs.users > [...group.threads].filter((thread) => thread.fs === fs).length;
}

/** New credentials of an exec, and whether it raised privileges (AT_SECURE). */
export interface ExecCreds {
  readonly cred: Cred;
  readonly secureexec: boolean;
  /** Set-id bits or new capabilities: the caller's choices of layout do not last (bprm->per_clear). */
  readonly clearsPersonality: boolean;
}

/**
 * Computes the credentials a program runs with: setuid and setgid bits, file capabilities, root,
 * ambient capabilities, and what no_new_privs, a tracer or a shared root forbid (K-306, K-415,
 * K-205).
 * @throws {LinuxError} EPERM: file capabilities with the effective flag that the bounding set does
 *   not let through
 * @see security/commoncap.c, cap_bprm_creds_from_file()
 */
export function execCreds(task: TaskStruct, file: ExecFile): ExecCreds {
  const old = task.cred;
  const cred = prepareCreds(task);
  const setId = fillUid(task, file, cred);
  const privilege = fileCaps(file, cred);
  privilegedRoot(old, cred, privilege);
  const idChanged = cred.euid !== old.euid || !inGroup(old, cred.egid);
  const gained = !capIsSubset(cred.capPermitted, old.capPermitted);
  const unsafe = task.noNewPrivs || sharesFs(task) || !ptracerCapable(task, cred.userNs);
  if ((idChanged || gained) && unsafe) restrict(task, cred);
  cred.suid = cred.fsuid = cred.euid;
  cred.sgid = cred.fsgid = cred.egid;
  if (privilege.hasFcap || idChanged) cred.capAmbient = CAP_EMPTY_SET;
  cred.capPermitted |= cred.capAmbient;
  cred.capEffective = privilege.effective ? cred.capPermitted : cred.capAmbient;
  cred.securebits &= ~SECBIT_KEEP_CAPS;
  const grew = !capIsSubset(cred.capPermitted, cred.capAmbient);
  const real = cred.uid === makeKuid(cred.userNs, 0);
  const secureexec =
    idChanged ||
    cred.euid !== old.uid ||
    cred.egid !== old.gid ||
    (!real && (privilege.effective || grew));
  return { cred, secureexec, clearsPersonality: setId || gained };
}
