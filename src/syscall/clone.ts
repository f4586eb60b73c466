import { EBADF, EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN, capable } from '../kernel/capability.js';
import { checkCloneFlags, copyProcess } from '../kernel/fork.js';
import { SIGCHLD, validSignal } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import {
  CLONE_NEWTIME,
  CLONE_PARENT,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
} from '../kernel/unshare.js';
import { accessOk } from '../mm/address.js';
import { storeUser } from '../mm/user.js';
import { filesOf, nofileLimit } from '../vfs/fdtable.js';
import { toU64, type U64 } from '../vfs/u64.js';
import { readUser, readUserStruct, type SyscallFamily, uint, writeU32s } from './args.js';
import { PIDFD_THREAD, pidfdFor } from './pidfd.js';

// include/uapi/linux/sched.h
const CSIGNAL = 0xff;
const CLONE_PIDFD = 0x1000;
const CLONE_SETTLS = 0x80000;
const CLONE_PARENT_SETTID = 0x100000;
const CLONE_CHILD_CLEARTID = 0x200000;
const CLONE_DETACHED = 0x400000;
const CLONE_CHILD_SETTID = 0x1000000;
const CLONE_CLEAR_SIGHAND = 0x100000000n;
const CLONE_INTO_CGROUP = 0x200000000n;
/** struct clone_args: its three versions, bytes. */
const CLONE_ARGS_SIZE_VER0 = 64;
const CLONE_ARGS_SIZE_VER2 = 88;
/** Levels of process number namespaces (MAX_PID_NS_LEVEL): numbers a caller may ask for at most. */
const MAX_PID_NS_LEVEL = 32n;
const INT_MAX = 0x7fffffffn;

/** Where clone's fourth and fifth arguments are: x86-64 has child_tid before tls. */
export type CloneOrder = 'ctid-tls' | 'tls-ctid';

/** What a clone is asked for. */
interface CloneArgs {
  /** CLONE_* bits, without a signal. */
  readonly flags: number;
  readonly exitSignal: number;
  readonly pidfd: U64;
  readonly parentTid: U64;
  readonly childTid: U64;
  /** The number the child is to have; null for the next one. */
  readonly wanted: number | null;
  readonly clearSighand?: boolean;
  /** Registers of the child: the end of its stack, and with CLONE_SETTLS its thread pointer; null: the parent's. */
  readonly stackPointer: bigint | null;
  readonly tls: U64;
}

/**
 * The birth of processes and threads. A task with a CPU (Task.cpu) gives the new one its registers, whichever
 * architecture's numbers the call had; a parent in vfork does not wait.
 *
 * @see kernel/fork.c
 */
export function cloneFamily(order: CloneOrder): SyscallFamily {
  return {
    fork: (task) => copyProcess(task, { flags: SIGCHLD }).pid,
    vfork: (task) => copyProcess(task, { flags: CLONE_VM | CLONE_VFORK | SIGCHLD }).pid,
    clone: (task, flags, stack, ptid, a3, a4) => {
      const [childTid, tls] = order === 'ctid-tls' ? [a3, a4] : [a4, a3];
      return sysClone(task, uint(flags), { stack, ptid, childTid, tls });
    },
    clone3: (task, addr, size) => kernelClone(task, cloneArgs(task, addr, size)),
  };
}

/** The arguments of the old call behind its flags. */
interface CloneWords {
  readonly stack: U64;
  readonly ptid: U64;
  readonly childTid: U64;
  readonly tls: U64;
}

/** In the old call a pidfd goes where the child's number would. */
function sysClone(task: TaskStruct, all: number, words: CloneWords): number {
  const { stack, ptid, childTid, tls } = words;
  const flags = all & ~CSIGNAL;
  if (flags & CLONE_PIDFD && flags & CLONE_PARENT_SETTID) fail(EINVAL);
  const exitSignal = all & CSIGNAL;
  const tids = { pidfd: ptid, parentTid: ptid, childTid };
  const stackPointer = stack === 0 ? null : BigInt(stack);
  return kernelClone(task, { flags, exitSignal, ...tids, wanted: null, stackPointer, tls });
}

/** @see kernel/fork.c, kernel_clone() */
function kernelClone(task: TaskStruct, args: CloneArgs): number {
  const { flags, exitSignal, pidfd, wanted, clearSighand = false, stackPointer } = args;
  const threadPointer = flags & CLONE_SETTLS ? BigInt(args.tls) : null;
  checkCloneFlags(task, flags);
  if (flags & CLONE_PIDFD) {
    if (flags & CLONE_DETACHED) fail(EINVAL);
    // The descriptor is known, and must be storable, before there is a child.
    writeU32s(task, pidfd, filesOf(task).lowestFree(nofileLimit(task)));
  }
  const child = copyProcess(task, {
    ...{ flags, exitSignal, wanted, clearSighand },
    ...{ stackPointer, threadPointer },
  });
  if (flags & CLONE_PIDFD) pidfdFor(task, child, flags & CLONE_THREAD ? PIDFD_THREAD : 0);
  storeTid(task, child, args);
  return child.threadPid.nr;
}

/** The child's number where CLONE_*_SETTID ask for it, as far as that is writable; and where it goes. */
function storeTid(task: TaskStruct, child: TaskStruct, args: CloneArgs): void {
  const { flags, parentTid, childTid } = args;
  if (flags & CLONE_CHILD_CLEARTID) child.clearChildTid = childTid;
  const tid = new Uint8Array(4);
  new DataView(tid.buffer).setInt32(0, child.pid, true);
  if (flags & CLONE_PARENT_SETTID && task.mm !== null) storeUser(task.mm, parentTid, tid);
  if (flags & CLONE_CHILD_SETTID && child.mm !== null) storeUser(child.mm, childTid, tid);
}

/**
 *     struct clone_args   0 flags   8 pidfd   16 child_tid   24 parent_tid   32 exit_signal
 *                         40 stack   48 stack_size   56 tls   64 set_tid   72 set_tid_size   80 cgroup
 *
 * @throws {LinuxError} EINVAL, E2BIG, EFAULT: the structure or what it asks for; EBADF: a cgroup
 * @see kernel/fork.c, copy_clone_args_from_user() and clone3_args_valid()
 */
function cloneArgs(task: TaskStruct, addr: U64, size: U64): CloneArgs {
  const known = { least: CLONE_ARGS_SIZE_VER0, size: CLONE_ARGS_SIZE_VER2 };
  const view = readUserStruct(task, addr, size, known);
  const word = (at: number): bigint => view.getBigUint64(at, true);
  const setTid = { addr: toU64(word(64)), size: word(72) };
  checkSetTidSize(setTid.addr, setTid.size);
  if (word(32) & ~BigInt(CSIGNAL) || !validSignal(Number(word(32)))) fail(EINVAL);
  const intoCgroup = (word(0) & CLONE_INTO_CGROUP) !== 0n;
  if (intoCgroup && (word(80) > INT_MAX || Number(size) < CLONE_ARGS_SIZE_VER2)) fail(EINVAL);
  const numbers = readSetTid(task, setTid.addr, Number(setTid.size));
  const exitSignal = Number(word(32));
  checkClone3(word(0), exitSignal, word(40), word(48));
  if (intoCgroup) fail(EBADF); // there are no control groups to name
  const flags = Number(word(0) & 0xffffffffn);
  const pidfd = toU64(word(8));
  const parentTid = toU64(word(24));
  const both = flags & CLONE_PIDFD && flags & CLONE_PARENT_SETTID;
  if (both && pidfd === parentTid) fail(EINVAL);
  const wanted = wantedNumber(task, numbers);
  const clearSighand = (word(0) & CLONE_CLEAR_SIGHAND) !== 0n;
  const stackPointer = word(40) === 0n ? null : word(40) + word(48);
  const registers = { stackPointer, tls: toU64(word(56)) };
  const childTid = toU64(word(16));
  return { clearSighand, flags, exitSignal, pidfd, parentTid, childTid, wanted, ...registers };
}

function checkSetTidSize(addr: U64, size: bigint): void {
  if (size > MAX_PID_NS_LEVEL) fail(EINVAL);
  if ((addr === 0) !== (size === 0n)) fail(EINVAL);
}

function readSetTid(task: TaskStruct, addr: U64, count: number): number[] {
  if (count === 0) return [];
  const view = readUser(task, addr, 4 * count);
  return Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true));
}

/** @see kernel/fork.c, clone3_args_valid() and clone3_stack_valid() */
function checkClone3(all: bigint, exitSignal: number, stack: bigint, stackSize: bigint): void {
  if (all & ~(0xffffffffn | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP)) fail(EINVAL);
  const flags = Number(all & 0xffffffffn);
  if (flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) fail(EINVAL);
  if (flags & CLONE_SIGHAND && all & CLONE_CLEAR_SIGHAND) fail(EINVAL);
  if (flags & (CLONE_THREAD | CLONE_PARENT) && exitSignal !== 0) fail(EINVAL);
  if ((stack === 0n) !== (stackSize === 0n)) fail(EINVAL);
  if (stack !== 0n && !accessOk(toU64(stack), Number(stackSize))) fail(EINVAL);
}

/**
 * A number for each namespace, and there is one.
 *
 * @throws {LinuxError} EINVAL: more, or a number out of range; EPERM: not permitted
 * @see kernel/pid.c, alloc_pid()
 */
function wantedNumber(task: TaskStruct, numbers: readonly number[]): number | null {
  const [nr] = numbers;
  if (nr === undefined) return null;
  const { sysctl } = task.kernel;
  if (numbers.length > 1 || nr < 1 || nr >= sysctl.get('kernel.pid_max')) fail(EINVAL);
  const may = [CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN].some((cap) =>
    capable(task, task.kernel.initUserNs, cap),
  );
  return may ? nr : fail(EPERM);
}
