// What readyPlace() lets through without gupPage(): exactly what an access as it stands may have.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine, PROT_NONE, PROT_READ, type Task } from '../../src/index.js';

const test = suite('mm/ready');

const PAGE = 4096;
const machine = await Machine.create();
const { core } = machine.kernel;
const atRest = core.framesInUse;

/** Two pages, written to. */
function touched(task: Task): number {
  const addr = Number(task.mmap({ length: 2 * PAGE }));
  for (const at of [addr, addr + PAGE]) task.store32(at, 0x01020304);
  return addr;
}

/** Where the 8 bytes at an address are ready to be read; 0: they are not. */
function placeOf(task: Task, addr: number): number {
  return core.exports.readyPlace(task.struct.mm?.ptr ?? 0, addr, 8, false);
}

/** Whether `length` bytes at an address are ready to be read, and to be written. */
function ready(task: Task, addr: number, length = 8): string {
  const { mm } = task.struct;
  if (mm === null) throw new TypeError('no memory');
  return [false, true]
    .filter((write) => core.exports.readyPlace(mm.ptr, addr, length, write) !== 0)
    .map((write) => (write ? 'w' : 'r'))
    .join('');
}

const children: Task[] = [];

const ROWS: [name: string, prepare: (task: Task) => number, length: number, expected: string][] = [
  ['a page that was written', touched, 8, 'rw'],
  ['a whole page', touched, PAGE, 'rw'],
  ['the last bytes of a page', (task) => touched(task) + PAGE - 8, 8, 'rw'],
  ['bytes of two pages', (task) => touched(task) + PAGE - 7, 8, ''],
  ['more than a page', touched, PAGE + 1, ''],
  ['a page never touched', (task) => Number(task.mmap({ length: PAGE })), 8, ''],
  ['the byte after a mapping', (task) => touched(task) + 2 * PAGE, 1, ''],
  ['the byte before a mapping', (task) => touched(task) - 1, 1, ''],
  ['no user address', () => 2 ** 62, 8, ''],
  [
    'a page that was only read',
    (task) => {
      const addr = Number(task.mmap({ length: PAGE }));
      task.load8(addr);
      return addr;
    },
    8,
    'r',
  ],
  [
    'a page made read-only, which force could write',
    (task) => {
      const addr = touched(task);
      task.mprotect(addr, PAGE, PROT_READ);
      return addr;
    },
    8,
    'r',
  ],
  [
    'a page without access, which force could read',
    (task) => {
      const addr = touched(task);
      task.mprotect(addr, PAGE, PROT_NONE);
      return addr;
    },
    8,
    '',
  ],
  [
    'a page whose table a child shares',
    (task) => {
      const addr = touched(task);
      children.push(task.fork());
      return addr;
    },
    8,
    'r',
  ],
];

for (const [name, prepare, length, expected] of ROWS) {
  test(`${name}: ${expected === '' ? 'not ready' : `ready for ${expected}`}`, () => {
    const task = machine.spawn();
    const addr = prepare(task);
    assert.is(ready(task, addr, length), expected);
    for (const child of children.splice(0)) child.exit(0);
    task.exit(0);
  });
}

test('a child’s pages are not its parent’s, whichever was looked at last', () => {
  const parent = machine.spawn();
  const addr = touched(parent);
  const child = parent.fork();
  const mems = [parent, child].map((task) => parent.open(`/proc/${task.pid}/mem`, 'r+'));
  const value = (i: number): number => {
    const bytes = new Uint8Array(4);
    mems[i]?.pread(bytes, addr);
    return new DataView(bytes.buffer).getUint32(0, true);
  };
  assert.equal([value(0), value(1)], [0x01020304, 0x01020304]);
  mems[1]?.pwrite(Uint8Array.of(9, 9, 9, 9), addr);
  assert.equal([value(0), value(1)], [0x01020304, 0x09090909]);
  mems[0]?.pwrite(Uint8Array.of(7), addr);
  assert.equal([value(0), value(1)], [0x01020307, 0x09090909]);
  child.exit(0);
  parent.exit(0);
});

test('process_vm pins no page that a fork shares: the one it reads becomes its own (gup_must_unshare)', () => {
  const parent = machine.spawn();
  const addr = touched(parent);
  const into = touched(parent);
  const child = parent.fork();
  assert.is(placeOf(child, addr), placeOf(parent, addr));
  assert.is(parent.processVmCopy(child, addr, into, 8), 8);
  assert.is.not(placeOf(child, addr), placeOf(parent, addr));
  assert.is(parent.load32(into), 0x01020304);
  // Its own already: nothing more is copied.
  const [place, frames] = [placeOf(child, addr), core.framesInUse];
  assert.is(parent.processVmCopy(child, addr, into, 8), 8);
  assert.equal([placeOf(child, addr), core.framesInUse], [place, frames]);
  child.exit(0);
  parent.exit(0);
});

test('process_vm pins a whole segment before a fault of the caller copies a page that both share (K-215)', () => {
  const parent = machine.spawn();
  const from = touched(parent);
  const child = parent.fork();
  child.store32(from, 5);
  // The caller's store copies the page that is read next; the child's was to be copied before.
  const before = placeOf(child, from + PAGE);
  assert.is(parent.processVmCopy(child, from, from + PAGE, 2 * PAGE), PAGE);
  assert.is.not(placeOf(child, from + PAGE), before);
  assert.is(parent.load32(from + PAGE), 5);
  child.exit(0);
  parent.exit(0);
});

test('what is written through a ready page after a checkpoint is undone', () => {
  const task = machine.spawn();
  const addr = touched(task);
  const mem = task.open('/proc/self/mem', 'r+');
  mem.pwrite(Uint8Array.of(5), addr);
  const checkpoint = machine.checkpoint();
  assert.is(ready(task, addr), 'rw');
  mem.pwrite(new Uint8Array(PAGE).fill(6), addr);
  assert.is(task.load8(addr), 6);
  checkpoint.restore();
  assert.is(task.load32(addr), 0x01020305);
  checkpoint.dispose();
  task.exit(0);
});

test('a page of every length reads as the CPU sees it, from every place in it', () => {
  const task = machine.spawn();
  const addr = touched(task);
  const pattern = Uint8Array.from({ length: PAGE }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  task.store(addr, pattern);
  const mem = task.open('/proc/self/mem', 'r+');
  const lengths = [1, 7, 8, 9, 24, 25, 64, 2047, 2048, 2049, PAGE];
  for (const length of [...lengths, ...lengths]) {
    for (const offset of [0, 1, 4, 8, 12, PAGE - length]) {
      if (offset < 0 || offset + length > PAGE) continue;
      const into = new Uint8Array(length);
      assert.is(mem.pread(into, addr + offset), length);
      assert.equal(into, pattern.subarray(offset, offset + length), `${length} at ${offset}`);
      const from = into.map((byte) => byte ^ 0xff);
      assert.is(mem.pwrite(from, addr + offset), length);
      assert.equal(task.load(addr, PAGE).subarray(offset, offset + length), from);
      assert.is(mem.pwrite(into, addr + offset), length);
    }
  }
  assert.equal(task.load(addr, PAGE), pattern);
  task.exit(0);
});

test('every frame comes back', () => {
  assert.is(core.framesInUse, atRest);
});

test.run();
