/** Longest match of a regular expression that is found for certain, bytes. */
const MAX_MATCH = 4096;

/** How something is searched. */
export type SearchKind = 'text' | 'hex' | 'regex' | 'u8' | 'u16' | 'u32' | 'u64' | 'i32' | 'i64';

/** What is searched for. */
export interface Pattern {
  /** An expression of the user's, which may backtrack without end: another thread is to match it. */
  readonly source: string | null;
  /** Bytes that the longest match has. */
  readonly longest: number;
  /** Whether a match may begin within another. */
  readonly overlaps: boolean;
  /** Calls `found` for each match that begins in `bytes`, in order, until it says false. */
  each(bytes: Uint8Array, found: (at: number, length: number) => boolean): void;
}

/**
 * The pattern of a value.
 *
 * @throws {TypeError} it makes no sense
 */
export function makePattern(kind: SearchKind, value: string, ignoreCase: boolean): Pattern {
  if (value === '') throw new TypeError('type what is to be found');
  if (kind === 'regex') return { ...expression(value, ignoreCase), source: value };
  if (kind === 'hex') return hexPattern(value);
  if (kind !== 'text') return exactly(integerOf(kind, value));
  const bytes = new TextEncoder().encode(value);
  return ignoreCase ? expression(literal(bytes), true, bytes.length) : exactly(bytes);
}

function integerOf(kind: string, text: string): Uint8Array {
  const bits = Number(kind.slice(1));
  const [, sign, digits] = /^\s*(-?)(0x[0-9a-f]+|\d+)\s*$/i.exec(text) ?? [];
  if (digits === undefined) throw new TypeError(`${text} is no integer: decimal or 0x…`);
  const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
  const signed = kind.startsWith('i');
  const least = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const most = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  if (value < least || value > most) throw new TypeError(`${text} does not fit ${kind}`);
  const word = BigInt.asUintN(bits, value);
  return Uint8Array.from({ length: bits / 8 }, (_, i) => Number((word >> BigInt(i * 8)) & 0xffn));
}

function exactly(wanted: Uint8Array): Pattern {
  const first = wanted[0] ?? 0;
  const each: Pattern['each'] = (bytes, found) => {
    for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
      let i = 1;
      while (i < wanted.length && bytes[at + i] === wanted[i]) i++;
      if (i === wanted.length && !found(at, i)) return;
    }
  };
  return { source: null, longest: wanted.length, overlaps: true, each };
}

/** Pairs of hex digits in which `??` is any byte. */
function hexPattern(text: string): Pattern {
  const digits = text.replace(/\s+/g, '');
  const pairs: readonly string[] = digits.match(/../g) ?? [];
  if (digits.length % 2 !== 0 || !pairs.every((pair) => /^([0-9a-f]{2}|\?\?)$/i.test(pair))) {
    throw new TypeError('hex is pairs of digits, such as 7f 45 4c 46; ?? stands for any byte');
  }
  if (!pairs.includes('??'))
    return exactly(Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)));
  const source = pairs.map((pair) => (pair === '??' ? '[\\s\\S]' : `\\x${pair}`));
  return expression(source.join(''), false, pairs.length);
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
    throw new TypeError(error instanceof Error ? error.message : String(error));
  }
  const each: Pattern['each'] = (bytes, found) => matches(regex, bytes, found);
  return { source: null, longest, overlaps: false, each };
}

/** Calls `found` for each match in bytes, of which each is one letter, until it says false. */
export function matches(
  regex: RegExp,
  bytes: Uint8Array,
  found: (at: number, length: number) => boolean,
): void {
  for (const match of asLetters(bytes).matchAll(regex)) {
    // An expression that matches nothing at all matches everywhere.
    if (match[0].length > 0 && !found(match.index, match[0].length)) return;
  }
}

/** TextDecoder has no encoding of one letter a byte: its latin1 is windows-1252. */
function asLetters(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  return parts.join('');
}
