import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FOLL_PIN } from '../../assembly/abi/foll.js';
import {
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_GUARD_INSTALL,
  MADV_POPULATE_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { UFFD_MISSING, UFFD_WP } from '../../assembly/abi/userfault.js';
import { accessRemoteVm } from '../../src/mm/access.js';
import { checkMemory } from '../../src/mm/check.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';
import { madvise } from '../../src/mm/madvise.js';
import { Mm } from '../../src/mm/mm.js';
import { munmap } from '../../src/mm/mmap.js';
import { mprotect } from '../../src/mm/mprotect.js';
import { mremap } from '../../src/mm/mremap.js';
import { clearReferenced, clearSoftDirty, pagemapEntries, vmaStats } from '../../src/mm/pagemap.js';
import { UserfaultfdContext } from '../../src/mm/userfaultfd.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, TestFile, mapAnon, mapFile, outcome } from './fixture.js';

const test = suite('mm/share');
const core = await Core.create();
const atRest = core.framesInUse;
/** What one last-level table covers, in pages. */
const REGION = 512;
/** Bits of pagemap entries. */
const BIT_SOFT_DIRTY = 1n << 55n;
const BIT_EXCLUSIVE = 1n << 56n;
const BIT_UFFD_WP = 1n << 57n;

/** An address space with `pages` written ones from BASE on. */
function written(pages: number): Mm {
  const mm = new Mm(core);
  mapAnon(mm, 0, pages, 3);
  cpuStore(mm, BASE, new Uint8Array(pages * PAGE_SIZE).fill(1));
  return mm;
}

function fork(mm: Mm): Mm {
  const child = new Mm(core);
  try {
    child.copyFrom(mm);
  } catch (error) {
    child.mmput();
    throw error;
  }
  return child;
}

function byteAt(mm: Mm, page: number): number {
  const byte = new Uint8Array(1);
  accessRemoteVm(mm, BASE + page * PAGE_SIZE, byte, 0);
  return byte[0] as number;
}

function referenced(mm: Mm): number {
  return [...mm.vmas()].reduce((sum, vma) => sum + vmaStats(mm, vma).referenced, 0);
}

function hasBit(mm: Mm, page: number, bit: bigint): boolean {
  const [entry] = pagemapEntries(mm, BASE + page * PAGE_SIZE, 1, true);
  return ((entry as bigint) & bit) !== 0n;
}

function soleOwner(mm: Mm, page: number): boolean {
  return hasBit(mm, page, BIT_EXCLUSIVE);
}

/** Changes of the child's memory that end in its own table, each with what page 3 holds then. */
const CHANGES: [name: string, act: (mm: Mm) => unknown, byte: number][] = [
  ['a store', (mm) => cpuStore(mm, BASE + 3 * PAGE_SIZE, Uint8Array.of(9)), 9],
  ['a load, which marks the page', (mm) => cpuLoad(mm, BASE, new Uint8Array(1)), 1],
  ['munmap', (mm) => munmap(mm, BASE + 3 * PAGE_SIZE, PAGE_SIZE), 0],
  ['mprotect', (mm) => mprotect(mm, BASE + 3 * PAGE_SIZE, PAGE_SIZE, 1), 1],
  ['MADV_DONTNEED', (mm) => madvise(mm, BASE + 3 * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED), 0],
  ['guard pages', (mm) => madvise(mm, BASE + 3 * PAGE_SIZE, PAGE_SIZE, MADV_GUARD_INSTALL), 0],
  ['mremap', (mm) => mremap(mm, BASE + 3 * PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 7, BASE + 2 ** 31), 0],
  ['clear_refs', (mm) => [...mm.vmas()].forEach((vma) => clearReferenced(mm, vma)), 1],
  ['clear_refs of soft-dirty', (mm) => [...mm.vmas()].forEach((vma) => clearSoftDirty(mm, vma)), 1],
  ['a pin', (mm) => accessRemoteVm(mm, BASE, new Uint8Array(1), FOLL_PIN), 1],
];

for (const [name, act, byte] of CHANGES) {
  test(`${name} in a child leaves parent and grandchild as they were`, () => {
    const parent = written(8);
    const child = fork(parent);
    const grandchild = fork(child);
    act(child);
    assert.equal(checkMemory(core), []);
    assert.is(byteAt(child, 3), byte);
    for (const other of [parent, grandchild]) {
      assert.is(byteAt(other, 3), 1);
      assert.is(cpuStore(other, BASE + 3 * PAGE_SIZE, Uint8Array.of(7)).done, 1);
      assert.is(byteAt(other, 3), 7);
    }
    assert.is(byteAt(child, 3), byte);
    for (const mm of [parent, child, grandchild]) mm.mmput();
    assert.is(core.framesInUse, atRest);
  });
}

test('a fork makes as many tables count as a copy would have, and takes no page', () => {
  const parent = written(4 * REGION);
  const before = core.framesInUse;
  const child = fork(parent);
  // Its top table, two levels below that, four of pages; one page of VMAs is there already.
  const tables = child.counters().pgtablesBytes / PAGE_SIZE;
  assert.is(tables, parent.counters().pgtablesBytes / PAGE_SIZE);
  assert.is(core.framesInUse - before, tables);
  child.mmput();
  assert.is(core.framesInUse, before);
  parent.mmput();
});

test('without memory for the tables a fork fails and leaves nothing', () => {
  const parent = written(3 * REGION);
  const before = core.framesInUse;
  // The top table, two below it, and two of three.
  for (let budget = 0; budget < 6; budget++) {
    core.exports.setAllocBudget(budget);
    assert.is(
      outcome(() => fork(parent).mmput()),
      'ENOMEM',
    );
    core.exports.setAllocBudget(-1);
  }
  fork(parent).mmput();
  assert.equal(checkMemory(core), []);
  assert.is(core.framesInUse, before);
  parent.mmput();
});

test('once it is made, no change of a shared table needs memory that could be missing', () => {
  const parent = written(2 * REGION);
  const child = fork(parent);
  core.exports.setAllocBudget(0);
  munmap(child, BASE + 8 * PAGE_SIZE, PAGE_SIZE * REGION);
  assert.is(
    outcome(() => cpuStore(child, BASE, Uint8Array.of(1))),
    'ENOMEM',
  );
  assert.is(byteAt(child, 0), 1);
  core.exports.setAllocBudget(-1);
  assert.is(cpuStore(child, BASE, Uint8Array.of(2)).done, 1);
  assert.is(byteAt(parent, 0), 1);
  assert.equal(checkMemory(core), []);
  child.mmput();
  parent.mmput();
});

test('memory is exclusive again when the child exits, and is written in place', () => {
  const parent = written(4);
  const child = fork(parent);
  assert.not(soleOwner(parent, 1));
  assert.not(soleOwner(child, 1));
  child.mmput();
  assert.ok(soleOwner(parent, 1));
  const before = core.framesInUse;
  assert.is(cpuStore(parent, BASE, new Uint8Array(4 * PAGE_SIZE).fill(2)).done, 4 * PAGE_SIZE);
  assert.is(core.framesInUse, before);
  parent.mmput();
});

test('a child has used no page yet, and what it uses counts for it alone', () => {
  const parent = written(6);
  const child = fork(parent);
  assert.is(referenced(parent), 6);
  assert.is(referenced(child), 0);
  cpuLoad(child, BASE, new Uint8Array(2 * PAGE_SIZE));
  assert.is(referenced(child), 2);
  const second = fork(child);
  parent.mmput();
  child.mmput();
  // Alone with the table now, and still nothing was used.
  assert.is(referenced(second), 0);
  cpuStore(second, BASE, Uint8Array.of(1));
  assert.is(referenced(second), 1);
  assert.equal(checkMemory(core), []);
  second.mmput();
});

test('proportional sizes count every address space, however tables are shared', () => {
  const parent = written(4);
  const [whole] = parent.vmas();
  const pss = (mm: Mm): number =>
    [...mm.vmas()].reduce((sum, vma) => sum + vmaStats(mm, vma).pss, 0);
  const alone = vmaStats(parent, whole as NonNullable<typeof whole>).pss;
  const child = fork(parent);
  const second = fork(child);
  assert.is(pss(parent), 4 * Math.floor(alone / 4 / 3));
  cpuStore(child, BASE, Uint8Array.of(1));
  const third = fork(child);
  // The written page is shown by two, the other three by four.
  const expected = Math.floor(alone / 4 / 2) + 3 * Math.floor(alone / 4 / 4);
  assert.is(pss(child), expected);
  assert.is(pss(third), expected);
  assert.equal(checkMemory(core), []);
  for (const mm of [parent, child, second, third]) mm.mmput();
});

test('pages populated for writing are copied before the write', () => {
  const parent = written(4);
  const child = fork(parent);
  const before = core.framesInUse;
  madvise(child, BASE, 4 * PAGE_SIZE, MADV_POPULATE_WRITE);
  assert.is(core.framesInUse - before, 4);
  assert.ok(soleOwner(child, 3) && soleOwner(parent, 3));
  assert.equal(checkMemory(core), []);
  child.mmput();
  parent.mmput();
});

test('soft-dirty bits are cleared for one of those who share a table', () => {
  const parent = written(8);
  const clear = (mm: Mm): void => [...mm.vmas()].forEach((vma) => clearSoftDirty(mm, vma));
  clear(parent);
  cpuStore(parent, BASE + 3 * PAGE_SIZE, Uint8Array.of(2));
  const child = fork(parent);
  clear(child);
  assert.not(hasBit(child, 3, BIT_SOFT_DIRTY));
  assert.ok(hasBit(parent, 3, BIT_SOFT_DIRTY));
  assert.not(hasBit(parent, 2, BIT_SOFT_DIRTY));
  assert.equal(checkMemory(core), []);
  child.mmput();
  parent.mmput();
});

test('the emulation core remembers no table that became another', () => {
  const file = TestFile.memory(core, 4 * PAGE_SIZE);
  const parent = new Mm(core);
  mapFile(parent, 0, 4, 3, file, false);
  cpuStore(parent, BASE, Uint8Array.of(3));
  cpuLoad(parent, BASE + 2 * PAGE_SIZE, new Uint8Array(1));
  const child = fork(parent);
  cpuLoad(parent, BASE + 2 * PAGE_SIZE, new Uint8Array(1));
  // A pin of a file's page changes no entry, but the table is the parent's own from then on.
  accessRemoteVm(parent, BASE + 2 * PAGE_SIZE, new Uint8Array(1), FOLL_PIN);
  assert.equal(checkMemory(core), []);
  child.mmput();
  parent.mmput();
  file.put();
});

test('a page that a child shares is not moved by UFFDIO_MOVE', () => {
  const parent = written(8);
  const uffd = new UserfaultfdContext(parent, false);
  uffd.initialize(0);
  const to = BASE + 64 * PAGE_SIZE;
  mapAnon(parent, 64, 8, 3);
  uffd.register(to, 8 * PAGE_SIZE, UFFD_MISSING, 65530);
  const child = fork(parent);
  assert.is(
    outcome(() => uffd.move(to, BASE, PAGE_SIZE, false)),
    'EBUSY',
  );
  child.mmput();
  // The store finds nobody else and makes the page the parent's alone.
  cpuStore(parent, BASE, Uint8Array.of(4));
  assert.is(uffd.move(to, BASE, PAGE_SIZE, false), PAGE_SIZE);
  assert.equal(checkMemory(core), []);
  uffd.release();
  parent.mmput();
});

test('a deviation: UFFDIO_MOVE moves a page that a child shared until it ended', () => {
  const parent = written(1);
  const uffd = new UserfaultfdContext(parent, false);
  uffd.initialize(0);
  const to = BASE + 64 * PAGE_SIZE;
  mapAnon(parent, 64, 1, 3);
  uffd.register(to, PAGE_SIZE, UFFD_MISSING, 65530);
  fork(parent).mmput();
  // Linux says EBUSY until the parent has written to the page: it is not AnonExclusive before.
  assert.is(uffd.move(to, BASE, PAGE_SIZE, false), PAGE_SIZE);
  assert.equal(checkMemory(core), []);
  uffd.release();
  parent.mmput();
});

test('what is write-protected by a userfaultfd is so for the parent alone', () => {
  const parent = written(8);
  const uffd = new UserfaultfdContext(parent, false);
  uffd.initialize(0);
  uffd.register(BASE, 8 * PAGE_SIZE, UFFD_WP, 65530);
  uffd.writeProtect(BASE, 2 * PAGE_SIZE, true);
  const child = fork(parent);
  assert.equal(checkMemory(core), []);
  assert.ok(hasBit(parent, 1, BIT_UFFD_WP));
  assert.not(hasBit(child, 1, BIT_UFFD_WP));
  assert.is(cpuStore(child, BASE, Uint8Array.of(2)).fault, null);
  assert.is(cpuStore(parent, BASE, Uint8Array.of(2)).fault?.code, 'USERFAULT');
  assert.is(byteAt(parent, 0), 1);
  uffd.release();
  assert.is(cpuStore(parent, BASE, Uint8Array.of(3)).fault, null);
  assert.is(byteAt(child, 0), 2);
  child.mmput();
  parent.mmput();
});

test('a mapping that is not inherited keeps the table of its region from being shared', () => {
  const parent = written(8);
  madvise(parent, BASE + 2 * PAGE_SIZE, PAGE_SIZE, MADV_DONTFORK);
  const child = fork(parent);
  assert.equal(checkMemory(core), []);
  assert.is(cpuStore(child, BASE + 2 * PAGE_SIZE, Uint8Array.of(1)).fault?.code, 'SEGV_MAPERR');
  assert.is(byteAt(child, 3), 1);
  assert.is(cpuStore(parent, BASE + 2 * PAGE_SIZE, Uint8Array.of(5)).done, 1);
  child.mmput();
  parent.mmput();
});

test('truncation takes the pages of a file from everybody who shares a table', () => {
  const file = TestFile.memory(core, 4 * PAGE_SIZE);
  const parent = new Mm(core);
  mapFile(parent, 0, 4, 3, file, false);
  cpuStore(parent, BASE, new Uint8Array(2 * PAGE_SIZE).fill(3));
  cpuLoad(parent, BASE + 2 * PAGE_SIZE, new Uint8Array(2 * PAGE_SIZE));
  const child = fork(parent);
  file.pages.resize(PAGE_SIZE);
  assert.equal(checkMemory(core), []);
  for (const mm of [parent, child]) {
    assert.is(byteAt(mm, 0), 3);
    assert.is(cpuLoad(mm, BASE + PAGE_SIZE, new Uint8Array(1)).fault?.code, 'BUS_ADRERR');
    assert.is(mm.counters().rssAnon, 1);
    mm.mmput();
  }
  file.put();
});

test('every frame is free again', () => {
  assert.is(core.framesInUse, atRest);
});

test.run();
