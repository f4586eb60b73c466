import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/machine.js';
import { NR_GENERIC } from '../../src/syscall/table-generic.js';
import { NR_X86_64 } from '../../src/syscall/table-x86-64.js';
import { Guest } from './guest.js';

const test = suite('syscall/dispatch');

const ENOSYS = -38;
const EBADF = -9;

test('a call has the same answer by name and by number', async () => {
  const { task } = await Guest.create();
  assert.is(task.syscall('getpid'), task.pid);
  assert.is(task.syscall(NR_X86_64.getpid), task.pid);
  assert.is(task.syscallOn('riscv64', NR_GENERIC.getpid), task.pid);
});

test('names and numbers that do not exist, and calls not implemented, are ENOSYS', async () => {
  const { task } = await Guest.create();
  for (const call of ['no_such_call', 'toString', 'io_uring_setup', 337, 512, -1, 1e9]) {
    assert.is(task.syscall(call), ENOSYS, String(call));
  }
});

test('a number of another architecture is another call', async () => {
  const { task } = await Guest.create();
  assert.is(task.syscallOn('riscv64', NR_X86_64.getpid), ENOSYS); // 39 is umount2 there
});

test('missing arguments are 0', async () => {
  const { task } = await Guest.create();
  assert.is(task.syscall('close'), EBADF);
});

test('descriptors are cut to 32 bits', async () => {
  const guest = await Guest.create();
  const fd = guest.call('open', '/dev/zero', 0);
  assert.is(guest.call('read', BigInt(fd) | (7n << 32n), guest.buffer(4), 4), 4);
});

test('a task that has exited makes no calls', async () => {
  const machine = await Machine.create();
  const task = machine.spawn({ parent: machine.spawn() });
  task.exit();
  assert.throws(() => task.syscall('getpid'), TypeError);
});

test('struct stat is laid out as the architecture wants it', async () => {
  const guest = await Guest.create();
  const path = guest.put(new TextEncoder().encode('/dev/null\0'));
  const x86 = guest.buffer(144);
  const generic = guest.buffer(128);
  assert.is(guest.task.syscall('newfstatat', -100, path, x86, 0), 0);
  assert.is(guest.task.syscallOn('riscv64', 'newfstatat', -100, path, generic, 0), 0);
  const mode = guest.task.load32(x86 + 24);
  assert.is(mode & 0o170000, 0o020000);
  assert.is(guest.task.load32(generic + 16), mode);
  assert.is(guest.task.load64(x86 + 16), BigInt(guest.task.load32(generic + 20)));
});

test.run();
