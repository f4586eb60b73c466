import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { implementedSyscalls } from '../src/api/syscalls.js';
import type { Task } from '../src/api/task.js';
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

test('a machine with one task and 1 MiB in use takes at most 4 MiB', async () => {
  const machine = await Machine.create();
  const { core } = machine.kernel;
  const idle = core.framesInUse;
  const task = machine.spawn();
  const addr = Number(task.mmap({ length: 2 ** 20 }));
  for (let at = addr; at < addr + 2 ** 20; at += 4096) task.store8(at, 1);
  assert.ok(core.framesInUse >= idle + 256, `${core.framesInUse} frames, ${idle} before`);
  assert.ok(core.memoryBytes <= 4 * 2 ** 20, `${core.memoryBytes} bytes`);
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

/** A value that the types forbid. */
const bad = (value: unknown): never => value as never;

const MISUSE: readonly [what: string, run: (machine: Machine) => unknown, message: RegExp][] = [
  ['options that are a number', (m) => m.spawn(bad(5)), /^options: not an object/],
  ['a fractional uid', (m) => m.spawn({ uid: 1.5 }), /^uid: 1.5 is no integer from 0/],
  ['a uid of -1', (m) => m.spawn({ uid: -1 }), /^uid: -1/],
  ['groups in a string', (m) => m.spawn({ groups: bad('1') }), /^groups: not an array/],
  ['argv in a string', (m) => m.spawn({ argv: bad('abc') }), /^argv: not an array/],
  ['an argument that is a number', (m) => m.spawn({ argv: [bad(1)] }), /^argv: not a string/],
  ['env in an object', (m) => m.spawn({ argv: ['x'], env: bad({}) }), /^env: not an array/],
  ['a parent that is no task', (m) => m.spawn({ parent: bad({}) }), /^parent: not a Task/],
  ['capabilities as a number', (m) => m.spawn({ caps: bad(5) }), /^caps: not a bigint/],
  ['unknown capabilities', (m) => m.spawn({ caps: 1n << 41n }), /^caps: bits beyond/],
  ['a name with a NUL', (m) => m.spawn({ comm: 'a\0b' }), /^comm: contains a NUL/],
  ['a caller that is no task', (m) => m.explainAccess(bad(1), m.spawn()), /^caller: not a Task/],
  ['a mode beyond 8 bits', (m) => m.explainAccess(m.spawn(), m.spawn(), 1000), /^mode: 1000/],
  [
    'an unknown question',
    (m) => m.explainAccess(m.spawn(), m.spawn(), 1, bad('why')),
    /^question: "why" is not one of mm_access, ptrace_may_access/,
  ],
  ['a call of no task', (m) => m.syscall(bad({}), 'getpid'), /^task: not a Task/],
  ['a call null', (m) => m.syscall(m.spawn(), bad(null)), /^call: neither a name nor a number/],
  ['a call of an object', (m) => m.syscall(m.spawn(), bad({})), /^call: neither/],
  ['a call NaN', (m) => m.syscall(m.spawn(), NaN), /^call: NaN is no integer/],
  ['arguments that are no array', (m) => m.syscall(m.spawn(), 1, bad(7)), /^args: not an array/],
  ['an unknown arch', (m) => m.syscall(m.spawn(), 1, [], bad('x')), /^arch: "x" is not one of/],
  ['an arch null', (m) => m.syscall(m.spawn(), 1, [], bad(null)), /^arch: null is not one of/],
  ['calls of an unknown arch', () => implementedSyscalls(bad('zz')), /^arch: "zz" is not one of/],
  ['a pid in a string', (m) => m.task(bad('1')), /^pid: not a number/],
  ['a pid NaN', (m) => m.task(NaN), /^pid: NaN/],
  ['a core that is none', (m) => m.loadCore(bad({})), /^core.source: not an object/],
  ['a core null', (m) => m.loadCore(bad(null)), /^core: not an object/],
  ['a directory without methods', (m) => m.mountHost('/m', bad({})), /^directory.lstat: not a fu/],
  ['contents null', (m) => m.addFile('/f', bad(null)), /^contents: not a Uint8Array/],
  ['a mode of 17 bits', (m) => m.addFile('/f', new Uint8Array(), 0o200000), /^mode: /],
  ['a setting of a symbol', (m) => m.sysctl(bad(Symbol('x'))), /^name: not a string/],
  ['a value in a string', (m) => m.sysctl('fs.suid_dumpable', bad('1')), /^value: not a number/],
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

const OPTIONS: readonly [options: unknown, error: ErrorConstructor, message: RegExp][] = [
  [5, TypeError, /^options: not an object/],
  [null, TypeError, /^options: not an object/],
  [{ memory: 'x' }, TypeError, /^memory: not a number/],
  [{ memory: null }, TypeError, /^memory: not a number/],
  [{ memory: 1 }, RangeError, /^memory: 1 is no integer from/],
  [{ wasm: null }, TypeError, /^wasm: neither bytes nor/],
  [{ wasm: {} }, TypeError, /^wasm: neither bytes nor/],
  [{ profile: null }, TypeError, /^profile: not an object/],
  [{ profile: { release: 6 } }, TypeError, /^profile.release: not a string/],
  [{ profile: { totalRam: -1 } }, RangeError, /^profile.totalRam: -1/],
  [{ profile: { zeroPage: 0 } }, TypeError, /^profile.zeroPage: not a boolean/],
  [{ profile: { forceOverride: 'no' } }, RangeError, /^profile.forceOverride: "no" is not one of/],
  [{ yama: 5 }, RangeError, /^yama: 5 is not one of 0, 1, 2, 3/],
  [{ yama: '1' }, TypeError, /^yama: "1" is not one of/],
  [{ hidepid: 3 }, RangeError, /^hidepid: 3 is not one of/],
  [{ security: '' }, TypeError, /^security: not an array/],
  [{ security: [null] }, TypeError, /^security: not an object/],
  [{ security: [{}] }, TypeError, /^security: name: not a string/],
  [{ sysctl: null }, TypeError, /^sysctl: not an object/],
  [{ sysctl: { 'vm.max_map_count': '1' } }, TypeError, /^sysctl: vm.max_map_count is not/],
  [{ procGid: null }, TypeError, /^procGid: not a number/],
  [{ procMem: 1 }, TypeError, /^procMem: not a boolean/],
  [{ now: 5 }, TypeError, /^now: not a function/],
];

test('an option that is none is an error that names it', async () => {
  for (const [options, type, message] of OPTIONS) {
    const error = await Machine.create(bad(options)).catch((reason: unknown) => reason);
    assert.instance(error, type, String(message));
    assert.match((error as Error).message, message);
  }
});

const EMPTY_DIRECTORY = { lstat: () => null, readdir: () => [], readlink: () => '', read: () => 0 };
test('what is mounted, where and for whom is looked at', async () => {
  const machine = await Machine.create();
  const rows: readonly (readonly [unknown[], RegExp])[] = [
    [['m', EMPTY_DIRECTORY], /^path: "m" is not absolute/],
    [['/m', {}], /^directory\.lstat: not a function/],
    [['/m', EMPTY_DIRECTORY, 5], /^owner: not an object/],
    [['/m', EMPTY_DIRECTORY, { uid: -1, gid: 0 }], /^owner\.uid: -1 is no integer/],
    [['/m', EMPTY_DIRECTORY, { uid: 0, gid: 'x' }], /^owner\.gid: not a number/],
  ];
  for (const [args, said] of rows) {
    assert.throws(
      () => machine.mountHost(...(args as Parameters<Machine['mountHost']>)),
      (error: unknown) =>
        (error instanceof TypeError || error instanceof RangeError) && said.test(error.message),
    );
  }
});

const NOTHING = new Uint8Array();
const STRANGERS: readonly [call: string, name: string, run: (own: Machine, alien: Task) => void][] =
  [
    ['spawn', 'parent', (own, alien) => own.spawn({ parent: alien })],
    ['syscall', 'task', (own, alien) => own.syscall(alien, 'getpid')],
    ['explainAccess from', 'caller', (own, alien) => own.explainAccess(alien, own.spawn())],
    ['explainAccess to', 'target', (own, alien) => own.explainAccess(own.spawn(), alien)],
    ['ptraceAttach', 'target', (own, alien) => own.spawn().ptraceAttach(alien)],
    ['ptraceSeize', 'target', (own, alien) => own.spawn().ptraceSeize(alien)],
    ['ptraceDetach', 'target', (own, alien) => own.spawn().ptraceDetach(alien)],
    ['ptracePeek', 'target', (own, alien) => own.spawn().ptracePeek(alien, 0)],
    ['ptracePoke', 'target', (own, alien) => own.spawn().ptracePoke(alien, 0, 0)],
    ['processVmRead', 'target', (own, alien) => own.spawn().processVmRead(alien, 0, NOTHING)],
    ['processVmWrite', 'target', (own, alien) => own.spawn().processVmWrite(alien, 0, NOTHING)],
  ];

for (const [call, name, run] of STRANGERS) {
  test(`${call} a task of another machine is refused`, async () => {
    const [own, other] = [await Machine.create(), await Machine.create()];
    // The same number on both sides: by number alone it would be somebody else.
    own.spawn();
    const alien = other.spawn();
    assert.throws(
      () => run(own, alien),
      (error: unknown) =>
        error instanceof TypeError && error.message === `${name}: a task of another machine`,
    );
  });
}

test('pid 1 does not exit, and a process that has gets no children', async () => {
  const machine = await Machine.create();
  assert.throws(() => machine.task(1)?.exit(), /EPERM/);
  const parent = machine.spawn();
  const zombie = parent.fork();
  zombie.exit();
  assert.throws(() => machine.spawn({ parent: zombie }), /^parent: \d+ has exited/);
  assert.is(machine.task(1)?.exited, false);
});

test('a machine of an impossible size is a RangeError', async () => {
  for (const memory of [0, 1.5, 2 ** 33]) {
    const error = await Machine.create({ memory }).catch((reason: unknown) => reason);
    assert.instance(error, RangeError);
  }
});

test.run();
