import { EINVAL, ENOSPC, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import {
  CAP_EMPTY_SET,
  CAP_FULL_SET,
  CAP_SETFCAP,
  CAP_SYS_ADMIN,
  capable,
  capRaised,
} from './capability.js';
import type { Cred } from './cred.js';
import { commitCreds, prepareCreds } from './cred.js';
import { exitSem } from './ipc/sem.js';
import type { TaskStruct } from './task.js';
import { threadGroupEmpty } from './task.js';
import { UserNamespace, kgidHasMapping, kuidHasMapping } from './userns.js';

// include/uapi/linux/sched.h
export const CLONE_NEWTIME = 0x80;
export const CLONE_VM = 0x100;
export const CLONE_FS = 0x200;
export const CLONE_FILES = 0x400;
export const CLONE_SIGHAND = 0x800;
export const CLONE_PTRACE = 0x2000;
export const CLONE_VFORK = 0x4000;
export const CLONE_PARENT = 0x8000;
export const CLONE_THREAD = 0x10000;
export const CLONE_NEWNS = 0x20000;
export const CLONE_SYSVSEM = 0x40000;
export const CLONE_UNTRACED = 0x800000;
export const CLONE_NEWCGROUP = 0x2000000;
export const CLONE_NEWUTS = 0x4000000;
export const CLONE_NEWIPC = 0x8000000;
export const CLONE_NEWUSER = 0x10000000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;

/**
 * Namespaces this kernel is built without: a CONFIG_*_NS=n kernel answers EINVAL to those who may
 * ask.
 */
export const CLONE_OTHER_NS =
  CLONE_NEWTIME |
  CLONE_NEWNS |
  CLONE_NEWCGROUP |
  CLONE_NEWUTS |
  CLONE_NEWIPC |
  CLONE_NEWPID |
  CLONE_NEWNET;

const UNSHARE_FLAGS =
  CLONE_THREAD |
  CLONE_FS |
  CLONE_SIGHAND |
  CLONE_VM |
  CLONE_FILES |
  CLONE_SYSVSEM |
  CLONE_NEWUSER |
  CLONE_OTHER_NS;

const MAX_LEVEL = 32;

/**
 * In a namespace just entered a task has every capability, and no ambient or inheritable one
 * (set_cred_user_ns()).
 */
function setCredUserNs(cred: Cred, ns: UserNamespace): void {
  cred.securebits = 0;
  cred.capInheritable = CAP_EMPTY_SET;
  cred.capPermitted = CAP_FULL_SET;
  cred.capEffective = CAP_FULL_SET;
  cred.capAmbient = CAP_EMPTY_SET;
  cred.capBset = CAP_FULL_SET;
  cred.userNs = ns;
}

/**
 * Moves credentials into a new user namespace that their effective ids own (K-412).
 * @throws {LinuxError} ENOSPC: 33 levels deep already
 * @throws {LinuxError} EPERM: a changed root, or an effective id the current namespace does not map
 * @see kernel/user_namespace.c, create_user_ns()
 */
export function createUserNs(task: TaskStruct, cred: Cred): void {
  const parent = cred.userNs;
  if (parent.level > MAX_LEVEL) fail(ENOSPC);
  if (task.fs?.chrooted) fail(EPERM);
  if (!kuidHasMapping(parent, cred.euid) || !kgidHasMapping(parent, cred.egid)) fail(EPERM);
  const creator = {
    owner: cred.euid,
    group: cred.egid,
    couldSetfcap: capRaised(cred.capEffective, CAP_SETFCAP),
  };
  setCredUserNs(cred, new UserNamespace(parent, creator, task.kernel.nextNamespaceInum()));
}

/** What else must come apart with what was named (ksys_unshare()). */
function impliedFlags(flags: number): number {
  let all = flags;
  if (all & CLONE_NEWUSER) all |= CLONE_THREAD | CLONE_FS;
  if (all & CLONE_VM) all |= CLONE_SIGHAND;
  if (all & CLONE_SIGHAND) all |= CLONE_THREAD;
  if (all & CLONE_NEWNS) all |= CLONE_FS;
  return all;
}

/** Whether nobody outside the thread shares its memory (current_is_single_threaded()). */
function singleThreaded(task: TaskStruct): boolean {
  if (task.mm?.shared === false) return threadGroupEmpty(task);
  for (const other of task.kernel.tasks()) {
    if (other !== task && other.mm !== null && other.mm === task.mm) return false;
  }
  return threadGroupEmpty(task);
}

/**
 * Stops sharing what `flags` names; CLONE_NEWUSER makes a user namespace and moves the caller in.
 * The memory stays as dumpable as it was (K-303).
 * @throws {LinuxError} EINVAL: unknown flags, a process of several threads (K-412), a shared
 *   memory, or another kind of namespace
 * @throws {LinuxError} EPERM: see createUserNs(); another kind of namespace without CAP_SYS_ADMIN
 * @throws {LinuxError} ENOSPC: see createUserNs()
 * @see kernel/fork.c, ksys_unshare()
 */
export function sysUnshare(task: TaskStruct, flags: number): void {
  const all = impliedFlags(flags);
  if (all & ~UNSHARE_FLAGS) fail(EINVAL);
  if (all & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) && !threadGroupEmpty(task)) fail(EINVAL);
  if (all & (CLONE_SIGHAND | CLONE_VM) && task.sighand.users > 1) fail(EINVAL);
  if (all & CLONE_VM && !singleThreaded(task)) fail(EINVAL);
  const cred = prepareCreds(task);
  if (all & CLONE_NEWUSER) createUserNs(task, cred);
  if (all & CLONE_OTHER_NS) failOtherNs(task, cred);
  if (all & CLONE_FS) unshareFs(task);
  if (all & CLONE_FILES) unshareFiles(task);
  if (all & CLONE_SYSVSEM) exitSem(task);
  if (all & CLONE_NEWUSER) commitCreds(task, cred);
}

/** CAP_SYS_ADMIN is asked before the kind; a new user namespace of the same call already counts. */
function failOtherNs(task: TaskStruct, cred: Cred): never {
  const inNewNs = cred.userNs !== task.cred.userNs;
  return fail(inNewNs || capable(task, cred.userNs, CAP_SYS_ADMIN) ? EINVAL : EPERM);
}

function unshareFs(task: TaskStruct): void {
  const { fs } = task;
  if (fs === null || fs.users === 1) return;
  task.fs = fs.dup();
  fs.users--;
}

/** Gives a task a descriptor table of its own (unshare_files()). */
export function unshareFiles(task: TaskStruct): void {
  const { files } = task;
  if (files === null || files.users === 1) return;
  task.files = files.dup();
  files.users--;
}

/**
 * Moves the caller into an existing user namespace, with every capability there (K-414).
 * @throws {LinuxError} EINVAL: the one it is in, a process of several threads, or a shared root and
 *   working directory
 * @throws {LinuxError} EPERM: no CAP_SYS_ADMIN there (the owner has it from the parent)
 * @see kernel/user_namespace.c, userns_install()
 */
export function setnsUser(task: TaskStruct, ns: UserNamespace): void {
  if (ns === task.cred.userNs) fail(EINVAL);
  if (!threadGroupEmpty(task)) fail(EINVAL);
  if (task.fs !== null && task.fs.users !== 1) fail(EINVAL);
  if (!capable(task, ns, CAP_SYS_ADMIN)) fail(EPERM);
  const cred = prepareCreds(task);
  setCredUserNs(cred, ns);
  commitCreds(task, cred);
}
