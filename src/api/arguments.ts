import { CAP_FULL_SET, type CapSet } from '../kernel/capability.js';
import { TaskStruct } from '../kernel/task.js';
import { decodeName, nameOf } from '../mm/name-bytes.js';
import { toU64, type U64 } from '../vfs/u64.js';

const U64_END = 1n << 64n;
const S64_MIN = -(1n << 63n);

/**
 * A 64-bit argument of the public API: an address, a length, a file position, a value.
 *
 * @throws {TypeError} neither a number nor a bigint
 * @throws {RangeError} a number that is no safe integer, or a value beyond 64 bits
 */
export function u64Argument(name: string, value: number | bigint): U64 {
  if (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)) return value;
  return typeof value === 'number' ? numberArgument(name, value) : bigintArgument(name, value);
}

// Apart, so that engines take what precedes into their callers (measured).
function numberArgument(name: string, value: number): U64 {
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`${name}: ${value} is no safe integer; give a bigint`);
  }
  return toU64(BigInt(value));
}

function bigintArgument(name: string, value: bigint): U64 {
  if (typeof value !== 'bigint') throw new TypeError(`${name}: neither a number nor a bigint`);
  if (value >= U64_END || value < S64_MIN) {
    throw new RangeError(`${name}: ${value} does not fit 64 bits`);
  }
  return toU64(value);
}

/**
 * An integer argument in [min, max].
 *
 * @throws {TypeError} no number
 * @throws {RangeError} no integer, or outside
 */
export function intArgument(name: string, value: number, min: number, max: number): number {
  if (typeof value !== 'number') throw new TypeError(`${name}: not a number`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name}: ${value} is no integer from ${min} to ${max}`);
  }
  return value;
}

/** A user or group id; -1 is what the set*id family takes for "keep". */
export function idArgument(name: string, value: number): number {
  return intArgument(name, value, -1, 0xffffffff);
}

/**
 * An array of bytes.
 *
 * @throws {TypeError} none
 */
export function bytesArgument(name: string, value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name}: not a Uint8Array`);
  return value;
}

/**
 * A string without NUL.
 *
 * @throws {TypeError} no string, or one with a NUL, which no path or name can have
 */
export function stringArgument(name: string, value: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name}: not a string`);
  if (value.includes('\0')) throw new TypeError(`${name}: contains a NUL`);
  return value;
}

/**
 * One of a few values.
 *
 * @throws {TypeError} a value of another type
 * @throws {RangeError} none of them
 */
export function oneOf<T extends string | number>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  const message = `${name}: ${shown(value)} is not one of ${allowed.join(', ')}`;
  throw typeof value === typeof allowed[0] ? new RangeError(message) : new TypeError(message);
}

/** True or false. @throws {TypeError} neither */
export function booleanArgument(name: string, value: boolean): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${name}: not a boolean`);
  return value;
}

/** A function. @throws {TypeError} none */
export function functionArgument<T extends (...args: never[]) => unknown>(
  name: string,
  value: T,
): T {
  if (typeof value !== 'function') throw new TypeError(`${name}: not a function`);
  return value;
}

/** An object that holds options or methods. @throws {TypeError} none, or an array */
export function objectArgument<T extends object>(name: string, value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name}: not an object`);
  }
  return value;
}

/** An array, whose elements are for the caller to check. @throws {TypeError} none */
export function arrayArgument<T>(name: string, value: readonly T[]): readonly T[] {
  if (!Array.isArray(value)) throw new TypeError(`${name}: not an array`);
  return value;
}

/** An array of strings without NUL. @throws {TypeError} none */
export function stringsArgument(name: string, value: readonly string[]): readonly string[] {
  return arrayArgument(name, value).map((text) => stringArgument(name, text));
}

/**
 * A set of capabilities.
 *
 * @throws {TypeError} no bigint
 * @throws {RangeError} bits that are no capability
 */
export function capsArgument(name: string, value: CapSet): CapSet {
  if (typeof value !== 'bigint') throw new TypeError(`${name}: not a bigint`);
  if (value < 0n || value > CAP_FULL_SET)
    throw new RangeError(`${name}: bits beyond the 41 capabilities`);
  return value;
}

/**
 * A path or another name: text, in which lone surrogates from U+DC80 on stand for bytes that are no UTF-8, or
 * the bytes themselves.
 *
 * @throws {TypeError} something else, or a NUL in it
 */
export function nameArgument(name: string, value: string | Uint8Array): string {
  if (typeof value === 'string') return nameOf(stringArgument(name, value));
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name}: not a string, nor bytes`);
  return stringArgument(name, decodeName(value));
}

/** The kernel's object of a task. @throws {TypeError} something else */
export function structArgument(name: string, value: TaskStruct): TaskStruct {
  if (!(value instanceof TaskStruct)) throw new TypeError(`${name}: not a task of a kernel`);
  return value;
}

/** A task that can act. @throws {TypeError} it has exited */
export function livingArgument(name: string, task: TaskStruct): TaskStruct {
  if (task.undone) {
    throw new TypeError(`${name}: ${task.pid} was made after the moment the machine went back to`);
  }
  if (task.exited) throw new TypeError(`${name}: ${task.pid} has exited`);
  return task;
}

/** A value for a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  const compound = typeof value === 'function' || (typeof value === 'object' && value !== null);
  return compound ? `a value of type ${typeof value}` : String(value);
}
