import { EAGAIN, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { applyLimits } from '../mm/limits.js';
import { CAP_SYS_ADMIN, CAP_SYS_RESOURCE, capable } from './capability.js';
import { commFromText } from './comm.js';
import type { Cred } from './cred.js';
import { prepareCreds } from './cred.js';
import { shareSemUndo } from './ipc/sem.js';
import type { Kernel } from './kernel.js';
import { mmLimits } from './mm-limits.js';
import { dupMm, MmStruct } from './mm-struct.js';
import { startChild } from './start-child.js';
import { RLIMIT_NPROC, Rlimits } from './rlimit.js';
import { inheritSched, SCHED_DEADLINE } from './sched-policy.js';
import { copySeccomp } from './seccomp.js';
import { SIGCHLD } from './signal.js';
import type { TaskFiles, TaskFs } from './task-files.js';
import { PF_FORKNOEXEC, PF_KTHREAD, PF_SUPERPRIV, TaskStruct, ThreadGroup } from './task.js';
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_OTHER_NS,
  CLONE_PARENT,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  createUserNs,
} from './unshare.js';

/** The low byte of clone's flags: the signal the parent gets when the child exits. */
const CSIGNAL = 0xff;

/** What a process made from nothing has; see createProcess(). */
export interface ProcessInit {
  /** Name, cut at 15 bytes of UTF-8. */
  readonly comm: string;
  /** Credentials (default: the parent's). */
  readonly cred?: Readonly<Cred>;
  /** Resource limits (default: the parent's; pid 1 has Linux's defaults). */
  readonly rlimits?: Rlimits;
  /**
   * Open files and root, which the task becomes a user of (default: none, or copies of the
   * parent's).
   */
  readonly files?: TaskFiles;
  readonly fs?: TaskFs;
  /** A kernel thread: no memory. */
  readonly kthread?: boolean;
}

/**
 * Makes a process with an empty memory, as if forked from `parent` and then started afresh: what a
 * machine spawns. The first one of a kernel has no parent.
 * @throws {LinuxError} EAGAIN: no process number free
 * @throws {LinuxError} ENOMEM: no room for the page tables
 */
export function createProcess(
  kernel: Kernel,
  parent: TaskStruct | null,
  init: ProcessInit,
): TaskStruct {
  const cred = init.cred ?? parent?.cred;
  if (cred === undefined) throw new TypeError('init: the first process needs credentials');
  const mm = init.kthread ? null : new MmStruct(kernel.core, cred.userNs);
  const task = new TaskStruct({
    kernel,
    cred,
    mm,
    files: init.files ?? parent?.files?.dup() ?? null,
    fs: init.fs ?? parent?.fs?.dup() ?? null,
    comm: commFromText(init.comm),
    exitSignal: SIGCHLD,
    flags: init.kthread ? PF_KTHREAD : 0,
  });
  attachPid(task, null);
  const rlimits = init.rlimits ?? new Rlimits(parent?.group.rlimits);
  newGroup(task, parent, rlimits);
  return task;
}

/**
 * A task becomes a user of everything it has only once its number is certain; here the number is
 * taken.
 */
function attachPid(task: TaskStruct, wanted: number | null): void {
  try {
    task.threadPid = task.kernel.pids.alloc(task, wanted);
  } catch (error) {
    dropResources(task);
    throw error;
  }
  task.kernel.processes.add(task.cred.uid, 1);
  task.kernel.cpuStat.forks += 1;
}

function dropResources(task: TaskStruct): void {
  task.mm?.mmput();
  if (task.files !== null && --task.files.users === 0) task.files.release();
  if (task.fs !== null && --task.fs.users === 0) task.fs.release();
}

/** Founds the process of a task whose number is attached. */
function newGroup(task: TaskStruct, parent: TaskStruct | null, rlimits: Rlimits): void {
  const { pids } = task.kernel;
  const ids = {
    pgrp: pids.get(parent?.group.pgrp ?? task.threadPid),
    session: pids.get(parent?.group.session ?? task.threadPid),
  };
  task.group = new ThreadGroup(task, parent, rlimits, ids);
  task.group.threads.push(task);
  if (parent === null) return;
  task.group.autogroup = parent.group.autogroup;
  task.group.tty = parent.group.tty;
  const { hasChildSubreaper, isChildSubreaper } = parent.group;
  task.group.hasChildSubreaper = hasChildSubreaper || isChildSubreaper;
  parent.adopt(task.group);
}

/**
 * Checks the flags of a clone against each other.
 * @throws {LinuxError} EINVAL: they contradict each other, or name namespaces other than user
 * @see kernel/fork.c, copy_process()
 */
export function checkCloneFlags(parent: TaskStruct, flags: number): void {
  const both = (a: number, b: number): boolean => (flags & a) !== 0 && (flags & b) !== 0;
  if (both(CLONE_NEWNS, CLONE_FS) || both(CLONE_NEWUSER, CLONE_FS)) fail(EINVAL);
  if (flags & CLONE_THREAD && !(flags & CLONE_SIGHAND)) fail(EINVAL);
  if (flags & CLONE_SIGHAND && !(flags & CLONE_VM)) fail(EINVAL);
  if (flags & CLONE_PARENT && parent.group.unkillable) fail(EINVAL);
  if (flags & CLONE_THREAD && flags & (CLONE_NEWUSER | CLONE_NEWPID)) fail(EINVAL);
  if (flags & CLONE_OTHER_NS) fail(EINVAL);
}

/** RLIMIT_NPROC counts the threads of a real user; the initial root is exempt. */
function checkMayFork(parent: TaskStruct): void {
  // kernel/sched/core.c sched_fork(): a deadline is for one task.
  if (parent.sched.policy === SCHED_DEADLINE && !parent.sched.resetOnFork) fail(EAGAIN);
  const limit = parent.group.rlimits.soft(RLIMIT_NPROC);
  const { uid, userNs } = parent.cred;
  const { initUserNs } = parent.kernel;
  if (parent.kernel.pids.count < limit || (uid === 0 && userNs === initUserNs)) return;
  if (capable(parent, initUserNs, CAP_SYS_RESOURCE)) return;
  if (capable(parent, initUserNs, CAP_SYS_ADMIN)) return;
  if (parent.kernel.processes.of(uid) >= limit) fail(EAGAIN);
}

function copyCreds(parent: TaskStruct, flags: number): Readonly<Cred> {
  if (!(flags & CLONE_NEWUSER)) return parent.cred;
  const cred = prepareCreds(parent);
  createUserNs(parent, cred);
  return cred;
}

/** How a child is made. */
export interface CloneOptions {
  /** CLONE_* bits; without `exitSignal` the low byte is the signal to the parent at its exit. */
  readonly flags: number;
  readonly exitSignal?: number;
  /** CLONE_CLEAR_SIGHAND: signals that are not ignored have their default actions. */
  readonly clearSighand?: boolean;
  /** Where the child's CPU has its stack and its thread pointer; null or absent: where the parent's has. */
  readonly stackPointer?: bigint | null;
  readonly threadPointer?: bigint | null;
  /** The number it is to have (default: the next one free). */
  readonly wanted?: number | null;
}

function splitSignal({ flags, exitSignal }: CloneOptions): { signal: number; flags: number } {
  if (exitSignal !== undefined) return { signal: exitSignal, flags };
  return { signal: flags & CSIGNAL, flags: flags & ~CSIGNAL };
}

/**
 * Signal handlers, shared by threads and with CLONE_SIGHAND, otherwise a copy; and their stack, which a
 * thread does not get (copy_sighand(), sas_ss_reset()).
 */
function copySignals(child: TaskStruct, parent: TaskStruct, options: CloneOptions): void {
  const { flags } = options;
  child.blocked = parent.blocked;
  if ((flags & (CLONE_VM | CLONE_VFORK)) !== CLONE_VM) child.signalStack = parent.signalStack;
  if (flags & CLONE_SIGHAND) {
    child.sighand = parent.sighand;
    child.sighand.users++;
    return;
  }
  child.sighand = parent.sighand.dup();
  if (options.clearSighand === true) child.sighand.flushHandlers();
}

function copyMm(parent: TaskStruct, flags: number): MmStruct | null {
  if (parent.mm === null) return null;
  if (flags & CLONE_VM) return parent.mm.mmget();
  // What is copied is promised a second time, as the settings of this moment have it.
  applyLimits(parent.mm, mmLimits(parent));
  return dupMm(parent.mm);
}

function share<T extends { users: number; dup(): T }>(old: T | null, shared: boolean): T | null {
  if (old === null || !shared) return old?.dup() ?? null;
  old.users++;
  return old;
}

/**
 * Makes a child as clone does: a process with a copy-on-write memory, or with CLONE_* flags one
 * that shares, or a thread. The low byte of `flags` is the exit signal, SIGCHLD for fork.
 * @throws {LinuxError} EINVAL: flags that contradict each other, or namespaces other than user
 * @throws {LinuxError} EAGAIN: RLIMIT_NPROC, or no number free; EEXIST: the wanted one is not
 * @throws {LinuxError} ENOMEM: no room for the page tables
 * @throws {LinuxError} EPERM, ENOSPC: see createUserNs()
 * @see kernel/fork.c, copy_process()
 */
export function copyProcess(parent: TaskStruct, options: CloneOptions): TaskStruct {
  const { signal, flags } = splitSignal(options);
  checkCloneFlags(parent, flags);
  checkMayFork(parent);
  const cred = copyCreds(parent, flags);
  const child = new TaskStruct({
    kernel: parent.kernel,
    cred,
    mm: copyMm(parent, flags),
    files: share(parent.files, (flags & CLONE_FILES) !== 0),
    fs: share(parent.fs, (flags & CLONE_FS) !== 0),
    comm: parent.comm,
    exitSignal: exitSignal(parent, flags, signal),
    flags: (parent.flags & ~PF_SUPERPRIV) | PF_FORKNOEXEC,
  });
  child.noNewPrivs = parent.noNewPrivs;
  inheritSched(child, parent);
  child.timerSlackNs = parent.timerSlackNs;
  child.defaultTimerSlackNs = parent.timerSlackNs;
  child.personality = parent.personality;
  child.regs = parent.regs?.slice() ?? null;
  child.fpregs = parent.fpregs?.slice() ?? null;
  child.hart = parent.hart?.forChild(options) ?? null;
  child.mceKill = parent.mceKill;
  child.ioFlusher = parent.ioFlusher;
  child.rseq = (flags & CLONE_VM) !== 0 ? null : parent.rseq;
  copySignals(child, parent, options);
  attachPid(child, options.wanted ?? null);
  child.seccomp = copySeccomp(parent);
  if (flags & CLONE_SYSVSEM) shareSemUndo(parent, child);
  if (flags & CLONE_THREAD) {
    child.group = parent.group;
    child.group.threads.push(child);
  } else {
    const realParent = flags & CLONE_PARENT ? parent.parent : parent;
    newGroup(child, realParent, new Rlimits(parent.group.rlimits));
    child.group.oomScoreAdj = parent.group.oomScoreAdj;
    child.group.oomScoreAdjMin = parent.group.oomScoreAdjMin;
    inheritIds(child, parent);
  }
  startChild(parent, child, flags, signal);
  return child;
}

/** With CLONE_PARENT the group and session are still the caller's. */
function inheritIds(child: TaskStruct, caller: TaskStruct): void {
  const { pids } = child.kernel;
  const { group } = child;
  pids.put(group.pgrp);
  pids.put(group.session);
  group.pgrp = pids.get(caller.group.pgrp);
  group.session = pids.get(caller.group.session);
  group.autogroup = caller.group.autogroup;
  group.tty = caller.group.tty;
}

function exitSignal(parent: TaskStruct, flags: number, signal: number): number {
  if (flags & CLONE_THREAD) return -1;
  return flags & CLONE_PARENT ? parent.group.leader.exitSignal : signal;
}
