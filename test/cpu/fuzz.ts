// Programs of many random snippets: each loads all registers from a record, runs, and stores them back; at
// the end memory and records are written out, so that one run of qemu answers for all of them.
import type { Random } from './random.js';
import { bType, iType, jType, makeSnippet, REACH, rType, sType } from './snippet.js';
import { ENTRY } from './static-program.js';

const LINK = 30;
/** The register that points to the record, its counters among it. */
export const STATE = 31;
/** x1 to x29, f0 to f31, fcsr. */
export const FLOATS = 29 * 8;
export const FCSR = FLOATS + 32 * 8;
export const RECORD = 512;
const MEMORY = 2 * REACH;
const FCSR_CSR = 3;

/** A program, and where in its output which snippet's record is. */
export interface FuzzProgram {
  readonly image: Uint8Array;
  readonly snippets: readonly Uint8Array[];
  readonly records: Uint8Array;
  /** Where memory and records lie in the image: what is not code. */
  readonly dataAt: number;
}

function loadState(): number[] {
  const code = [iType(0x03, 2, 1, STATE, FCSR), iType(0x73, 1, 0, 1, FCSR_CSR)];
  for (let i = 1; i < 30; i++) code.push(iType(0x03, 3, i, STATE, 8 * (i - 1)));
  for (let i = 0; i < 32; i++) code.push(iType(0x07, 3, i, STATE, FLOATS + 8 * i));
  return [...code, iType(0x67, 0, 0, LINK, 0)];
}

function saveState(): number[] {
  const code: number[] = [];
  for (let i = 1; i < 30; i++) code.push(sType(0x23, 3, STATE, i, 8 * (i - 1)));
  for (let i = 0; i < 32; i++) code.push(sType(0x27, 3, STATE, i, FLOATS + 8 * i));
  code.push(iType(0x73, 2, 1, 0, FCSR_CSR), sType(0x23, 2, STATE, 1, FCSR));
  return [...code, iType(0x13, 0, STATE, STATE, RECORD), iType(0x67, 0, 0, LINK, 0)];
}

/** lui and addiw: an address or count below 2^31. */
function constant(rd: number, value: number): number[] {
  const high = (value + 0x800) & 0xfffff000;
  return [(0x37 | (rd << 7) | high) >>> 0, iType(0x1b, 0, rd, rd, value & 0xfff)];
}

function bytesOf(words: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

const INTEGERS = [0n, 1n, 2n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 63n, (1n << 63n) - 1n];
const DOUBLES = [
  0n,
  0x3ff0000000000000n,
  0x0010000000000000n,
  0x000fffffffffffffn,
  1n,
  0x7fefffffffffffffn,
  0x7ff0000000000000n,
  0x7ff8000000000000n,
  0x7ff0000000000001n,
  0x41dfffffffc00000n,
  0x43e0000000000000n,
  0x3fe0000000000000n,
];
const SINGLES = [
  0n,
  0x3f800000n,
  0x00800000n,
  0x007fffffn,
  1n,
  0x7f7fffffn,
  0x7f800000n,
  0x7fc00000n,
  0x7f800001n,
  0x4f000000n,
  0x3f000000n,
];
const BOX = 0xffffffff00000000n;

function integer(r: Random): bigint {
  const base = r.below(3) === 0 ? r.pick(INTEGERS) : r.double() >> BigInt(r.below(64));
  return r.below(2) === 0 ? base : -base;
}

/** Special values, any bits, numbers of one magnitude, and numbers of few bits, in both formats. */
function float(r: Random): bigint {
  const sign = BigInt(r.below(2));
  if (r.below(2) === 0) {
    const near = 0x3f000000n + BigInt(r.below(0x2000000));
    const any = BigInt(r.word() & 0x7fffffff);
    const bits = r.pick([r.pick(SINGLES), any, near, near & 0x7fff0000n, near]);
    return BOX | (sign << 31n) | bits;
  }
  const near = 0x3fd0000000000000n + (r.double() >> 10n);
  const few = near & 0x7ffffff000000000n;
  return (sign << 63n) | r.pick([r.pick(DOUBLES), r.double() >> 1n, near, few, near]);
}

/** Registers and fcsr as a program loads them. */
export function record(r: Random): Uint8Array {
  const view = new DataView(new ArrayBuffer(RECORD));
  for (let i = 0; i < 29; i++) view.setBigUint64(8 * i, BigInt.asUintN(64, integer(r)), true);
  for (let i = 0; i < 32; i++) view.setBigUint64(FLOATS + 8 * i, float(r), true);
  view.setUint32(FCSR, (r.below(5) << 5) | (r.below(2) * r.below(32)), true);
  return new Uint8Array(view.buffer);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Pads to a multiple of 16 behind the headers. */
function padding(length: number): Uint8Array {
  return new Uint8Array((16 - ((ENTRY + length) % 16)) % 16);
}

/** Where loops count, behind what a record has. */
const COUNTERS = FCSR + 12;

/** A snippet that is run a few times over, be it from its middle on, with another such loop in it or not. */
export function makeLoop(r: Random, length: number, depth = 0): Uint8Array {
  const counter = COUNTERS + depth;
  const t = 1 + r.below(29);
  const first = makeSnippet(r, length);
  const inner = depth < 2 && r.below(3) > 0 ? [makeLoop(r, length, depth + 1)] : [];
  const body = join([first, ...inner, makeSnippet(r, length)]);
  const enter = r.below(4) === 0 ? [jType(0, 4 + first.length)] : [];
  const start = [iType(0x13, 0, t, 0, 1 + r.below(5)), sType(0x23, 0, STATE, t, counter), ...enter];
  const count = [iType(0x03, 4, t, STATE, counter), iType(0x13, 0, t, t, -1)];
  const again = [sType(0x23, 0, STATE, t, counter), bType(1, t, 0, -(body.length + 12))];
  return join([bytesOf(start), body, bytesOf([...count, ...again])]);
}

/** A program of `count` snippets of about `length` instructions each, or of loops around such. */
export function makeFuzzProgram(
  r: Random,
  count: number,
  length: number,
  make: (r: Random, length: number) => Uint8Array = makeSnippet,
): FuzzProgram {
  const load = loadState();
  const save = saveState();
  const routines = bytesOf([...load, ...save]);
  const snippets = Array.from({ length: count }, () => make(r, length));
  const records = join(snippets.map(() => record(r)));
  const memory = Uint8Array.from({ length: MEMORY }, () => r.below(256));
  /** The jump over the routines, and the address of the records; at the end 44 bytes of calls. */
  const fixed = 4 + routines.length + 8 + 44;
  const size = snippets.reduce((sum, code) => sum + code.length + 16, fixed);
  const gap = padding(size);
  const memoryAt = ENTRY + size + gap.length;
  const code = [bytesOf([jType(0, 4 + routines.length)])];
  let at = 4;
  const add = (bytes: Uint8Array): void => {
    code.push(bytes);
    at += bytes.length;
  };
  const loadAt = at;
  add(routines);
  const saveAt = loadAt + 4 * load.length;
  add(bytesOf(constant(STATE, memoryAt + MEMORY)));
  for (const snippet of snippets) {
    add(bytesOf([jType(LINK, loadAt - at), ...constant(LINK, memoryAt + REACH)]));
    add(snippet);
    add(bytesOf([jType(LINK, saveAt - at)]));
  }
  add(bytesOf(constant(11, memoryAt)));
  add(bytesOf(constant(12, MEMORY + records.length)));
  add(bytesOf([iType(0x13, 0, 10, 0, 1), iType(0x13, 0, 17, 0, 64), 0x73]));
  add(
    bytesOf([
      iType(0x13, 0, 10, 0, 0),
      iType(0x13, 0, 17, 0, 93),
      0x73,
      rType(0x33, 0, 0, 0, 0, 0),
    ]),
  );
  if (at !== size) throw new Error(`the program has ${at} bytes, not ${size}`);
  return {
    image: join([...code, gap, memory, records]),
    snippets,
    records,
    dataAt: memoryAt - ENTRY,
  };
}

/** The first record that differs, as an index of a snippet; -1 for none. */
export function firstDifference(program: FuzzProgram, a: Uint8Array, b: Uint8Array): number {
  return program.snippets.findIndex((_, i) => {
    const at = MEMORY + i * RECORD;
    return !Buffer.from(a.subarray(at, at + RECORD)).equals(
      Buffer.from(b.subarray(at, at + RECORD)),
    );
  });
}

/** What differs in a record, a line a register, and the code and registers that led there. */
export function describeDifference(
  program: FuzzProgram,
  index: number,
  ours: Uint8Array,
  theirs: Uint8Array,
): string {
  const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset);
  const [a, b] = [view(ours), view(theirs)];
  const before = view(program.records);
  const lines: string[] = [];
  for (let i = 0; i < RECORD; i += 8) {
    const at = MEMORY + index * RECORD + i;
    const [x, y] = [a.getBigUint64(at, true), b.getBigUint64(at, true)];
    const name = i < FLOATS ? `x${i / 8 + 1}` : i < FCSR ? `f${(i - FLOATS) / 8}` : 'fcsr';
    const was = before.getBigUint64(index * RECORD + i, true);
    const mark = x === y ? '' : '   <-- differs';
    lines.push(
      `${name} was ${was.toString(16)}: here ${x.toString(16)}, qemu ${y.toString(16)}${mark}`,
    );
  }
  const code = Buffer.from(program.snippets[index] ?? []).toString('hex');
  return [`snippet ${index}: ${code}`, ...lines].join('\n');
}
