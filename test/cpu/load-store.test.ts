import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { MADV_DONTNEED } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { accessRemoteVm } from '../../src/mm/access.js';
import { load, load64, store, store64, takeFault } from '../../src/mm/cpu.js';
import { checkMemory } from '../../src/mm/check.js';
import { madvise } from '../../src/mm/madvise.js';
import { Mm } from '../../src/mm/mm.js';
import { munmap } from '../../src/mm/mmap.js';
import { mprotect } from '../../src/mm/mprotect.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, TestFile, mapAnon, mapFile } from '../mm/fixture.js';

const test = suite('cpu/load-store');
const core = await Core.create();
const atRest = core.framesInUse;
const P = PAGE_SIZE;
const VALUE = 0x8877665544332211n;

for (const offset of [0, 1, 7, P - 8, P - 7, P - 1, P]) {
  test(`values of 8 to 64 bits survive at offset ${offset}`, () => {
    const mm = new Mm(core);
    mapAnon(mm, 0, 2, 3);
    const addr = BASE + offset;
    for (const size of [1, 2, 4] as const) {
      const value = Number(BigInt.asUintN(size * 8, VALUE));
      assert.ok(store(mm, addr, size, value));
      assert.is(load(mm, addr, size), value);
    }
    if (offset + 8 <= 2 * P) {
      assert.ok(store64(mm, addr, VALUE));
      assert.is(load64(mm, addr), VALUE);
      assert.is(load(mm, addr, 1), 0x11);
    }
    mm.mmput();
  });
}

test('a store across a page that faults stores nothing, and says where', () => {
  const mm = new Mm(core);
  mapAnon(mm, 0, 1, 3);
  assert.not.ok(store64(mm, BASE + P - 3, VALUE));
  assert.equal(takeFault(mm), { signal: 'SIGSEGV', code: 'SEGV_MAPERR', address: BASE + P });
  assert.is(load(mm, BASE + P - 3, 2), 0);
  mm.mmput();
});

/** Each change of a page table after the TLB has the page, and what a load or store must see then. */
const COHERENCE: [name: string, change: (mm: Mm) => void, loads: number | null, stores: boolean][] =
  [
    ['munmap', (mm) => munmap(mm, BASE, P), null, false],
    ['mprotect to r--', (mm) => mprotect(mm, BASE, P, 1), 7, false],
    ['mprotect to ---', (mm) => mprotect(mm, BASE, P, 0), null, false],
    ['MADV_DONTNEED', (mm) => madvise(mm, BASE, P, MADV_DONTNEED), 0, true],
    ['a mapping on top', (mm) => mapAnon(mm, 0, 1, 1), 0, false],
    [
      'a write from outside',
      (mm) => accessRemoteVm(mm, BASE, Uint8Array.of(9), FOLL_WRITE),
      9,
      true,
    ],
    ['munmap of 64 pages', (mm) => munmap(mm, BASE, 64 * P), null, false],
  ];

for (const [name, change, loads, stores] of COHERENCE) {
  test(`after ${name} no stale translation is used`, () => {
    const mm = new Mm(core);
    mapAnon(mm, 0, 64, 3);
    store(mm, BASE, 1, 7);
    assert.is(load(mm, BASE, 1), 7);
    change(mm);
    assert.is(load(mm, BASE, 1), loads);
    assert.is(store(mm, BASE, 1, 8), stores);
    mm.mmput();
  });
}

/** What happens to the sixth of 64 pages that lie in one piece, and what it then holds. */
const MIDDLE: [name: string, change: (mm: Mm, page: number) => void, loads: number | null][] = [
  ['munmap', (mm, page) => munmap(mm, page, P), null],
  ['mprotect to ---', (mm, page) => mprotect(mm, page, P, 0), null],
  ['mprotect to r--', (mm, page) => mprotect(mm, page, P, 1), 7],
  ['MADV_DONTNEED', (mm, page) => madvise(mm, page, P, MADV_DONTNEED), 0],
];

for (const [name, change, loads] of MIDDLE) {
  test(`${name} of a page in a range that one entry covers changes that page alone`, () => {
    const mm = new Mm(core);
    mapAnon(mm, 0, 64, 3);
    for (let page = 0; page < 64; page++) store(mm, BASE + page * P, 1, 7);
    change(mm, BASE + 5 * P);
    assert.equal(checkMemory(core), []);
    for (let page = 0; page < 64; page++) {
      assert.is(load(mm, BASE + page * P, 1), page === 5 ? loads : 7);
      assert.is(store(mm, BASE + page * P, 1, 7), page !== 5 || loads === 0);
    }
    assert.equal(checkMemory(core), []);
    mm.mmput();
  });
}

test('a value at the end of a range, and across two pages of one, is found', () => {
  const mm = new Mm(core);
  mapAnon(mm, 0, 4, 3);
  for (let page = 0; page < 4; page++) store(mm, BASE + page * P, 1, 0);
  for (const offset of [P - 4, 2 * P - 1, 4 * P - 8]) {
    assert.ok(store64(mm, BASE + offset, VALUE));
    assert.is(load64(mm, BASE + offset), VALUE);
  }
  for (let back = 1; back < 8; back++) {
    assert.is(load64(mm, BASE + 4 * P - back), null);
    assert.is(load(mm, BASE + 4 * P - back, 1), Number((VALUE >> BigInt(8 * (8 - back))) & 0xffn));
  }
  mm.mmput();
});

test('an address above the user half is nobody’s, whatever its upper bits', () => {
  const spaces = Array.from({ length: 4 }, () => new Mm(core));
  for (const mm of spaces) {
    mapAnon(mm, 0, 1, 3);
    store(mm, BASE, 1, 9);
  }
  for (const mm of spaces) {
    for (let high = 1; high < 64; high++) assert.is(load(mm, high * 2 ** 47 + BASE, 1), null);
    mm.mmput();
  }
});

test('numbers of address spaces come round, and bring no translation along', () => {
  const kept = new Mm(core);
  mapAnon(kept, 0, 1, 3);
  store(kept, BASE, 1, 5);
  const gone = new Mm(core);
  mapAnon(gone, 0, 1, 3);
  store(gone, BASE, 1, 6);
  gone.mmput();
  const { exports } = core;
  for (let i = 0; i < 2 ** 17 + 64; i++) {
    const place = exports.mmNew(2 ** 40);
    exports.load8(place, BASE, 0);
    if (exports.lastFault() === 0) assert.unreachable(`mm ${i} sees memory of another`);
    exports.mmExit(place);
  }
  assert.is(load(kept, BASE, 1), 5);
  kept.mmput();
});

test('a fork takes the parent’s right to store in place: each side sees its own stores', () => {
  const mm = new Mm(core);
  mapAnon(mm, 0, 1, 3);
  store(mm, BASE, 1, 1);
  const child = new Mm(core);
  child.copyFrom(mm);
  store(mm, BASE, 1, 2);
  store(child, BASE, 1, 3);
  assert.is(load(mm, BASE, 1), 2);
  assert.is(load(child, BASE, 1), 3);
  child.mmput();
  mm.mmput();
});

test('a forced write breaks the sharing that the TLB has cached for loads', () => {
  const mm = new Mm(core);
  mapAnon(mm, 0, 1, 3);
  store(mm, BASE, 1, 1);
  mprotect(mm, BASE, P, 1);
  const child = new Mm(core);
  child.copyFrom(mm);
  assert.is(load(child, BASE, 1), 1);
  accessRemoteVm(child, BASE, Uint8Array.of(5), FOLL_FORCE | FOLL_WRITE);
  assert.is(load(child, BASE, 1), 5);
  assert.is(load(mm, BASE, 1), 1);
  child.mmput();
  mm.mmput();
});

test('truncation under a cached translation is a bus error (K-167)', () => {
  const mm = new Mm(core);
  const file = TestFile.memory(core, 2 * P);
  mapFile(mm, 0, 2, 3, file, true);
  store(mm, BASE + P, 1, 4);
  file.pages.resize(P);
  assert.is(load(mm, BASE + P, 1), null);
  assert.equal(takeFault(mm), { signal: 'SIGBUS', code: 'BUS_ADRERR', address: BASE + P });
  mm.mmput();
  file.put();
});

test('a dead mm’s place in the TLB is not inherited by the next one', () => {
  const mm = new Mm(core);
  mapAnon(mm, 0, 1, 3);
  store(mm, BASE, 1, 1);
  mm.mmput();
  const next = new Mm(core);
  assert.is(load(next, BASE, 1), null);
  next.mmput();
});

test.after(() => assert.is(core.framesInUse, atRest));
test.run();
