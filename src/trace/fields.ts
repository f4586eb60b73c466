import type { TraceArg, TraceFault } from './trace.js';

/** What JSON.parse gives for an object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What is wrong with a trace, without its place; parse.ts adds file and line. */
export class FieldError extends Error {}

const SCRATCH_LIMIT = 1 << 20;
const U64_MAX = (1n << 64n) - 1n;
const HEX_ADDRESS = /^0x[0-9a-f]{1,16}$/i;
const HEX_BYTES = /^(?:[0-9a-f]{2})*$/i;

/** `value` as an object. @throws {FieldError} it is none. */
export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FieldError(`${what} is not an object`);
  }
  return value as JsonObject;
}

/** `value` as an array. @throws {FieldError} it is none. */
export function asArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new FieldError(`${what} is not an array`);
  return value;
}

/** `value` as a string. @throws {FieldError} it is none. */
export function asString(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new FieldError(`${what} is not a string`);
  return value;
}

/** `value` as a safe integer. @throws {FieldError} it is none. */
export function asInteger(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value)) throw new FieldError(`${what} is not an integer`);
  return value as number;
}

/** A length that fits the scratch mapping. @throws {FieldError} it does not. */
function asLength(value: unknown, what: string): number {
  const length = asInteger(value, what);
  if (length < 0 || length > SCRATCH_LIMIT) {
    throw new FieldError(`${what} is ${length}, not 0 to ${SCRATCH_LIMIT} bytes`);
  }
  return length;
}

/** An integer or a hex string as its unsigned 64-bit value. @throws {FieldError} it is neither. */
export function asU64(value: unknown, what: string): bigint {
  if (typeof value === 'string' && HEX_ADDRESS.test(value)) return BigInt(value);
  if (Number.isSafeInteger(value)) return BigInt(value as number) & U64_MAX;
  throw new FieldError(`${what} is neither an integer nor a hex string of at most 64 bits`);
}

/** A string of hex digits, in lower case. @throws {FieldError} it is none. */
export function asHex(value: unknown, what: string): string {
  const text = asString(value, what);
  if (!HEX_BYTES.test(text)) throw new FieldError(`${what} is not an even number of hex digits`);
  return text.toLowerCase();
}

/** The bytes a string of hex digits spells. @throws {FieldError} it is none. */
export function asBytes(value: unknown, what: string): Uint8Array {
  const hex = asHex(value, what);
  const bytes = new Uint8Array(asLength(hex.length / 2, what));
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** `[signal, code, address]`, or null when absent. @throws {FieldError} it is something else. */
export function asFault(value: unknown): TraceFault | null {
  if (value === undefined || value === null) return null;
  const fault = asArray(value, 'fault');
  return {
    signal: asString(fault[0], 'the signal of a fault'),
    code: asString(fault[1], 'the code of a fault'),
    address: asU64(fault[2], 'the address of a fault'),
  };
}

/** One argument of a call. @throws {FieldError} its form is none the format knows. */
export function asArg(value: unknown, what: string): TraceArg {
  if (typeof value !== 'object' || value === null) {
    return { kind: 'value', value: asU64(value, what) };
  }
  const form = asObject(value, what);
  if ('str' in form) return { kind: 'str', text: asString(form['str'], `${what}.str`) };
  if ('in' in form) return { kind: 'in', bytes: asBytes(form['in'], `${what}.in`) };
  if ('out' in form) return { kind: 'out', length: asLength(form['out'], `${what}.out`) };
  if ('ref' in form) return { kind: 'ref', name: asString(form['ref'], `${what}.ref`) };
  if ('iov' in form) return asIov(form['iov'], what);
  throw new FieldError(`${what} has none of the forms str, in, out, iov, ref`);
}

function asIov(value: unknown, what: string): TraceArg {
  const segments = asArray(value, `${what}.iov`).map((entry, i) => {
    const pair = asArray(entry, `${what}.iov[${i}]`);
    if (pair.length !== 2) throw new FieldError(`${what}.iov[${i}] is not [base, length]`);
    return {
      base: asArg(pair[0], `${what}.iov[${i}][0]`),
      length: asArg(pair[1], `${what}.iov[${i}][1]`),
    };
  });
  return { kind: 'iov', segments };
}
