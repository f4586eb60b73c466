import { EFAULT, EINVAL, ERANGE } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { UserBuffer } from '../mm/user.js';
import { byteStringOf } from '../vfs/byte-string.js';

/** The values a number may have, inclusive. */
export interface IntegerType {
  readonly min: bigint;
  readonly max: bigint;
}

export const INT: IntegerType = { min: -(1n << 31n), max: (1n << 31n) - 1n };
export const UINT: IntegerType = { min: 0n, max: (1n << 32n) - 1n };
export const ULONGLONG: IntegerType = { min: 0n, max: (1n << 64n) - 1n };

/** White space of the kernel's isspace(). */
const SPACE = /^[\t-\r \u00a0]+|[\t-\r \u00a0]+$/g;

/**
 * A whole number, with one newline after it at most.
 * @param base 10, or 0 for "0x" and "0" prefixes
 * @throws {LinuxError} EINVAL: no number; ERANGE: beyond the type
 * @see lib/kstrtox.c kstrtoint(), kstrtouint(), kstrtoull()
 */
export function kstrto(text: string, base: 0 | 10, type: IntegerType): bigint {
  const sign = type.min < 0n ? '[-+]?' : '\\+?';
  const digits = base === 10 ? '[0-9]+' : '0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*';
  const match = new RegExp(`^(${sign})(${digits})\\n?$`).exec(text);
  if (match === null) fail(EINVAL);
  const number = match[2] as string;
  const octal = base === 0 && /^0[0-7]+$/.test(number);
  const magnitude = BigInt(octal ? `0o${number}` : number);
  const value = match[1] === '-' ? -magnitude : magnitude;
  return value < type.min || value > type.max ? fail(ERANGE) : value;
}

/** Text without white space around it (strstrip()). */
export function strstrip(text: string): string {
  return text.replace(SPACE, '');
}

/**
 * The first bytes of a write as a string: up to `max` of them, and to a NUL.
 * @throws {LinuxError} EFAULT
 */
export function textFromUser(buf: UserBuffer, max: number): string {
  const bytes = new Uint8Array(Math.min(buf.length, max));
  if (buf.copyFrom(0, bytes) < bytes.length) fail(EFAULT);
  return byteStringOf(bytes).split('\0', 1)[0] as string;
}
