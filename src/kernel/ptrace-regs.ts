import { EFAULT, EINVAL, EIO, ENODEV, ENXIO, EOPNOTSUPP } from '../../assembly/abi/errno.js';

import { fail } from '../errno.js';
import { TASK_SIZE, type U64 } from '../mm/address.js';
import { copyFromUser, copyToUser } from '../mm/user.js';
import type { MmStruct } from './mm-struct.js';
import { riscvRegset } from './ptrace-riscv.js';
import type { TaskStruct } from './task.js';

/** struct user_regs_struct: 27 registers of 8 bytes, r15 to gs. */
export const REGS_SIZE = 216;
/** struct user_i387_struct: what fxsave stores. */
export const FPREGS_SIZE = 512;
/** The xsave area of a CPU with x87, SSE and AVX. */
const XSTATE_SIZE = 832;

// include/uapi/linux/elf.h
export const NT_PRSTATUS = 1;
export const NT_PRFPREG = 2;
const NT_386_IOPERM = 0x201;
const NT_X86_XSTATE = 0x202;

/** struct user, bytes, and where its debug registers lie. */
const USER_SIZE = 912;
const DEBUGREG = 848;

// Offsets in struct user_regs_struct.
const RIP = 16 * 8;
const CS = 17 * 8;
const EFLAGS = 18 * 8;
const SS = 20 * 8;
const FS_BASE = 21 * 8;
const GS_BASE = 22 * 8;
const SELECTORS = new Set([CS, SS, 23 * 8, 24 * 8, 25 * 8, 26 * 8]);

/** Flags a tracer may set: CF PF AF ZF SF TF DF OF NT RF AC (arch/x86/kernel/ptrace.c, FLAG_MASK). */
const FLAG_MASK = 0x54dd5n;
/** Interrupts are on in user mode, and bit 1 is always there. */
const FIXED_FLAGS = 0x202n;
const USER_CS = 0x33n;
const USER_DS = 0x2bn;
const MXCSR_DEFAULT = 0x1f80;
const MXCSR_MASK = 0xffff;
/** xfeatures the area has: x87, SSE, AVX; where it and the list of those in use lie. */
const XFEATURES = 7n;
const XCR0_OFFSET = 464;
const XSTATE_BV_OFFSET = 512;
const XSTATE_RESERVED_END = 576;

/** The registers of a task; those of one that never ran are zeros but for what user mode implies. */
export function regsOf(task: TaskStruct): DataView {
  if (task.regs === null) {
    task.regs = new Uint8Array(REGS_SIZE);
    const view = new DataView(task.regs.buffer);
    view.setBigUint64(CS, USER_CS, true);
    view.setBigUint64(EFLAGS, FIXED_FLAGS, true);
    view.setBigUint64(SS, USER_DS, true);
  }
  return new DataView(task.regs.buffer, task.regs.byteOffset, task.regs.length);
}

/** Where a task is in its program. */
export function instructionPointer(task: TaskStruct): bigint {
  return task.hart?.pc ?? regsOf(task).getBigUint64(RIP, true);
}

/** The floating point registers of a task, as after fninit. */
function fpregsOf(task: TaskStruct): Uint8Array {
  if (task.fpregs === null) {
    task.fpregs = new Uint8Array(FPREGS_SIZE);
    const view = new DataView(task.fpregs.buffer);
    view.setUint16(0, 0x37f, true);
    view.setUint32(24, MXCSR_DEFAULT, true);
    view.setUint32(28, MXCSR_MASK, true);
  }
  return task.fpregs;
}

/** Stores one register as far as user mode may have it (putreg()). @throws {LinuxError} EIO */
function putreg(task: TaskStruct, offset: number, value: bigint): void {
  const regs = regsOf(task);
  if (SELECTORS.has(offset)) {
    const selector = value & 0xffffn;
    const null_ = selector === 0n;
    if ((!null_ && (selector & 3n) !== 3n) || (null_ && (offset === CS || offset === SS)))
      fail(EIO);
    regs.setBigUint64(offset, selector, true);
  } else if (offset === EFLAGS) {
    regs.setBigUint64(offset, (value & FLAG_MASK) | FIXED_FLAGS, true);
  } else {
    if ((offset === FS_BASE || offset === GS_BASE) && value >= BigInt(TASK_SIZE)) fail(EIO);
    regs.setBigUint64(offset, value, true);
  }
}

function userOffset(addr: U64): number {
  const offset = Number(addr);
  if (offset % 8 !== 0 || offset >= USER_SIZE) fail(EIO);
  return offset;
}

/**
 * Reads a word of struct user: registers, the rest is 0.
 * @throws {LinuxError} EIO: not a multiple of 8, or beyond it
 * @see arch/x86/kernel/ptrace.c, arch_ptrace()
 */
export function ptracePeekUser(tracee: TaskStruct, addr: U64): Uint8Array {
  const offset = userOffset(addr);
  const word = new Uint8Array(8);
  const regs = regsOf(tracee);
  if (offset < REGS_SIZE) {
    new DataView(word.buffer).setBigUint64(0, regs.getBigUint64(offset, true), true);
  }
  return word;
}

/**
 * Writes a register; zeros are taken for debug registers.
 * @throws {LinuxError} EIO: as ptracePeekUser(), another place, or a value user mode may not have
 */
export function ptracePokeUser(tracee: TaskStruct, addr: U64, data: U64): void {
  const offset = userOffset(addr);
  if (offset < REGS_SIZE) putreg(tracee, offset, BigInt.asUintN(64, BigInt(data)));
  else if (offset < DEBUGREG || BigInt(data) !== 0n) fail(EIO);
}

/** A set of registers as ptrace and core files name it (struct user_regset). */
export interface Regset {
  /** Bytes. */
  readonly size: number;
  get(task: TaskStruct): Uint8Array;
  set(task: TaskStruct, bytes: Uint8Array): void;
}

function checkMxcsr(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (view.getUint32(24, true) & ~MXCSR_MASK) fail(EINVAL);
}

function setFpregs(task: TaskStruct, bytes: Uint8Array): void {
  checkMxcsr(bytes);
  const fpregs = fpregsOf(task);
  fpregs.set(bytes.subarray(0, FPREGS_SIZE));
  new DataView(fpregs.buffer, fpregs.byteOffset).setUint32(28, MXCSR_MASK, true);
}

function regBytes(task: TaskStruct): Uint8Array {
  const { buffer, byteOffset } = regsOf(task);
  return new Uint8Array(buffer, byteOffset, REGS_SIZE).slice();
}

const GENERAL: Regset = {
  size: REGS_SIZE,
  get: (task) => regBytes(task),
  set(task, bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let at = 0; at < bytes.length; at += 8) putreg(task, at, view.getBigUint64(at, true));
  },
};

const FLOATING: Regset = {
  size: FPREGS_SIZE,
  get: (task) => fpregsOf(task).slice(),
  set(task, bytes) {
    if (bytes.length !== FPREGS_SIZE) fail(EINVAL);
    setFpregs(task, bytes);
  },
};

/** Upper halves of AVX registers are not kept: they read as never used. */
const XSTATE: Regset = {
  size: XSTATE_SIZE,
  get(task) {
    const area = new Uint8Array(XSTATE_SIZE);
    area.set(fpregsOf(task));
    const view = new DataView(area.buffer);
    view.setBigUint64(XCR0_OFFSET, XFEATURES, true);
    view.setBigUint64(XSTATE_BV_OFFSET, 3n, true);
    return area;
  },
  set(task, bytes) {
    if (bytes.length !== XSTATE_SIZE) fail(EFAULT);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const reserved = bytes.subarray(XSTATE_BV_OFFSET + 8, XSTATE_RESERVED_END);
    const unknown = view.getBigUint64(XSTATE_BV_OFFSET, true) & ~XFEATURES;
    if (unknown !== 0n || reserved.some((byte) => byte !== 0)) fail(EINVAL);
    setFpregs(task, bytes.subarray(0, FPREGS_SIZE));
  },
};

const REGSETS: ReadonlyMap<number, Regset> = new Map([
  [NT_PRSTATUS, GENERAL],
  [NT_PRFPREG, FLOATING],
  [NT_X86_XSTATE, XSTATE],
]);

/**
 * Registers of a task as the note of this type in a core has them; null for a type there is none of.
 *
 * @see fs/binfmt_elf.c, fill_thread_core_info()
 */
export function regsetBytes(task: TaskStruct, type: number): Uint8Array | null {
  return REGSETS.get(type)?.get(task) ?? null;
}

/**
 * Where the parts of the xsave area lie: rows of four 32-bit words, number, size, offset, flags; here
 * the upper halves of the AVX registers alone.
 *
 * @see arch/x86/kernel/fpu/xstate.c, dump_xsave_layout_desc()
 */
export const XSAVE_LAYOUT: readonly number[] = [2, 256, 576, 0];

/** Where registers of a tracee come from or go to in the tracer's memory. */
export interface RegsetRequest {
  readonly mm: MmStruct;
  readonly base: U64;
  /** Bytes; more than there are is cut. */
  readonly length: number;
  readonly write: boolean;
}

/**
 * Copies registers of a tracee, by the type of the note a core file has for them.
 * @returns the bytes copied at most
 * @throws {LinuxError} EINVAL: no such type, a length that is no multiple of 8, or values refused
 * @throws {LinuxError} EFAULT: a bad address; EIO: a register user mode may not have; ENXIO,
 *   EOPNOTSUPP: I/O permissions, which nobody has
 * @see kernel/ptrace.c, ptrace_regset()
 */
export function ptraceRegset(tracee: TaskStruct, type: number, request: RegsetRequest): number {
  const regset = tracee.hart === null ? REGSETS.get(type) : riscvRegset(type);
  if (request.length % 8 !== 0) fail(EINVAL);
  if (type === NT_386_IOPERM) fail(request.write ? EOPNOTSUPP : ENXIO);
  if (regset === undefined) return fail(EINVAL);
  const length = Math.min(request.length, regset.size);
  if (request.write) regset.set(tracee, copyFromUser(request.mm, request.base, length));
  else copyToUser(request.mm, request.base, regset.get(tracee).subarray(0, length));
  return length;
}

/**
 * Changes registers of a task, given as the note of this type in a core has them.
 *
 * @throws {LinuxError} EIO, EINVAL: a value user mode may not have; ENODEV: no such registers
 * @see arch/x86/kernel/ptrace.c, genregs_set()
 */
export function setRegsetBytes(task: TaskStruct, type: number, bytes: Uint8Array): void {
  const regset = REGSETS.get(type) ?? fail(ENODEV);
  regset.set(task, bytes);
}
