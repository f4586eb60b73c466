import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EFAULT } from '../../assembly/abi/errno.js';
import {
  MADV_GUARD_INSTALL,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import {
  FILL_CONTINUE,
  FILL_COPY,
  FILL_POISON,
  FILL_ZEROPAGE,
  UFFD_MINOR,
  UFFD_MISSING,
  UFFD_WP,
} from '../../assembly/abi/userfault.js';
import { processVmHost } from '../../src/mm/process-vm.js';
import { checkMemory } from '../../src/mm/check.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';
import { madvise } from '../../src/mm/madvise.js';
import { Mm } from '../../src/mm/mm.js';
import { populateVma } from '../../src/mm/populate.js';
import { UserfaultfdContext, type Fill } from '../../src/mm/userfaultfd.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, mapAnon, mapShared, outcome } from './fixture.js';

const test = suite('mm/userfault');
const core = await Core.create();
const atRest = core.framesInUse;
const MAX_MAPS = 65530;

/** Where mappings lie that no page table is for. */
const FAR_PAGES = 2 ** 20;
const FAR = BASE + FAR_PAGES * PAGE_SIZE;
/** More pages than one page table holds. */
const MANY = 600;

interface Scene {
  readonly mm: Mm;
  readonly uffd: UserfaultfdContext;
}

function scene(features = 0): Scene {
  const mm = new Mm(core);
  const uffd = new UserfaultfdContext(mm, false);
  uffd.initialize(features);
  mapAnon(mm, 0, 16, 3);
  cpuStore(mm, BASE, new Uint8Array(3 * PAGE_SIZE).fill(5));
  return { mm, uffd };
}

function fill(kind: number, wp = false, source: Fill['source'] = null): Fill {
  return { kind, wp, source };
}

function watch({ uffd }: Scene, start: number, pages: number, modes: number): void {
  uffd.register(start, pages * PAGE_SIZE, modes, MAX_MAPS);
}

/** Calls that allocate, each on a mapping of its own far from all others. */
const CALLS: [name: string, act: (scene: Scene) => unknown][] = [
  [
    'UFFDIO_COPY from guest memory',
    (s) => {
      mapAnon(s.mm, FAR_PAGES, MANY, 3);
      watch(s, FAR, MANY, UFFD_MISSING);
      const source = { mm: s.mm, addr: BASE };
      return s.uffd.fill(FAR + 511 * PAGE_SIZE, 3 * PAGE_SIZE, fill(FILL_COPY, false, source));
    },
  ],
  [
    'UFFDIO_COPY of bytes, to shared memory',
    (s) => {
      mapShared(s.mm, FAR_PAGES, MANY, 3);
      watch(s, FAR, MANY, UFFD_MISSING | UFFD_WP);
      const source = new Uint8Array(3 * PAGE_SIZE).fill(7);
      return s.uffd.fill(FAR + 511 * PAGE_SIZE, 3 * PAGE_SIZE, fill(FILL_COPY, true, source));
    },
  ],
  [
    'UFFDIO_ZEROPAGE',
    (s) => {
      mapAnon(s.mm, FAR_PAGES, MANY, 3);
      watch(s, FAR, MANY, UFFD_MISSING);
      return s.uffd.fill(FAR + 511 * PAGE_SIZE, 3 * PAGE_SIZE, fill(FILL_ZEROPAGE));
    },
  ],
  [
    'UFFDIO_ZEROPAGE of shared memory',
    (s) => {
      mapShared(s.mm, FAR_PAGES, MANY, 3);
      watch(s, FAR, MANY, UFFD_MISSING);
      return s.uffd.fill(FAR + 511 * PAGE_SIZE, 3 * PAGE_SIZE, fill(FILL_ZEROPAGE));
    },
  ],
  [
    'UFFDIO_POISON',
    (s) => {
      mapAnon(s.mm, FAR_PAGES, MANY, 3);
      watch(s, FAR, MANY, UFFD_MISSING);
      return s.uffd.fill(FAR + 511 * PAGE_SIZE, 3 * PAGE_SIZE, fill(FILL_POISON));
    },
  ],
  [
    'UFFDIO_MOVE',
    (s) => {
      mapAnon(s.mm, FAR_PAGES, MANY, 3);
      watch(s, FAR, MANY, UFFD_MISSING);
      return s.uffd.move(FAR + 511 * PAGE_SIZE, BASE, 3 * PAGE_SIZE, false);
    },
  ],
  [
    'UFFDIO_MOVE of pages that are not there',
    (s) => {
      mapAnon(s.mm, FAR_PAGES, MANY, 3);
      watch(s, FAR, MANY, UFFD_MISSING);
      return s.uffd.move(FAR, FAR + 511 * PAGE_SIZE, 3 * PAGE_SIZE, true);
    },
  ],
  [
    'write protection of what is not there',
    (s) => {
      mapShared(s.mm, FAR_PAGES, MANY, 3);
      watch(s, FAR, MANY, UFFD_WP);
      s.uffd.writeProtect(FAR, MANY * PAGE_SIZE, true);
      return 3 * PAGE_SIZE;
    },
  ],
  [
    'registering parts of mappings',
    (s) => {
      for (let i = 0; i < 64; i++) {
        mapAnon(s.mm, FAR_PAGES + 8 * i, 4, 1);
        watch(s, FAR + (8 * i + 1) * PAGE_SIZE, 2, UFFD_MISSING);
      }
      return 3 * PAGE_SIZE;
    },
  ],
];

for (const [name, act] of CALLS) {
  test(`${name} that runs out of memory at any allocation leaks nothing`, () => {
    let failures = 0;
    for (let budget = 0, done = false; !done; budget++) {
      const s = scene();
      core.exports.setAllocBudget(budget);
      const result = outcome(() => act(s));
      core.exports.setAllocBudget(-1);
      assert.equal(checkMemory(core), [], `invariants after failing at allocation ${budget}`);
      done = result === 3 * PAGE_SIZE;
      // A page that could not be had ends a fill early, or is the error.
      const short = typeof result === 'number' && result > 0 && result < 3 * PAGE_SIZE;
      assert.ok(done || short || result === 'ENOMEM', `${result} at allocation ${budget}`);
      if (!done) failures += 1;
      s.uffd.release();
      assert.equal(checkMemory(core), [], 'invariants after the release');
      s.mm.mmput();
      assert.is(core.framesInUse, atRest, `frames after failing at allocation ${budget}`);
    }
    assert.ok(failures > 0);
  });
}

test('who resolves nothing is not asked for ever', () => {
  const s = scene();
  watch(s, BASE + 8 * PAGE_SIZE, 2, UFFD_MISSING);
  let asked = 0;
  s.uffd.handler = ({ address }) => {
    asked += 1;
    s.uffd.queue.wake(address, address + PAGE_SIZE);
  };
  const { fault } = cpuLoad(s.mm, BASE + 8 * PAGE_SIZE, new Uint8Array(1));
  assert.is(fault?.code, 'USERFAULT');
  assert.is(asked, 1);
  s.uffd.release();
  s.mm.mmput();
});

test('a handler that makes the access it is asked about waits like anybody', () => {
  const s = scene();
  const at = BASE + 8 * PAGE_SIZE;
  watch(s, at, 2, UFFD_MISSING);
  const inner: (string | undefined)[] = [];
  s.uffd.handler = ({ address }) => {
    inner.push(cpuLoad(s.mm, address, new Uint8Array(1)).fault?.code);
    s.uffd.fill(address, PAGE_SIZE, fill(FILL_ZEROPAGE));
    s.uffd.queue.wake(address, address + PAGE_SIZE);
  };
  assert.is(cpuLoad(s.mm, at, new Uint8Array(1)).fault, null);
  assert.equal(inner, ['USERFAULT']);
  s.uffd.release();
  s.mm.mmput();
});

test('an access over many pages asks for each', () => {
  const s = scene();
  const at = BASE + 8 * PAGE_SIZE;
  watch(s, at, 8, UFFD_MISSING);
  const asked: number[] = [];
  s.uffd.handler = ({ address }) => {
    asked.push((address - BASE) / PAGE_SIZE);
    const source = new Uint8Array(PAGE_SIZE).fill(asked.length);
    s.uffd.fill(address, PAGE_SIZE, fill(FILL_COPY, false, source));
    s.uffd.queue.wake(address, address + PAGE_SIZE);
  };
  const read = (from: number, into: Uint8Array): number =>
    processVmHost(s.mm, from, into, Infinity, { write: false, stackLimit: 0, grows: false });
  const small = new Uint8Array(8);
  assert.is(read(at + PAGE_SIZE - 4, small), 8);
  assert.equal([...small], [1, 1, 1, 1, 2, 2, 2, 2]);
  const large = new Uint8Array(6 * PAGE_SIZE);
  assert.is(read(at + 2 * PAGE_SIZE, large), large.length);
  assert.equal(asked, [8, 9, 10, 11, 12, 13, 14, 15]);
  assert.is(large[5 * PAGE_SIZE], 8);
  assert.equal(checkMemory(core), []);
  s.uffd.release();
  s.mm.mmput();
});

/** What comes to a marker of poison, or of a guard, and what UFFDIO_* then say: as Linux 6.18 did. */
const COMERS = new Map([
  [FILL_COPY, 'a copy'],
  [FILL_ZEROPAGE, 'a zero page'],
  [FILL_POISON, 'poison'],
]);
const OVER_MARKERS: [kind: number, poisons: boolean, shared: boolean, result: string | number][] = [
  [FILL_COPY, true, false, PAGE_SIZE],
  [FILL_COPY, false, false, PAGE_SIZE],
  [FILL_COPY, true, true, PAGE_SIZE],
  [FILL_ZEROPAGE, true, false, 'EEXIST'],
  [FILL_ZEROPAGE, false, false, 'EEXIST'],
  [FILL_ZEROPAGE, true, true, PAGE_SIZE],
  [FILL_ZEROPAGE, false, true, PAGE_SIZE],
  [FILL_POISON, true, false, 'EEXIST'],
  [FILL_POISON, false, true, 'EEXIST'],
];

for (const [kind, poisons, shared, result] of OVER_MARKERS) {
  const place = `${poisons ? 'poisoned' : 'guard'} page of ${shared ? 'shared' : 'private'} memory`;
  test(`${COMERS.get(kind)} at a ${place}: ${result === PAGE_SIZE ? 'takes its place' : result}`, () => {
    const s = scene();
    if (shared) mapShared(s.mm, FAR_PAGES, 2, 3);
    else mapAnon(s.mm, FAR_PAGES, 2, 3);
    watch(s, FAR, 2, UFFD_MISSING);
    if (poisons) s.uffd.fill(FAR, PAGE_SIZE, fill(FILL_POISON));
    else madvise(s.mm, FAR, PAGE_SIZE, MADV_GUARD_INSTALL);
    const source = kind === FILL_COPY ? new Uint8Array(PAGE_SIZE).fill(9) : null;
    assert.is(
      outcome(() => s.uffd.fill(FAR, PAGE_SIZE, fill(kind, false, source))),
      result,
    );
    assert.equal(checkMemory(core), []);
    s.uffd.release();
    s.mm.mmput();
  });
}

test('populating a poisoned page is EHWPOISON to madvise, and stops mlock like any fault', () => {
  const s = scene();
  mapAnon(s.mm, FAR_PAGES, 2, 3);
  watch(s, FAR, 2, UFFD_MISSING);
  s.uffd.fill(FAR, PAGE_SIZE, fill(FILL_POISON));
  for (const advice of [MADV_POPULATE_READ, MADV_POPULATE_WRITE]) {
    assert.is(
      outcome(() => madvise(s.mm, FAR, PAGE_SIZE, advice)),
      'EHWPOISON',
    );
  }
  const vma = s.mm.findVma(FAR);
  assert.ok(vma);
  assert.is(populateVma(s.mm, vma, FAR, FAR + PAGE_SIZE), -EFAULT);
  s.uffd.release();
  s.mm.mmput();
});

test('a page that the file has and the mapping does not is continued with', () => {
  const s = scene();
  mapShared(s.mm, FAR_PAGES, 2, 3);
  cpuStore(s.mm, FAR, Uint8Array.of(9));
  s.mm.core.exports.dontNeed(s.mm.ptr, FAR, FAR + PAGE_SIZE, 0);
  watch(s, FAR, 2, UFFD_MINOR);
  const flags: number[] = [];
  s.uffd.handler = (fault) => {
    flags.push(fault.flags);
    s.uffd.fill(fault.address, PAGE_SIZE, fill(FILL_CONTINUE));
    s.uffd.queue.wake(fault.address, fault.address + PAGE_SIZE);
  };
  const byte = new Uint8Array(1);
  assert.is(cpuLoad(s.mm, FAR, byte).fault, null);
  assert.equal([byte[0], flags], [9, [4]]);
  // The file has no second page: that is no minor fault, and nobody waits.
  assert.is(cpuLoad(s.mm, FAR + PAGE_SIZE, byte).fault, null);
  assert.equal(flags, [4]);
  s.uffd.release();
  s.mm.mmput();
});

test('every frame is free again', () => {
  assert.is(core.framesInUse, atRest);
});

test.run();
