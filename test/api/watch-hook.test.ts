// What a hook may do: throw, call the machine, take away what it was called for.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { WatchEvent } from '../../src/api/task-hooks.js';
import type { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';

const test = suite('api/watch-hook');

const PAGE = 4096;
const machine = await Machine.create();
const core = machine.kernel.core;
machine.spawn().exit();
const atRest = core.framesInUse;

/** A task with some pages, and a list of what its watches told. */
function watched(): { task: Task; addr: number; told: string[] } {
  const task = machine.spawn({ comm: 'watched' });
  return { task, addr: Number(task.mmap({ length: 2 * PAGE })), told: [] };
}

/** Notes each hit as kind, place, bytes before and after. */
function note(told: string[], addr: number): (event: WatchEvent) => void {
  return ({ kind, address, before, after }) =>
    void told.push(`${kind} ${Number(address) - addr}: ${before.join()} > ${after.join()}`);
}

/** Ways to an error of a hook, which must all end in it, with the access done. */
const THROWN: [name: string, act: (task: Task, addr: number) => unknown][] = [
  ['a store', (task, addr) => task.store32(addr, 7)],
  ['a store of bytes', (task, addr) => task.store(addr, Uint8Array.of(7))],
  [
    'a write to mem',
    (task, addr) => task.open('/proc/self/mem', 'r+').pwrite(Uint8Array.of(7), addr),
  ],
  [
    'a write in pieces',
    (task, addr) => task.open('/proc/self/mem', 'r+').writev([Uint8Array.of(7)], addr),
  ],
  ['a system call', (task, addr) => task.syscall('pread64', sevens(task), addr, 1, 0)],
  [
    'machine.syscall()',
    (task, addr) => machine.syscall(task, 'pread64', [sevens(task), addr, 1, 0]),
  ],
  ['process_vm_writev', (task, addr) => writer().processVmWrite(task, addr, Uint8Array.of(7))],
  ['ptrace', (task, addr) => tracer(task).ptracePoke(task, addr, 7)],
];

function sevens(task: Task): number {
  const file = task.memfdCreate('sevens');
  file.write(Uint8Array.of(7));
  return file.fd;
}

const writer = (): Task => machine.spawn({ comm: 'writer' });

function tracer(task: Task): Task {
  const one = writer();
  one.ptraceAttach(task);
  return one;
}

for (const [name, act] of THROWN) {
  test(`an error of a hook comes out of ${name}, which was done, as the other hooks were`, () => {
    const { task, addr, told } = watched();
    const error = new Error('from the hook');
    const throws = (): never => {
      throw error;
    };
    task.watch({ start: addr, length: 1, on: 'write', hit: throws });
    task.watch({ start: addr, length: 1, on: 'write', hit: note(told, addr) });
    assert.throws(
      () => act(task, addr),
      (thrown: unknown) => thrown === error,
    );
    assert.equal(told, ['write 0: 0 > 7']);
    assert.equal(machine.check(), []);
    assert.is(task.load8(addr), 7);
    for (const one of machine.tasks()) if (one.pid !== 1) one.exit();
  });
}

test('a hook may call the machine: load, store, map, make system calls, set and remove watches', () => {
  const { task, addr, told } = watched();
  const mem = task.open('/proc/self/mem');
  const watch = task.watch({
    start: addr,
    length: 4,
    on: 'access',
    hit: ({ kind }) => {
      // Its own range calls it not again, another's does.
      task.store8(addr + 1, task.load8(addr) + 1);
      mem.pread(new Uint8Array(8), addr);
      assert.is(task.syscall('getpid'), task.pid);
      task.munmap(task.mmap({ length: PAGE }), PAGE);
      told.push(kind);
      watch.remove();
      task.watch({ start: addr + 8, length: 1, on: 'write', hit: note(told, addr) });
    },
  });
  task.watch({ start: addr + 1, length: 1, on: 'write', hit: note(told, addr) });
  task.store8(addr, 5);
  assert.equal(told, ['write 1: 0 > 6', 'write']);
  task.store8(addr, 5);
  task.store8(addr + 8, 1);
  assert.equal(told, ['write 1: 0 > 6', 'write', 'write 8: 0 > 1']);
  assert.equal(machine.check(), []);
  task.exit();
});

test('a hook may take away what the access was to, and end the task', () => {
  const { task, addr, told } = watched();
  task.watch({ start: addr, length: 1, on: 'read', hit: () => task.munmap(addr, PAGE) });
  const thread = task.thread();
  task.watch({ start: addr, length: 1, on: 'read', hit: () => task.exit() });
  task.watch({ start: addr, length: 1, on: 'read', hit: note(told, addr) });
  assert.is(thread.load8(addr), 0);
  // The memory is gone before the third is called.
  assert.equal(told, []);
  assert.is(task.exited, true);
  assert.equal(machine.check(), []);
});

test('a watch that a hook removes is not called any more, not even for the same access', () => {
  const { task, addr, told } = watched();
  task.watch({ start: addr, length: 1, on: 'write', hit: () => second.remove() });
  const second = task.watch({ start: addr, length: 1, on: 'write', hit: note(told, addr) });
  task.store8(addr, 1);
  assert.equal(told, []);
  assert.is(second.active, false);
  task.exit();
});

test('every frame comes back', () => {
  assert.is(core.framesInUse, atRest);
  assert.is(core.watches, 0);
});

test.run();
