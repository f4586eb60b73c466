import { EBADFD, EFAULT, EINVAL, ENOMSG, EOPNOTSUPP, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import {
  landlockRestrictSelf,
  type LandlockRuleset,
  mayRestrictSelf,
} from '../kernel/lsm/landlock.js';
import type { TaskStruct } from '../kernel/task.js';
import { filesOf } from '../vfs/fdtable.js';
import type { File, FileOperations } from '../vfs/file.js';
import { isDir } from '../vfs/mode.js';
import type { U64 } from '../vfs/u64.js';
import { anonInodeGetfd } from './anon-inode.js';
import { int, readUser, readUserStruct, type SyscallFamily, uint } from './args.js';

// include/uapi/linux/landlock.h
const LANDLOCK_CREATE_RULESET_VERSION = 1;
const LANDLOCK_CREATE_RULESET_ERRATA = 2;
const LANDLOCK_RULE_PATH_BENEATH = 1;
const LANDLOCK_RULE_NET_PORT = 2;
const LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF = 4;
const MASK_RESTRICT_SELF = 7;
/** The version of the interface that Linux 6.18 has, and its mended faults, a bit each. */
const ABI_VERSION = 7;
const ERRATA = 7;
/** All known bits of a ruleset. */
const MASK_ACCESS_FS = 0xffffn;
const MASK_ACCESS_NET = 3n;
const MASK_SCOPE = 3n;
/** What makes sense of a file that is no directory: EXECUTE, WRITE_FILE, READ_FILE, TRUNCATE, IOCTL_DEV. */
const ACCESS_FILE = 0xc007;
/** struct landlock_ruleset_attr: first version and this one; the two kinds of rule. Bytes. */
const RULESET_ATTR_SIZE_VER1 = 8;
const RULESET_ATTR_SIZE = 24;
const PATH_BENEATH_ATTR_SIZE = 12;
const NET_PORT_ATTR_SIZE = 16;
const PORT_MAX = 65535n;

/**
 * Landlock: rulesets, their rules, and the task's restriction of itself. Rules are checked and
 * restrict nothing here: of what Landlock decides, tracing and signals are there.
 *
 * @see security/landlock/syscalls.c
 */
export const landlockCalls: SyscallFamily = {
  landlock_create_ruleset: (task, attr, size, flags) =>
    createRuleset(task, attr, size, uint(flags)),
  landlock_add_rule: (task, fd, type, attr, flags) =>
    addRule(task, int(fd), int(type), attr, uint(flags)),
  landlock_restrict_self: (task, fd, flags) => restrictSelf(task, int(fd), uint(flags)),
};

export const rulesetOperations: FileOperations = {
  read: () => fail(EINVAL),
  write: () => fail(EINVAL),
};

function checkInitialized(task: TaskStruct): void {
  if (!task.kernel.security.has('landlock')) fail(EOPNOTSUPP);
}

/**
 * @throws {LinuxError} EINVAL: flags, a size below the first version, unknown bits; E2BIG, EFAULT:
 * the structure; ENOMSG: nothing to restrict; EMFILE
 */
function createRuleset(task: TaskStruct, attr: U64, size: U64, flags: number): number {
  checkInitialized(task);
  if (flags !== 0) {
    if (attr !== 0 || size !== 0) fail(EINVAL);
    if (flags === LANDLOCK_CREATE_RULESET_VERSION) return ABI_VERSION;
    return flags === LANDLOCK_CREATE_RULESET_ERRATA ? ERRATA : fail(EINVAL);
  }
  if (attr === 0) fail(EFAULT);
  const known = { least: RULESET_ATTR_SIZE_VER1, size: RULESET_ATTR_SIZE };
  const view = readUserStruct(task, attr, size, known);
  const fs = view.getBigUint64(0, true);
  const net = view.getBigUint64(8, true);
  const scope = view.getBigUint64(16, true);
  if (fs & ~MASK_ACCESS_FS || net & ~MASK_ACCESS_NET || scope & ~MASK_SCOPE) fail(EINVAL);
  if (fs === 0n && net === 0n && scope === 0n) fail(ENOMSG);
  const data: LandlockRuleset = { fs: Number(fs), net: Number(net), scope: Number(scope) };
  return anonInodeGetfd(task, { name: 'landlock-ruleset', fops: rulesetOperations, data });
}

/** @throws {LinuxError} EBADF: no such descriptor; EBADFD: something else */
function rulesetOf(task: TaskStruct, fd: number): LandlockRuleset {
  const file = filesOf(task).get(fd);
  return file.fops === rulesetOperations ? (file.privateData as LandlockRuleset) : fail(EBADFD);
}

/**
 * @throws {LinuxError} EINVAL: flags, an unknown type, rights the ruleset does not restrict or a
 * file cannot have; ENOMSG: no rights; EBADF, EBADFD: a descriptor; EFAULT: the structure
 */
function addRule(task: TaskStruct, fd: number, type: number, attr: U64, flags: number): number {
  checkInitialized(task);
  if (flags !== 0) fail(EINVAL);
  const ruleset = rulesetOf(task, fd);
  if (type === LANDLOCK_RULE_PATH_BENEATH) return addPathBeneath(task, ruleset, attr);
  return type === LANDLOCK_RULE_NET_PORT ? addNetPort(task, ruleset, attr) : fail(EINVAL);
}

/** Rights must be some, and among those the ruleset restricts. */
function checkAccess(allowed: bigint, handled: number): void {
  if (allowed === 0n) fail(ENOMSG);
  if (allowed & ~BigInt(handled)) fail(EINVAL);
}

function addPathBeneath(task: TaskStruct, { fs }: LandlockRuleset, attr: U64): number {
  const view = readUser(task, attr, PATH_BENEATH_ATTR_SIZE);
  const allowed = view.getBigUint64(0, true);
  checkAccess(allowed, fs);
  const file = filesOf(task).rawFile(view.getInt32(8, true));
  if (isInternal(file)) fail(EBADFD);
  if (!isDir(file.inode.mode) && Number(allowed) & ~ACCESS_FILE) fail(EINVAL);
  return 0;
}

/** Pipes, memfds and the like have no place in the tree. */
function isInternal(file: File): boolean {
  const { mnt } = file.path;
  const { vfs } = file.inode.sb;
  return mnt === vfs.pipeMount || mnt === vfs.shmMount;
}

function addNetPort(task: TaskStruct, { net }: LandlockRuleset, attr: U64): number {
  const view = readUser(task, attr, NET_PORT_ATTR_SIZE);
  checkAccess(view.getBigUint64(0, true), net);
  return view.getBigUint64(8, true) > PORT_MAX ? fail(EINVAL) : 0;
}

/**
 * @throws {LinuxError} EPERM: neither no_new_privs nor CAP_SYS_ADMIN; EINVAL: flags; EBADF, EBADFD:
 * the descriptor; E2BIG: 16 layers already
 */
function restrictSelf(task: TaskStruct, fd: number, flags: number): number {
  checkInitialized(task);
  if (!mayRestrictSelf(task)) fail(EPERM);
  if ((flags & ~MASK_RESTRICT_SELF) !== 0) fail(EINVAL);
  // Without a ruleset only the logging of domains below changes, and nothing is logged.
  if (fd === -1 && flags === LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF) return 0;
  landlockRestrictSelf(task, rulesetOf(task, fd));
  return 0;
}
