import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Guest } from './guest.js';

const [F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK] = [5, 6, 7, 36, 37];
const [RD, WR, UN] = [0, 1, 2];
const [LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN] = [1, 2, 4, 8];
const MAX = 2n ** 63n - 1n;

function answer(result: number | bigint): number | string {
  const value = Number(result);
  return value < 0 ? errnoName(-value) : value;
}

/** fcntl with a struct flock; what came back in it with F_GETLK. */
function lock(
  guest: Guest,
  fd: number,
  command: number,
  [type, whence, start, length, pid = 0]: readonly (number | bigint)[],
): number | string | readonly (number | bigint)[] {
  const view = new DataView(new ArrayBuffer(32));
  view.setInt16(0, Number(type), true);
  view.setInt16(2, Number(whence), true);
  view.setBigInt64(8, BigInt(start ?? 0), true);
  view.setBigInt64(16, BigInt(length ?? 0), true);
  view.setInt32(24, Number(pid), true);
  const addr = guest.put(new Uint8Array(view.buffer));
  const result = answer(guest.call('fcntl', fd, command, addr));
  if (result !== 0 || (command !== F_GETLK && command !== F_OFD_GETLK)) return result;
  const got = new DataView(guest.task.load(addr, 32).buffer);
  return [
    got.getInt16(0, true),
    got.getInt16(2, true),
    Number(got.getBigInt64(8, true)),
    Number(got.getBigInt64(16, true)),
    got.getInt32(24, true),
  ];
}

/** A file of ten bytes, opened in four ways; the position of the first is 10. */
async function setup() {
  const guest = await Guest.create();
  guest.task.writeFile('/tmp/lf', '');
  const open = (flags: number): number => Number(guest.call('open', '/tmp/lf', flags, 0));
  const fds = { a: open(2), b: open(2), ro: open(0), wo: open(1), path: open(0o10000000) };
  guest.call('write', fds.a, '0123456789', 10);
  return { guest, ...fds };
}

const test = suite('syscall/fs-lock');

test('flock: who has another open file waits, and a change of type gives the old lock up', async () => {
  const { guest, a, b, path } = await setup();
  const flock = (fd: number, op: number) => answer(guest.call('flock', fd, op));
  assert.is(flock(a, LOCK_EX), 0);
  assert.is(flock(b, LOCK_SH | LOCK_NB), 'EAGAIN');
  assert.is(flock(b, LOCK_SH), 'ERESTARTSYS');
  assert.is(flock(a, LOCK_SH), 0);
  assert.is(flock(b, LOCK_SH | LOCK_NB), 0);
  assert.is(flock(a, LOCK_EX | LOCK_NB), 'EAGAIN');
  // The attempt has cost a its lock.
  assert.is(flock(b, LOCK_EX | LOCK_NB), 0);
  assert.is(flock(b, LOCK_UN), 0);
  for (const op of [7, 0]) assert.is(flock(a, op), 'EINVAL');
  for (const fd of [path, 99]) assert.is(flock(fd, LOCK_SH), 'EBADF');
  assert.is(flock(a, LOCK_EX), 0);
  guest.call('close', a);
  assert.is(flock(b, LOCK_EX | LOCK_NB), 0);
});

/** F_SETLK of a process that has no other lock in its way, and what Linux 6.18 answers. */
const RANGES: readonly (readonly [
  fd: 'a' | 'ro' | 'wo',
  lock: (number | bigint)[],
  answer: number | string,
])[] = [
  ['a', [WR, 0, 0, 5], 0],
  ['ro', [WR, 0, 0, 1], 'EBADF'],
  ['wo', [RD, 0, 0, 1], 'EBADF'],
  ['a', [RD, 1, -2, 2], 0],
  ['a', [5, 0, 0, 1], 'EINVAL'],
  ['a', [RD, 3, 0, 1], 'EINVAL'],
  ['a', [RD, 0, -1, 1], 'EINVAL'],
  ['a', [RD, 0, 2, -3], 'EINVAL'],
  ['a', [RD, 0, 2, -2], 0],
  ['a', [RD, 0, 1, MAX], 0],
  ['a', [RD, 0, 2, MAX], 'EOVERFLOW'],
  ['a', [UN, 0, 0, 0], 0],
];

test('a range is measured from the start, the position or the end', async () => {
  const { guest, ...fds } = await setup();
  for (const [fd, range, expected] of RANGES) {
    assert.is(lock(guest, fds[fd], F_SETLK, range), expected, `${fd} ${range.join(' ')}`);
  }
  assert.is(lock(guest, fds.a, F_GETLK, [UN, 0, 0, 0]), 'EINVAL');
  assert.is(lock(guest, fds.path, F_SETLK, [RD, 0, 0, 1]), 'EBADF');
});

test('locks of a process stand in the way of others, and F_GETLK says which', async () => {
  const { guest, a, b, ro } = await setup();
  lock(guest, a, F_SETLK, [WR, 0, 0, 10]);
  lock(guest, a, F_SETLK, [RD, 0, 3, 3]);
  lock(guest, a, F_SETLK, [UN, 0, 8, 1]);
  const child = new Guest(guest.machine, guest.task.fork());
  const parent = guest.task.pid;
  assert.equal(lock(child, b, F_GETLK, [WR, 0, 0, 0]), [WR, 0, 0, 3, parent]);
  assert.equal(lock(child, b, F_GETLK, [RD, 0, 3, 3]), [UN, 0, 3, 3, 0]);
  assert.equal(lock(child, b, F_GETLK, [RD, 0, 3, 0]), [WR, 0, 6, 2, parent]);
  assert.is(lock(child, b, F_SETLK, [RD, 0, 4, 2]), 0);
  assert.is(lock(child, b, F_SETLK, [WR, 0, 8, 1]), 0);
  assert.is(lock(child, b, F_SETLK, [RD, 0, 2, 2]), 'EAGAIN');
  assert.is(lock(child, b, F_SETLKW, [RD, 0, 2, 2]), 'ERESTARTSYS');
  assert.is(lock(child, b, F_OFD_SETLK, [WR, 0, 0, 1]), 'EAGAIN');
  // Closing any descriptor of the file gives all of the process's locks up.
  guest.call('close', ro);
  assert.equal(lock(child, b, F_GETLK, [WR, 0, 0, 4]), [UN, 0, 0, 4, 0]);
  child.task.exit(0);
  assert.is(lock(guest, a, F_SETLK, [WR, 0, 0, 0]), 0);
});

test('locks of an open file belong to it, whoever uses it', async () => {
  const { guest, a, b } = await setup();
  assert.is(lock(guest, a, F_OFD_SETLK, [WR, 0, 100, 0]), 0);
  assert.is(lock(guest, b, F_OFD_SETLK, [RD, 0, 150, 1]), 'EAGAIN');
  assert.equal(lock(guest, b, F_OFD_GETLK, [RD, 0, 150, 1]), [WR, 0, 100, 0, -1]);
  assert.equal(lock(guest, b, F_GETLK, [RD, 0, 150, 1]), [WR, 0, 100, 0, -1]);
  assert.is(lock(guest, b, F_SETLK, [RD, 0, 150, 1]), 'EAGAIN');
  assert.is(lock(guest, b, F_OFD_SETLK, [RD, 0, 0, 1, 5]), 'EINVAL');
  guest.call('close', a);
  assert.is(lock(guest, b, F_OFD_SETLK, [RD, 0, 150, 1]), 0);
});

test.run();
