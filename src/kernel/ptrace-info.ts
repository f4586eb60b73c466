import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { U64 } from '../mm/address.js';
import { copyFromUser, copyToUser } from '../mm/user.js';
import { AUDIT_ARCH } from './audit-arch.js';
import { CAP_SYS_ADMIN, capable } from './capability.js';
import type { MmStruct } from './mm-struct.js';
import { PTRACE_O_MASK, PTRACE_O_SUSPEND_SECCOMP } from './ptrace-abi.js';
import type { Hart } from '../mm/hart.js';
import { syscallInfoOp } from './ptrace-syscall.js';
import { instructionPointer, regsOf } from './ptrace-regs.js';
import type { TaskStruct } from './task.js';

const MAX_ERRNO = 4095n;
// Registers of RISC-V by their names in the calling convention.
const SP = 2;
const A0 = 10;
const A7 = 17;
/** struct ptrace_syscall_info up to its union, and whole. */
const SYSCALL_INFO_HEAD = 24;
const SYSCALL_INFO_SIZE = 88;
/** What of it is filled: at no call, at the beginning of one, at its end, at a filter's stop before one. */
const SYSCALL_INFO_SIZES: readonly number[] = [SYSCALL_INFO_HEAD, 80, 33, 84];
const RSEQ_CONFIGURATION_SIZE = 24;
const USER_DISPATCH_CONFIG_SIZE = 32;
// Offsets in struct user_regs_struct.
const RSP = 19 * 8;

/**
 * Checks PTRACE_O_* bits.
 * @throws {LinuxError} EINVAL: unknown ones; EPERM: to suspend seccomp without CAP_SYS_ADMIN
 * @see kernel/ptrace.c, check_ptrace_options()
 */
export function checkPtraceOptions(caller: TaskStruct, options: U64): number {
  if ((BigInt(options) & ~BigInt(PTRACE_O_MASK)) !== 0n) fail(EINVAL);
  const suspends = (Number(options) & PTRACE_O_SUSPEND_SECCOMP) !== 0;
  const { initUserNs } = caller.kernel;
  if (suspends && !capable(caller, initUserNs, CAP_SYS_ADMIN)) fail(EPERM);
  // The caller's own seccomp must be off, and not by a tracer of its own.
  const suspended = ((caller.ptrace?.options ?? 0) & PTRACE_O_SUSPEND_SECCOMP) !== 0;
  if (suspends && (suspended || caller.seccomp !== null)) fail(EPERM);
  return Number(options);
}

function copyHead(mm: MmStruct, data: U64, bytes: Uint8Array, size: U64): number {
  copyToUser(mm, data, bytes.subarray(0, Math.min(bytes.length, Number(size))));
  return bytes.length;
}

/**
 * Gives architecture, program counter and stack pointer, and of a task that is stopped at a system call, the call
 * or its result.
 * @returns bytes of the structure that are filled, however few were asked for
 * @throws {LinuxError} EFAULT: a bad address
 * @see kernel/ptrace.c, ptrace_get_syscall_info()
 */
export function ptraceGetSyscallInfo(
  tracee: TaskStruct,
  mm: MmStruct,
  size: U64,
  data: U64,
): number {
  if (tracee.hart !== null) return copyHead(mm, data, riscvSyscallInfo(tracee, tracee.hart), size);
  const info = new Uint8Array(SYSCALL_INFO_HEAD);
  const view = new DataView(info.buffer);
  const regs = regsOf(tracee);
  view.setUint32(4, AUDIT_ARCH.x86_64, true);
  view.setBigUint64(8, instructionPointer(tracee), true);
  view.setBigUint64(16, regs.getBigUint64(RSP, true), true);
  return copyHead(mm, data, info, size);
}

/** @see kernel/ptrace.c, ptrace_get_syscall_info_entry() and _exit() */
function riscvSyscallInfo(tracee: TaskStruct, hart: Hart): Uint8Array {
  const op = syscallInfoOp(tracee);
  const info = new Uint8Array(SYSCALL_INFO_SIZES[op] ?? SYSCALL_INFO_HEAD);
  const view = new DataView(info.buffer);
  info[0] = op;
  view.setUint32(4, AUDIT_ARCH.riscv64, true);
  view.setBigUint64(8, hart.pc, true);
  view.setBigUint64(16, hart.x(SP), true);
  if (op === 1 || op === 3) {
    view.setBigUint64(24, hart.x(A7), true);
    for (let i = 0; i < 6; i++) view.setBigUint64(32 + i * 8, hart.x(A0 + i), true);
    if (op === 3) view.setUint32(80, Number(tracee.ptrace?.message ?? 0n), true);
  } else if (op === 2) {
    const result = BigInt.asIntN(64, hart.x(A0));
    view.setBigInt64(24, result, true);
    info[32] = Number(result >= -MAX_ERRNO && result < 0n);
  }
  return info;
}

/**
 * Refuses to change the system call of a task that is in none.
 * @throws {LinuxError} EINVAL always, but EFAULT for a bad address
 * @see kernel/ptrace.c, ptrace_set_syscall_info()
 */
export function ptraceSetSyscallInfo(mm: MmStruct, size: U64, data: U64): never {
  if (Number(size) < SYSCALL_INFO_SIZE) fail(EINVAL);
  copyFromUser(mm, data, SYSCALL_INFO_SIZE);
  return fail(EINVAL);
}

/**
 * Gives what a task registered for restartable sequences, zeros for nothing (ptrace_get_rseq_configuration()).
 *
 *     struct ptrace_rseq_configuration   0 rseq_abi_pointer   8 rseq_abi_size   12 signature   …   24
 */
export function ptraceGetRseq({ rseq }: TaskStruct, mm: MmStruct, size: U64, data: U64): number {
  const view = new DataView(new ArrayBuffer(RSEQ_CONFIGURATION_SIZE));
  view.setBigUint64(0, BigInt(rseq?.addr ?? 0), true);
  view.setUint32(8, rseq?.length ?? 0, true);
  view.setUint32(12, rseq?.signature ?? 0, true);
  return copyHead(mm, data, new Uint8Array(view.buffer), size);
}

/**
 * Gives, or switches off, the dispatch of system calls to user space, which is always off.
 * @throws {LinuxError} EINVAL: another size, or switching it on; EFAULT: a bad address
 * @see kernel/entry/syscall_user_dispatch.c
 */
export function ptraceUserDispatch(mm: MmStruct, size: U64, data: U64, set: boolean): void {
  if (size !== USER_DISPATCH_CONFIG_SIZE) fail(EINVAL);
  const config = new Uint8Array(USER_DISPATCH_CONFIG_SIZE);
  if (!set) return copyToUser(mm, data, config);
  const given = copyFromUser(mm, data, USER_DISPATCH_CONFIG_SIZE);
  if (given.some((byte) => byte !== 0)) fail(EINVAL);
}
