import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { Hart } from '../../src/mm/hart.js';
import { Mm } from '../../src/mm/mm.js';
import { load64, store64 } from '../../src/mm/cpu.js';
import { copyToUser } from '../../src/mm/user.js';
import { addWatch } from '../../src/mm/watch.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, mapAnon } from '../mm/fixture.js';
import { assemble, CODE, DATA, EBREAK, ECALL, makeHart, RWX, tell } from './hart-fixture.js';
import { bType, iType, jType, rType, sType } from './snippet.js';

const test = suite('cpu/hart');
const core = await Core.create();
const atRest = core.framesInUse;
const P = PAGE_SIZE;

const LD = 3;
const addi = (rd: number, a: number, imm: number): number => iType(0x13, 0, rd, a, imm);
const load = (f3: number, rd: number, a: number, imm: number): number =>
  iType(0x03, f3, rd, a, imm);
const sd = (a: number, b: number, imm: number): number => sType(0x23, 3, a, b, imm);

/** What stops a hart: the code, x10 before, how the stop is told, and pc counted from the code. */
const STOPS: [name: string, code: number[], x10: number, told: string, pc: number][] = [
  ['ebreak stays where it is', [addi(1, 0, 1)], 0, 'ebreak', 4],
  ['c.ebreak too', [0x9002], 0, 'ebreak', 0],
  ['ecall is behind itself', [addi(1, 0, 1), ECALL], 0, 'ecall', 8],
  ['no instruction: zeros', [0], 0, 'illegal', 0],
  ['no instruction: ones', [0xffffffff], 0, 'illegal', 0],
  ['no instruction: a reserved rounding mode', [rType(0x53, 5, 1, 0, 0, 0)], 0, 'illegal', 0],
  ['no instruction: a CSR of the kernel', [iType(0x73, 2, 1, 0, 0x300)], 0, 'illegal', 0],
  ['no instruction: a write to a counter', [iType(0x73, 1, 1, 1, 0xc00 - 0x1000)], 0, 'illegal', 0],
  ['no instruction: mret', [0x30200073], 0, 'illegal', 0],
  [
    'a load where nothing is mapped',
    [addi(1, 0, 1), load(LD, 5, 10, 8)],
    BASE - P,
    'SIGSEGV SEGV_MAPERR -0xff8',
    4,
  ],
  ['a load across the end', [load(LD, 5, 10, -4)], BASE + 2 * P, 'SIGSEGV SEGV_MAPERR +0x2000', 0],
  ['a store across the end', [sd(10, 10, -1)], BASE + 2 * P, 'SIGSEGV SEGV_MAPERR +0x2000', 0],
  [
    'a jump to what may not run',
    [iType(0x67, 0, 1, 10, 4)],
    DATA,
    'SIGSEGV SEGV_ACCERR +0x10004',
    0x10004,
  ],
  [
    'a jump to nowhere',
    [iType(0x67, 0, 1, 10, 0)],
    0,
    `SIGSEGV SEGV_MAPERR -0x${BASE.toString(16)}`,
    -BASE,
  ],
  [
    'an atomic that is not aligned',
    [rType(0x2f, 3, 0, 1, 10, 2)],
    DATA + 4,
    'SIGBUS BUS_ADRALN +0x10004',
    0,
  ],
  [
    'lr that is not aligned',
    [rType(0x2f, 2, 8, 1, 10, 0)],
    DATA + 2,
    'SIGBUS BUS_ADRALN +0x10002',
    0,
  ],
  [
    'an atomic on what may not be written',
    [rType(0x2f, 3, 0, 1, 10, 2)],
    BASE - 8,
    'SIGSEGV SEGV_MAPERR -0x8',
    0,
  ],
];

for (const [name, code, x10, told, pc] of STOPS) {
  for (const fuel of [1, 2, 1000]) {
    test(`${name}, ${fuel} instructions at a time`, () => {
      const { mm, hart } = makeHart(core, code);
      hart.setX(10, BigInt(x10));
      let stop = hart.run(mm, fuel);
      for (let i = 0; stop.reason === 'fuel' && i < 10; i++) stop = hart.run(mm, fuel);
      assert.is(tell(stop), told);
      assert.is(Number(hart.pc) - CODE, pc);
      mm.mmput();
    });
  }
}

test('of a faulting instruction nothing has happened', () => {
  const { mm, hart } = makeHart(core, [sd(10, 11, -4)]);
  hart.setX(10, BigInt(BASE + 2 * P));
  hart.setX(11, -1n);
  assert.is(hart.run(mm, 10).reason, 'fault');
  assert.is(load64(mm, BASE + 2 * P - 8), 0n);
  assert.is(hart.instret, 0n);
  // It is done when it is tried again and can be.
  mapAnon(mm, 2, 1, 3);
  assert.is(hart.run(mm, 10).reason, 'ebreak');
  assert.is(load64(mm, BASE + 2 * P - 4), 2n ** 64n - 1n);
  mm.mmput();
});

test('an instruction on two pages faults where its second half is missing, and runs when it is there', () => {
  const { mm, hart } = makeHart(core, [], CODE + P);
  copyToUser(mm, CODE + 2 * P - 4, assemble([0x0001]));
  copyToUser(mm, CODE + 2 * P - 2, assemble([addi(5, 0, 77)]).subarray(0, 2));
  hart.pc = BigInt(CODE + 2 * P - 4);
  assert.is(tell(hart.run(mm, 10)), 'SIGSEGV SEGV_MAPERR +0x2000');
  assert.is(Number(hart.pc), CODE + 2 * P - 2);
  mapAnon(mm, 2, 1, RWX);
  copyToUser(mm, CODE + 2 * P, assemble([addi(5, 0, 77)]).subarray(2));
  copyToUser(mm, CODE + 2 * P + 2, assemble([EBREAK]));
  assert.is(tell(hart.run(mm, 10)), 'ebreak');
  assert.is(hart.x(5), 77n);
  assert.is(Number(hart.pc), CODE + 2 * P + 2);
  mm.mmput();
});

/** A countdown over both pages with calls, stores and compressed instructions. */
const LOOP = [
  addi(5, 0, 50),
  0x0001,
  sd(10, 5, 0),
  jType(1, 12),
  addi(5, 5, -1),
  bType(1, 5, 0, -14),
  iType(0x67, 0, 0, 1, 0),
];

test('a run ends after exactly as many instructions as it was given, wherever that is', () => {
  const whole = makeHart(core, [...LOOP, EBREAK]);
  whole.hart.setX(10, BigInt(DATA));
  // The last word of LOOP is the called function; the loop falls into ebreak's place by a branch not taken.
  let total = 0;
  while (whole.hart.run(whole.mm, 1).reason === 'fuel') {
    total += 1;
    assert.is(Number(whole.hart.instret), total);
    if (total > 1000) break;
  }
  for (const fuel of [2, 3, 7, 64]) {
    const { mm, hart } = makeHart(core, [...LOOP, EBREAK]);
    hart.setX(10, BigInt(DATA));
    for (let spent = fuel; spent <= total && spent < 1000; spent += fuel) {
      assert.is(hart.run(mm, fuel).reason, 'fuel');
      assert.is(Number(hart.instret), spent);
    }
    mm.mmput();
  }
  whole.mm.mmput();
});

test('an endless loop ends with its fuel', () => {
  const { mm, hart } = makeHart(core, [jType(0, 0)]);
  assert.is(hart.run(mm, 1_000_003).reason, 'fuel');
  assert.is(hart.instret, 1_000_003n);
  mm.mmput();
});

test('sc stores while the value of lr stands, and not otherwise', () => {
  const lr = rType(0x2f, 3, 8, 5, 10, 0);
  const sc = rType(0x2f, 3, 12, 6, 10, 11);
  for (const [between, result] of [
    [[], 0n],
    [[sd(10, 11, 0)], 1n],
    [[sd(10, 11, 8)], 0n],
  ] as const) {
    const { mm, hart } = makeHart(core, [lr, ...between, sc, sc]);
    hart.setX(10, BigInt(DATA));
    hart.setX(11, 9n);
    hart.run(mm, 2 + between.length);
    assert.is(hart.x(6), result);
    assert.is(tell(hart.run(mm, 10)), 'ebreak');
    assert.is(hart.x(6), 1n);
    mm.mmput();
  }
});

test('harts take turns on one address space, each with its registers', () => {
  const { mm, hart } = makeHart(core, [addi(5, 5, 1), rType(0x2f, 3, 0, 0, 10, 5), jType(0, -8)]);
  const other = new Hart();
  for (const one of [hart, other]) {
    one.pc = BigInt(CODE);
    one.setX(10, BigInt(DATA));
  }
  for (let i = 0; i < 10; i++) {
    hart.run(mm, 30);
    other.run(mm, 15);
  }
  assert.equal([hart.x(5), other.x(5)], [100n, 50n]);
  assert.is(load64(mm, DATA), (100n * 101n) / 2n + (50n * 51n) / 2n);
  mm.mmput();
});

for (const offset of [0, 1, 4, P - 9, P - 8, P - 7, P - 1]) {
  test(`a load and a store of 8 bytes at offset ${offset} of a page`, () => {
    const { mm, hart } = makeHart(core, [load(LD, 5, 10, 0), addi(5, 5, 1), sd(10, 5, 0)]);
    hart.setX(10, BigInt(DATA + offset));
    store64(mm, DATA + offset, 0x1122334455667788n);
    assert.is(tell(hart.run(mm, 10)), 'ebreak');
    assert.is(load64(mm, DATA + offset), 0x1122334455667789n);
    mm.mmput();
  });
}

test('x0 stays 0 whatever writes to it', () => {
  const { mm, hart } = makeHart(core, [addi(0, 0, 5), load(LD, 0, 10, 0), 0x4501, addi(6, 0, 0)]);
  hart.setX(0, 7n);
  hart.setX(10, BigInt(DATA));
  store64(mm, DATA, 99n);
  hart.run(mm, 10);
  assert.equal([hart.x(0), hart.x(6)], [0n, 0n]);
  mm.mmput();
});

test('without frames a run fails with ENOMEM, and can go on when there are some', () => {
  const { mm, hart } = makeHart(core, [sd(10, 10, 0)]);
  hart.setX(10, BigInt(DATA));
  hart.run(mm, 0);
  core.exports.setAllocBudget(0);
  assert.throws(
    () => hart.run(mm, 10),
    (error: { code?: string }) => error.code === 'ENOMEM',
  );
  core.exports.setAllocBudget(-1);
  assert.is(tell(hart.run(mm, 10)), 'ebreak');
  mm.mmput();
});

/** How often the core is called while `work` is done. */
function coreRuns(work: () => void): number {
  const { exports } = core;
  let runs = 0;
  const hartRun: typeof exports.hartRun = (...args) => {
    runs++;
    return exports.hartRun(...args);
  };
  Object.assign(core, { exports: { ...exports, hartRun } });
  work();
  Object.assign(core, { exports });
  return runs;
}

test('watches cost calls of the core where they are, and none beside', () => {
  const spin = [sd(10, 10, 0), load(LD, 5, 10, 0), addi(5, 5, 1), jType(0, -12)];
  const beside = { start: DATA + P, end: DATA + P + 8, kinds: 7 };
  for (const { start, end, kinds, calls } of [
    { start: 0, end: 0, kinds: 0, calls: 1 },
    { ...beside, calls: 1 },
    { ...beside, start: DATA + 8, kinds: 4, calls: 1 },
    // The call that stops and the one that is looked at, of each load.
    { ...beside, start: DATA + 8, end: DATA + 9, kinds: 1, calls: 2 * 250 },
  ]) {
    const { mm, hart } = makeHart(core, spin);
    hart.setX(10, BigInt(DATA));
    if (kinds > 0) addWatch(mm, { start, end, kinds, hit: () => assert.unreachable() });
    const runs = coreRuns(() => assert.is(tell(hart.run(mm, 1000)), 'fuel'));
    assert.ok(runs === calls || runs === calls + 1, `${runs} calls for ${start.toString(16)}`);
    assert.is(hart.instret, 1000n);
    mm.mmput();
  }
});

test('decoded code costs no frames in use, and every frame comes back', () => {
  assert.is(core.framesInUse, atRest);
  core.exports.dropCode();
  assert.is(core.exports.decodedPages(), 0);
  const mm = new Mm(core);
  mm.mmput();
  assert.is(core.framesInUse, atRest);
});

test.run();
