import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';

/** White space between the numbers of a setting (proc_wspace_sep). */
const SEPARATORS = ' \t\n';
/** White space that is skipped (the kernel's isspace()). */
const SPACE = /^[\t-\r \u00a0]+/;
/** Characters a number may have, its sign included: TMPBUFLEN of kernel/sysctl.c without its NUL. */
const MAX_DIGITS = 20;

/** A number at the start of a write, and how many bytes of the write it took. */
export interface ParsedNumber {
  readonly value: bigint;
  readonly consumed: number;
}

/** Decimal, octal after a 0, hexadecimal after 0x (lib/kstrtox.c simple_strtoul()). */
function magnitude(digits: string): bigint {
  return BigInt(/^0[0-7]/.test(digits) ? `0o${digits}` : digits);
}

/**
 * The first number of a write; what stands behind the white space after it is left.
 * @param text what was written
 * @throws {LinuxError} EINVAL: no number, one beyond 64 bits, or something else right behind it
 * @see kernel/sysctl.c proc_get_long(), do_proc_dointvec()
 */
export function procGetLong(text: string): ParsedNumber {
  const start = (SPACE.exec(text)?.[0] ?? '').length;
  const match = /^(-?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/.exec(text.slice(start));
  if (match === null || match[0].length > MAX_DIGITS) fail(EINVAL);
  const [number, sign, digits = '0'] = match;
  const rest = text.slice(start + number.length);
  if (rest !== '' && !SEPARATORS.includes(rest.charAt(0))) fail(EINVAL);
  const size = magnitude(digits);
  if (size >= 1n << 64n) fail(EINVAL);
  const spaces = (SPACE.exec(rest)?.[0] ?? '').length;
  return {
    value: sign === '-' ? -size : size,
    consumed: start + number.length + spaces,
  };
}
