import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../src/machine.js';

const test = suite('machine');

test('machines know nothing of each other', async () => {
  const [one, two] = [await Machine.create(), await Machine.create()];
  const task = one.spawn();
  const addr = task.mmap({ length: 4096 });
  task.store8(addr, 1);
  assert.is(two.task(task.pid), null);
  assert.throws(() => two.spawn().load8(addr));
  assert.is(one.stats().tasks, two.stats().tasks);
});

test('a process that is spawned is who it is said to be', async () => {
  const machine = await Machine.create();
  const task = machine.spawn({ comm: 'a.out', uid: 1000, groups: [30, 20], caps: 4n });
  assert.equal(task.uids, { real: 1000, effective: 1000, saved: 1000, fs: 1000 });
  assert.equal(task.gids, { real: 1000, effective: 1000, saved: 1000, fs: 1000 });
  assert.equal(task.groups, [20, 30]);
  assert.equal(task.caps, { effective: 4n, permitted: 4n, inheritable: 0n });
  assert.is(task.comm, 'a.out');
  assert.is(task.parent?.pid, 1);
  assert.is(task.readText('/proc/self/comm'), 'a.out\n');
});

test('the same task is always the same object', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  assert.is(machine.task(task.pid), task);
  assert.is(task.fork().parent, task);
  assert.ok(machine.tasks().includes(task));
});

test('without arguments a process has no mappings, with them a stack that holds them', async () => {
  const machine = await Machine.create();
  assert.match(machine.spawn().readText('/proc/self/maps'), /^ffffffffff600000-.*\[vsyscall\]\n$/);
  machine.addFile('/usr/bin/prog', new Uint8Array(4096), 0o755);
  const task = machine.spawn({ argv: ['/usr/bin/prog', '-x'], env: ['A=1', 'B=2'] });
  assert.is(task.comm, 'prog');
  assert.is(task.readText('/proc/self/cmdline'), '/usr/bin/prog\0-x\0');
  assert.is(task.readText('/proc/self/environ'), 'A=1\0B=2\0');
  assert.is(task.readlink('/proc/self/exe'), '/usr/bin/prog');
  assert.match(task.readText('/proc/self/maps'), /rw-p .*\[stack\]\n/);
  assert.is(task.readFile('/proc/self/auxv').length % 16, 0);
});

test('everything a process used is free again once it is reaped', async () => {
  const machine = await Machine.create();
  machine.spawn().exit();
  const before = machine.stats().framesInUse;
  const task = machine.spawn({ argv: ['/x'] });
  task.store(task.mmap({ length: 1 << 20 }), new Uint8Array(1 << 20).fill(1));
  const child = task.fork();
  task.open(`/proc/${child.pid}/mem`).close();
  child.exit();
  assert.equal(machine.check(), []);
  task.exit();
  assert.is(machine.stats().framesInUse, before);
});

test('memory that runs out is ENOMEM to the caller, and the machine goes on', async () => {
  const machine = await Machine.create({ memory: 4 << 20 });
  const task = machine.spawn();
  const addr = task.mmap({ length: 64 << 20 });
  const mem = task.open('/proc/self/mem', 'r+');
  const big = new Uint8Array(64 << 20).fill(1);
  assert.ok(mem.pwrite(big, addr) < big.length);
  task.munmap(addr, 64 << 20);
  const again = task.mmap({ length: 4096 });
  task.store8(again, 7);
  assert.is(task.load8(again), 7);
});

test('explainAccess tells who decided', async () => {
  const machine = await Machine.create({ yama: 1 });
  const [a, b] = [machine.spawn({ uid: 1000 }), machine.spawn({ uid: 1000 })];
  const sibling = machine.explainAccess(a, b);
  assert.is(sibling.allowed, false);
  assert.is(sibling.errno, 'EACCES');
  assert.match(sibling.checks.at(-1)?.source ?? '', /yama/);
  assert.is(sibling.checks.filter(({ decided }) => decided).length, 1);
  assert.throws(() => a.open(`/proc/${b.pid}/mem`), /EACCES/);
  assert.is(machine.explainAccess(a, a.fork()).allowed, true);
});

test('settings are read and written by their names', async () => {
  const machine = await Machine.create({ sysctl: { 'fs.suid_dumpable': 2 } });
  assert.is(machine.sysctl('fs.suid_dumpable'), 2);
  assert.is(machine.sysctl('fs.suid_dumpable', 1), 1);
  assert.throws(() => machine.sysctl('fs.suid_dumpable', 3), /EINVAL/);
  assert.throws(() => machine.sysctl('no.such'), /ENOENT/);
});

test('the options of /proc hide processes', async () => {
  const machine = await Machine.create({ hidepid: 2 });
  const target = machine.spawn();
  const task = machine.spawn({ uid: 1000 });
  assert.throws(() => task.stat(`/proc/${target.pid}`), /ENOENT/);
});

test('files of the tree are there for every task', async () => {
  const machine = await Machine.create();
  machine.addFile('/etc/motd', new TextEncoder().encode('hello'));
  assert.is(machine.spawn({ uid: 1000 }).readText('/etc/motd'), 'hello');
});

const MISUSE: readonly [what: string, run: (machine: Machine) => unknown, message: RegExp][] = [
  ['a fractional uid', (m) => m.spawn({ uid: 1.5 }), /^uid: 1.5 is no integer from 0/],
  ['a uid of -1', (m) => m.spawn({ uid: -1 }), /^uid: -1/],
  [
    'capabilities as a number',
    (m) => m.spawn({ caps: 5 as unknown as bigint }),
    /^caps: not a bigint/,
  ],
  ['unknown capabilities', (m) => m.spawn({ caps: 1n << 41n }), /^caps: bits beyond/],
  ['a name with a NUL', (m) => m.spawn({ comm: 'a\0b' }), /^comm: contains a NUL/],
  [
    'a caller that is no task',
    (m) => m.explainAccess(1 as never, m.spawn()),
    /^caller: not a Task/,
  ],
  ['a call of no task', (m) => m.syscall({} as never, 'getpid'), /^task: not a Task/],
  ['a mode beyond 8 bits', (m) => m.explainAccess(m.spawn(), m.spawn(), 1000), /^mode: 1000/],
];

for (const [what, run, message] of MISUSE) {
  test(`${what} is an error that names the argument`, async () => {
    const machine = await Machine.create();
    assert.throws(
      () => run(machine),
      (error: Error) =>
        (error instanceof TypeError || error instanceof RangeError) && message.test(error.message),
    );
  });
}

test('a machine of an impossible size is a RangeError', async () => {
  for (const memory of [0, 1.5, 2 ** 33]) {
    const error = await Machine.create({ memory }).catch((reason: unknown) => reason);
    assert.instance(error, RangeError);
  }
});

test.run();
