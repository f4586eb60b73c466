import { toU64, type U64 } from '../vfs/u64.js';

const U64_END = 1n << 64n;

/**
 * A 64-bit argument of the public API: an address, a length, a file position, a value.
 *
 * @throws {TypeError} neither a number nor a bigint
 * @throws {RangeError} a number that is no safe integer, or a value beyond 64 bits
 */
export function u64Argument(name: string, value: number | bigint): U64 {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`${name}: ${value} is no safe integer; give a bigint`);
    }
    return value >= 0 ? value : toU64(BigInt(value));
  }
  if (typeof value !== 'bigint') throw new TypeError(`${name}: neither a number nor a bigint`);
  if (value >= U64_END || value < -(U64_END >> 1n)) {
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
