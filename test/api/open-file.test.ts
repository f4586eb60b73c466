import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { SEEK_CUR, SEEK_END } from '../../src/vfs/flags.js';
import { LinuxError } from '../../src/errno.js';
import { OpenFile } from '../../src/api/open-file.js';
import type { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';

const test = suite('api/open-file');

const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes);

test('mem of another task is read and written at addresses', async () => {
  const machine = await Machine.create();
  const [target, reader] = [machine.spawn({ uid: 1000 }), machine.spawn({ uid: 1000 })];
  const addr = target.mmap({ length: 8192 });
  target.store(addr, text('hello'));
  const mem = reader.open(`/proc/${target.pid}/mem`, 'r+');
  const bytes = new Uint8Array(5);
  assert.is(mem.pread(bytes, addr), 5);
  assert.equal(bytes, text('hello'));
  assert.is(mem.pwrite(text('J'), Number(addr)), 1);
  assert.equal(target.load(addr, 5), text('Jello'));
});

test('a read that reaches what is not mapped is short', async () => {
  const task = (await Machine.create()).spawn();
  const addr = task.mmap({ length: 4096 });
  const mem = task.open('/proc/self/mem');
  assert.is(mem.pread(new Uint8Array(100), addr + 4090n), 6);
});

test('an error has the call, the path and Linux’s errno', async () => {
  const task = (await Machine.create()).spawn();
  const mem = task.open('/proc/self/mem');
  assert.throws(
    () => mem.pread(new Uint8Array(1), 0),
    (error: unknown) =>
      error instanceof LinuxError &&
      error.message === "EIO: input/output error, pread64 '/proc/self/mem'" &&
      error.errno === -5 &&
      error.syscall === 'pread64' &&
      error.path === '/proc/self/mem',
  );
  assert.throws(
    () => task.open('/nothing'),
    /^ENOENT: no such file or directory, open '\/nothing'$/,
  );
});

test('positions are 64 bits wide', async () => {
  const task = (await Machine.create()).spawn();
  const mem = task.open('/proc/self/mem');
  assert.is(mem.seek(-1), 2n ** 64n - 1n);
  assert.is(mem.seek(2, SEEK_CUR), 1n);
  assert.throws(() => mem.seek(0, SEEK_END), /EINVAL/);
  assert.throws(() => mem.pread(new Uint8Array(1), 2n ** 63n), /EINVAL/);
});

test('duplicates share the position, and close each for itself', async () => {
  const task = (await Machine.create()).spawn();
  task.writeFile('/tmp/f', 'abcdef');
  const file = task.open('/tmp/f');
  const other = file.dup();
  file.read(new Uint8Array(2));
  const rest = new Uint8Array(8);
  assert.is(other.read(rest), 4);
  file.close();
  assert.throws(() => file.read(rest), /EBADF/);
  assert.throws(() => file.close(), /EBADF/);
  assert.is(other.seek(0), 0n);
});

test('vectors are filled in turn', async () => {
  const task = (await Machine.create()).spawn();
  const file = task.open('/tmp/f', 'w+');
  assert.is(file.writev([text('ab'), text(''), text('cde')]), 5);
  const parts = [new Uint8Array(1), new Uint8Array(8)];
  assert.is(file.readv(parts, 1), 4);
  assert.equal(parts[0], text('b'));
  assert.equal(parts[1]!.subarray(0, 3), text('cde'));
  assert.is(file.seek(0), 0n);
  assert.is(file.readv(parts), 5);
  assert.throws(() => file.readv(Array.from({ length: 1025 }, () => parts[0]!)), /EINVAL/);
});

test('a descriptor inherited by fork is the same open file', async () => {
  const task = (await Machine.create()).spawn();
  const file = task.open('/tmp/f', 'w+');
  const child = task.fork();
  child.file(file.fd).write(text('abc'));
  assert.is(file.seek(0, SEEK_CUR), 3n);
});

test('stat shows ids as the caller sees them', async () => {
  const task = (await Machine.create()).spawn({ uid: 1000 });
  const mem = task.open('/proc/self/mem');
  assert.equal([mem.stat().uid, mem.stat().mode, mem.stat().size], [1000, 0o100600, 0]);
  task.unshareUser();
  assert.is(mem.stat().uid, 65534);
});

test('whole files are read and written, directories listed', async () => {
  const task = (await Machine.create()).spawn();
  task.mkdir('/tmp/d');
  task.writeFile('/tmp/d/a', 'x'.repeat(200_000));
  assert.is(task.readFile('/tmp/d/a').length, 200_000);
  task.writeFile('/tmp/d/a', 'y');
  assert.is(task.readText('/tmp/d/a'), 'y');
  task.chdir('/tmp/d');
  assert.equal(task.readdir('.'), ['a']);
  task.unlink('a');
  assert.equal(task.readdir('/tmp/d'), []);
});

const bad = (value: unknown): never => value as never;

const MISUSE: readonly [run: (task: Task, file: OpenFile) => unknown, message: RegExp][] = [
  [(_, file) => file.read(bad('x')), /^into: not a Uint8Array/],
  [(_, file) => file.pread(new Uint8Array(1), 0.5), /^position: 0.5/],
  [(_, file) => file.readv(bad(5)), /^into: not an array/],
  [(_, file) => file.readv(bad(new Uint8Array(1))), /^into: not an array/],
  [(_, file) => file.readv([bad(1)]), /^into: not a Uint8Array/],
  [(_, file) => file.writev(bad(null)), /^from: not an array/],
  [(_, file) => file.seek(0, bad('end')), /^whence: not a number/],
  [(task) => task.open('/x', bad('q')), /^flags: "q" is neither/],
  [(task) => task.open('/x', bad('toString')), /^flags: "toString" is neither/],
  [(task) => task.open('/x', bad('__proto__')), /^flags: "__proto__" is neither/],
  [(task) => task.open('/x', bad(1n)), /^flags: 1 is neither/],
  [(task) => task.open('/x', bad(Symbol('r'))), /^flags: Symbol\(r\) is neither/],
  [(task) => task.open('/x', bad(null)), /^flags: null is neither/],
  [(task) => task.open('/x', bad([])), /^flags: a value of type object is neither/],
  [(task) => task.open('/x\0y'), /^path: contains a NUL/],
  [(task) => task.open(bad(5)), /^path: not a string/],
  [(task) => task.memfdCreate(bad(5)), /^name: not a string/],
  [() => new OpenFile(bad({}), 3, 'x'), /^task: not a task of a kernel/],
  [(task) => new OpenFile(task.struct, bad('3'), 'x'), /^fd: not a number/],
];

test('misuse names the argument', async () => {
  const task = (await Machine.create()).spawn();
  const file = task.open('/dev/null', 'r+');
  for (const [run, message] of MISUSE) assert.throws(() => run(task, file), message);
});

const CALLS: readonly [syscall: string, run: (file: OpenFile) => unknown][] = [
  ['read', (file) => file.read(new Uint8Array(1))],
  ['write', (file) => file.write(new Uint8Array(1))],
  ['pread64', (file) => file.pread(new Uint8Array(1), 0)],
  ['pwrite64', (file) => file.pwrite(new Uint8Array(1), 0)],
  ['readv', (file) => file.readv([new Uint8Array(1)])],
  ['writev', (file) => file.writev([new Uint8Array(1)], 0)],
  ['lseek', (file) => file.seek(0)],
  ['dup', (file) => file.dup()],
  ['fstat', (file) => file.stat()],
  ['close', (file) => file.close()],
];

for (const [syscall, run] of CALLS) {
  test(`${syscall} of a closed file, and of one whose task has exited, is EBADF`, async () => {
    const child = (await Machine.create()).spawn().fork();
    const closed = child.open('/dev/zero', 'r+');
    const open = child.open('/dev/zero', 'r+');
    closed.close();
    const badf = (error: unknown): boolean =>
      error instanceof LinuxError && error.code === 'EBADF' && error.syscall === syscall;
    assert.throws(() => run(closed), badf);
    child.exit();
    assert.throws(() => run(open), badf);
  });
}

test.run();
