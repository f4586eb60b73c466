import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MADV_DONTDUMP, MAP_NORESERVE } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { cpuStore } from '../../src/mm/cpu.js';
import { madvise } from '../../src/mm/madvise.js';
import { Mm } from '../../src/mm/mm.js';
import { munmap } from '../../src/mm/mmap.js';
import { mprotect } from '../../src/mm/mprotect.js';
import { mremap } from '../../src/mm/mremap.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, TestFile, layout, mapAnon, mapFile, mapShared, outcome } from './fixture.js';

const test = suite('mm/merge');
const core = await Core.create();
const atRest = core.framesInUse;
const RW = 3;
const P = PAGE_SIZE;

function touch(mm: Mm, page: number): void {
  cpuStore(mm, BASE + page * P, Uint8Array.of(1));
}

/** What a sequence of calls leaves mapped. */
const TABLE: [name: string, act: (mm: Mm) => unknown, expected: string[]][] = [
  [
    'neighbours with equal flags are one mapping (K-510)',
    (mm) => [mapAnon(mm, 0, 1, RW), mapAnon(mm, 2, 1, RW), mapAnon(mm, 1, 1, RW)],
    ['0-3 rw-'],
  ],
  [
    'mprotect in the middle cuts in three, and undoing it makes one again (K-510)',
    (mm) => {
      mapAnon(mm, 0, 3, RW);
      mprotect(mm, BASE + P, P, 1);
      assert.equal(layout(mm), ['0-1 rw-', '1-2 r--', '2-3 rw-']);
      mprotect(mm, BASE + P, P, RW);
    },
    ['0-3 rw-'],
  ],
  [
    'munmap in the middle leaves both ends (K-520)',
    (mm) => [mapAnon(mm, 0, 5, RW), munmap(mm, BASE + P, 3 * P)],
    ['0-1 rw-', '4-5 rw-'],
  ],
  [
    'mappings faulted apart keep their own anon_vma and do not merge (K-511)',
    (mm) => {
      mapAnon(mm, 0, 1, RW);
      mapAnon(mm, 2, 1, RW);
      touch(mm, 0);
      touch(mm, 2);
      mapAnon(mm, 1, 1, RW);
    },
    ['0-2 rw-', '2-3 rw-'],
  ],
  [
    'a neighbour that differs by protection lends its anon_vma, so that they merge later (K-511)',
    (mm) => {
      mapAnon(mm, 0, 2, RW);
      mprotect(mm, BASE + P, P, 1);
      touch(mm, 0);
      mprotect(mm, BASE + P, P, RW);
    },
    ['0-2 rw-'],
  ],
  [
    'MAP_NORESERVE does not merge with plain memory (K-512)',
    (mm) => [mapAnon(mm, 0, 1, RW), mapAnon(mm, 1, 1, RW, MAP_NORESERVE)],
    ['0-1 rw-', '1-2 rw-'],
  ],
  [
    'two shared anonymous mappings are two objects (K-512)',
    (mm) => [mapShared(mm, 0, 1, RW), mapShared(mm, 1, 1, RW)],
    ['0-1 rw-', '1-2 rw-'],
  ],
  [
    'the same file at an offset that does not continue stays apart (K-512)',
    (mm) => {
      const file = TestFile.memory(core, 4 * P);
      mapFile(mm, 0, 1, RW, file, true);
      mapFile(mm, 1, 1, RW, file, true);
      file.put();
    },
    ['0-1 rw-', '1-2 rw-'],
  ],
  [
    'MAP_FIXED over the middle with the same attributes is one mapping with zeros (K-513)',
    (mm) => [mapAnon(mm, 0, 3, RW), touch(mm, 1), mapAnon(mm, 1, 1, RW)],
    ['0-3 rw-'],
  ],
  [
    'advice that sets a flag splits (K-510)',
    (mm) => [mapAnon(mm, 0, 3, RW), madvise(mm, BASE + P, P, MADV_DONTDUMP)],
    ['0-1 rw-', '1-2 rw-', '2-3 rw-'],
  ],
  [
    'mprotect up to a hole changes what lies before it (K-521)',
    (mm) => {
      mapAnon(mm, 0, 2, RW);
      assert.is(
        outcome(() => mprotect(mm, BASE, 3 * P, 1)),
        'ENOMEM',
      );
    },
    ['0-2 r--'],
  ],
  [
    'mprotect over several mappings joins them (K-510)',
    (mm) => [
      mapAnon(mm, 0, 1, RW),
      mapAnon(mm, 1, 1, 1),
      mapAnon(mm, 2, 1, 5),
      mprotect(mm, BASE, 3 * P, 1),
    ],
    ['0-3 r--'],
  ],
  [
    'mremap grows in place over a hole and shrinks again (K-531)',
    (mm) => {
      mapAnon(mm, 0, 1, RW);
      assert.is(mremap(mm, BASE, P, 4 * P, 0, 0), BASE);
      assert.equal(layout(mm), ['0-4 rw-']);
      mremap(mm, BASE, 4 * P, 2 * P, 0, 0);
    },
    ['0-2 rw-'],
  ],
  [
    'mremap with MREMAP_FIXED replaces what is at the new place (K-531)',
    (mm) => [
      mapAnon(mm, 0, 2, RW),
      mapAnon(mm, 8, 4, 1),
      mremap(mm, BASE, 2 * P, 2 * P, 3, BASE + 9 * P),
    ],
    ['8-9 r--', '9-11 rw-', '11-12 r--'],
  ],
  [
    'mremap with MREMAP_DONTUNMAP leaves an empty mapping behind (K-531)',
    (mm) => [mapAnon(mm, 0, 1, RW), mremap(mm, BASE, P, P, 7, BASE + 4 * P)],
    ['0-1 rw-', '4-5 rw-'],
  ],
];

for (const [name, act, expected] of TABLE) {
  test(name, () => {
    const mm = new Mm(core);
    act(mm);
    assert.equal(layout(mm), expected);
    mm.mmput();
    assert.is(core.framesInUse, atRest);
  });
}

test('after a fork the child’s mappings keep to themselves (vma_had_uncowed_parents)', () => {
  const mm = new Mm(core);
  mapAnon(mm, 0, 1, RW);
  touch(mm, 0);
  const child = new Mm(core);
  child.copyFrom(mm);
  mapAnon(mm, 1, 1, RW);
  mapAnon(child, 1, 1, RW);
  assert.equal(layout(mm), ['0-2 rw-']);
  assert.equal(layout(child), ['0-1 rw-', '1-2 rw-']);
  child.mmput();
  mm.mmput();
});

test.run();
