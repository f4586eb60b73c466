import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { PROT_READ } from '../../assembly/abi/mman.js';
import { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';

const test = suite('api/task');

test('a child that exits is a zombie until its parent waits', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  const child = task.fork();
  assert.is(task.wait(), null);
  child.exit(3);
  assert.is(child.state, 'Z');
  assert.ok(child.exited);
  assert.equal(task.wait(), { pid: child.pid, status: 768, exitCode: 3, signal: null });
  assert.is(child.state, 'X');
  assert.throws(() => task.wait(), /ECHILD/);
});

test('a signal that ends a child is in its status', async () => {
  const task = (await Machine.create()).spawn();
  const child = task.fork();
  task.kill(child.pid, 9);
  assert.equal(task.wait(child.pid), { pid: child.pid, status: 9, exitCode: null, signal: 9 });
});

test('an open mem file of a process that has died reads nothing (K-100)', async () => {
  const task = (await Machine.create()).spawn();
  const child = task.fork();
  const addr = child.mmap({ length: 4096 });
  const mem = task.open(`/proc/${child.pid}/mem`);
  child.exit();
  assert.is(mem.pread(new Uint8Array(8), addr), 0);
});

test('ids change as Linux lets them', async () => {
  const task = (await Machine.create()).spawn();
  task.setgroups([7]);
  task.setresgid(5, 6, 7);
  task.setresuid(1000, 1001, 1002);
  assert.equal(task.uids, { real: 1000, effective: 1001, saved: 1002, fs: 1001 });
  assert.equal(task.gids, { real: 5, effective: 6, saved: 7, fs: 6 });
  assert.is(task.caps.effective, 0n);
  assert.is(task.dumpable, 0);
  assert.throws(() => task.setuid(0), /EPERM/);
  task.setDumpable(1);
  assert.is(task.dumpable, 1);
});

test('capset changes what it is given', async () => {
  const task = (await Machine.create()).spawn();
  task.capset({ effective: 0n });
  assert.is(task.caps.effective, 0n);
  assert.not.equal(task.caps.permitted, 0n);
});

test('a tracer peeks and pokes words, whatever their protection', async () => {
  const task = (await Machine.create()).spawn();
  const child = task.fork();
  const addr = child.mmap({ length: 4096, prot: 0 });
  task.ptraceAttach(child);
  task.ptracePoke(child, addr, 0x0123456789abcdefn);
  assert.is(task.ptracePeek(child, addr), 0x0123456789abcdefn);
  assert.throws(() => task.ptracePeek(child, 0), /EIO/);
  task.ptraceDetach(child);
  assert.throws(() => task.ptracePeek(child, addr), /EIO/);
});

test('exec replaces the memory: an open mem file of the old one reads nothing (K-101)', async () => {
  const machine = await Machine.create();
  machine.addFile('/bin/prog', new TextEncoder().encode('#!'), 0o755);
  const task = machine.spawn();
  const child = task.fork();
  const addr = child.mmap({ length: 4096 });
  const mem = task.open(`/proc/${child.pid}/mem`);
  child.exec('/bin/prog', ['prog', 'x'], ['A=1']);
  assert.is(mem.pread(new Uint8Array(4), addr), 0);
  assert.is(child.comm, 'prog');
  assert.is(child.readText('/proc/self/cmdline'), 'prog\0x\0');
  assert.is(child.readText('/proc/self/environ'), 'A=1\0');
  assert.is(child.readlink('/proc/self/exe'), '/usr/bin/prog');
  assert.match(
    child.readText('/proc/self/maps'),
    /^555555554000-555555555000 r-xp .* \/usr\/bin\/prog\n/,
  );
  assert.equal(child.load(0x555555554000, 2), new TextEncoder().encode('#!'));
});

test('a program of another user with the setuid bit raises the ids, and is not dumpable (K-306)', async () => {
  const machine = await Machine.create();
  machine.addFile('/bin/su', new Uint8Array(1), 0o4755);
  const task = machine.spawn({ uid: 1000 });
  task.exec('/bin/su');
  assert.is(task.uids.effective, 0);
  assert.is(task.dumpable, 0);
  assert.throws(() => machine.spawn({ uid: 1000 }).open(`/proc/${task.pid}/mem`), /EACCES/);
});

test('what cannot be run is refused, and the task goes on as it was', async () => {
  const machine = await Machine.create();
  machine.addFile('/etc/data', new Uint8Array(1), 0o644);
  const task = machine.spawn();
  const addr = task.mmap({ length: 4096 });
  assert.throws(() => task.exec('/etc/data'), /EACCES/);
  assert.throws(() => task.exec('/etc'), /EACCES/);
  assert.throws(() => task.exec('/nothing'), /ENOENT/);
  assert.is(task.load8(addr), 0);
});

test('process_vm obeys protections', async () => {
  const machine = await Machine.create();
  const [a, b] = [machine.spawn({ uid: 1000 }), machine.spawn({ uid: 1000 })];
  const addr = b.mmap({ length: 4096 });
  assert.is(a.processVmWrite(b, addr, Uint8Array.of(1, 2, 3)), 3);
  const into = new Uint8Array(3);
  assert.is(a.processVmRead(b, Number(addr), into), 3);
  assert.equal(into, Uint8Array.of(1, 2, 3));
  b.mprotect(addr, 4096, 0);
  assert.throws(() => a.processVmRead(b, addr, into), /EFAULT/);
  const other = machine.spawn({ uid: 1001 });
  assert.throws(() => other.processVmRead(b, addr, into), /EPERM/);
});

test('a copy between tasks stops where either side does', async () => {
  const machine = await Machine.create();
  const [a, b] = [machine.spawn({ uid: 1000 }), machine.spawn({ uid: 1000 })];
  const from = b.mmap({ length: 8192 });
  const into = a.mmap({ length: 8192 });
  b.store(from, new Uint8Array(8192).fill(7));
  assert.is(a.processVmCopy(b, from + 100n, into, 8000), 8000);
  assert.is(a.load8(into + 7999n), 7);
  assert.is(a.load8(into + 8000n), 0);
  assert.is(a.processVmCopy(b, from, Number(into), 0), 0);
  a.mprotect(into + 4096n, 4096, PROT_READ);
  assert.is(a.processVmCopy(b, from, into, 8192), 4096);
  b.munmap(from + 4096n, 4096);
  assert.is(a.processVmCopy(b, from + 4000n, into, 4096), 96);
  assert.throws(() => a.processVmCopy(b, from + 4096n, into, 1), /EFAULT/);
  assert.throws(() => a.processVmCopy(b, from, 1n << 63n, 1), /EFAULT/);
  assert.throws(() => a.processVmCopy(b, from, into, -1), /EINVAL/);
  const other = machine.spawn({ uid: 1001 });
  assert.throws(() => other.processVmCopy(b, from, other.mmap({ length: 1 }), 1), /EPERM/);
});

test('the object API and system calls are the same implementation', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  const file = task.open('/dev/zero');
  assert.is(machine.syscall(task, 'close', [file.fd]), 0);
  assert.throws(() => file.read(new Uint8Array(1)), /EBADF/);
  assert.is(machine.syscall(task, 39), task.pid);
});

test('a process of a new user namespace has all capabilities there', async () => {
  const task = (await Machine.create()).spawn({ uid: 1000 });
  task.unshareUser();
  assert.is(task.uids.real, 65534);
  task.writeFile('/proc/self/uid_map', '0 1000 1');
  assert.is(task.uids.real, 0);
  assert.is(task.caps.effective, (1n << 41n) - 1n);
});

const bad = (value: unknown): never => value as never;

const MISUSE: readonly [run: (task: Task) => unknown, message: RegExp][] = [
  [(task) => task.kill(1, bad('9')), /^signal: not a number/],
  [(task) => task.kill(1, 2 ** 32 + 9), /^signal: 4294967305/],
  [(task) => task.kill(1, NaN), /^signal: NaN/],
  [(task) => task.kill(bad('1'), 9), /^pid: not a number/],
  [(task) => task.ptraceSeize(task, bad('x')), /^options: not a number/],
  [(task) => task.ptraceAttach(bad(2)), /^target: not a Task/],
  [(task) => task.syscall(bad(undefined)), /^call: neither/],
  [(task) => task.syscallOn(bad('toString'), 'getpid'), /^arch: "toString" is not one of/],
  [(task) => task.exec('/x', bad('abc')), /^argv: not an array/],
  [(task) => task.exec('/x', ['x'], bad('A=1')), /^env: not an array/],
  [(task) => task.setgroups(bad('1')), /^gids: not an array/],
  [(task) => task.capset(bad(null)), /^sets: not an object/],
  [(task) => task.capset({ effective: bad(1) }), /^effective: not a bigint/],
  [(task) => new Task(bad({ ...task.struct })), /^struct: not a task of a kernel/],
];

test('misuse names the argument', async () => {
  const task = (await Machine.create()).spawn();
  for (const [run, message] of MISUSE) assert.throws(() => run(task), message);
  assert.throws(() => task.kill(task.pid, -1), /EINVAL/);
});

const ACTS: readonly ((task: Task, other: Task) => unknown)[] = [
  (task) => task.fork(),
  (task) => task.thread(),
  (task, other) => task.kill(other.pid, 9),
  (task) => task.wait(),
  (task) => task.exec('/x'),
  (task, other) => task.ptraceAttach(other),
  (task, other) => task.processVmRead(other, 0, new Uint8Array(1)),
  (task, other) => task.processVmCopy(other, 0, 0, 1),
  (task) => task.syscall('getpid'),
  (task) => task.open('/dev/null'),
  (task) => task.file(0),
  (task) => task.stat('/'),
  (task) => task.mmap({ length: 4096 }),
  (task) => task.load8(0),
  (task) => task.load64(0),
  (task) => task.store(0, new Uint8Array(1)),
  (task) => task.setuid(0),
  (task) => task.dumpable,
];

test('a task that has exited acts no more, and can still be asked who it was', async () => {
  const machine = await Machine.create();
  const parent = machine.spawn({ uid: 1000 });
  const child = parent.fork();
  child.exit(1);
  child.exit(2);
  for (const act of ACTS) {
    assert.throws(
      () => act(child, parent),
      (error: unknown) =>
        error instanceof TypeError && error.message === `task: ${child.pid} has exited`,
    );
  }
  assert.is(child.uids.real, 1000);
  assert.is(parent.exited, false);
  assert.is(parent.wait()?.exitCode, 1);
  assert.throws(() => parent.processVmRead(child, 0, new Uint8Array(1)), /ESRCH/);
});

test.run();
