import { EACCES, EBUSY, EINVAL, ENOMEM, EOPNOTSUPP, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { U64 } from '../mm/address.js';
import { copyFromUser } from '../mm/user.js';
import { CAP_SYS_ADMIN, capable } from './capability.js';
import {
  checkFilter,
  convertedLength,
  INSTRUCTION_SIZE,
  MAX_INSTRUCTIONS,
  runFilter,
} from './classic-bpf.js';
import { prctlMm } from './prctl-args.js';
import { SeccompListener } from './seccomp-notify.js';
import type { TaskStruct } from './task.js';
import { toUserAddr } from './user-address.js';

// include/uapi/linux/seccomp.h
export const SECCOMP_MODE_STRICT = 1;
export const SECCOMP_MODE_FILTER = 2;
const SECCOMP_RET_KILL_PROCESS = 0x80000000;
export const SECCOMP_RET_KILL_THREAD = 0;
export const SECCOMP_RET_TRAP = 0x00030000;
export const SECCOMP_RET_ERRNO = 0x00050000;
export const SECCOMP_RET_USER_NOTIF = 0x7fc00000;
export const SECCOMP_RET_TRACE = 0x7ff00000;
export const SECCOMP_RET_LOG = 0x7ffc0000;
export const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_ACTION_FULL = 0xffff0000;
export const SECCOMP_RET_DATA = 0xffff;

const FLAG_TSYNC = 1;
const FLAG_NEW_LISTENER = 8;
const FLAG_TSYNC_ESRCH = 16;
const FLAG_WAIT_KILLABLE_RECV = 32;
/** What a tracer is told of; nothing is logged here. */
const FLAG_LOG = 2;
/** All of them, with SPEC_ALLOW (4), which changes nothing here. */
const FLAG_MASK = 63;

/** sizeof(struct seccomp_data): number, architecture, program counter, six arguments. */
export const SECCOMP_DATA_SIZE = 64;
/** Most instructions that one task's filters have, each filter counted as four more. */
const MAX_PATH = 32768;
const FILTER_PENALTY = 4;
/** struct sock_fprog on a machine of 64 bits. */
const FPROG_SIZE = 16;

/** A program that judges system calls, on top of those that were there before (struct seccomp_filter). */
export class SeccompFilter {
  /** struct sock_filter each. */
  readonly program: Uint8Array;
  readonly prev: SeccompFilter | null;
  /** Who is asked where it answers USER_NOTIF; null where it has no supervisor. */
  readonly listener: SeccompListener | null;
  readonly log: boolean;
  /** Tasks that have it as their last, and filters on top of it. */
  users = 1;

  constructor(init: {
    readonly program: Uint8Array;
    readonly prev: SeccompFilter | null;
    readonly listener: SeccompListener | null;
    readonly log: boolean;
  }) {
    this.program = init.program;
    this.prev = init.prev;
    this.listener = init.listener;
    this.log = init.log;
  }
}

/** How the calls of a task are filtered (struct seccomp). */
export interface Seccomp {
  readonly mode: typeof SECCOMP_MODE_STRICT | typeof SECCOMP_MODE_FILTER;
  /** The last filter; null in strict mode. */
  readonly filter: SeccompFilter | null;
  readonly count: number;
}

/** A child has its parent's (copy_seccomp()). */
export function copySeccomp(parent: TaskStruct): Seccomp | null {
  if (parent.seccomp?.filter) parent.seccomp.filter.users += 1;
  return parent.seccomp;
}

/** A task ends: supervisors of filters that nobody has any more hear of it (seccomp_filter_release()). */
export function releaseSeccomp(task: TaskStruct): void {
  putFilter(task.seccomp?.filter ?? null);
  if (task.seccomp !== null) task.seccomp = { ...task.seccomp, filter: null };
}

function putFilter(last: SeccompFilter | null): void {
  let filter = last;
  while (filter !== null && --filter.users === 0) {
    if (filter.listener !== null) filter.listener.hungUp = true;
    filter = filter.prev;
  }
}

/**
 * Strict mode: read, write, exit and sigreturn are left.
 *
 * @throws {LinuxError} EINVAL: the task has filters
 * @see kernel/seccomp.c, seccomp_set_mode_strict()
 */
export function setStrictMode(task: TaskStruct): void {
  if (task.seccomp?.mode === SECCOMP_MODE_FILTER) fail(EINVAL);
  task.seccomp ??= { mode: SECCOMP_MODE_STRICT, filter: null, count: 0 };
}

/**
 * The program of a struct sock_fprog of the caller.
 *
 * @throws {LinuxError} EFAULT: not readable; EINVAL: no program, or one that is not allowed; EACCES: it is not
 *   for the caller
 * @see kernel/seccomp.c, seccomp_prepare_user_filter()
 */
function readFilter(task: TaskStruct, addr: U64): Uint8Array {
  const mm = prctlMm(task);
  const fprog = copyFromUser(mm, addr, FPROG_SIZE);
  const view = new DataView(fprog.buffer, fprog.byteOffset);
  const length = view.getUint16(0, true);
  const from = toUserAddr(view.getBigUint64(8, true));
  if (length === 0 || length > MAX_INSTRUCTIONS) fail(EINVAL);
  if (!task.noNewPrivs && !capable(task, task.cred.userNs, CAP_SYS_ADMIN)) fail(EACCES);
  if (from === 0) fail(EINVAL);
  const program = copyFromUser(mm, from, length * INSTRUCTION_SIZE).slice();
  checkFilter(program, SECCOMP_DATA_SIZE);
  return program;
}

/**
 * Puts a filter on top of those that the task has.
 *
 * @param makeListener opens the supervisor's descriptor, where the flags ask for one
 * @returns 0, the supervisor's descriptor, or the thread that cannot have the filter too
 * @throws {LinuxError} EINVAL: flags, the program, strict mode; EACCES: neither no_new_privs nor CAP_SYS_ADMIN;
 *   EFAULT; EBUSY: there is a supervisor already; ENOMEM: too many instructions; ESRCH: a thread cannot have it
 * @see kernel/seccomp.c, seccomp_set_mode_filter()
 */
export function setFilter(
  task: TaskStruct,
  flags: number,
  addr: U64,
  makeListener: (listener: SeccompListener) => number,
): number {
  checkFilterFlags(flags);
  const program = readFilter(task, addr);
  const asks = (flags & FLAG_NEW_LISTENER) !== 0;
  const listener = asks ? new SeccompListener((flags & FLAG_WAIT_KILLABLE_RECV) !== 0) : null;
  if (task.seccomp?.mode === SECCOMP_MODE_STRICT) fail(EINVAL);
  if (asks && hasListener(task)) fail(EBUSY);
  checkPath(task, program);
  const odd = (flags & FLAG_TSYNC) !== 0 ? threadBeside(task) : null;
  if (odd !== null) return (flags & FLAG_TSYNC_ESRCH) !== 0 ? fail(ESRCH) : odd.pid;
  const fd = listener === null ? 0 : makeListener(listener);
  const prev = task.seccomp?.filter ?? null;
  attach(task, new SeccompFilter({ program, prev, listener, log: (flags & FLAG_LOG) !== 0 }));
  if ((flags & FLAG_TSYNC) !== 0) syncThreads(task);
  return fd;
}

function checkFilterFlags(flags: number): void {
  if ((flags & ~FLAG_MASK) !== 0) fail(EINVAL);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  // Both answer with a number: of a thread, and of a descriptor.
  if (has(FLAG_TSYNC) && has(FLAG_NEW_LISTENER) && !has(FLAG_TSYNC_ESRCH)) fail(EINVAL);
  if (has(FLAG_WAIT_KILLABLE_RECV) && !has(FLAG_NEW_LISTENER)) fail(EINVAL);
}

function* filtersOf(task: TaskStruct): Generator<SeccompFilter> {
  for (let filter = task.seccomp?.filter ?? null; filter !== null; filter = filter.prev)
    yield filter;
}

function hasListener(task: TaskStruct): boolean {
  for (const { listener } of filtersOf(task)) if (listener?.closed === false) return true;
  return false;
}

function checkPath(task: TaskStruct, program: Uint8Array): void {
  let total = convertedLength(program);
  for (const { program: below } of filtersOf(task))
    total += convertedLength(below) + FILTER_PENALTY;
  if (total > MAX_PATH) fail(ENOMEM);
}

/** Its reference to the filter below passes to the new one. */
function attach(task: TaskStruct, filter: SeccompFilter): void {
  task.seccomp = { mode: SECCOMP_MODE_FILTER, filter, count: (task.seccomp?.count ?? 0) + 1 };
}

/** A thread whose filters are not among the caller's (seccomp_can_sync_threads()). */
function threadBeside(task: TaskStruct): TaskStruct | null {
  const own = new Set(filtersOf(task));
  for (const thread of task.group.threads) {
    const { seccomp } = thread;
    if (thread === task || thread.exited || seccomp === null) continue;
    const below = seccomp.mode === SECCOMP_MODE_FILTER;
    if (!below || (seccomp.filter !== null && !own.has(seccomp.filter))) return thread;
  }
  return null;
}

function syncThreads(task: TaskStruct): void {
  for (const thread of task.group.threads) {
    if (thread === task || thread.exited) continue;
    const old = thread.seccomp?.filter ?? null;
    thread.seccomp = copySeccomp(task);
    putFilter(old);
    if (task.noNewPrivs) thread.noNewPrivs = true;
  }
}

/**
 * The strongest answer of a task's filters to a call, and the filter that gave it: the newest of several.
 *
 * @param data struct seccomp_data
 * @see kernel/seccomp.c, seccomp_run_filters()
 */
export function runFilters(
  seccomp: Seccomp,
  data: Uint32Array,
): { readonly answer: number; readonly filter: SeccompFilter | null } {
  let answer = SECCOMP_RET_ALLOW;
  let chosen: SeccompFilter | null = null;
  // Actions are compared as signed numbers: KILL_PROCESS is the least.
  const strength = (value: number): number => (value & SECCOMP_RET_ACTION_FULL) | 0;
  for (let filter = seccomp.filter; filter !== null; filter = filter.prev) {
    const own = runFilter(filter.program, data);
    if (strength(own) >= strength(answer)) continue;
    answer = own;
    chosen = filter;
  }
  return { answer, filter: chosen };
}

/** The action of an answer. */
export function actionOf(answer: number): number {
  return (answer & SECCOMP_RET_ACTION_FULL) >>> 0;
}

const ACTIONS: ReadonlySet<number> = new Set([
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_TRAP,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_USER_NOTIF,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_LOG,
  SECCOMP_RET_ALLOW,
]);

/** @throws {LinuxError} EOPNOTSUPP: no filter may answer that (seccomp_get_action_avail()) */
export function checkAction(action: number): void {
  if (!ACTIONS.has(action)) fail(EOPNOTSUPP);
}
