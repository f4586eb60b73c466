import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';
import type { ReadPath } from '../../src/mm/readable.js';

const PAGE = 4096n;
const PATHS: readonly ReadPath[] = ['cpu', 'mem', 'process_vm'];
const PROT_NONE = 0;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const USER_END = 2n ** 47n;

/** The mapping of a name in maps. */
function area(task: Task, name: string): bigint {
  const line = task
    .readText('/proc/self/maps')
    .split('\n')
    .find((each) => each.endsWith(name));
  return BigInt(`0x${line?.split('-')[0]}`);
}

const test = suite('api/readable');

test('each way of reading has its own answer, the one that a read gives', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  machine.addFile('/bin/x', new Uint8Array(10), 0o755);
  task.exec('/bin/x');
  const reader = machine.spawn();
  const mem = reader.open(`/proc/${task.pid}/mem`);
  const map = (prot: number): bigint => task.mmap({ length: PAGE, prot });
  const secret = task.file(Number(task.syscall('memfd_secret', 0)));
  task.syscall('ftruncate', secret.fd, 4096);
  const rows: readonly (readonly [string, bigint, readonly boolean[]])[] = [
    ['usual memory', map(3), [true, true, true]],
    ['PROT_NONE', map(PROT_NONE), [false, true, false]],
    ['write only', map(PROT_WRITE), [true, true, false]],
    ['execute only', map(PROT_EXEC), [true, true, false]],
    ['secret', task.mmap({ length: PAGE, file: secret, flags: 1 }), [true, false, false]],
    ['the stack', area(task, '[stack]'), [true, true, true]],
    ['vsyscall', 0xffffffffff600000n, [false, false, false]],
    ['nothing', 0x1000n, [false, false, false]],
  ];
  for (const [name, addr, expected] of rows) {
    const told = PATHS.map((path) => task.isReadable(addr, 1, path));
    assert.equal(told, expected, name);
    const reads = [
      () => task.load8(addr),
      () => mem.seek(addr) === addr && mem.read(new Uint8Array(1)),
      () => reader.processVmRead(task, addr, new Uint8Array(1)),
    ];
    const got = reads.map((read) => {
      try {
        return read() !== false;
      } catch {
        return false;
      }
    });
    assert.equal(got, expected, `${name}, read`);
  }
  assert.equal(machine.check(), []);
});

test('asking shows nowhere: not in pagemap, in status or in smaps', async () => {
  const machine = await Machine.create();
  const task = machine.spawn({ argv: ['/bin/x'] });
  const addr = task.mmap({ length: 64n * PAGE });
  task.store8(addr + PAGE, 1);
  task.writeFile('/proc/self/clear_refs', '1');
  const shown = (): string => {
    const pagemap = new Uint8Array(64 * 8);
    task.open('/proc/self/pagemap').pread(pagemap, (addr / PAGE) * 8n);
    const files = ['status', 'smaps', 'statm'].map((name) => task.readText(`/proc/self/${name}`));
    return [pagemap, ...files, machine.stats().framesInUse].join();
  };
  shown(); // what looking itself does to the task is done
  const before = shown();
  for (const path of PATHS) {
    assert.ok([...task.readableRanges(0, USER_END, path)].length > 2);
    assert.ok(task.isReadable(addr, 64n * PAGE, path));
  }
  assert.is(shown(), before);
});

test('ranges are exact to the byte that was asked for', async () => {
  const task = (await Machine.create()).spawn();
  const addr = task.mmap({ length: 4n * PAGE });
  task.munmap(addr + 2n * PAGE, PAGE);
  assert.equal(
    [...task.readableRanges(addr + 5n, addr + 3n * PAGE + 1n)],
    [
      { start: addr + 5n, end: addr + 2n * PAGE },
      { start: addr + 3n * PAGE, end: addr + 3n * PAGE + 1n },
    ],
  );
  assert.is(task.isReadable(addr + 2n * PAGE - 1n, 1), true);
  assert.is(task.isReadable(addr + 2n * PAGE - 1n, 2), false);
});

test('where mem does not override protections it tells so', async () => {
  const task = (await Machine.create({ profile: { forceOverride: 'never' } })).spawn();
  const addr = task.mmap({ length: PAGE, prot: PROT_NONE });
  assert.is(task.isReadable(addr, 1, 'mem'), false);
});

test('a task that has exited has nothing to read, and arguments are looked at at once', async () => {
  const task = (await Machine.create()).spawn().fork();
  const addr = task.mmap({ length: PAGE });
  task.exit();
  assert.equal([...task.readableRanges(0, USER_END)], []);
  assert.is(task.isReadable(addr, 1), false);
  assert.is(task.isReadable(addr, 0), true);
  assert.throws(() => task.readableRanges('0' as never, 1), /^start: neither/);
  assert.throws(
    () => task.readableRanges(0, 1, 'ptrace' as never),
    /^path: "ptrace" is not one of/,
  );
  assert.throws(() => task.isReadable(0, 1.5), /^length: 1.5/);
});

test.run();
