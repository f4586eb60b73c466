import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_EXEC,
  PROT_READ,
} from '../../assembly/abi/mman.js';
import { PageFault } from '../../src/api/page-fault.js';
import type { WatchEvent, WatchOn, WatchOptions } from '../../src/api/task-hooks.js';
import type { Task } from '../../src/api/task.js';
import { LinuxError } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { pageStretches } from '../../src/mm/watch.js';

const test = suite('api/task-hooks');

const PAGE = 4096;
const machine = await Machine.create();
machine.addFile('/program', Uint8Array.of(1), 0o755);
machine.addFile('/text', new TextEncoder().encode('original'));
const core = machine.kernel.core;
machine.spawn().exit();
const atRest = core.framesInUse;
const FIXED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

const isFault = (error: unknown): boolean => error instanceof PageFault;

/** A task with some pages, and a list of what its watches told. */
function watched(pages = 2): { task: Task; addr: number; told: string[] } {
  const task = machine.spawn({ comm: 'watched' });
  return { task, addr: Number(task.mmap({ length: pages * PAGE })), told: [] };
}

/** Notes each hit as kind, place, bytes before and after. */
function note(told: string[], addr: number): (event: WatchEvent) => void {
  return ({ kind, address, before, after }) =>
    void told.push(`${kind} ${Number(address) - addr}: ${before.join()} > ${after.join()}`);
}

const BORDERS: [
  name: string,
  at: number,
  size: number,
  hit: [first: number, count: number] | null,
][] = [
  ['ends before it', 92, 8, null],
  ['touches its first byte', 93, 8, [100, 1]],
  ['covers it', 98, 8, [100, 4]],
  ['is it', 100, 4, [100, 4]],
  ['lies in it', 101, 2, [101, 2]],
  ['touches its last byte', 103, 8, [103, 1]],
  ['starts behind it', 104, 8, null],
];

for (const [name, at, size, hit] of BORDERS) {
  test(`a store that ${name} is told of by the bytes it touches`, () => {
    const { task, addr } = watched();
    const events: WatchEvent[] = [];
    task.watch({ start: addr + 100, length: 4, on: 'write', hit: (event) => events.push(event) });
    task.store(addr + at, new Uint8Array(size).fill(9));
    const seen = events.map(({ address, length }) => [Number(address) - addr, length]);
    assert.equal(seen, hit === null ? [] : [hit]);
    for (const { before, after, by, task: who } of events) {
      assert.ok(before.every((byte) => byte === 0) && after.every((byte) => byte === 9));
      assert.equal([by, who], ['cpu', task]);
    }
    task.exit();
  });
}

const KINDS: [on: WatchOn, told: string[]][] = [
  ['read', ['read 0: 5 > 5']],
  ['write', ['write 0: 0 > 5']],
  ['access', ['write 0: 0 > 5', 'read 0: 5 > 5']],
  ['execute', ['execute 0: 5 > 5']],
];

for (const [on, expected] of KINDS) {
  test(`on: '${on}' tells of ${expected.join(' and ')}`, () => {
    const task = machine.spawn();
    const addr = Number(task.mmap({ length: PAGE, prot: 7 }));
    const told: string[] = [];
    task.watch({ start: addr, length: 1, on, hit: note(told, addr) });
    task.store8(addr, 5);
    task.load8(addr);
    assert.equal(task.fetch(addr, 1), Uint8Array.of(5));
    assert.equal(told, expected);
    task.exit();
  });
}

test('a fetch needs an executable mapping, and says where there is none', () => {
  const task = machine.spawn();
  const addr = 0x10000000;
  task.mmap({ addr, length: 2 * PAGE, prot: PROT_READ | PROT_EXEC, flags: FIXED });
  task.mprotect(addr + PAGE, PAGE, PROT_READ);
  const into = new Uint8Array(8).fill(1);
  const fails = (at: number, code: string, address: number): void => {
    assert.throws(
      () => task.fetch(at, into),
      (error: unknown) =>
        error instanceof PageFault && error.code === code && error.address === BigInt(address),
    );
  };
  fails(addr + PAGE - 4, 'SEGV_ACCERR', addr + PAGE);
  assert.equal(into, Uint8Array.of(0, 0, 0, 0, 1, 1, 1, 1));
  task.mprotect(addr + PAGE, PAGE, PROT_READ | PROT_EXEC);
  fails(addr + 2 * PAGE - 4, 'SEGV_MAPERR', addr + 2 * PAGE);
  task.exit();
});

test('a page that the TLB held is caught from the moment it is watched, its neighbours go on', () => {
  const { task, addr, told } = watched(4);
  for (let page = 0; page < 4; page++) task.store8(addr + page * PAGE, page);
  const watch = task.watch({ start: addr + PAGE, length: 1, on: 'access', hit: note(told, addr) });
  for (let round = 0; round < 3; round++) {
    for (let page = 0; page < 4; page++) {
      assert.is(task.load8(addr + page * PAGE), page);
      task.store8(addr + page * PAGE, page);
      assert.equal(machine.check(), []);
    }
  }
  assert.is(told.length, 6);
  watch.remove();
  assert.is(task.load8(addr + PAGE), 1);
  assert.is(told.length, 6);
  task.exit();
});

test('nothing need be mapped, and the watch is by address whatever becomes of the mapping', () => {
  const task = machine.spawn();
  const [addr, elsewhere] = [0x10000000, 0x20000000];
  const told: string[] = [];
  task.watch({ start: addr, length: 1, on: 'write', hit: note(told, addr) });
  assert.throws(() => task.store8(addr, 1), isFault);
  task.mmap({ addr, length: PAGE, flags: FIXED });
  task.store8(addr, 1);
  task.mprotect(addr, PAGE, PROT_READ);
  assert.throws(() => task.store8(addr, 2), isFault);
  task.mprotect(addr, PAGE, 3);
  task.store8(addr, 2);
  // MREMAP_MAYMOVE | MREMAP_FIXED: the bytes go, the watch stays.
  task.mremap(addr, PAGE, PAGE, 3, elsewhere);
  task.store8(elsewhere, 3);
  task.mmap({ addr, length: PAGE, flags: FIXED });
  task.store8(addr, 4);
  assert.equal(told, ['write 0: 0 > 1', 'write 0: 1 > 2', 'write 0: 0 > 4']);
  task.exit();
});

test('what is not done is not told of: a store across into nothing, a copy cut short', () => {
  const { task, addr, told } = watched(2);
  const end = addr + PAGE;
  task.munmap(end, PAGE);
  task.watch({ start: end - 4, length: 8, on: 'write', hit: note(told, end) });
  assert.throws(() => task.store64(end - 4, -1n), isFault);
  assert.is(task.load32(end - 4), 0);
  assert.equal(told, []);
  assert.throws(() => task.store(end - 2, Uint8Array.of(1, 2, 3)), isFault);
  assert.equal(told, ['write -2: 0,0 > 1,2']);
  task.exit();
});

test('threads share a watch, a forked child has none, and exec ends it', () => {
  const { task, addr, told } = watched();
  const who: (number | undefined)[] = [];
  const hit = (event: WatchEvent): void => {
    who.push(event.task?.tid);
    note(told, addr)(event);
  };
  const watch = task.watch({ start: addr, length: 1, on: 'write', hit });
  const thread = task.thread();
  thread.store8(addr, 1);
  const child = task.fork();
  child.store8(addr, 7);
  task.store8(addr, 2);
  assert.equal(who, [thread.tid, task.tid]);
  assert.equal(told, ['write 0: 0 > 1', 'write 0: 1 > 2']);
  assert.is(watch.active, true);
  task.exec('/program');
  assert.is(watch.active, false);
  watch.remove();
  assert.is(core.watches, 0);
  for (const one of [child, task]) one.exit();
});

test('memory written through another address or by another task’s mapping is not told of', () => {
  const { task, told } = watched();
  const file = task.memfdCreate('shared');
  file.write(new Uint8Array(PAGE));
  const [one, two] = [1, 2].map(() => Number(task.mmap({ length: PAGE, file, flags: MAP_SHARED })));
  assert.ok(one !== undefined && two !== undefined);
  task.watch({ start: one, length: 1, on: 'write', hit: note(told, one) });
  task.store8(two, 1);
  file.pwrite(Uint8Array.of(2), 0);
  task.fork().store8(one, 3);
  assert.equal(told, []);
  task.store8(one, 4);
  assert.equal(told, ['write 0: 3 > 4']);
  for (const each of machine.tasks()) if (each.comm === 'watched') each.exit();
});

test('a forced write to a read-only page of a file tells of the copy', () => {
  const task = machine.spawn();
  const addr = Number(task.mmap({ length: PAGE, prot: PROT_READ, file: task.open('/text') }));
  const told: string[] = [];
  task.watch({ start: addr + 1, length: 2, on: 'write', hit: note(told, addr) });
  task.open('/proc/self/mem', 'r+').pwrite(Uint8Array.of(1, 2, 3), addr);
  assert.equal(told, ['write 1: 114,105 > 2,3']);
  assert.is(task.readText('/text'), 'original');
  task.exit();
});

test('a stack grows by a watched access as by any other', () => {
  const task = machine.spawn();
  const flags = FIXED | 0x100;
  task.mmap({ addr: 0x30000000, length: PAGE, flags });
  const told: string[] = [];
  task.watch({ start: 0x30000000 - 8, length: 8, on: 'write', hit: note(told, 0x30000000) });
  task.store16(0x30000000 - 4, 0x201);
  assert.equal(told, ['write -4: 0,0 > 1,2']);
  task.exit();
});

test('a call that reaches a range in pieces tells of it once', () => {
  const { task, addr } = watched(5);
  const reader = machine.spawn();
  const mem = reader.open(`/proc/${task.pid}/mem`);
  const into = reader.mmap({ length: 5 * PAGE });
  const events: WatchEvent[] = [];
  task.watch({ start: addr + 1, length: 4 * PAGE, on: 'read', hit: (event) => events.push(event) });
  reader.syscall('pread64', mem.fd, into, 5 * PAGE, addr);
  reader.processVmCopy(task, addr, into + 7n, 4 * PAGE);
  const seen = events.map(({ by, address, length }) => [by, Number(address) - addr, length]);
  assert.equal(seen, [
    ['mem', 1, 4 * PAGE],
    ['process_vm', 1, 4 * PAGE - 1],
  ]);
  for (const one of [task, reader]) one.exit();
});

test('more watches than the core has room for are all exact', () => {
  const count = 300;
  const { task, addr, told } = watched(2 * count);
  for (let i = 0; i < count; i++) {
    const start = addr + 2 * i * PAGE + (i % PAGE);
    task.watch({ start, length: 1, on: 'write', hit: note(told, start) });
  }
  for (let i = 0; i < 2 * count; i++) task.store8(addr + i * PAGE + (Math.floor(i / 2) % PAGE), 1);
  assert.is(told.length, count);
  assert.equal(machine.check(), []);
  task.exit();
});

test('pages are joined where they touch, and the closest where there are too many', () => {
  const range = (start: number, end: number) => ({ start, end, kinds: 1, hit: () => undefined });
  const ranges = [range(0x5fff, 0x6001), range(0x1000, 0x1001), range(0x3000, 0x4000)];
  const all = [
    { start: 0x1000, end: 0x2000 },
    { start: 0x3000, end: 0x4000 },
    { start: 0x5000, end: 0x7000 },
  ];
  assert.equal(pageStretches(ranges), all);
  assert.equal(pageStretches([...ranges, range(0x2000, 0x2fff)]), [
    { start: 0x1000, end: 0x4000 },
    { start: 0x5000, end: 0x7000 },
  ]);
  assert.equal(pageStretches([...ranges, range(0x9000, 0x9001)], 3), [
    { start: 0x1000, end: 0x4000 },
    { start: 0x5000, end: 0x7000 },
    { start: 0x9000, end: 0xa000 },
  ]);
});

test('without a frame for the list nothing is watched', () => {
  const { task, addr, told } = watched();
  task.store8(addr, 1);
  const options: WatchOptions = { start: addr, length: 1, on: 'read', hit: note(told, addr) };
  core.exports.setAllocBudget(0);
  try {
    assert.throws(
      () => task.watch(options),
      (error: unknown) => error instanceof LinuxError && error.code === 'ENOMEM',
    );
  } finally {
    core.exports.setAllocBudget(-1);
  }
  task.load8(addr);
  assert.equal([told, core.watches], [[], 0]);
  const watch = task.watch(options);
  task.load8(addr);
  assert.is(told.length, 1);
  watch.remove();
  watch.remove();
  assert.is(core.watches, 0);
  task.exit();
});

const WRONG: [
  name: string,
  wrong: Partial<Record<keyof WatchOptions, unknown>>,
  message: RegExp,
][] = [
  ['no length', { length: 0 }, /^length: 0 is no integer from 1/],
  ['a range beyond user memory', { start: 2 ** 47 - 8192, length: 8192 }, /^length: 8192/],
  ['an address of the kernel', { start: -1n }, /^start/],
  ['an unknown kind', { on: 'delete' }, /^on: "delete" is not one of/],
  ['no function', { hit: 1 }, /^hit: not a function/],
];

for (const [name, wrong, message] of WRONG) {
  test(`${name} is refused by name`, () => {
    const { task, addr, told } = watched();
    const options = { start: addr, length: 1, on: 'read', hit: note(told, addr), ...wrong };
    assert.throws(() => task.watch(options as WatchOptions), message);
    assert.is(core.watches, 0);
    task.exit();
  });
}

test('every frame comes back, with the lists of watched pages', () => {
  assert.is(core.framesInUse, atRest);
  assert.is(core.watches, 0);
});

test.run();
