// Code that is hot, and compiled: its faults, ways to change it under its feet, and regions that come and go.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { Jit } from '../../src/jit/jit.js';
import { accessRemoteVm } from '../../src/mm/access.js';
import { checkMemory } from '../../src/mm/check.js';
import { store64 } from '../../src/mm/cpu.js';
import type { Hart } from '../../src/mm/hart.js';
import { Mm } from '../../src/mm/mm.js';
import { munmap } from '../../src/mm/mmap.js';
import { mprotect } from '../../src/mm/mprotect.js';
import { copyToUser } from '../../src/mm/user.js';
import { Core } from '../../src/wasm/core.js';
import { assemble, CODE, DATA, EBREAK, makeHart, tell } from '../cpu/hart-fixture.js';
import { bType, iType, jType, rType, sType } from '../cpu/snippet.js';
import { mapAnon } from '../mm/fixture.js';

const test = suite('jit/region');
const core = await Core.create();
const atRest = core.framesInUse;
const jit = new Jit(core, { threshold: 1, period: 1, slice: 100, share: 1e9 });
core.compiler = jit;

const [SUM, AT, COUNT, T] = [10, 11, 12, 5];
const addi = (rd: number, a: number, imm: number): number => iType(0x13, 0, rd, a, imm);
const ld = (rd: number, a: number): number => iType(0x03, 3, rd, a, 0);
const add = (rd: number, a: number, b: number): number => rType(0x33, 0, 0, rd, a, b);

/** Adds up doublewords: four instructions a turn. */
const SUM_LOOP = [ld(T, AT), add(SUM, SUM, T), addi(AT, AT, 8), addi(COUNT, COUNT, -1)];
const LOOP = [...SUM_LOOP, bType(1, COUNT, 0, -16)];
/** The loop's second instruction, adding twice of it. */
const TWICE = addi(SUM, SUM, 2);

function prepare(hart: Hart, count: number): void {
  hart.pc = BigInt(CODE);
  hart.setX(SUM, 0n);
  hart.setX(AT, BigInt(DATA));
  hart.setX(COUNT, BigInt(count));
}

/** The loop over 1, 2, 3 …, run until it is compiled. */
function makeHot(): { mm: Mm; hart: Hart } {
  const scene = makeHart(core, LOOP);
  for (let i = 0; i < 1024; i++) store64(scene.mm, DATA + 8 * i, BigInt(i + 1));
  prepare(scene.hart, 512);
  const before = jit.modules;
  assert.is(tell(scene.hart.run(scene.mm, 1e6)), 'ebreak');
  assert.is(scene.hart.x(SUM), 512n * 256n + 256n);
  assert.ok(jit.modules > before, 'it is compiled');
  return scene;
}

test('a load that faults in the middle of a region does so where it is, and nothing of it has happened', () => {
  const { mm, hart } = makeHot();
  prepare(hart, 2000);
  const before = hart.instret;
  assert.is(tell(hart.run(mm, 1e6)), 'SIGSEGV SEGV_MAPERR +0x12000');
  assert.equal([hart.pc, hart.x(COUNT)], [BigInt(CODE), 2000n - 1024n]);
  assert.equal([hart.x(SUM), hart.instret - before], [1024n * 512n + 512n, 5n * 1024n]);
  mm.mmput();
});

test('a page that goes or may not be read any more is found gone in the middle of a run', () => {
  for (const [change, told] of [
    [(mm: Mm) => munmap(mm, DATA + PAGE_SIZE, PAGE_SIZE), 'SIGSEGV SEGV_MAPERR +0x11000'],
    [(mm: Mm) => mprotect(mm, DATA + PAGE_SIZE, PAGE_SIZE, 0), 'SIGSEGV SEGV_ACCERR +0x11000'],
  ] as const) {
    const { mm, hart } = makeHot();
    prepare(hart, 1024);
    assert.is(hart.run(mm, 300).reason, 'fuel');
    change(mm);
    assert.is(tell(hart.run(mm, 1e6)), told);
    assert.is(hart.x(COUNT), 512n);
    mm.mmput();
  }
});

test('memory that becomes shared with a child is copied when a region stores to it', () => {
  const words = [sType(0x23, 3, AT, COUNT, 0), addi(AT, AT, 8), addi(COUNT, COUNT, -1)];
  const { mm, hart } = makeHart(core, [...words, bType(1, COUNT, 0, -12)]);
  prepare(hart, 512);
  assert.is(tell(hart.run(mm, 1e6)), 'ebreak');
  const child = forkOf(mm);
  prepare(hart, 256);
  assert.is(tell(hart.run(mm, 1e6)), 'ebreak');
  assert.equal([firstWord(mm), firstWord(child)], [256n, 512n]);
  child.mmput();
  mm.mmput();
});

function forkOf(mm: Mm): Mm {
  const child = new Mm(core);
  child.copyFrom(mm);
  return child;
}

function firstWord(mm: Mm): bigint {
  const bytes = new Uint8Array(8);
  accessRemoteVm(mm, DATA, bytes, 0);
  return new DataView(bytes.buffer).getBigUint64(0, true);
}

test('a region reads nothing of another address space, whatever high bits an address has', () => {
  const other = makeHot();
  const { mm, hart } = makeHot();
  // Keys of the TLB have numbers of address spaces above a user address; these are given in turn (mm/asid.ts).
  const salt = (asid: bigint): bigint => (asid << 47n) | (((asid * 0x9dn) & 511n) << 21n);
  for (let asid = 1n; asid < 1000n; asid++) {
    prepare(hart, 2);
    prepare(other.hart, 2);
    assert.is(tell(other.hart.run(other.mm, 100)), 'ebreak');
    hart.setX(AT, BigInt(DATA) ^ salt(asid) ^ salt(asid + 1n));
    assert.match(tell(hart.run(mm, 100)), 'SIGSEGV SEGV_MAPERR');
    assert.is(hart.x(SUM), 0n);
  }
  for (const { mm: each } of [other, { mm }]) each.mmput();
});

test('a product that becomes too small to be normal raises its flag in a region too', () => {
  // fmul.d f1, f1, f2 in a loop, f2 a third; inexact is raised at once, underflow far later.
  const words = [rType(0x53, 0, 9, 1, 1, 2), addi(COUNT, COUNT, -1), bType(1, COUNT, 0, -8)];
  const { mm, hart } = makeHart(core, words);
  for (const [count, flags] of [
    [600, 1],
    [644, 1],
    [646, 3],
    [660, 3],
    [680, 3],
  ] as const) {
    prepare(hart, count);
    hart.fcsr = 0;
    hart.setF(1, 0x3ff0000000000000n);
    hart.setF(2, 0x3fd5555555555555n);
    assert.is(tell(hart.run(mm, 1e6)), 'ebreak');
    assert.is(hart.fcsr, flags, `after ${count}`);
  }
  mm.mmput();
});

/** Ways to put other code into a loop that is compiled. */
const CHANGES: [name: string, change: (mm: Mm) => void][] = [
  ['copy_to_user', (mm) => copyToUser(mm, CODE + 4, assemble([TWICE]))],
  [
    '/proc/PID/mem',
    (mm) => accessRemoteVm(mm, CODE + 4, assemble([TWICE]), FOLL_WRITE | FOLL_FORCE),
  ],
  [
    'another mapping on top',
    (mm) => {
      mapAnon(mm, 0, 1, 7);
      const words = assemble([...LOOP, EBREAK]);
      words.set(assemble([TWICE]), 4);
      copyToUser(mm, CODE, words);
    },
  ],
];

for (const [name, change] of CHANGES) {
  test(`a region is left for the code that ${name} puts there`, () => {
    const { mm, hart } = makeHot();
    prepare(hart, 100);
    assert.is(hart.run(mm, 250).reason, 'fuel');
    assert.is(hart.x(SUM), 1275n);
    change(mm);
    assert.is(tell(hart.run(mm, 1e6)), 'ebreak');
    assert.is(hart.x(SUM), 1275n + 100n);
    assert.equal(checkMemory(core), []);
    mm.mmput();
  });
}

test('a region that stores into itself goes on with what it has stored', () => {
  // At the turn that counts 50 the addition becomes another.
  const words = [
    add(SUM, SUM, COUNT),
    addi(T, 0, 50),
    bType(1, COUNT, T, 8),
    sType(0x23, 2, AT, 13, 0),
    addi(COUNT, COUNT, -1),
    bType(1, COUNT, 0, -20),
  ];
  const { mm, hart } = makeHart(core, words);
  for (let round = 0; round < 3; round++) {
    copyToUser(mm, CODE, assemble(words.slice(0, 1)));
    prepare(hart, 100);
    hart.setX(AT, BigInt(CODE));
    hart.setX(13, BigInt(TWICE));
    assert.is(tell(hart.run(mm, 1e6)), 'ebreak');
    assert.is(hart.x(SUM), 3825n + 98n, `round ${round}`);
  }
  mm.mmput();
});

test('two address spaces that share a page of code share its region', () => {
  const { mm, hart } = makeHot();
  const child = forkOf(mm);
  const before = jit.modules;
  prepare(hart, 512);
  assert.is(tell(hart.run(child, 1e6)), 'ebreak');
  assert.is(hart.x(SUM), 512n * 256n + 256n);
  assert.is(jit.modules, before);
  child.mmput();
  mm.mmput();
});

test('regions whose code is gone give their places in the table to others', () => {
  const { table } = core.regionPlaces();
  const sizes: number[] = [];
  for (let round = 0; round < 150; round++) {
    makeHot().mm.mmput();
    sizes.push(table.length);
  }
  assert.is(sizes.at(-1), sizes[0]);
  assert.ok((jit.regions ?? 0) <= 2, `${jit.regions} regions`);
});

test('a page of many functions is compiled, and each is entered', () => {
  // Sixty functions of `addi a0, a0, i; ret`, called one after the other, again and again.
  const calls: number[] = [];
  const count = 60;
  const body = 4 * (count + 3);
  for (let i = 0; i < count; i++) calls.push(jType(1, body + 8 * i - 4 * i));
  const ends = [addi(COUNT, COUNT, -1), bType(1, COUNT, 0, -4 * (count + 1)), EBREAK];
  const functions = Array.from({ length: count }, (_, i) => [addi(SUM, SUM, i), 0x00008067]);
  const { mm, hart } = makeHart(core, [...calls, ...ends, ...functions.flat()]);
  prepare(hart, 50);
  assert.is(tell(hart.run(mm, 1e6)), 'ebreak');
  assert.is(hart.x(SUM), 50n * 1770n);
  mm.mmput();
});

test('where the engine refuses to compile, all is interpreted, and said so', async () => {
  const other = await Core.create();
  const refusing = new Jit(other, { threshold: 1, period: 1, slice: 100, share: 1e9 });
  other.compiler = refusing;
  const { mm, hart } = makeHart(other, LOOP);
  const real = WebAssembly.Module;
  WebAssembly.Module = function refuse() {
    throw new WebAssembly.CompileError('blocked by CSP');
  } as unknown as typeof WebAssembly.Module;
  try {
    prepare(hart, 512);
    assert.is(tell(hart.run(mm, 1e6)), 'ebreak');
  } finally {
    WebAssembly.Module = real;
  }
  assert.equal([refusing.regions, refusing.refused?.message], [null, 'blocked by CSP']);
  prepare(hart, 512);
  assert.is(tell(hart.run(mm, 1e6)), 'ebreak');
  assert.is(refusing.modules, 0);
  mm.mmput();
});

test('every frame comes back', () => {
  assert.is(core.framesInUse, atRest);
});

test.run();
