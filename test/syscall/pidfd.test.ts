import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Guest } from './guest.js';

const test = suite('syscall/pidfd');

const EPERM = -1;
const ESRCH = -3;
const EBADF = -9;
const EFAULT = -14;
const EINVAL = -22;
const SELF_THREAD = -10000;
const SELF_THREAD_GROUP = -10001;

/** A siginfo_t of a signal and a code. */
function siginfo(signal: number, code: number): Uint8Array {
  const words = new Int32Array(32);
  words[0] = signal;
  words[2] = code;
  return new Uint8Array(words.buffer);
}

test('pidfd_send_signal takes one kind of receiver', async () => {
  const guest = await Guest.create();
  const pidfd = guest.call('pidfd_open', guest.task.pid, 0);
  const expected = [0, 0, 0, EINVAL, ESRCH, EINVAL, EINVAL, EINVAL, EINVAL];
  expected.forEach((result, flags) => {
    assert.is(guest.call('pidfd_send_signal', pidfd, 0, 0, flags), result, String(flags));
  });
  const dir = guest.call('open', '/proc/self/', 0o200000);
  const rows: [fd: number | bigint, signal: number, expected: number][] = [
    [SELF_THREAD, 0, 0],
    [SELF_THREAD_GROUP, 0, 0],
    [dir, 0, 0],
    [pidfd, 65, EINVAL],
    [999, 0, EBADF],
    [guest.call('open', '/dev/null', 0), 0, EBADF],
  ];
  for (const [fd, signal, result] of rows) {
    assert.is(guest.call('pidfd_send_signal', fd, signal, 0, 0), result);
  }
  assert.is(guest.call('pidfd_getfd', dir, 0, 0), EBADF);
});

test('what a signal tells is free to say only to oneself', async () => {
  const guest = await Guest.create();
  const own = guest.call('pidfd_open', guest.task.pid, 0);
  const other = guest.call('pidfd_open', guest.task.fork().pid, 0);
  const send = (fd: number | bigint, info: Uint8Array | number): number | bigint =>
    guest.call('pidfd_send_signal', fd, 0, info, 0);
  assert.is(send(own, siginfo(0, 0)), 0);
  assert.is(send(own, siginfo(10, 0)), EINVAL);
  assert.is(send(own, 8), EFAULT);
  assert.is(send(other, siginfo(0, 0)), EPERM);
  assert.is(send(other, siginfo(0, -6)), EPERM);
  assert.is(send(other, siginfo(0, -1)), 0);
});

test('process_mrelease is for the dying, who have no memory left here', async () => {
  const guest = await Guest.create();
  const child = guest.task.fork();
  const pidfd = guest.call('pidfd_open', child.pid, 0);
  const release = (fd: number | bigint, flags = 0): number | bigint =>
    guest.call('process_mrelease', fd, flags);
  assert.is(release(pidfd), EINVAL);
  assert.is(release(pidfd, 1), EINVAL);
  assert.is(release(999), EBADF);
  assert.is(release(guest.call('open', '/dev/null', 0)), EBADF);
  child.exit();
  assert.is(release(pidfd), ESRCH);
  assert.is(guest.call('pidfd_send_signal', pidfd, 0, 0, 0), 0);
  assert.is(guest.call('pidfd_getfd', pidfd, 0, 0), ESRCH);
  guest.task.wait();
  assert.is(guest.call('pidfd_send_signal', pidfd, 0, 0, 0), ESRCH);
});

test('a pidfd is a regular file of its own kind: positions, but nothing to read, write or change', async () => {
  const guest = await Guest.create();
  const fd = guest.call('pidfd_open', guest.task.pid, 0);
  const into = guest.buffer(8);
  const rows: [string, (number | bigint)[], number][] = [
    ['pread64', [fd, into, 8, 0], -22],
    ['pwrite64', [fd, into, 8, 0], -22],
    ['lseek', [fd, 0, 0], -29],
    ['fchmod', [fd, 0o600], -95],
    ['fchown', [fd, 0, 0], -95],
    ['ftruncate', [fd, 0], -95],
    ['ftruncate', [fd, 0x80000000], -22],
    ['fallocate', [fd, 0, 0, 1], -95],
    ['ioctl', [fd, 0x541b, into], -25],
  ];
  for (const [name, args, result] of rows) assert.is(guest.call(name, ...args), result, name);
});

test.run();
