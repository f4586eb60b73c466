// A kernel with CONFIG_MEM_SOFT_DIRTY; the rules are those of Documentation/admin-guide/mm/soft-dirty.rst,
// fs/proc/task_mmu.c and mm/mremap.c.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';

const test = suite('procfs/soft-dirty');
const PAGE = 4096;
const AT = 0x100000000000;
const AWAY = 0x100001000000;
const ANON = 0x32;
const SOFT_DIRTY = 1n << 55n;

const machine = await Machine.create({ profile: { softDirty: true } });

function spawn(pages = 4, prot = 3): Task {
  const task = machine.spawn();
  task.mmap({ addr: AT, length: pages * PAGE, prot, flags: ANON });
  return task;
}

/** Bit 55 of each page, as digits. */
function dirty(task: Task, addr = AT, pages = 4): string {
  const entries = new BigUint64Array(pages);
  const file = task.open('/proc/self/pagemap');
  file.pread(new Uint8Array(entries.buffer), (addr / PAGE) * 8);
  file.close();
  return Array.from(entries, (entry) => ((entry & SOFT_DIRTY) === 0n ? 0 : 1)).join('');
}

function clear(task: Task, type = '4\n'): void {
  const file = task.open('/proc/self/clear_refs', 'w');
  file.write(new TextEncoder().encode(type));
  file.close();
}

/** VmFlags of the mapping at an address. */
function flags(task: Task, addr = AT): string {
  const smaps = task.readText('/proc/self/smaps');
  const from = smaps.indexOf(`${addr.toString(16)}-`);
  return /VmFlags: (.*)/.exec(smaps.slice(from))?.[1] ?? '';
}

test('a new mapping counts as written, until the bits are cleared', () => {
  const task = spawn();
  assert.is(dirty(task), '1111');
  assert.is(flags(task), 'rd wr mr mw me ac sd ');
  clear(task);
  assert.is(dirty(task), '0000');
  assert.is(flags(task), 'rd wr mr mw me ac ');
  task.exit();
});

test('a page is marked by the first write after a clear, not by a read', () => {
  const task = spawn();
  task.store8(AT, 1);
  task.store8(AT + PAGE, 1);
  clear(task);
  task.load8(AT);
  task.load8(AT + 2 * PAGE);
  assert.is(dirty(task), '0000');
  task.store8(AT + PAGE, 2);
  task.store8(AT + 3 * PAGE, 2);
  assert.is(dirty(task), '0101');
  assert.is(task.load8(AT), 1);
  clear(task);
  assert.is(dirty(task), '0000');
  task.store8(AT + PAGE, 3);
  assert.is(dirty(task), '0100');
  task.exit();
});

/** Ways to write the second page of a task, from inside and outside. */
const writes: readonly (readonly [string, (task: Task, other: Task) => void])[] = [
  [
    'mem',
    (task, other) => other.open(`/proc/${task.pid}/mem`, 'r+').pwrite(new Uint8Array(1), AT + PAGE),
  ],
  ['process_vm_writev', (task, other) => other.processVmWrite(task, AT + PAGE, new Uint8Array(1))],
  ['the kernel', (task) => task.syscall('pipe', AT + PAGE)],
  [
    'a write after a fork',
    (task) => {
      const child = task.fork();
      task.store8(AT + PAGE, 1);
      child.exit();
    },
  ],
];
for (const [name, write] of writes) {
  test(`a write is seen whoever makes it: ${name}`, () => {
    const task = spawn();
    const other = machine.spawn();
    for (let i = 0; i < 4; i++) task.store8(AT + i * PAGE, 1);
    clear(task);
    write(task, other);
    assert.is(dirty(task), '0100');
    assert.equal(machine.check(), []);
    task.exit();
    other.exit();
  });
}

test('forced writes to memory that is not writable are seen, time and again', () => {
  const task = spawn(4, 1);
  const other = machine.spawn();
  const mem = other.open(`/proc/${task.pid}/mem`, 'r+');
  for (let round = 1; round < 4; round++) {
    mem.pwrite(Uint8Array.of(round), AT + PAGE);
    clear(task);
    assert.is(dirty(task), '0000');
    mem.pwrite(Uint8Array.of(round + 1), AT + PAGE);
    assert.is(dirty(task), '0100');
    assert.is(task.load8(AT + PAGE), round + 1);
  }
  task.exit();
  other.exit();
});

test('mprotect keeps the bits, and gives no write past them', () => {
  const task = spawn();
  for (let i = 0; i < 4; i++) task.store8(AT + i * PAGE, 1);
  clear(task);
  task.store8(AT, 2);
  task.mprotect(AT, 4 * PAGE, 1);
  task.mprotect(AT, 4 * PAGE, 3);
  assert.is(dirty(task), '1000');
  task.store8(AT + 2 * PAGE, 3);
  assert.is(dirty(task), '1010');
  task.exit();
});

test('shared memory and memory of files are tracked by each who maps them', () => {
  const task = spawn();
  const shared = task.mmap({ addr: AWAY, length: 4 * PAGE, flags: 0x31 });
  for (let i = 0; i < 4; i++) task.store8(AWAY + i * PAGE, 1);
  const child = task.fork();
  clear(task);
  clear(child);
  task.load8(AWAY);
  child.store8(AWAY + PAGE, 2);
  assert.is(dirty(task, AWAY), '0000');
  assert.is(dirty(child, AWAY), '0100');
  task.store8(AWAY + 2 * PAGE, 2);
  assert.is(dirty(task, AWAY), '0010');
  assert.is(Number(shared), AWAY);
  child.exit();
  task.exit();
});

test('a child has its parent’s bits', () => {
  const task = spawn();
  for (let i = 0; i < 4; i++) task.store8(AT + i * PAGE, 1);
  clear(task);
  task.store8(AT + PAGE, 2);
  const child = task.fork();
  assert.is(dirty(child), '0100');
  assert.is(flags(child), 'rd wr mr mw me ac ');
  child.store8(AT, 1);
  assert.is(dirty(child), '1100');
  assert.is(dirty(task), '0100');
  child.exit();
  task.exit();
});

test('what mremap moves counts as written, what it adds does not', () => {
  const task = spawn();
  task.store8(AT, 1);
  task.store8(AT + PAGE, 1);
  clear(task);
  task.mremap(AT, 4 * PAGE, 4 * PAGE, 3, AWAY);
  assert.is(dirty(task, AWAY), '1100');
  clear(task);
  task.mremap(AWAY, 4 * PAGE, 8 * PAGE);
  assert.is(dirty(task, AWAY, 8), '00000000');
  task.exit();
});

test('a mapping that merges with an old one makes all of it count as written', () => {
  const task = spawn();
  for (let i = 0; i < 4; i++) task.store8(AT + i * PAGE, 1);
  clear(task);
  task.munmap(AT + PAGE, PAGE);
  task.mmap({ addr: AT + PAGE, length: PAGE, flags: ANON });
  assert.is(dirty(task), '1111');
  clear(task);
  assert.is(dirty(task), '0000');
  task.exit();
});

test('a split keeps the mark on both sides', () => {
  const task = spawn();
  task.mprotect(AT, 2 * PAGE, 1);
  assert.is(dirty(task), '1111');
  assert.is(flags(task), 'rd mr mw me sd ');
  assert.is(flags(task, AT + 2 * PAGE), 'rd wr mr mw me ac sd ');
  task.exit();
});

test('PAGEMAP_SCAN tells what entries say, not the mark of a mapping', () => {
  const task = spawn();
  const scan = (): number => {
    const arg = AWAY;
    const words = [96, 0, AT, AT + 4 * PAGE, 0, AWAY + PAGE, 10, 0, 0, 0x80, 0, 0x80].map(BigInt);
    task.store(arg, new Uint8Array(new BigUint64Array(words).buffer));
    const fd = Number(task.syscall('openat', -100, AWAY + 2 * PAGE, 0));
    const ranges = Number(task.syscall('ioctl', fd, 0xc0606610, arg));
    task.syscall('close', fd);
    return ranges === 1 ? Number(task.load64(AWAY + PAGE)) : -ranges;
  };
  task.mmap({ addr: AWAY, length: 4 * PAGE, flags: ANON });
  task.store(AWAY + 2 * PAGE, new TextEncoder().encode('/proc/self/pagemap\0'));
  assert.is(scan(), -0);
  task.store8(AT + 2 * PAGE, 1);
  assert.is(scan(), AT + 2 * PAGE);
  clear(task);
  assert.is(scan(), -0);
  task.store8(AT + 3 * PAGE, 1);
  assert.is(scan(), AT + 3 * PAGE);
  task.exit();
});

test('the reference kernel has none of it', async () => {
  const plain = await Machine.create();
  const task = plain.spawn();
  task.mmap({ addr: AT, length: 4 * PAGE, flags: ANON });
  task.store8(AT, 1);
  clear(task);
  assert.is(dirty(task), '0000');
  assert.is(flags(task), 'rd wr mr mw me ac ');
});

/** Steps on eight pages of one task; a model keeps which pages must be marked. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('write'), page: fc.nat(7) }),
  fc.record({ kind: fc.constant('read'), page: fc.nat(7) }),
  fc.record({ kind: fc.constant('clear'), page: fc.constant(0) }),
  fc.record({ kind: fc.constant('protect'), page: fc.nat(7) }),
  fc.record({ kind: fc.constant('fork'), page: fc.nat(7) }),
  fc.record({ kind: fc.constant('force'), page: fc.nat(7) }),
  fc.record({ kind: fc.constant('drop'), page: fc.nat(7) }),
);
test('in any order the bits are those of a model', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const task = spawn(8);
      const mem = task.open('/proc/self/mem', 'r+');
      clear(task);
      const marked = Array<number>(8).fill(0);
      for (const { kind, page } of steps) {
        const addr = AT + page * PAGE;
        if (kind === 'read') task.load8(addr);
        else if (kind === 'clear') {
          clear(task);
          marked.fill(0);
        } else if (kind === 'protect') {
          task.mprotect(AT, 8 * PAGE, 1);
          task.mprotect(AT, 8 * PAGE, 3);
        } else if (kind === 'fork') task.fork().exit();
        else if (kind === 'drop') {
          task.madvise(addr, PAGE, 4);
          marked[page] = 0;
        } else {
          if (kind === 'write') task.store8(addr, 1);
          else mem.pwrite(Uint8Array.of(1), addr);
          marked[page] = 1;
        }
        assert.is(dirty(task, AT, 8), marked.join(''));
      }
      assert.equal(machine.check(), []);
      task.exit();
    }),
    { numRuns: 100 },
  );
});

test.run();
