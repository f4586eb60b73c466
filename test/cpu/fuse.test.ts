// Instructions that one micro-operation does together: nobody may see it.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { store64 } from '../../src/mm/cpu.js';
import type { Hart } from '../../src/mm/hart.js';
import { Core } from '../../src/wasm/core.js';
import { CODE, DATA, makeHart, tell } from './hart-fixture.js';
import { iType, jType } from './snippet.js';

const test = suite('cpu/fuse');
const core = await Core.create();
const atRest = core.framesInUse;

const [A5, S0, S1] = [15, 8, 9];
const shift = (rd: number, a: number): number => iType(0x13, 1, rd, a, 3);
const cShift = (rd: number): number => 0x0002 | (rd << 7) | (3 << 2);
const cAdd = (rd: number, b: number): number => 0x9002 | (rd << 7) | (b << 2);
const cLd = (rd: number, a: number, doublewords = 0): number =>
  0x6000 | (doublewords << 10) | ((a - 8) << 7) | ((rd - 8) << 2);

const VALUE = 0x8899aabbccddeeffn;
const BASE = BigInt(DATA);

/** Code, and what x15 and x9 are behind it when x15 and x9 were 2 and x8 points to the data. */
const ROWS: [name: string, code: number[], a5: bigint, s1: bigint][] = [
  ['a shift and an addition', [shift(A5, A5), cAdd(A5, S0)], BASE + 16n, 2n],
  ['a short shift and an addition', [cShift(A5), cAdd(A5, S0)], BASE + 16n, 2n],
  ['a shift from another register', [shift(A5, S1), cAdd(A5, S1)], 18n, 2n],
  ['an addition of the shifted to itself', [cShift(A5), cAdd(A5, A5)], 32n, 2n],
  ['an addition to another register', [cShift(A5), cAdd(S1, S0)], 16n, BASE + 2n],
  ['a load behind both', [cShift(A5), cAdd(A5, S0), cLd(A5, A5)], VALUE, 2n],
  ['a load to another register', [cShift(A5), cAdd(A5, S0), cLd(S1, A5)], BASE + 16n, VALUE],
  ['a load from another place', [cShift(A5), cAdd(A5, S0), cLd(A5, S0, 2)], VALUE, 2n],
  ['a load at a distance', [cShift(A5), cAdd(A5, S0), cLd(A5, A5, 1)], VALUE + 1n, 2n],
  ['a load behind a long shift', [shift(A5, A5), cAdd(A5, S0), cLd(A5, A5)], VALUE, 2n],
  ['a jump to the addition', [jType(0, 6), cShift(A5), cAdd(A5, S0)], BASE + 2n, 2n],
];

function prepare(hart: Hart): void {
  hart.setX(A5, 2n);
  hart.setX(S1, 2n);
  hart.setX(S0, BASE);
}

for (const [name, code, a5, s1] of ROWS) {
  test(`${name}, at once and an instruction at a time`, () => {
    for (const fuel of [100, 1, 2]) {
      const { mm, hart } = makeHart(core, code);
      store64(mm, DATA + 16, VALUE);
      store64(mm, DATA + 24, VALUE + 1n);
      prepare(hart);
      let stop = hart.run(mm, fuel);
      while (stop.reason === 'fuel') stop = hart.run(mm, fuel);
      assert.is(tell(stop), 'ebreak');
      const executed = BigInt(name.startsWith('a jump') ? 2 : code.length);
      assert.equal([hart.x(A5), hart.x(S1), hart.instret], [a5, s1, executed], `fuel ${fuel}`);
      mm.mmput();
    }
  });
}

test('a load that faults does so by itself, what is in front of it done', () => {
  const { mm, hart } = makeHart(core, [cShift(A5), cAdd(A5, S0), cLd(A5, A5)]);
  prepare(hart);
  hart.setX(S0, BigInt(DATA + 0x100000));
  assert.is(tell(hart.run(mm, 100)), 'SIGSEGV SEGV_MAPERR +0x110010');
  const place = BigInt(DATA + 0x100010);
  assert.equal([hart.pc, hart.x(A5), hart.instret], [BigInt(CODE + 4), place, 2n]);
  mm.mmput();
});

test('a load across two pages is one', () => {
  const { mm, hart } = makeHart(core, [cShift(A5), cAdd(A5, S0), cLd(A5, A5)]);
  store64(mm, DATA + 4092, VALUE);
  prepare(hart);
  hart.setX(S0, BigInt(DATA + 4092 - 16));
  assert.is(tell(hart.run(mm, 100)), 'ebreak');
  assert.is(hart.x(A5), VALUE);
  mm.mmput();
});

test('every frame comes back', () => {
  assert.is(core.framesInUse, atRest);
});

test.run();
