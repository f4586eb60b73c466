// Random snippets of RV64GC that end and touch no memory but their own: x30 points into it and x31 to the
// registers, and no snippet writes to either.
import type { Random } from './random.js';

/** An instruction of a snippet; one that jumps says over how many. */
export interface Insn {
  readonly word: number;
  readonly bytes: 2 | 4;
  readonly skip?: number;
  readonly kind?: 'branch' | 'jal' | 'jalr' | 'cj' | 'cb';
}

const MEM = 30;
/** Bytes of memory on either side of x30 that loads and stores may touch. */
export const REACH = 2048;

export function rType(
  op: number,
  f3: number,
  f7: number,
  rd: number,
  a: number,
  b: number,
): number {
  return (op | (rd << 7) | (f3 << 12) | (a << 15) | (b << 20) | (f7 << 25)) >>> 0;
}

export function iType(op: number, f3: number, rd: number, a: number, imm: number): number {
  return (op | (rd << 7) | (f3 << 12) | (a << 15) | ((imm & 0xfff) << 20)) >>> 0;
}

export function sType(op: number, f3: number, a: number, b: number, imm: number): number {
  const high = ((imm >> 5) & 127) << 25;
  return (op | ((imm & 31) << 7) | (f3 << 12) | (a << 15) | (b << 20) | high) >>> 0;
}

export function bType(f3: number, a: number, b: number, imm: number): number {
  const low = (((imm >> 11) & 1) << 7) | (((imm >> 1) & 15) << 8);
  const high = (((imm >> 5) & 63) << 25) | (((imm >> 12) & 1) << 31);
  return (0x63 | low | (f3 << 12) | (a << 15) | (b << 20) | high) >>> 0;
}

export function jType(rd: number, imm: number): number {
  const high = (((imm >> 1) & 1023) << 21) | (((imm >> 20) & 1) << 31);
  return (0x6f | (rd << 7) | (imm & 0xff000) | (((imm >> 11) & 1) << 20) | high) >>> 0;
}

const wide = (word: number): Insn => ({ word: word >>> 0, bytes: 4 });
const short = (word: number): Insn => ({ word: word & 0xffff, bytes: 2 });
/** A register that may be written, x0 included; one that may be read. */
const target = (r: Random): number => r.below(30);
const source = (r: Random): number => r.below(32);
const popular = (r: Random): number => r.below(8);
const imm12 = (r: Random): number => r.below(4096) - 2048;
const within = (r: Random, bytes: number): number => r.below(2 * REACH - bytes) - REACH;
const rounding = (r: Random): number => r.pick([0, 0, 1, 2, 3, 4, 7, 7, 7]);

type Maker = (r: Random) => Insn[];

const OP: readonly [f3: number, f7: number][] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((f3): [number, number][] => [
    [f3, 0],
    [f3, 1],
  ]),
  [0, 0x20],
  [5, 0x20],
];
const OP_32: readonly [f3: number, f7: number][] = [
  [0, 0],
  [1, 0],
  [5, 0],
  [0, 0x20],
  [5, 0x20],
  [0, 1],
  [4, 1],
  [5, 1],
  [6, 1],
  [7, 1],
];
const AMOS = [0, 1, 4, 8, 12, 16, 20, 24, 28];

const register: Maker = (r) => {
  const [f3, f7] = r.pick(OP);
  return [wide(rType(0x33, f3, f7, target(r), source(r), source(r)))];
};

const register32: Maker = (r) => {
  const [f3, f7] = r.pick(OP_32);
  return [wide(rType(0x3b, f3, f7, target(r), source(r), source(r)))];
};

const immediate: Maker = (r) => {
  const f3 = r.below(8);
  const shift = f3 === 1 ? r.below(64) : r.below(64) | (r.below(2) << 10);
  const imm = f3 === 1 || f3 === 5 ? shift : imm12(r);
  return [wide(iType(0x13, f3, target(r), source(r), imm))];
};

const immediate32: Maker = (r) => {
  const f3 = r.pick([0, 1, 5]);
  const imm = f3 === 0 ? imm12(r) : r.below(32) | (f3 === 5 ? r.below(2) << 10 : 0);
  return [wide(iType(0x1b, f3, target(r), source(r), imm))];
};

const upper: Maker = (r) => [
  wide((r.pick([0x37, 0x17]) | (target(r) << 7) | (r.word() & 0xfffff000)) >>> 0),
];

const loads: Maker = (r) => [wide(iType(0x03, r.below(7), target(r), MEM, within(r, 8)))];
const stores: Maker = (r) => [wide(sType(0x23, r.below(4), MEM, source(r), within(r, 8)))];
const floatLoads: Maker = (r) => [
  wide(iType(0x07, r.pick([2, 3]), r.below(32), MEM, within(r, 8))),
];
const floatStores: Maker = (r) => [
  wide(sType(0x27, r.pick([2, 3]), MEM, r.below(32), within(r, 8))),
];

/** An AMO, or a pair of LR and SC, at an aligned place. */
const atomics: Maker = (r) => {
  const f3 = r.pick([2, 3]);
  const at = 1 + r.below(29);
  const place = wide(iType(0x13, 0, at, MEM, within(r, 8) & -8));
  if (r.below(3) > 0) {
    return [place, wide(rType(0x2f, f3, r.pick(AMOS) << 2, target(r), at, source(r)))];
  }
  let loaded = target(r);
  if (loaded === at) loaded = 0;
  const lr = wide(rType(0x2f, f3, 2 << 2, loaded, at, 0));
  const sc = wide(rType(0x2f, f3, 3 << 2, target(r), at, source(r)));
  const between = r.below(3) === 0 ? stores(r) : [];
  return r.below(4) === 0 ? [place, sc] : [place, lr, ...between, sc];
};

const floatArith: Maker = (r) => {
  const f7 = r.pick([0, 4, 8, 12]) | r.below(2);
  return [wide(rType(0x53, rounding(r), f7, r.below(32), r.below(32), r.below(32)))];
};

const fused: Maker = (r) => {
  const op = r.pick([0x43, 0x47, 0x4b, 0x4f]);
  const f7 = (r.below(32) << 2) | r.below(2);
  return [wide(rType(op, rounding(r), f7, r.below(32), r.below(32), r.below(32)))];
};

/** [funct7 of the single, funct3s or null for a rounding mode, rs2s or null for a register, x written, x read] */
const FLOAT_OTHERS: readonly [number, number[] | null, number[] | null, boolean, boolean][] = [
  [0x2c, null, [0], false, false],
  [0x10, [0, 1, 2], null, false, false],
  [0x14, [0, 1], null, false, false],
  [0x50, [0, 1, 2], null, true, false],
  [0x60, null, [0, 1, 2, 3], true, false],
  [0x68, null, [0, 1, 2, 3], false, true],
  [0x70, [0, 1], [0], true, false],
  [0x78, [0], [0], false, true],
];

const floatOthers: Maker = (r) => {
  const [f7, f3s, rs2s, toX, fromX] = r.pick(FLOAT_OTHERS);
  const f3 = f3s === null ? rounding(r) : r.pick(f3s);
  const rs2 = rs2s === null ? r.below(32) : r.pick(rs2s);
  const rd = toX ? target(r) : r.below(32);
  return [wide(rType(0x53, f3, f7 | r.below(2), rd, fromX ? source(r) : r.below(32), rs2))];
};

const floatFormats: Maker = (r) => {
  const toWide = r.below(2);
  return [wide(rType(0x53, rounding(r), 0x20 | toWide, r.below(32), r.below(32), 1 - toWide))];
};

/** fflags in any way; frm only so that it holds a mode. */
const csrs: Maker = (r) => {
  if (r.below(2) === 0) return [wide(iType(0x73, 5, target(r), r.below(5), 2))];
  if (r.below(3) === 0) return [wide(iType(0x73, 2, target(r), 0, r.pick([1, 2, 3])))];
  return [wide(iType(0x73, r.pick([1, 2, 3, 5, 6, 7]), target(r), source(r), 1))];
};

const branches: Maker = (r) => {
  const word = bType(r.pick([0, 1, 4, 5, 6, 7]), source(r), source(r), 0);
  return [{ word, bytes: 4, skip: 1 + r.below(5), kind: 'branch' }];
};

const jumps: Maker = (r) => {
  if (r.below(2) === 0) {
    return [{ word: jType(target(r), 0), bytes: 4, skip: 1 + r.below(5), kind: 'jal' }];
  }
  const at = 1 + r.below(29);
  const auipc = wide(0x17 | (at << 7));
  const word = iType(0x67, 0, target(r), at, 0);
  return [auipc, { word, bytes: 4, skip: 1 + r.below(5), kind: 'jalr' }];
};

/** Compressed arithmetic: [fixed bits, what else may be random]. */
const compressed: Maker = (r) => {
  const rd = 1 + r.below(29);
  const imm = (r.below(2) << 12) | (r.below(32) << 2);
  const nonzero = imm === 0 ? 4 : imm;
  const rs2 = 1 + r.below(31);
  switch (r.below(10)) {
    case 0:
      return [short(0x0001 | (rd << 7) | imm)];
    case 1:
      return [short(0x2001 | (rd << 7) | imm)];
    case 2:
      return [short(0x4001 | (rd << 7) | imm)];
    case 3:
      return [short(0x6001 | ((rd === 2 ? 3 : rd) << 7) | nonzero)];
    case 4:
      return [short(0x8001 | (r.below(3) << 10) | (popular(r) << 7) | imm)];
    case 5:
      return [short(0x8c01 | (r.below(4) << 5) | (popular(r) << 7) | (popular(r) << 2))];
    case 6:
      return [short(0x9c01 | (r.below(2) << 5) | (popular(r) << 7) | (popular(r) << 2))];
    case 7:
      return [short(0x0002 | (rd << 7) | imm)];
    case 8:
      return [short(0x8002 | (r.below(2) << 12) | (rd << 7) | (rs2 << 2))];
    default:
      return [short(((1 + r.below(255)) << 5) | (popular(r) << 2)), short(0x6101 | nonzero)];
  }
};

/** Compressed loads and stores, their base first made to point into the memory. */
const compressedMemory: Maker = (r) => {
  const f3 = r.pick([1, 2, 3, 5, 6, 7]);
  if (r.below(2) === 0) {
    const base = popular(r);
    const toBase = short(0x8002 | ((8 + base) << 7) | (MEM << 2));
    const offset = (r.below(8) << 10) | (r.below(4) << 5);
    return [toBase, short((f3 << 13) | offset | (base << 7) | (popular(r) << 2))];
  }
  const toSp = short(0x8002 | (2 << 7) | (MEM << 2));
  if (f3 > 4) return [toSp, short(0x0002 | (f3 << 13) | (r.below(64) << 7) | (source(r) << 2))];
  const rd = f3 === 1 ? r.below(32) : 1 + r.below(29);
  return [toSp, short(0x0002 | (f3 << 13) | (r.below(2) << 12) | (rd << 7) | (r.below(32) << 2))];
};

/** How arrays are indexed, which one micro-operation does; and what only looks like it. */
const indexing: Maker = (r) => {
  const rd = r.below(4) === 0 ? 1 + r.below(29) : 8 + popular(r);
  const from = r.below(3) === 0 ? 1 + r.below(29) : rd;
  const other = r.pick([MEM, MEM, MEM, rd, 1 + r.below(31)]);
  const limit = wide(iType(0x13, 7, from, source(r), 255));
  const shift =
    from === rd && r.below(4) > 0
      ? short(0x0002 | (rd << 7) | (3 << 2))
      : wide(iType(0x13, 1, rd, from, 3));
  const add = short(0x9002 | (rd << 7) | (other << 2));
  const popularPlace = ((rd - 8) << 7) | ((r.below(3) === 0 ? popular(r) : rd - 8) << 2);
  const loads = other === MEM && rd >= 8 && rd < 16 && r.below(4) > 0;
  return [limit, shift, add, ...(loads ? [short(0x6000 | popularPlace)] : [])];
};

const compressedJumps: Maker = (r) => {
  if (r.below(3) === 0) return [{ word: 0xa001, bytes: 2, skip: 1 + r.below(5), kind: 'cj' }];
  const word = 0xc001 | (r.below(2) << 13) | (popular(r) << 7);
  return [{ word, bytes: 2, skip: 1 + r.below(5), kind: 'cb' }];
};

const MAKERS: readonly (readonly [weight: number, maker: Maker])[] = [
  [10, register],
  [5, register32],
  [6, immediate],
  [3, immediate32],
  [2, upper],
  [4, loads],
  [3, stores],
  [2, floatLoads],
  [1, floatStores],
  [3, atomics],
  [8, floatArith],
  [6, fused],
  [8, floatOthers],
  [3, floatFormats],
  [2, csrs],
  [4, branches],
  [2, jumps],
  [8, compressed],
  [3, compressedMemory],
  [2, compressedJumps],
  [3, indexing],
];
const BAG = MAKERS.flatMap(([weight, maker]) => Array.from({ length: weight }, () => maker));

/** The immediate of a compressed jump, scattered over its bits. */
function cjBits(d: number): number {
  const bit = (from: number, to: number): number => ((d >> from) & 1) << to;
  const high = bit(11, 12) | bit(4, 11) | bit(9, 10) | bit(8, 9) | bit(10, 8) | bit(6, 7);
  return high | bit(7, 6) | bit(3, 5) | bit(2, 4) | bit(1, 3) | bit(5, 2);
}

function cbBits(d: number): number {
  const bit = (from: number, to: number): number => ((d >> from) & 1) << to;
  return (
    bit(8, 12) | bit(4, 11) | bit(3, 10) | bit(7, 6) | bit(6, 5) | bit(2, 4) | bit(1, 3) | bit(5, 2)
  );
}

function withDistance({ word, kind }: Insn, distance: number): number {
  if (kind === 'branch') return word | bType(0, 0, 0, distance);
  if (kind === 'jal') return word | jType(0, distance);
  // The auipc before it is four bytes away.
  if (kind === 'jalr') return word | iType(0, 0, 0, 0, distance + 4);
  return word | (kind === 'cj' ? cjBits(distance) : cbBits(distance));
}

/** The bytes of a random snippet of about `count` instructions; control leaves it at its end. */
export function makeSnippet(r: Random, count: number): Uint8Array {
  const list: Insn[] = [];
  /** Where jumps may land: what a maker gives stays together. Of each instruction, the landing behind it. */
  const landings: number[] = [];
  const landingAfter: number[] = [];
  while (list.length < count) {
    landings.push(list.length);
    list.push(...r.pick(BAG)(r));
    while (landingAfter.length < list.length) landingAfter.push(landings.length);
  }
  const places = [0];
  for (const { bytes } of list) places.push((places.at(-1) as number) + bytes);
  const code = new Uint8Array(places.at(-1) as number);
  const view = new DataView(code.buffer);
  list.forEach((insn, i) => {
    const at = places[i] as number;
    const landing = landings[(landingAfter[i] as number) + (insn.skip ?? 0)] ?? list.length;
    const word =
      insn.skip === undefined ? insn.word : withDistance(insn, (places[landing] as number) - at);
    if (insn.bytes === 2) view.setUint16(at, word, true);
    else view.setUint32(at, word >>> 0, true);
  });
  return code;
}
