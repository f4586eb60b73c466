import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { MADV_DONTNEED } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { accessRemoteVm } from '../../src/mm/access.js';
import { load, load64, store, store64, takeFault } from '../../src/mm/cpu.js';
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
