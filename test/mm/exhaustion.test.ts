import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { MADV_DONTFORK, MADV_GUARD_INSTALL, MADV_POPULATE_WRITE } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { accessRemoteVm } from '../../src/mm/access.js';
import { brk } from '../../src/mm/brk.js';
import { checkMemory } from '../../src/mm/check.js';
import { cpuStore } from '../../src/mm/cpu.js';
import { NO_LIMITS } from '../../src/mm/limits.js';
import { madvise } from '../../src/mm/madvise.js';
import { MCL_CURRENT, MCL_FUTURE, mlock, mlockall } from '../../src/mm/mlock.js';
import { Mm } from '../../src/mm/mm.js';
import { munmap } from '../../src/mm/mmap.js';
import { mprotect } from '../../src/mm/mprotect.js';
import { mremap } from '../../src/mm/mremap.js';
import { mseal } from '../../src/mm/mseal.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, TestFile, mapAnon, mapFile, mapShared, outcome } from './fixture.js';

const test = suite('mm/exhaustion');
const core = await Core.create();
const atRest = core.framesInUse;

/** Calls that allocate, each on an mm with three written pages. */
const CALLS: [name: string, act: (mm: Mm) => unknown][] = [
  ['a store', (mm) => cpuStore(mm, BASE + 8 * PAGE_SIZE, new Uint8Array(3 * PAGE_SIZE).fill(1))],
  [
    'a write from outside',
    (mm) => accessRemoteVm(mm, BASE, new Uint8Array(12 * PAGE_SIZE), FOLL_FORCE | FOLL_WRITE),
  ],
  ['a fork', (mm) => forkAndStore(mm)],
  ['mmap', (mm) => mapMany(mm)],
  ['mmap of shared memory', (mm) => mapShared(mm, 64, 4, 3)],
  ['mprotect', (mm) => mprotect(mm, BASE + PAGE_SIZE, PAGE_SIZE, 1)],
  ['munmap', (mm) => munmap(mm, BASE + PAGE_SIZE, PAGE_SIZE)],
  ['mremap', (mm) => mremap(mm, BASE, 2 * PAGE_SIZE, 600 * PAGE_SIZE, 1, 0)],
  ['a file mapping', (mm) => mapAndStoreFile(mm)],
  ['a move with MREMAP_FIXED', (mm) => mremap(mm, BASE, 2 * PAGE_SIZE, 2 * PAGE_SIZE, 3, FAR)],
  ['MREMAP_DONTUNMAP', (mm) => mremap(mm, BASE, 2 * PAGE_SIZE, 2 * PAGE_SIZE, 7, FAR)],
  ['mlock', (mm) => mlock(mm, BASE + PAGE_SIZE, 6 * PAGE_SIZE, false, NO_LIMITS)],
  ['mlockall', (mm) => mlockall(mm, MCL_CURRENT | MCL_FUTURE, NO_LIMITS)],
  ['guard pages', (mm) => madvise(mm, BASE + 8 * PAGE_SIZE, PAGE_SIZE, MADV_GUARD_INSTALL)],
  ['advice that splits', (mm) => madvise(mm, BASE + PAGE_SIZE, PAGE_SIZE, MADV_DONTFORK)],
  ['populating', (mm) => madvise(mm, BASE, 8 * PAGE_SIZE, MADV_POPULATE_WRITE)],
  ['mseal of a part', (mm) => mseal(mm, BASE + PAGE_SIZE, PAGE_SIZE, 0, NO_LIMITS)],
  ['brk', (mm) => growHeap(mm)],
  ['a write to a file', () => writeFile()],
  ['fallocate', () => allocateFile()],
];

/** Where mappings move to: no page table is there. */
const FAR = BASE + 2 ** 39;

/** The heap grows and is touched: brk itself says nothing of a failure. */
function growHeap(mm: Mm): unknown {
  if (mm.startBrk === 0) {
    mm.startBrk = BASE + 2 ** 30;
    mm.brk = mm.startBrk;
  }
  const end = mm.startBrk + 4 * PAGE_SIZE;
  if (brk(mm, end) !== end) return 'ENOMEM';
  return cpuStore(mm, mm.startBrk, new Uint8Array(4 * PAGE_SIZE));
}

function writeFile(): unknown {
  const file = TestFile.memory(core, 0);
  try {
    return file.pages.write(2 ** 40, new Uint8Array(12 * PAGE_SIZE));
  } finally {
    file.put();
  }
}

function allocateFile(): unknown {
  const file = TestFile.memory(core, 0);
  try {
    return file.pages.allocate(0, 12 * PAGE_SIZE);
  } finally {
    file.put();
  }
}

/** More mappings than fit one slab page. */
function mapMany(mm: Mm): unknown {
  for (let i = 0; i < 64; i++) mapAnon(mm, 64 + 2 * i, 1, 1);
  return 0;
}

function forkAndStore(mm: Mm): unknown {
  const child = new Mm(core);
  try {
    child.copyFrom(mm);
    return cpuStore(child, BASE, Uint8Array.of(9));
  } finally {
    child.mmput();
  }
}

function mapAndStoreFile(mm: Mm): unknown {
  const file = TestFile.memory(core, 4 * PAGE_SIZE);
  try {
    mapFile(mm, 64, 4, 3, file, true);
    return cpuStore(mm, BASE + 64 * PAGE_SIZE, new Uint8Array(2 * PAGE_SIZE));
  } finally {
    file.put();
  }
}

/** What a slab page at hand suffices for. */
const MAY_NEED_NONE = [
  'munmap',
  'mprotect',
  'guard pages',
  'advice that splits',
  'mseal of a part',
  'mlockall',
];

for (const [name, act] of CALLS) {
  test(`${name} that runs out of memory at any allocation leaks nothing and can be repeated`, () => {
    let budget = 0;
    let failures = 0;
    for (let succeeded = false; !succeeded; budget++) {
      const mm = new Mm(core);
      mapAnon(mm, 0, 16, 3);
      cpuStore(mm, BASE, new Uint8Array(3 * PAGE_SIZE).fill(5));
      core.exports.setAllocBudget(budget);
      const first = outcome(() => act(mm));
      core.exports.setAllocBudget(-1);
      assert.equal(checkMemory(core), [], `invariants after failing at allocation ${budget}`);
      // madvise says EAGAIN where a split found no memory, mlock where a page did not.
      succeeded = first !== 'ENOMEM' && first !== 'EAGAIN' && !isShort(first);
      if (!succeeded) {
        failures += 1;
        assert.is.not(
          outcome(() => act(mm)),
          'ENOMEM',
          `repeated after failing at ${budget}`,
        );
      }
      mm.mmput();
      assert.is(core.exports.committedPages(), 0, `promised memory after failing at ${budget}`);
      assert.is(core.framesInUse, atRest, `frames after failing at allocation ${budget}`);
    }
    if (!MAY_NEED_NONE.includes(name)) assert.ok(failures > 0);
  });
}

/** A count below what was asked for: the write from outside reports memory that way. */
function isShort(result: unknown): boolean {
  return typeof result === 'number' && result > 0 && result < 12 * PAGE_SIZE;
}

test('memory that is used up is ENOMEM, and the machine goes on when some comes back', async () => {
  const small = await Core.create({ memory: 2 ** 21 });
  const mm = new Mm(small);
  mapAnon(mm, 0, 4096, 3);
  assert.is(
    outcome(() => cpuStore(mm, BASE, new Uint8Array(4096 * PAGE_SIZE).fill(1))),
    'ENOMEM',
  );
  munmap(mm, BASE, 4096 * PAGE_SIZE);
  mapAnon(mm, 0, 4096, 3);
  assert.is(cpuStore(mm, BASE, new Uint8Array(64 * PAGE_SIZE).fill(2)).done, 64 * PAGE_SIZE);
  mm.mmput();
});

test.run();
