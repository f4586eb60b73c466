import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { FOLL_FORCE } from '../../assembly/abi/foll.js';
import {
  MADV_DONTNEED,
  MADV_GUARD_INSTALL,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { VM_IO, VM_SECRETMEM } from '../../assembly/abi/vma.js';
import { TASK_SIZE } from '../../src/mm/address.js';
import { accessRemoteVm } from '../../src/mm/access.js';
import { checkMemory } from '../../src/mm/check.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';
import { madvise } from '../../src/mm/madvise.js';
import { Mm } from '../../src/mm/mm.js';
import { mmap, munmap } from '../../src/mm/mmap.js';
import { mprotect } from '../../src/mm/mprotect.js';
import { pagemapEntries } from '../../src/mm/pagemap.js';
import { isReadable, readableRanges, type ReadPath } from '../../src/mm/readable.js';
import { LinuxError } from '../../src/errno.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, mapAnon, mapShared, TestFile } from './fixture.js';

const PAGES = 40;
const RUNS = Number(process.env['PROCMEM_MODEL_RUNS'] ?? 300);
const PATHS: readonly ReadPath[] = ['cpu', 'mem', 'process_vm'];
const core = await Core.create({ memory: 2 ** 26 });
const test = suite('mm/readable');

const page = fc.nat(PAGES - 1);
const count = fc.integer({ min: 1, max: 9 });
const prot = fc.nat(7);

/** A random step, as data so that a failing run prints itself. */
const step = fc.oneof(
  fc.record({ op: fc.constantFrom('anon', 'shared', 'unmap', 'drop', 'guard'), page, count, prot }),
  fc.record({ op: fc.constantFrom('protect', 'load', 'store'), page, count, prot }),
  fc.record({ op: fc.constant('file'), page, count, prot, index: fc.nat(6) }),
  fc.record({ op: fc.constantFrom('secret', 'device'), page, count, prot, index: fc.nat(2) }),
  fc.record({ op: fc.constant('truncate'), page: fc.nat(8), count, prot }),
);

interface Files {
  readonly plain: TestFile;
  readonly secret: TestFile;
  readonly device: TestFile;
}

function perform(mm: Mm, files: Files, what: { op: string; index?: number } & Extent): void {
  const { op, index = 0 } = what;
  const at = BASE + what.page * PAGE_SIZE;
  const length = what.count * PAGE_SIZE;
  const bytes = new Uint8Array(length).fill(1);
  if (op === 'anon') mapAnon(mm, what.page, what.count, what.prot);
  if (op === 'shared') mapShared(mm, what.page, what.count, what.prot);
  if (op === 'unmap') munmap(mm, at, length);
  if (op === 'drop') madvise(mm, at, length, MADV_DONTNEED);
  if (op === 'guard') madvise(mm, at, length, MADV_GUARD_INSTALL);
  if (op === 'protect') mprotect(mm, at, length, what.prot);
  if (op === 'load') cpuLoad(mm, at, bytes);
  if (op === 'store') cpuStore(mm, at, bytes);
  const file = op === 'secret' ? files.secret : op === 'device' ? files.device : files.plain;
  const flags = (op === 'file' ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED;
  const mapFile = file.mapped();
  const request = { addr: at, length, prot: what.prot, flags, offset: index * PAGE_SIZE };
  if (['file', 'secret', 'device'].includes(op)) mmap(mm, { ...request, mapFile });
  if (op === 'truncate') files.plain.pages.resize(what.page * PAGE_SIZE + 100);
}

interface Extent {
  readonly page: number;
  readonly count: number;
  readonly prot: number;
}

/** Pages that a real read gets, each by itself. */
function readPages(mm: Mm, path: ReadPath): boolean[] {
  const flags = path === 'mem' ? FOLL_FORCE : 0;
  return Array.from({ length: PAGES + 10 }, (_, i) => {
    const at = BASE + i * PAGE_SIZE;
    const into = new Uint8Array(1);
    if (path === 'cpu') return cpuLoad(mm, at, into).done === 1;
    return accessRemoteVm(mm, at, into, flags) === 1;
  });
}

/** The same told without reading. */
function toldPages(mm: Mm, path: ReadPath): boolean[] {
  const told = new Array<boolean>(PAGES + 10).fill(false);
  let last = 0;
  for (const { start, end } of readableRanges(mm, BASE, BASE + told.length * PAGE_SIZE, path)) {
    assert.ok(start > last && end > start, 'in rising order, and apart');
    last = end;
    told.fill(true, (start - BASE) / PAGE_SIZE, (end - BASE) / PAGE_SIZE);
  }
  return told;
}

function seen(mm: Mm): string {
  const entries = [...pagemapEntries(mm, BASE, PAGES + 10)].join();
  return `${entries} ${JSON.stringify(mm.counters())} ${core.framesInUse}`;
}

interface World {
  readonly mm: Mm;
  readonly files: Files;
}

function withWorld(act: (world: World) => void): void {
  const mm = new Mm(core);
  const files = {
    plain: TestFile.memory(core, 5 * PAGE_SIZE),
    secret: new TestFile(TestFile.memory(core, 4 * PAGE_SIZE).pages, VM_SECRETMEM),
    device: new TestFile(TestFile.memory(core, 4 * PAGE_SIZE).pages, VM_IO),
  };
  try {
    act({ mm, files });
  } finally {
    mm.mmput();
    files.plain.put();
    files.secret.put();
    files.device.put();
  }
}

/** What is told of a memory, against reads of a copy of it. */
function compare(mm: Mm, path: ReadPath): void {
  const state = seen(mm);
  const told = toldPages(mm, path);
  const single = told.map((_, i) => isReadable(mm, BASE + i * PAGE_SIZE + 7, 100, path));
  assert.is(seen(mm), state);
  assert.equal(single, told);
  const fork = new Mm(core);
  try {
    fork.copyFrom(mm);
    assert.equal(told, readPages(fork, path), path);
  } finally {
    fork.mmput();
  }
}

test('on random maps it tells what reads then get, and changes nothing', () => {
  const before = core.framesInUse;
  const property = fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
    withWorld(({ mm, files }) => {
      for (const each of steps) {
        try {
          perform(mm, files, each);
        } catch (error) {
          if (!(error instanceof LinuxError)) throw error;
        }
      }
      for (const path of PATHS) compare(mm, path);
      assert.equal(checkMemory(core), []);
    });
  });
  fc.assert(property, { numRuns: RUNS });
  assert.is(core.framesInUse, before);
});

test('ranges are cut to what is asked, and joined across mappings', () => {
  const mm = new Mm(core);
  mapAnon(mm, 0, 2, 3);
  mapAnon(mm, 2, 2, 1);
  mapAnon(mm, 5, 1, 3);
  const ranges = (start: number, end: number): unknown[] =>
    [...readableRanges(mm, BASE + start, BASE + end, 'cpu')].map((range) => [
      range.start - BASE,
      range.end - BASE,
    ]);
  assert.equal(ranges(0, 6 * PAGE_SIZE), [
    [0, 4 * PAGE_SIZE],
    [5 * PAGE_SIZE, 6 * PAGE_SIZE],
  ]);
  assert.equal(ranges(10, 20), [[10, 20]]);
  assert.equal(ranges(PAGE_SIZE - 1, PAGE_SIZE + 1), [[PAGE_SIZE - 1, PAGE_SIZE + 1]]);
  assert.equal(ranges(4 * PAGE_SIZE, 5 * PAGE_SIZE), []);
  assert.equal(ranges(20, 20), []);
  assert.equal(ranges(20, 10), []);
  mm.mmput();
});

test('bounds: nothing at 0, at the end of user memory and beyond; no bytes are always readable', () => {
  const mm = new Mm(core);
  const last = TASK_SIZE - PAGE_SIZE;
  const flags = 0x32;
  mmap(mm, { addr: last, length: PAGE_SIZE, prot: 3, flags, offset: 0 });
  const rows: readonly (readonly [number | bigint, number | bigint, boolean])[] = [
    [0, 1, false],
    [0, 0, true],
    [last, PAGE_SIZE, true],
    [last - 1, 2, false],
    [last, PAGE_SIZE + 1, false],
    [TASK_SIZE - 1, 1, true],
    [TASK_SIZE, 1, false],
    [2n ** 63n, 1, false],
    [2n ** 64n - 1n, 1, false],
    [last, 2n ** 63n, false],
  ];
  for (const [addr, length, expected] of rows) {
    assert.is(isReadable(mm, addr, length, 'cpu'), expected, `${addr} ${length}`);
  }
  assert.equal(
    [...readableRanges(mm, 0, 2n ** 64n - 1n, 'mem')],
    [{ start: last, end: TASK_SIZE }],
  );
  mm.mmput();
  assert.equal([...readableRanges(mm, 0, 2n ** 64n - 1n, 'mem')], [], 'a dead memory has nothing');
  assert.is(isReadable(mm, last, 1, 'cpu'), false);
});

test('a gibibyte that was never touched is one range, found without a walk over its pages', () => {
  const mm = new Mm(core);
  mmap(mm, { addr: BASE, length: 2 ** 30, prot: 3, flags: 0x4032, offset: 0 });
  cpuLoad(mm, BASE + 2 ** 29, new Uint8Array(1));
  const state = seen(mm);
  assert.equal(
    [...readableRanges(mm, 0, TASK_SIZE, 'process_vm')],
    [{ start: BASE, end: BASE + 2 ** 30 }],
  );
  assert.is(seen(mm), state);
  mm.mmput();
});

test.run();
