import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  Machine,
  MADV_GUARD_INSTALL,
  MAP_SHARED,
  PROT_NONE,
  PROT_READ,
  type Task,
} from '../../src/index.js';

const PAGE = 4096n;
const PRESENT = 0x1n;
const RW = 0x2n;
const USER = 0x4n;
const ACCESSED = 0x20n;
const DIRTY = 0x40n;
const PROTNONE = 0x100n;
const SPECIAL = 0x200n;
const SOFT_DIRTY = 0x800n;
const NX = 1n << 63n;

const test = suite('mm/page-walk');
const machine = await Machine.create();
machine.addFile('/data', new Uint8Array(4096).fill(7));
// The files of the machine keep their pages.
readOnce('/data');
const atRest = machine.stats().framesInUse;

/** Has a task map and read a file, so that its page is cached. */
function readOnce(path: string): void {
  const task = machine.spawn();
  task.load8(
    task.mmap({ length: PAGE, prot: PROT_READ, file: task.open(path), flags: MAP_SHARED }),
  );
  task.exit();
}

/** Runs `act` with a process that is gone afterwards. */
function withTask(act: (task: Task) => void): void {
  const task = machine.spawn();
  act(task);
  task.exit();
  assert.is(machine.stats().framesInUse, atRest);
}

/** The frame number in /proc/PID/pagemap. */
function pfnOf(task: Task, addr: bigint): bigint {
  const entry = new Uint8Array(8);
  const pagemap = task.open('/proc/self/pagemap');
  pagemap.pread(entry, (addr / PAGE) * 8n);
  pagemap.close();
  return new DataView(entry.buffer).getBigUint64(0, true) & ((1n << 55n) - 1n);
}

test('a walk ends at the first table that is missing', () => {
  withTask((task) => {
    const addr = task.mmap({ length: 4n * PAGE });
    const before = task.pageWalk(addr);
    assert.equal(
      before?.levels.map(({ level, entry }) => [level, entry]),
      [['pgd', 0n]],
    );
    assert.is(before?.entry, 0n);
    assert.is(before?.page, null);
    task.store8(addr, 1);
    const next = task.pageWalk(addr + PAGE);
    assert.equal(
      next?.levels.map(({ level }) => level),
      ['pgd', 'pud', 'pmd', 'pte'],
    );
    assert.is(next?.page, null);
  });
});

test('the indices are nine bits of the address each', () => {
  withTask((task) => {
    for (const addr of [0x10000n, 0x7fff_ffff_e000n, 0x1234_5678_9000n]) {
      task.mmap({ addr, length: PAGE, flags: 0x32 });
      task.store8(addr, 1);
      const levels = task.pageWalk(addr + 4095n)?.levels ?? [];
      const built = levels.reduce((sum, { index }) => sum * 512n + BigInt(index), 0n);
      assert.is(built * PAGE, addr);
    }
  });
});

test('the bits of the entry are those of the page, and its frame is that of pagemap', () => {
  withTask((task) => {
    const addr = task.mmap({ length: 4n * PAGE });
    task.store8(addr, 1);
    task.load8(addr + PAGE);
    task.store8(addr + 2n * PAGE, 1);
    task.mprotect(addr + 2n * PAGE, PAGE, PROT_NONE);
    task.store8(addr + 3n * PAGE, 1);
    task.mprotect(addr + 3n * PAGE, PAGE, PROT_READ);
    const written = USER | ACCESSED | DIRTY | SOFT_DIRTY | NX;
    const rows = [
      ['written', PRESENT | RW | written, 'anonymous', 1],
      ['read, never written', PRESENT | USER | ACCESSED | SPECIAL | NX, 'zero', 0],
      ['PROT_NONE', PROTNONE | written, 'anonymous', 1],
      ['read only', PRESENT | written, 'anonymous', 1],
    ] as const;
    for (const [i, [name, bits, kind, mapcount]] of rows.entries()) {
      const at = addr + BigInt(i) * PAGE;
      const walk = task.pageWalk(at);
      assert.is((walk?.entry ?? 0n) & ~0xffff_f000n, bits, name);
      const frame = Number(pfnOf(task, at));
      assert.equal(walk?.page, { frame, mapcount, kind }, name);
      assert.is(Number((walk?.entry ?? 0n) & 0xffff_f000n), frame * 4096, name);
    }
  });
});

test('after a fork the tables are shared, and every count is what it is without sharing', () => {
  withTask((task) => {
    const addr = task.mmap({ length: 2n * PAGE });
    task.store(addr, new Uint8Array(8192).fill(1));
    const child = task.fork();
    for (const each of [task, child]) {
      const walk = each.pageWalk(addr);
      assert.equal([walk?.levels[3]?.sharers, walk?.page?.mapcount], [2, 2]);
      assert.is((walk?.entry ?? RW) & RW, 0n, 'write-protected');
    }
    assert.is((child.pageWalk(addr)?.entry ?? ACCESSED) & ACCESSED, 0n, 'not used by the child');
    child.store8(addr, 2);
    const [mine, its] = [task.pageWalk(addr), child.pageWalk(addr)];
    assert.is.not(mine?.page?.frame, its?.page?.frame);
    assert.equal([mine?.page?.mapcount, its?.page?.mapcount], [1, 1]);
    assert.is(task.pageWalk(addr + PAGE)?.page?.frame, child.pageWalk(addr + PAGE)?.page?.frame);
    assert.is(child.pageWalk(addr + PAGE)?.page?.mapcount, 2);
    child.exit();
    assert.is(task.pageWalk(addr + PAGE)?.page?.mapcount, 1);
  });
});

test('pages of files, guards and devices are told apart', () => {
  withTask((task) => {
    const file = task.open('/data');
    const page = task.mmap({ length: PAGE, prot: PROT_READ, file, flags: MAP_SHARED });
    task.load8(page);
    const cached = task.pageWalk(page)?.page;
    assert.equal([cached?.kind, cached?.mapcount], ['file', 1]);
    const guarded = task.mmap({ length: PAGE });
    task.madvise(guarded, PAGE, MADV_GUARD_INSTALL);
    assert.equal([task.pageWalk(guarded)?.entry, task.pageWalk(guarded)?.page], [2n, null]);
    task.munmap(page, PAGE);
    file.close();
  });
});

test('outside of user memory there is no walk, and asking changes nothing', () => {
  withTask((task) => {
    assert.is(task.pageWalk(2n ** 47n - PAGE), null);
    assert.is(task.pageWalk(2n ** 64n - 1n), null);
    const child = task.fork();
    child.exit();
    assert.is(child.pageWalk(0), null);
    assert.throws(() => task.pageWalk(1.5), RangeError);
    const addr = task.mmap({ length: 64n * PAGE });
    task.store8(addr, 1);
    const frames = machine.stats().framesInUse;
    for (let i = 0n; i < 64n; i++) task.pageWalk(addr + i * PAGE);
    assert.is(machine.stats().framesInUse, frames);
    assert.is(task.pageWalk(addr + PAGE)?.page, null);
    assert.equal(machine.check(), []);
  });
});

test.run();
