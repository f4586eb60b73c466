import type { MapsLine } from '../unwind/maps.js';
import { UsageError } from './io.js';
import { parseInteger, parseSize } from './number.js';
import { nearest } from './parse.js';
import { registerNames, registerOf } from './registers.js';

/** What addresses may be given by. */
export interface AddressBook {
  readonly maps: readonly MapsLine[];
  /** The general registers of the first thread, as its core has them. */
  readonly regs: Uint8Array;
}

/** A range of addresses; without an end, where a command's default length applies. */
export interface AddressRange {
  readonly start: number;
  /** Exclusive; null when only an address was given. */
  readonly end: number | null;
}

/** As maps prints it, in hex without 0x; or both with it. `4096-16` is an offset. */
const RANGE = /^(?:([0-9a-f]{5,16})-([0-9a-f]{5,16})|(0x[0-9a-f]{1,16})-(0x[0-9a-f]{1,16}))$/i;
/** An address as maps, read and search print it. */
const PRINTED = /^[0-9a-f]{12}$/i;
const OFFSET = /^(.+?)([+-])([0-9]\w*)$/;

/**
 * Reads `0x7ffd1000`, `4096`, `00007ffd1000` (twelve digits are hex), `$rsp+8`, `[stack]`, `7ffd0000-7ffd1000`.
 *
 * @throws {UsageError} it is none of these, names nothing, or lies beyond user space
 */
export function parseAddress(text: string, book: AddressBook): AddressRange {
  const range = RANGE.exec(text);
  if (range !== null) {
    const start = checked(range[3] ?? `0x${range[1]}`, text);
    const end = checked(range[4] ?? `0x${range[2]}`, text);
    if (end <= start) throw new UsageError(`${text}: the range ends before it begins`);
    return { start, end };
  }
  const parts = OFFSET.exec(text);
  const named = place(text, book);
  if (named !== null) return named;
  if (parts === null) throw unknown(text, book);
  const [, base = '', sign = '', distance = ''] = parts;
  const from = place(base, book);
  if (from === null) throw unknown(base, book);
  const start = from.start + (sign === '+' ? 1 : -1) * parseSize(distance, text);
  if (start < 0 || start > 2 ** 47) throw new UsageError(`${text} is outside of user space`);
  return { start, end: null };
}

function place(text: string, { maps, regs }: AddressBook): AddressRange | null {
  if (text.startsWith('$')) {
    const value = registerOf(regs, text.slice(1).toLowerCase());
    return value === null ? null : { start: checked(String(value), text), end: null };
  }
  const lines = maps.filter(({ path }) => path === text && text !== '');
  const first = lines[0];
  if (first !== undefined) return { start: first.start, end: lines.at(-1)?.end ?? first.end };
  if (PRINTED.test(text)) return { start: checked(`0x${text}`, text), end: null };
  return parseInteger(text) === null ? null : { start: checked(text, text), end: null };
}

/** Addresses of user space are numbers; no command can do anything with others. */
function checked(digits: string, text: string): number {
  const value = BigInt(digits);
  if (value <= 1n << 47n) return Number(value);
  throw new UsageError(`${text} is 0x${value.toString(16)}, outside of user space`);
}

function unknown(text: string, { maps, regs }: AddressBook): UsageError {
  if (text.startsWith('$')) {
    return new UsageError(`${text} is no register; there are ${registerNames(regs).join(' ')}`);
  }
  if (/^[[/]/.test(text)) {
    const names = [...new Set(maps.map(({ path }) => path))].filter((path) => path !== '');
    const near = nearest(text, names) ?? names.find((name) => name.includes(text));
    const hint = near === undefined ? 'procmem maps lists them' : `did you mean ${near}?`;
    return new UsageError(`there is no mapping ${JSON.stringify(text)}; ${hint}`);
  }
  return new UsageError(
    `${JSON.stringify(text)} is no address: 0x… or decimal, $rsp, [stack], START-END`,
  );
}
