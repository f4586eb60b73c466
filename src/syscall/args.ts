import { E2BIG, EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail, LinuxError } from '../errno.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import type { TaskStruct } from '../kernel/task.js';
import { copyFromUser, copyToUser, GuestBuffer, strncpyFromUser } from '../mm/user.js';
import { PATH_MAX } from '../vfs/flags.js';
import { toU64, type U64 } from '../vfs/u64.js';

/**
 * A system call as the CPU makes it: six registers in, one out. Handlers declare the arguments they
 * look at and throw LinuxError; dispatch.ts turns that into a negative errno.
 */
export type SyscallHandler = (
  task: TaskStruct,
  a0: U64,
  a1: U64,
  a2: U64,
  a3: U64,
  a4: U64,
  a5: U64,
) => U64;

/**
 * Handlers by Linux name: what one file of this room gives. A handler gets as many registers as it declares, so
 * none may hide some behind `...` or a default.
 */
export type SyscallFamily = Readonly<Record<string, SyscallHandler>>;

/**
 * The short form of a call that is made very often: registers are numbers here, of either sign, and none is made an
 * object. Gives the result, a negative errno among them, or NOT_READY when the handler has to be called: then
 * nothing was done. It throws nothing.
 */
export type ReadyHandler = (task: TaskStruct, registers: Float64Array) => number;

/** An argument declared `int`: the low 32 bits, signed. */
export function int(value: U64): number {
  return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value));
}

/** An argument declared `unsigned int`: the low 32 bits. */
export function uint(value: U64): number {
  return typeof value === 'number' ? value >>> 0 : Number(value & 0xffffffffn);
}

/**
 * A register as a caller of the library gives it, of either sign.
 *
 * @throws {RangeError} a number that is no safe integer
 */
export function register(value: number | bigint): U64 {
  if (typeof value === 'bigint') return toU64(value);
  if (typeof value !== 'number') throw new TypeError('args: neither numbers nor bigints');
  if (!Number.isSafeInteger(value)) throw new RangeError(`args: ${value} is no safe integer`);
  if (value >= 0) return value;
  return value === -1 ? MINUS_ONE : toU64(BigInt(value));
}

/** -1 as a register holds it: no descriptor, no id. */
const MINUS_ONE = 2n ** 64n - 1n;

/** The mm of the caller: a task that runs has one. @throws {LinuxError} EFAULT: it has none */
export function currentMm(task: TaskStruct): MmStruct {
  return task.mm ?? fail(EFAULT);
}

/** `length` bytes at `addr` of the caller. */
export function userBuffer(task: TaskStruct, addr: U64, length: U64): GuestBuffer {
  return new GuestBuffer(currentMm(task), addr, Number(length));
}

/** Reads `length` bytes of the caller at `addr`. @throws {LinuxError} EFAULT: not readable */
export function readUser(task: TaskStruct, addr: U64, length: number): DataView {
  const bytes = copyFromUser(currentMm(task), addr, length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Stores `bytes` at `addr` of the caller. @throws {LinuxError} EFAULT: not writable */
export function writeUser(task: TaskStruct, addr: U64, bytes: Uint8Array | DataView): void {
  const from =
    bytes instanceof DataView
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : bytes;
  copyToUser(currentMm(task), addr, from);
}

/** Stores 32-bit values in a row at `addr`. @throws {LinuxError} EFAULT: not writable */
export function writeU32s(task: TaskStruct, addr: U64, ...values: number[]): void {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => view.setUint32(4 * i, value, true));
  writeUser(task, addr, view);
}

/** Stores one 64-bit value at `addr`. @throws {LinuxError} EFAULT: not writable */
export function writeU64(task: TaskStruct, addr: U64, value: U64): void {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(value), true);
  writeUser(task, addr, view);
}

/** The 64-bit value at `addr`. @throws {LinuxError} EFAULT: not readable */
export function readU64(task: TaskStruct, addr: U64): U64 {
  return toU64(readUser(task, addr, 8).getBigUint64(0, true));
}

/**
 * A path of the caller (getname).
 *
 * @throws {LinuxError} EFAULT: not readable; ENAMETOOLONG: no NUL within PATH_MAX bytes
 */
export function userPath(task: TaskStruct, addr: U64): string {
  return strncpyFromUser(currentMm(task), addr, PATH_MAX);
}

/**
 * A structure whose size the caller names (copy_struct_from_user): missing fields read as zero,
 * unknown ones must be zero.
 *
 * @throws {LinuxError} EINVAL: smaller than the first version; E2BIG: bytes beyond the known ones
 * are not zero; EFAULT: not readable
 */
export function readUserStruct(
  task: TaskStruct,
  addr: U64,
  size: U64,
  known: { readonly least: number; readonly size: number },
): DataView {
  if (size < known.least) fail(EINVAL);
  if (size > PAGE_SIZE) fail(E2BIG);
  const given = copyFromUser(currentMm(task), addr, Number(size));
  if (given.subarray(known.size).some((byte) => byte !== 0)) fail(E2BIG);
  const bytes = new Uint8Array(known.size);
  bytes.set(given.subarray(0, known.size));
  return new DataView(bytes.buffer);
}

/**
 * A NUL-terminated string of the caller of at most `max` bytes with its NUL.
 *
 * @param tooLong the errno when there is no NUL within them
 * @throws {LinuxError} EFAULT: not readable; `tooLong`
 */
export function userString(task: TaskStruct, addr: U64, max: number, tooLong: number): string {
  try {
    return strncpyFromUser(currentMm(task), addr, max);
  } catch (error) {
    if (error instanceof LinuxError && error.code === 'ENAMETOOLONG') fail(tooLong);
    throw error;
  }
}

/** 0, what a call without a result of its own answers. */
export function done(_nothing: void): number {
  return 0;
}
