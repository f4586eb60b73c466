import type { Task } from '../api/task.js';
import { loadUser } from '../mm/user.js';
import { toU64 } from '../vfs/u64.js';
import type { FlagNames } from './strace-flags.js';

/** Bytes of a string or a buffer that are shown. */
const STRING_LIMIT = 32;
/** Bytes of a path at most, and elements of an array that are shown. */
const PATH_LIMIT = 4096;
const ARRAY_LIMIT = 32;

const ESCAPES: Readonly<Record<number, string>> = {
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

/** Bytes between quotes, octal where they do not print. */
export function quote(bytes: Uint8Array): string {
  let text = '';
  bytes.forEach((byte, i) => {
    const escape = ESCAPES[byte];
    if (escape !== undefined) text += escape;
    else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte);
    else {
      // Short where no octal digit follows that would belong to it.
      const next = bytes[i + 1] ?? 0;
      const digit = next >= 48 && next <= 55;
      text += `\\${byte.toString(8).padStart(digit ? 3 : 1, '0')}`;
    }
  });
  return `"${text}"`;
}

/** Bytes of a task's memory; null where they cannot all be read. */
export function peekBytes(task: Task, addr: bigint, length: number): Uint8Array | null {
  const { mm } = task.struct;
  if (mm === null || length < 0) return null;
  const bytes = new Uint8Array(length);
  return loadUser(mm, toU64(addr), bytes) === length ? bytes : null;
}

/** The same as a view. */
export function peekView(task: Task, addr: bigint, length: number): DataView | null {
  const bytes = peekBytes(task, addr, length);
  return bytes === null ? null : new DataView(bytes.buffer);
}

/** A pointer: NULL, or in hex. */
export function pointer(addr: bigint): string {
  return addr === 0n ? 'NULL' : hex(addr);
}

/** A number in hex, with 0 as it is. */
export function hex(value: bigint | number): string {
  const number = BigInt(value);
  return number === 0n ? '0' : `0x${BigInt.asUintN(64, number).toString(16)}`;
}

/** A buffer as a string, its first bytes only. */
export function buffer(task: Task, addr: bigint, length: number): string {
  if (addr === 0n) return 'NULL';
  const bytes = peekBytes(task, addr, Math.min(length, STRING_LIMIT));
  if (bytes === null) return pointer(addr);
  return `${quote(bytes)}${length > STRING_LIMIT ? '...' : ''}`;
}

/** The bytes of a string up to its NUL; null where there is none, or no memory. */
function peekString(task: Task, addr: bigint, limit: number): Uint8Array | null {
  const { mm } = task.struct;
  if (mm === null) return null;
  const parts = new Uint8Array(limit);
  let length = 0;
  while (length < limit) {
    const count = Math.min(limit - length, 4096 - Number((addr + BigInt(length)) & 0xfffn));
    const part = parts.subarray(length, length + count);
    const got = loadUser(mm, toU64(addr + BigInt(length)), part);
    const nul = part.subarray(0, got).indexOf(0);
    if (nul >= 0) return parts.subarray(0, length + nul);
    if (got < count) return null;
    length += count;
  }
  return parts;
}

/** A path. */
export function path(task: Task, addr: bigint): string {
  if (addr === 0n) return 'NULL';
  const bytes = peekString(task, addr, PATH_LIMIT);
  return bytes === null ? pointer(addr) : quote(bytes);
}

/** A string that is no path: its first bytes only. */
export function string(task: Task, addr: bigint): string {
  if (addr === 0n) return 'NULL';
  const bytes = peekString(task, addr, STRING_LIMIT + 1);
  if (bytes === null) return pointer(addr);
  return `${quote(bytes.subarray(0, STRING_LIMIT))}${bytes.length > STRING_LIMIT ? '...' : ''}`;
}

/** The pointers of an array that NULL ends; null where it cannot be read. */
export function pointers(task: Task, addr: bigint): bigint[] | null {
  const found: bigint[] = [];
  for (let at = addr; found.length < 65536; at += 8n) {
    const view = peekView(task, at, 8);
    if (view === null) return null;
    const value = view.getBigUint64(0, true);
    if (value === 0n) break;
    found.push(value);
  }
  return found;
}

/** The same of a string of the host's. */
export function shortened(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return `${quote(bytes.subarray(0, STRING_LIMIT))}${bytes.length > STRING_LIMIT ? '...' : ''}`;
}

/** argv of an execve. */
export function strings(task: Task, addr: bigint): string {
  const found = addr === 0n ? null : pointers(task, addr);
  if (found === null) return pointer(addr);
  const shown = found.slice(0, ARRAY_LIMIT).map((each) => string(task, each));
  return `[${shown.join(', ')}${found.length > ARRAY_LIMIT ? ', ...' : ''}]`;
}

/** Bits by their names, the rest in hex; `none` where there is none. */
export function flags(value: number, names: FlagNames, none = '0'): string {
  let rest = value >>> 0;
  const found: string[] = [];
  for (const [bits, name] of names) {
    const wanted = bits >>> 0;
    if (wanted === 0 || (rest & wanted) >>> 0 !== wanted) continue;
    found.push(name);
    rest = (rest & ~wanted) >>> 0;
  }
  if (rest !== 0) found.push(hex(rest));
  return found.length === 0 ? none : found.join('|');
}

/** A value by its name, or in hex with what it should have been. */
export function named(value: number, names: ReadonlyMap<number, string>, what: string): string {
  return names.get(value) ?? `${hex(value >>> 0)} /* ${what}_??? */`;
}

/** The low 32 bits, signed. */
export function int(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

/** Permission bits, at least three octal digits. */
export function octal(value: number): string {
  return `0${value.toString(8)}`.padStart(3, '0');
}
