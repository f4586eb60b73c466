import { INTEGER_OPTIONS, parseHex, parseIntegerBytes } from './bytes.js';
import type { Options } from './command.js';
import { UsageError } from './io.js';

/** Longest match of a regular expression that is found for certain, bytes. */
const MAX_MATCH = 4096;

/** What is searched for. */
export interface Pattern {
  /** Bytes that the longest match has. */
  readonly longest: number;
  /** Whether a match may begin within another. */
  readonly overlaps: boolean;
  /** Calls `found` for each match that begins in `bytes`, in order, until it says false. */
  each(bytes: Uint8Array, found: (at: number, length: number) => boolean): void;
}

const KINDS = ['text', 'hex', 'regex', ...INTEGER_OPTIONS];

/**
 * The pattern that a command line asks for.
 *
 * @throws {UsageError} it asks for none or for several, or for one that makes no sense
 */
export function choosePattern(options: Options): Pattern {
  const given = KINDS.filter((name) => options.text(name) !== null);
  const [kind] = given;
  if (kind === undefined || given.length > 1) {
    const list = KINDS.map((name) => `--${name}`).join(', ');
    throw new UsageError(`one of ${list} says what to search`);
  }
  const value = options.text(kind) ?? '';
  const ignoreCase = options.flag('ignore-case');
  if (kind === 'regex') return expression(value, ignoreCase);
  if (kind === 'hex' && value.includes('?')) return wildcards(value);
  if (kind === 'hex') return exactly(parseHex(value, '--hex'));
  if (kind !== 'text') return exactly(parseIntegerBytes(value, kind));
  if (value === '') throw new UsageError('--text: nothing to search');
  const bytes = new TextEncoder().encode(value);
  return ignoreCase ? expression(literal(bytes), true, bytes.length) : exactly(bytes);
}

function exactly(wanted: Uint8Array): Pattern {
  const each: Pattern['each'] = (bytes, found) => {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = buffer.indexOf(wanted); at >= 0; at = buffer.indexOf(wanted, at + 1)) {
      if (!found(at, wanted.length)) return;
    }
  };
  return { longest: wanted.length, overlaps: true, each };
}

/** Hex in which `??` is any byte. */
function wildcards(text: string): Pattern {
  const parts = text.replace(/\s+/g, '').match(/../g) ?? [];
  const whole = parts.join('') === text.replace(/\s+/g, '');
  const source = parts.map((part) => {
    if (part === '??') return '[\\s\\S]';
    return literal(parseHex(part, '--hex'));
  });
  if (!whole || source.length === 0) throw new UsageError('--hex: no whole bytes');
  return expression(source.join(''), false, source.length);
}

function literal(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

/** An expression over text in which each letter is one byte. */
function expression(source: string, ignoreCase: boolean, longest: number = MAX_MATCH): Pattern {
  let regex: RegExp;
  try {
    regex = new RegExp(source, ignoreCase ? 'gi' : 'g');
  } catch (error) {
    throw new UsageError(`--regex: ${(error as Error).message}`);
  }
  const each: Pattern['each'] = (bytes, found) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    for (const match of text.matchAll(regex)) {
      // An expression that matches nothing at all matches everywhere.
      if (match[0].length > 0 && !found(match.index, match[0].length)) return;
    }
  };
  return { longest, overlaps: false, each };
}
