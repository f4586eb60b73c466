import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { FLAG_DZ, FLAG_NV, FLAG_NX, FLAG_OF, FLAG_UF } from '../../assembly/abi/cpu.js';
import { Core } from '../../src/wasm/core.js';
import { makeHart, tell } from './hart-fixture.js';
import { iType, rType } from './snippet.js';

const test = suite('cpu/instructions');
const core = await Core.create();
const atRest = core.framesInUse;

const MIN = 1n << 63n;
const ONES = (1n << 64n) - 1n;
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

const op = (f3: number, f7: number): number => rType(0x33, f3, f7, 12, 10, 11);
const op32 = (f3: number, f7: number): number => rType(0x3b, f3, f7, 12, 10, 11);
const imm = (f3: number, value: number): number => iType(0x13, f3, 12, 10, value);
const imm32 = (f3: number, value: number): number => iType(0x1b, f3, 12, 10, value);

/** x12 of x10 and x11. */
const INTEGER: [name: string, word: number, x10: bigint, x11: bigint, x12: bigint][] = [
  ['add wraps', op(0, 0), ONES, 2n, 1n],
  ['sub wraps', op(0, 0x20), 0n, 1n, ONES],
  ['sll takes six bits of its amount', op(1, 0), 1n, 65n, 2n],
  ['sra keeps the sign', op(5, 0x20), MIN, 63n, ONES],
  ['srl does not', op(5, 0), MIN, 63n, 1n],
  ['slt compares with sign', op(2, 0), ONES, 0n, 1n],
  ['sltu without', op(3, 0), ONES, 0n, 0n],
  ['sltiu extends the sign of its immediate', imm(3, -1), 5n, 0n, 1n],
  ['xori with -1 is not', imm(4, -1), 5n, 0n, u64(~5n)],
  ['addiw extends the sign of 32 bits', imm32(0, 1), 0x7fffffffn, 0n, 0xffffffff80000000n],
  ['sraiw looks at 32 bits', imm32(5, 0x41f), 0x80000000n, 0n, ONES],
  ['srliw too', imm32(5, 31), 0xffffffff80000000n, 0n, 1n],
  ['sllw takes five bits of its amount', op32(1, 0), 1n, 33n, 2n],
  ['subw wraps', op32(0, 0x20), 0x80000000n, 1n, 0x7fffffffn],
  ['mulh of the two smallest', op(1, 1), MIN, MIN, 1n << 62n],
  ['mulh of -1 and -1', op(1, 1), ONES, ONES, 0n],
  ['mulhsu of -1 and the largest', op(2, 1), ONES, ONES, ONES],
  ['mulhu of the largest', op(3, 1), ONES, ONES, ONES - 1n],
  ['div by zero is -1', op(4, 1), 7n, 0n, ONES],
  ['div of the smallest by -1 is the smallest', op(4, 1), MIN, ONES, MIN],
  ['div rounds towards zero', op(4, 1), u64(-7n), 2n, u64(-3n)],
  ['divu by zero is all ones', op(5, 1), 7n, 0n, ONES],
  ['rem by zero is the dividend', op(6, 1), 7n, 0n, 7n],
  ['rem of the smallest by -1 is 0', op(6, 1), MIN, ONES, 0n],
  ['rem has the sign of the dividend', op(6, 1), u64(-7n), 2n, ONES],
  ['remu by zero is the dividend', op(7, 1), ONES, 0n, ONES],
  ['divw by zero is -1', op32(4, 1), 7n, 1n << 32n, ONES],
  ['divw of the smallest by -1', op32(4, 1), 0x80000000n, ONES, 0xffffffff80000000n],
  ['divuw extends the sign of its result', op32(5, 1), 0xffffffffn, 1n, ONES],
  ['remw of the smallest by -1 is 0', op32(6, 1), 0x80000000n, ONES, 0n],
  [
    'remuw by zero extends the sign of the dividend',
    op32(7, 1),
    0x80000000n,
    0n,
    0xffffffff80000000n,
  ],
];

for (const [name, word, x10, x11, x12] of INTEGER) {
  test(name, () => {
    const { mm, hart } = makeHart(core, [word]);
    hart.setX(10, x10);
    hart.setX(11, x11);
    assert.is(tell(hart.run(mm, 10)), 'ebreak');
    assert.is(hart.x(12), x12);
    mm.mmput();
  });
}

const [RNE, RTZ, RDN, RUP, RMM, DYN] = [0, 1, 2, 3, 4, 7];
const float = (f7: number, rm: number, rs2 = 11): number => rType(0x53, rm, f7, 12, 10, rs2);
const fmadd = (rm: number): number => rType(0x43, rm, (13 << 2) | 1, 12, 10, 11);
const boxed = (single: bigint): bigint => (0xffffffffn << 32n) | single;

const ONE = 0x3ff0000000000000n;
const TWO = 0x4000000000000000n;
const HALF = 0x3fe0000000000000n;
const TINY = 1n;
const MAX = 0x7fefffffffffffffn;
const INF = 0x7ff0000000000000n;
const NAN = 0x7ff8000000000000n;
const SNAN = 0x7ff0000000000001n;
const SMALL = 0x3c30000000000000n;
const NEG = MIN;
const NAN_S = boxed(0x7fc00000n);

/** f12 of f10, f11 and f13 (1 unless given), and fflags; each from no flags and from NX raised. */
const FLOAT: [
  name: string,
  word: number,
  f10: bigint,
  f11: bigint,
  f12: bigint,
  flags: number,
  f13?: bigint,
][] = [
  ['1 + 2^-60 to nearest', float(1, RNE), ONE, SMALL, ONE, FLAG_NX],
  ['1 + 2^-60 up', float(1, RUP), ONE, SMALL, ONE + 1n, FLAG_NX],
  ['1 - 2^-60 down', float(5, RDN), ONE, SMALL, ONE - 1n, FLAG_NX],
  ['1 - 2^-60 to zero', float(5, RTZ), ONE, SMALL, ONE - 1n, FLAG_NX],
  ['1 + 1', float(1, RNE), ONE, ONE, TWO, 0],
  ['1 - 1 is +0', float(5, RNE), ONE, ONE, 0n, 0],
  ['1 - 1 down is -0', float(5, RDN), ONE, ONE, NEG, 0],
  ['inf - inf', float(5, RNE), INF, INF, NAN, FLAG_NV],
  ['a quiet NaN passes as the canonical one', float(1, RNE), NAN | 5n | NEG, ONE, NAN, 0],
  ['a signaling one is invalid', float(1, RNE), SNAN, ONE, NAN, FLAG_NV],
  ['max * 2 to nearest', float(9, RNE), MAX, TWO, INF, FLAG_OF | FLAG_NX],
  ['max * 2 to zero', float(9, RTZ), MAX, TWO, MAX, FLAG_OF | FLAG_NX],
  ['max * -2 up', float(9, RUP), MAX, TWO | NEG, MAX | NEG, FLAG_OF | FLAG_NX],
  ['the smallest / 2 to nearest', float(9, RNE), TINY, HALF, 0n, FLAG_UF | FLAG_NX],
  ['the smallest / 2, ties away', float(9, RMM), TINY, HALF, TINY, FLAG_UF | FLAG_NX],
  ['the smallest * 2 is exact, and no underflow', float(9, RNE), TINY, TWO, 2n, 0],
  [
    'what only as a subnormal rounds up to the smallest normal is tiny',
    float(9, RNE),
    ONE - 1n,
    0x0010000000000000n,
    0x0010000000000000n,
    FLAG_UF | FLAG_NX,
  ],
  ['1 / 0', float(0xd, RNE), ONE, NEG, INF | NEG, FLAG_DZ],
  ['0 / 0', float(0xd, RNE), 0n, 0n, NAN, FLAG_NV],
  ['1 / 2 is exact', float(0xd, RNE), ONE, TWO, HALF, 0],
  ['the root of 2', float(0x2d, RNE, 0), TWO, 0n, 0x3ff6a09e667f3bcdn, FLAG_NX],
  ['the root of 2 down', float(0x2d, RDN, 0), TWO, 0n, 0x3ff6a09e667f3bccn, FLAG_NX],
  ['the root of -0', float(0x2d, RNE, 0), NEG, 0n, NEG, 0],
  ['the root of -1', float(0x2d, RNE, 0), ONE | NEG, 0n, NAN, FLAG_NV],
  [
    'a fused product is not rounded',
    fmadd(RNE),
    ONE + 1n,
    ONE - 1n,
    0x3c9ffffffffffffen,
    0,
    ONE | NEG,
  ],
  ['inf * 0 + NaN is invalid', fmadd(RNE), INF, 0n, NAN, FLAG_NV, NAN],
  ['fmin of -0 and +0', float(0x15, 0), 0n, NEG, NEG, 0],
  ['fmax of -0 and +0', float(0x15, 1), NEG, 0n, 0n, 0],
  ['fmin leaves a quiet NaN out', float(0x15, 0), NAN, ONE, ONE, 0],
  ['fmax leaves a signaling one out, and says so', float(0x15, 1), SNAN, ONE, ONE, FLAG_NV],
  ['fmin of two NaNs is the canonical one', float(0x15, 0), NAN | NEG, NAN | 1n, NAN, 0],
  ['fsgnjn of itself negates', float(0x11, 1, 10), NAN, 0n, NAN | NEG, 0],
  ['a single in no box is a NaN', float(0, RNE), 0x3f800000n, boxed(0x3f800000n), NAN_S, 0],
  [
    'singles add in their boxes',
    float(0, RNE),
    boxed(0x3f800000n),
    boxed(0x3f800000n),
    boxed(0x40000000n),
    0,
  ],
  ['a double becomes a single', float(0x20, RNE, 1), ONE + 1n, 0n, boxed(0x3f800000n), FLAG_NX],
  ['one too small for a single', float(0x20, RUP, 1), TINY, 0n, boxed(1n), FLAG_UF | FLAG_NX],
  [
    'a signaling single becomes a quiet double',
    float(0x21, RNE, 0),
    boxed(0x7f800001n),
    0n,
    NAN,
    FLAG_NV,
  ],
];

for (const [name, word, f10, f11, f12, flags, f13 = ONE] of FLOAT) {
  test(`floating point: ${name}`, () => {
    // Each also with its mode in frm; fmin, fmax and fsgnj have none.
    const hasMode = ![0x10, 0x14].includes((word >>> 25) & 0x7e) || (word & 0x7f) !== 0x53;
    const mode = (word >> 12) & 7;
    const forms = [[word, 0], ...(hasMode ? [[word | (DYN << 12), mode]] : [])] as [
      number,
      number,
    ][];
    for (const [code, frm] of forms) {
      for (const before of [0, FLAG_NX]) {
        const { mm, hart } = makeHart(core, [code]);
        hart.setF(10, f10);
        hart.setF(11, f11);
        hart.setF(13, f13);
        hart.fcsr = (frm << 5) | before;
        assert.is(tell(hart.run(mm, 10)), 'ebreak');
        assert.is(hart.f(12).toString(16), f12.toString(16));
        assert.is(hart.fcsr, (frm << 5) | flags | before);
        mm.mmput();
      }
    }
  });
}

const [W, WU, L, LU] = [0, 1, 2, 3];
const THREE_HALVES = 0x3ff8000000000000n;
const FIVE_HALVES = 0x4004000000000000n;
const TO_63 = 0x43e0000000000000n;

/** x12 of f10, and fflags. */
const TO_X: [name: string, word: number, f10: bigint, x12: bigint, flags: number][] = [
  ['2.5 to nearest is 2', float(0x61, RNE, W), FIVE_HALVES, 2n, FLAG_NX],
  ['2.5, ties away, is 3', float(0x61, RMM, W), FIVE_HALVES, 3n, FLAG_NX],
  ['-2.5 up is -2', float(0x61, RUP, L), FIVE_HALVES | NEG, u64(-2n), FLAG_NX],
  ['-1.5 down is -2', float(0x61, RDN, L), THREE_HALVES | NEG, u64(-2n), FLAG_NX],
  ['NaN as a word is the largest', float(0x61, RTZ, W), NAN, 0x7fffffffn, FLAG_NV],
  ['-inf as a word is the smallest', float(0x61, RTZ, W), INF | NEG, 0xffffffff80000000n, FLAG_NV],
  ['-1 as an unsigned word is 0', float(0x61, RTZ, WU), ONE | NEG, 0n, FLAG_NV],
  ['-0.5 as an unsigned word is 0 and inexact', float(0x61, RTZ, WU), HALF | NEG, 0n, FLAG_NX],
  ['2^32 - 1 as an unsigned word', float(0x61, RTZ, WU), 0x41efffffffe00000n, ONES, 0],
  ['2^63 as a doubleword', float(0x61, RTZ, L), TO_63, MIN - 1n, FLAG_NV],
  ['-2^63 as a doubleword', float(0x61, RTZ, L), TO_63 | NEG, MIN, 0],
  ['2^63 as an unsigned one', float(0x61, RTZ, LU), TO_63, MIN, 0],
  ['inf as an unsigned one', float(0x61, RTZ, LU), INF, ONES, FLAG_NV],
  ['feq of a quiet NaN', float(0x51, 2, 10), NAN, 0n, 0],
  ['feq of a signaling one', float(0x51, 2, 10), SNAN, 0n, FLAG_NV],
  ['flt of a quiet NaN', float(0x51, 1, 10), NAN, 0n, FLAG_NV],
  ['fle of itself', float(0x51, 0, 10), ONE, 1n, 0],
  ['fmv.x.w extends the sign, box or not', float(0x70, 0, 0), 0x80000000n, 0xffffffff80000000n, 0],
  ['fclass of -inf', float(0x71, 1, 0), INF | NEG, 1n << 0n, 0],
  ['fclass of -1', float(0x71, 1, 0), ONE | NEG, 1n << 1n, 0],
  ['fclass of the negative smallest', float(0x71, 1, 0), TINY | NEG, 1n << 2n, 0],
  ['fclass of -0', float(0x71, 1, 0), NEG, 1n << 3n, 0],
  ['fclass of 0', float(0x71, 1, 0), 0n, 1n << 4n, 0],
  ['fclass of the smallest', float(0x71, 1, 0), TINY, 1n << 5n, 0],
  ['fclass of 1', float(0x71, 1, 0), ONE, 1n << 6n, 0],
  ['fclass of inf', float(0x71, 1, 0), INF, 1n << 7n, 0],
  ['fclass of a signaling NaN', float(0x71, 1, 0), SNAN, 1n << 8n, 0],
  ['fclass of a single in no box', float(0x70, 1, 0), ONE, 1n << 9n, 0],
];

for (const [name, word, f10, x12, flags] of TO_X) {
  test(`floating point to integer: ${name}`, () => {
    const { mm, hart } = makeHart(core, [word]);
    hart.setF(10, f10);
    assert.is(tell(hart.run(mm, 10)), 'ebreak');
    assert.is(hart.x(12).toString(16), x12.toString(16));
    assert.is(hart.fcsr, flags);
    mm.mmput();
  });
}

/** f12 of x10, and fflags. */
const FROM_X: [name: string, word: number, x10: bigint, f12: bigint, flags: number][] = [
  ['a word, of which 32 bits count', float(0x69, RNE, W), 0x1ffffffffn, ONE | NEG, 0],
  ['an unsigned word', float(0x69, RNE, WU), ONES, 0x41efffffffe00000n, 0],
  ['2^64 - 1 rounds', float(0x69, RNE, LU), ONES, 0x43f0000000000000n, FLAG_NX],
  ['2^64 - 1 to zero as a single', float(0x68, RTZ, LU), ONES, boxed(0x5f7fffffn), FLAG_NX],
  ['0', float(0x69, RDN, L), 0n, 0n, 0],
  ['fmv.w.x makes a box', float(0x78, 0, 0), 0x13f800000n, boxed(0x3f800000n), 0],
];

for (const [name, word, x10, f12, flags] of FROM_X) {
  test(`integer to floating point: ${name}`, () => {
    const { mm, hart } = makeHart(core, [word]);
    hart.setX(10, x10);
    assert.is(tell(hart.run(mm, 10)), 'ebreak');
    assert.is(hart.f(12).toString(16), f12.toString(16));
    assert.is(hart.fcsr, flags);
    mm.mmput();
  });
}

test('a mode in frm that is none makes what rounds by it illegal', () => {
  for (const [frm, told] of [
    [4, 'ebreak'],
    [5, 'illegal'],
    [7, 'illegal'],
  ] as const) {
    const { mm, hart } = makeHart(core, [float(1, DYN)]);
    hart.fcsr = frm << 5;
    assert.is(tell(hart.run(mm, 10)), told);
    mm.mmput();
  }
});

test('every frame comes back', () => {
  assert.is(core.framesInUse, atRest);
});

test.run();
