import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { MADV_DONTNEED } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { accessRemoteVm } from '../../src/mm/access.js';
import { checkMemory } from '../../src/mm/check.js';
import { store } from '../../src/mm/cpu.js';
import { Hart } from '../../src/mm/hart.js';
import { madvise } from '../../src/mm/madvise.js';
import { Mm } from '../../src/mm/mm.js';
import { munmap } from '../../src/mm/mmap.js';
import { mprotect } from '../../src/mm/mprotect.js';
import { PageCache } from '../../src/mm/page-cache.js';
import { processVmPair } from '../../src/mm/process-vm.js';
import { copyToUser } from '../../src/mm/user.js';
import { Core } from '../../src/wasm/core.js';
import { BASE, mapAnon, mapFile, TestFile } from '../mm/fixture.js';
import { assemble, CODE, DATA, EBREAK, RWX, tell } from './hart-fixture.js';
import { iType, jType, sType } from './snippet.js';

const test = suite('mm/code');
const core = await Core.create();
const atRest = core.framesInUse;
const P = PAGE_SIZE;

/** A program that answers a number. */
const answer = (value: number): Uint8Array => assemble([iType(0x13, 0, 10, 0, value), EBREAK]);
const OLD = answer(1);
const NEW = answer(2);

interface Scene {
  readonly mm: Mm;
  readonly file: TestFile;
}

/** Runs what lies at CODE; the answer, or how it ended otherwise. */
function ask(mm: Mm): string {
  const hart = new Hart();
  hart.pc = BigInt(CODE);
  hart.setX(10, 99n);
  const stop = hart.run(mm, 100);
  return stop.reason === 'ebreak' ? String(hart.x(10)) : tell(stop);
}

/** Every way to change what code lies at an address, and what must run then. */
const ANONYMOUS: [name: string, change: (mm: Mm) => void, told: string][] = [
  [
    'a store by the CPU',
    (mm) => store(mm, CODE, 4, NEW[0]! | (NEW[1]! << 8) | (NEW[2]! << 16)),
    '2',
  ],
  ['copy_to_user', (mm) => copyToUser(mm, CODE, NEW), '2'],
  ['/proc/PID/mem', (mm) => accessRemoteVm(mm, CODE, NEW, FOLL_WRITE | FOLL_FORCE), '2'],
  [
    '/proc/PID/mem on a page that may not be written',
    (mm) => {
      mprotect(mm, CODE, P, 5);
      assert.is(ask(mm), '1');
      accessRemoteVm(mm, CODE, NEW, FOLL_WRITE | FOLL_FORCE);
    },
    '2',
  ],
  [
    'process_vm_writev',
    (mm) => {
      const other = new Mm(core);
      mapAnon(other, 0, 1, 3);
      copyToUser(other, BASE, NEW);
      processVmPair(mm, CODE, NEW.length, other, BASE, NEW.length, true, 0, false);
      other.mmput();
    },
    '2',
  ],
  ['munmap', (mm) => munmap(mm, CODE, P), 'SIGSEGV SEGV_MAPERR +0x0'],
  ['mprotect to rw-', (mm) => mprotect(mm, CODE, P, 3), 'SIGSEGV SEGV_ACCERR +0x0'],
  ['mprotect to r-x', (mm) => mprotect(mm, CODE, P, 5), '1'],
  ['MADV_DONTNEED', (mm) => madvise(mm, CODE, P, MADV_DONTNEED), 'illegal'],
  [
    'another mapping on top',
    (mm) => {
      mapAnon(mm, 0, 1, RWX);
      copyToUser(mm, CODE, NEW);
    },
    '2',
  ],
];

for (const [name, change, told] of ANONYMOUS) {
  test(`code in anonymous memory is seen changed by ${name}`, () => {
    const mm = new Mm(core);
    mapAnon(mm, 0, 1, RWX);
    copyToUser(mm, CODE, OLD);
    assert.is(ask(mm), '1');
    change(mm);
    assert.is(ask(mm), told);
    assert.equal(checkMemory(core), []);
    mm.mmput();
  });
}

const SHARED: [name: string, change: (scene: Scene) => void, told: string][] = [
  ['write() to the file', ({ file }) => file.pages.write(0, NEW), '2'],
  [
    'a store to another mapping of the page',
    ({ mm, file }) => {
      mapFile(mm, 16, 1, 3, file, true);
      copyToUser(mm, DATA, NEW);
    },
    '2',
  ],
  [
    'a store in another process',
    ({ file }) => {
      const other = new Mm(core);
      mapFile(other, 0, 1, 3, file, true);
      copyToUser(other, BASE, NEW);
      other.mmput();
    },
    '2',
  ],
  ['ftruncate', ({ file }) => file.pages.resize(0), 'SIGBUS BUS_ADRERR +0x0'],
  ['ftruncate in the middle of the page', ({ file }) => file.pages.resize(4), 'illegal'],
  ['a hole punched', ({ file }) => file.punchHole(0, P), 'illegal'],
];

for (const [name, change, told] of SHARED) {
  test(`code of a shared file is seen changed by ${name}`, () => {
    const mm = new Mm(core);
    const file = TestFile.memory(core, P);
    file.pages.write(0, OLD);
    mapFile(mm, 0, 1, 5, file, true);
    assert.is(ask(mm), '1');
    change({ mm, file });
    assert.is(ask(mm), told);
    assert.equal(checkMemory(core), []);
    mm.mmput();
    file.put();
  });
}

test('code of a file of the host is loaded when it is fetched', () => {
  const mm = new Mm(core);
  let asked = 0;
  const fill = (_: number, page: Uint8Array): void => {
    asked += 1;
    page.set(OLD);
  };
  const file = new TestFile(new PageCache(core, { kind: 'host', fill }));
  file.pages.resize(P);
  mapFile(mm, 0, 1, 5, file, false);
  assert.is(ask(mm), '1');
  assert.is(asked, 1);
  mm.mmput();
  file.put();
});

test('after a fork each side runs its own code', () => {
  const parent = new Mm(core);
  mapAnon(parent, 0, 1, RWX);
  copyToUser(parent, CODE, OLD);
  assert.is(ask(parent), '1');
  const child = new Mm(core);
  child.copyFrom(parent);
  assert.is(ask(child), '1');
  copyToUser(child, CODE, NEW);
  assert.equal([ask(parent), ask(child)], ['1', '2']);
  copyToUser(parent, CODE, answer(3));
  assert.equal([ask(parent), ask(child)], ['3', '2']);
  for (const mm of [parent, child]) mm.mmput();
});

test('a store is seen by the very next instruction, in its own page and with stores known before', () => {
  const mm = new Mm(core);
  mapAnon(mm, 0, 2, RWX);
  // Stores x11 over the instruction behind it; the second time the page is known to stores already.
  const code = [
    sType(0x23, 2, 12, 11, 8),
    iType(0x13, 0, 0, 0, 0),
    iType(0x13, 0, 10, 0, 1),
    EBREAK,
  ];
  copyToUser(mm, CODE, assemble(code));
  for (const value of [5, 6, 7]) {
    const hart = new Hart();
    hart.pc = BigInt(CODE);
    hart.setX(11, BigInt(iType(0x13, 0, 10, 0, value)));
    hart.setX(12, BigInt(CODE));
    assert.is(tell(hart.run(mm, 100)), 'ebreak');
    assert.is(hart.x(10), BigInt(value));
  }
  mm.mmput();
});

test('more code than the cache has blocks for runs, and is decoded again', () => {
  const PAGES = 1000;
  const mm = new Mm(core);
  mapAnon(mm, 0, PAGES, RWX);
  for (let i = 0; i < PAGES; i++) {
    const next = i + 1 < PAGES ? jType(0, P - 4) : EBREAK;
    copyToUser(mm, CODE + i * P, assemble([iType(0x13, 0, 10, 10, 1), next]));
  }
  for (let round = 0; round < 2; round++) {
    const hart = new Hart();
    hart.pc = BigInt(CODE);
    assert.is(tell(hart.run(mm, 1e6)), 'ebreak');
    assert.is(hart.x(10), BigInt(PAGES));
  }
  assert.ok(core.exports.decodedPages() < PAGES);
  mm.mmput();
});

test('decoded code gives way when frames run out', async () => {
  const small = await Core.create({ memory: 4 * 2 ** 20 });
  const mm = new Mm(small);
  mapAnon(mm, 0, 1, RWX);
  copyToUser(mm, CODE, OLD);
  assert.is(ask(mm), '1');
  assert.is(small.exports.decodedPages(), 1);
  mapAnon(mm, 16, 2000, 3);
  let touched = 0;
  while (store(mm, DATA + touched * P, 1, 1)) touched += 1;
  assert.is(small.exports.decodedPages(), 0);
  munmap(mm, DATA, 2000 * P);
  assert.is(ask(mm), '1');
  mm.mmput();
});

test('a freed page takes its code along', () => {
  core.exports.dropCode();
  const mm = new Mm(core);
  mapAnon(mm, 0, 1, RWX);
  copyToUser(mm, CODE, OLD);
  ask(mm);
  assert.is(core.exports.decodedPages(), 1);
  mm.mmput();
  assert.is(core.exports.decodedPages(), 0);
  assert.is(core.framesInUse, atRest);
});

test('pages are decoded anew in memory that others have used: what lay there is no code', async () => {
  const small = await Core.create({ memory: 2 ** 23 });
  const mm = new Mm(small);
  const rest = small.framesInUse;
  for (let round = 0; round < 3; round++) {
    // All of memory is 0xff once; the blocks of the round before have gone for it.
    const pages = 1024;
    mapAnon(mm, 64, pages, 3);
    const full = new Uint8Array(P).fill(0xff);
    for (let i = 0; i < pages; i++) copyToUser(mm, BASE + (64 + i) * P, full);
    munmap(mm, BASE + 64 * P, pages * P);
    mapAnon(mm, 0, 40, RWX);
    for (let i = 0; i < 40; i++) {
      const at = BASE + i * P + 4 * i;
      copyToUser(mm, at, answer(i));
      const hart = new Hart();
      hart.pc = BigInt(at);
      assert.is(hart.run(mm, 100).reason, 'ebreak', `round ${round}, page ${i}`);
      assert.is(hart.x(10), BigInt(i));
    }
    assert.is(small.exports.decodedPages(), 40);
    munmap(mm, BASE, 40 * P);
    assert.is(small.exports.decodedPages(), 0);
  }
  small.exports.dropCode();
  assert.ok(small.framesInUse <= rest + 8, 'page tables at most are left');
  mm.mmput();
});

test.run();
