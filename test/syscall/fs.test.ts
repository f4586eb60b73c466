import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Guest } from './guest.js';

const test = suite('syscall/fs');

const EBADF = -9;
const EFAULT = -14;
const EINVAL = -22;
const ERANGE = -34;
const ENAMETOOLONG = -36;
const ERESTARTSYS = -512;
const KERNEL_ADDR = 0xffff_8000_0000_0000n;

const O_RDWR = 2;
const O_CREAT = 0o100;
const AT_FDCWD = -100;

const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes);

test('what is written is read back', async () => {
  const guest = await Guest.create();
  const fd = guest.call('open', '/tmp/file', O_RDWR | O_CREAT, 0o644);
  assert.is(fd, 0);
  assert.is(guest.call('write', fd, text('hello'), 5), 5);
  assert.is(guest.call('lseek', fd, 1, 0), 1);
  const buffer = guest.buffer(8);
  assert.is(guest.call('read', fd, buffer, 8), 4);
  assert.equal(guest.task.load(buffer, 4), text('ello'));
});

test('the vectored calls take arrays of struct iovec', async () => {
  const guest = await Guest.create();
  const fd = guest.call('openat', AT_FDCWD, '/tmp/file', O_RDWR | O_CREAT, 0o644);
  const [a, b] = [guest.put(text('ab')), guest.put(text('cde'))];
  assert.is(guest.call('writev', fd, guest.iov([a, 2], [b, 3]), 2), 5);
  const into = guest.buffer(16);
  assert.is(guest.call('preadv', fd, guest.iov([into, 1], [into + 8, 9]), 2, 1), 4);
  assert.equal(guest.task.load(into, 1), text('b'));
  assert.equal(guest.task.load(into + 8, 3), text('cde'));
  assert.is(guest.call('preadv2', fd, guest.iov([into, 5]), 1, -1, 0, 0), 0);
  assert.is(guest.call('readv', fd, guest.iov(), 1025), EINVAL);
  assert.is(guest.call('readv', 99, 8, 1), EBADF);
});

test('a path must be readable and end', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('open', 0, 0), EFAULT);
  assert.is(guest.call('open', KERNEL_ADDR, 0), EFAULT);
  assert.is(guest.call('open', `/${'x'.repeat(4096)}`, 0), ENAMETOOLONG);
});

test('a position that looks like an error comes back as the number it is', async () => {
  const guest = await Guest.create();
  const fd = guest.call('open', '/proc/self/mem', O_RDWR);
  assert.is(guest.call('lseek', fd, -1, 0), 2n ** 64n - 1n);
  assert.is(guest.call('lseek', fd, 0, 1), 2n ** 64n - 1n);
});

test('getcwd gives the length with the NUL, or ERANGE', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('chdir', '/tmp'), 0);
  const buffer = guest.buffer(8);
  assert.is(guest.call('getcwd', buffer, 5), 5);
  assert.equal(guest.task.load(buffer, 5), text('/tmp\0'));
  assert.is(guest.call('getcwd', buffer, 4), ERANGE);
});

test('getcwd of more than PATH_MAX bytes is ENAMETOOLONG, however much there is room', async () => {
  const guest = await Guest.create();
  const enter = (name: string): number => {
    guest.call('mkdir', name, 0o700);
    return Number(guest.call('chdir', name));
  };
  assert.is(enter('/tmp'), 0);
  for (let i = 0; i < 16; i += 1) assert.is(enter('d'.repeat(254)), 0);
  assert.is(enter('d'.repeat(10)), 0);
  const buffer = guest.buffer(8192);
  const rows = [
    [8192, 4096],
    [4096, 4096],
    [4095, ERANGE],
  ] as const;
  for (const [size, result] of rows) assert.is(guest.call('getcwd', buffer, size), result);
  assert.is(guest.call('chdir', '..'), 0);
  assert.is(enter('d'.repeat(11)), 0);
  for (const size of [8192, 4096, 0]) assert.is(guest.call('getcwd', buffer, size), ENAMETOOLONG);
});

test('readlink cuts the target to the buffer', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('symlink', '/target', '/tmp/link'), 0);
  const buffer = guest.buffer(8);
  assert.is(guest.call('readlink', '/tmp/link', buffer, 3), 3);
  assert.equal(guest.task.load(buffer, 4), text('/ta\0'));
  assert.is(guest.call('readlink', '/tmp/link', buffer, 0), EINVAL);
});

test('pipe stores two descriptors, and closes them when it cannot', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('pipe2', KERNEL_ADDR, 0), EFAULT);
  const fds = guest.buffer(8);
  assert.is(guest.call('pipe', fds), 0);
  assert.equal(guest.u32s(fds, 2), [0, 1]);
  assert.is(guest.call('write', 1, text('x'), 1), 1);
  assert.is(guest.call('read', 0, guest.buffer(4), 4), 1);
});

test('poll answers at once, or ERESTARTSYS where it would sleep', async () => {
  const guest = await Guest.create();
  const fds = guest.buffer(8);
  assert.is(guest.call('pipe', fds), 0);
  const poll = guest.put(Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0)); // fd 0, POLLIN
  assert.is(guest.call('poll', poll, 1, 0), 0);
  assert.is(guest.call('poll', poll, 1, -1), ERESTARTSYS);
  guest.call('write', 1, text('x'), 1);
  assert.is(guest.call('poll', poll, 1, -1), 1);
  assert.is(guest.task.load16(poll + 6), 1);
});

test('openat2 takes a structure of any size whose unknown part is zero', async () => {
  const guest = await Guest.create();
  const how = new Uint8Array(40);
  assert.is(guest.call('openat2', AT_FDCWD, '/dev/null', how, 24), 0);
  assert.is(guest.call('openat2', AT_FDCWD, '/dev/null', how, 40), 1);
  assert.is(guest.call('openat2', AT_FDCWD, '/dev/null', how, 23), EINVAL);
  how[39] = 1;
  assert.is(guest.call('openat2', AT_FDCWD, '/dev/null', how, 40), -7); // E2BIG
});

test('getdents64 stores whole records', async () => {
  const guest = await Guest.create();
  guest.call('mkdir', '/tmp/d', 0o755);
  const fd = guest.call('open', '/tmp/d', 0);
  const buffer = guest.buffer(256);
  const length = Number(guest.call('getdents64', fd, buffer, 256));
  assert.ok(length >= 48);
  assert.is(guest.task.load8(buffer + 19), '.'.charCodeAt(0));
  assert.is(guest.call('getdents64', fd, buffer, 256), 0);
});

test('sendfile moves the offset it was given and not the position', async () => {
  const guest = await Guest.create();
  const from = guest.call('open', '/tmp/a', O_RDWR | O_CREAT, 0o600);
  const to = guest.call('open', '/tmp/b', O_RDWR | O_CREAT, 0o600);
  guest.call('write', from, text('abcdef'), 6);
  const offset = guest.put(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0));
  assert.is(guest.call('sendfile', to, from, offset, 3), 3);
  assert.is(guest.task.load64(offset), 5n);
  assert.is(guest.call('lseek', from, 0, 1), 6);
});

test('utimensat of two omitted times looks at nothing', async () => {
  const guest = await Guest.create();
  const omit = new Uint8Array(new BigUint64Array([0n, 0x3ffffffen, 0n, 0x3ffffffen]).buffer);
  assert.is(guest.call('utimensat', AT_FDCWD, '/no/such/file', omit, 0), 0);
});

test.run();
