import { readFileSync } from 'node:fs';

import type { Options } from './command.js';
import { unreadable } from './file-source.js';
import { UsageError } from './io.js';
import { parseInteger } from './number.js';

/**
 * Bytes in hex, with or without spaces between them.
 *
 * @throws {UsageError} a letter is no digit, or one digit is missing
 */
export function parseHex(text: string, option: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  const bad = /[^0-9a-fA-F]/.exec(digits);
  if (bad !== null) throw new UsageError(`${option}: ${JSON.stringify(bad[0])} is no hex digit`);
  if (digits === '' || digits.length % 2 !== 0) {
    throw new UsageError(`${option}: ${digits.length} digits make no whole bytes`);
  }
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

/** Integers by the options that give them. */
const INTEGERS: Readonly<Record<string, { bytes: number; signed: boolean }>> = {
  u8: { bytes: 1, signed: false },
  u16: { bytes: 2, signed: false },
  u32: { bytes: 4, signed: false },
  u64: { bytes: 8, signed: false },
  i32: { bytes: 4, signed: true },
  i64: { bytes: 8, signed: true },
};

/** The names of the options that give integers. */
export const INTEGER_OPTIONS = Object.keys(INTEGERS);

/**
 * An integer as its little-endian bytes.
 *
 * @param name one of INTEGER_OPTIONS
 * @throws {UsageError} it is none, or does not fit
 */
export function parseIntegerBytes(text: string, name: string): Uint8Array {
  const { bytes = 8, signed = false } = INTEGERS[name] ?? {};
  const negative = signed && text.startsWith('-');
  const size = parseInteger(negative ? text.slice(1) : text);
  if (size === null) throw new UsageError(`--${name}: ${JSON.stringify(text)} is no integer`);
  const value = negative ? -size : size;
  const bits = bytes * 8;
  const fits = signed
    ? BigInt.asIntN(bits, value) === value
    : BigInt.asUintN(bits, value) === value;
  if (!fits) throw new UsageError(`--${name}: ${text} does not fit ${bits} bits`);
  const word = new Uint8Array(8);
  new DataView(word.buffer).setBigInt64(0, BigInt.asIntN(64, value), true);
  return word.slice(0, bytes);
}

/**
 * The bytes to write, from --hex, --text or --file.
 *
 * @throws {UsageError} none of them is given, or two
 * @throws {InputError} the file cannot be read
 */
export function bytesToWrite(options: Options): Uint8Array {
  const given = ['hex', 'text', 'file'].filter((name) => options.text(name) !== null);
  const [name] = given;
  if (name === undefined || given.length > 1) {
    throw new UsageError('one of --hex, --text and --file says what to write');
  }
  const value = options.text(name) ?? '';
  if (name === 'hex') return parseHex(value, '--hex');
  const bytes = name === 'text' ? new TextEncoder().encode(value) : readWhole(value);
  if (bytes.length === 0) throw new UsageError(`--${name}: nothing to write`);
  return bytes;
}

function readWhole(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}
