import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Guest, type GuestArg } from './guest.js';

/** The result, or the error's name. */
function answer(result: number | bigint): number | string {
  const value = Number(result);
  return value < 0 ? errnoName(-value) : value;
}

const LONG = `user.${'a'.repeat(250)}`;
const TOO_LONG = `${LONG}a`;
const BUF = 0x200000080000;

/** Calls in order on a file, a link and a FIFO of a tmpfs as root, and what Linux 6.18 answers. */
const ROWS: readonly (readonly [
  call: string,
  args: readonly GuestArg[],
  answer: number | string,
])[] = [
  ['getxattr', ['f', 'user.a', BUF, 10], 'ENODATA'],
  ['setxattr', ['f', 'user.a', 'xyz', 3, 0], 0],
  ['getxattr', ['f', 'user.a', BUF, 10], 3],
  ['getxattr', ['f', 'user.a', BUF, 2], 'ERANGE'],
  ['getxattr', ['f', 'user.a', 0, 0], 3],
  ['setxattr', ['f', 'user.a', 'xyz', 3, 1], 'EEXIST'],
  ['setxattr', ['f', 'user.b', 'xyz', 3, 2], 'ENODATA'],
  ['listxattr', ['f', BUF, 100], 7],
  ['listxattr', ['f', BUF, 3], 'ERANGE'],
  ['listxattr', ['f', 0, 0], 7],
  ['setxattr', ['f', 'user.', 'x', 1, 0], 'EINVAL'],
  ['setxattr', ['f', 'foo.a', 'x', 1, 0], 'EOPNOTSUPP'],
  ['setxattr', ['f', 'foo', 'x', 1, 0], 'EOPNOTSUPP'],
  ['setxattr', ['f', '', 'x', 1, 0], 'ERANGE'],
  ['setxattr', ['f', 'user.a', 'x', 1, 3], 'EEXIST'],
  ['setxattr', ['f', 'user.a', 'x', 1, 8], 'EINVAL'],
  ['setxattr', ['f', 'user.a', BUF, 70000, 0], 'E2BIG'],
  ['setxattr', ['f', 'user.e', '', 0, 0], 0],
  ['getxattr', ['f', 'user.e', BUF, 10], 0],
  ['setxattr', ['f', LONG, 'x', 1, 0], 0],
  ['setxattr', ['f', TOO_LONG, 'x', 1, 0], 'ERANGE'],
  ['lsetxattr', ['l', 'user.a', 'x', 1, 0], 'EPERM'],
  ['lgetxattr', ['l', 'user.a', BUF, 1], 'ENODATA'],
  ['getxattr', ['l', 'user.a', BUF, 3], 3],
  ['setxattr', ['p', 'user.a', 'x', 1, 0], 'EPERM'],
  ['getxattr', ['p', 'user.a', BUF, 1], 'ENODATA'],
  ['llistxattr', ['l', BUF, 100], 0],
  ['setxattr', ['f', 'trusted.a', 'x', 1, 0], 0],
  ['getxattr', ['f', 'trusted.a', BUF, 10], 1],
  ['setxattr', ['f', 'security.a', 'x', 1, 0], 0],
  ['getxattr', ['f', 'security.a', BUF, 10], 1],
  ['getxattr', ['f', 'security.selinux', BUF, 10], 'ENODATA'],
  ['getxattr', ['f', 'system.x', BUF, 100], 'EOPNOTSUPP'],
  ['setxattr', ['f', 'system.x', 'x', 1, 0], 'EOPNOTSUPP'],
  ['removexattr', ['f', 'user.zz'], 'ENODATA'],
  ['removexattr', ['f', 'user.a'], 0],
  ['removexattr', ['f', 'foo.a'], 'EOPNOTSUPP'],
  ['lremovexattr', ['l', 'user.a'], 'EPERM'],
  ['listxattr', ['f', BUF, 1000], 284],
  ['getxattr', ['/proc/self/maps', 'user.a', BUF, 1], 'EOPNOTSUPP'],
  ['listxattr', ['/proc/self/maps', BUF, 100], 0],
  ['setxattr', ['/proc/self/maps', 'user.a', 'x', 1, 0], 'EOPNOTSUPP'],
  ['getxattr', ['/dev/null', 'user.a', BUF, 1], 'ENODATA'],
  ['listxattr', ['/dev/null', BUF, 100], 0],
];

async function setup(): Promise<Guest> {
  const guest = await Guest.create();
  guest.call('chdir', '/tmp');
  guest.task.writeFile('/tmp/f', '');
  guest.call('symlink', 'f', 'l');
  guest.call('mknod', 'p', 0o010644, 0);
  return guest;
}

const test = suite('syscall/xattr');

test('attributes of files in memory are what they are on a tmpfs of Linux', async () => {
  const guest = await setup();
  for (const [call, args, expected] of ROWS) {
    const said = `${call} ${args.join(' ')}`;
    assert.is(answer(guest.call(call, ...args)), expected, said);
  }
});

test('those of descriptors too, memfds included, pipes not', async () => {
  const guest = await setup();
  const memfd = Number(guest.call('memfd_create', 'm', 0));
  assert.is(answer(guest.call('fsetxattr', memfd, 'user.a', 'x', 1, 0)), 0);
  assert.is(answer(guest.call('fgetxattr', memfd, 'user.a', BUF, 10)), 1);
  assert.is(answer(guest.call('flistxattr', memfd, BUF, 100)), 7);
  assert.is(answer(guest.call('fremovexattr', memfd, 'user.a')), 0);
  const fds = guest.buffer(8);
  guest.call('pipe2', fds, 0);
  const [pipe = -1] = guest.u32s(fds, 1);
  assert.is(answer(guest.call('fgetxattr', pipe, 'user.a', BUF, 1)), 'ENODATA');
  assert.is(answer(guest.call('fsetxattr', pipe, 'user.a', 'x', 1, 0)), 'EPERM');
  assert.is(answer(guest.call('flistxattr', pipe, BUF, 1)), 0);
  const path = Number(guest.call('open', 'f', 0o10000000, 0));
  assert.is(answer(guest.call('fgetxattr', path, 'user.a', BUF, 1)), 'EBADF');
});

test('a user sees no trusted attributes, and writes to none of another’s', async () => {
  const guest = await setup();
  for (const name of ['user.e', 'trusted.a', 'security.a']) {
    guest.call('setxattr', 'f', name, 'x', 1, 0);
  }
  guest.call('chmod', 'f', 0o444);
  guest.call('setresuid', -1, 1000, -1);
  assert.is(answer(guest.call('setxattr', 'f', 'user.q', 'x', 1, 0)), 'EACCES');
  assert.is(answer(guest.call('getxattr', 'f', 'user.e', BUF, 9)), 1);
  assert.is(answer(guest.call('getxattr', 'f', 'trusted.a', BUF, 10)), 'ENODATA');
  assert.is(answer(guest.call('setxattr', 'f', 'trusted.a', '', 0, 0)), 'EPERM');
  assert.is(answer(guest.call('setxattr', 'f', 'security.zz', '', 0, 0)), 'EPERM');
  assert.is(answer(guest.call('removexattr', 'f', 'trusted.a')), 'EPERM');
  assert.is(answer(guest.call('listxattr', 'f', BUF, 1000)), 'user.e\0security.a\0'.length);
});

test('statfs says what a file system is, by path and by descriptor', async () => {
  const guest = await setup();
  const words = (): number[] => {
    const view = new DataView(guest.task.load(BUF, 120).buffer);
    const at = (offset: number): number => Number(view.getBigUint64(offset, true));
    return [at(0), at(8), Number(at(16) > 0), at(64), at(72), at(80)];
  };
  const tmpfs = [0x01021994, 4096, 1, 255, 4096, 0x1020];
  assert.is(guest.call('statfs', '/tmp', BUF), 0);
  assert.equal(words(), tmpfs);
  guest.call('statfs', '/proc', BUF);
  assert.equal(words(), [0x9fa0, 4096, 0, 255, 4096, 0x1020]);
  const fds = guest.buffer(8);
  guest.call('pipe2', fds, 0);
  const [pipe = -1] = guest.u32s(fds, 1);
  assert.is(guest.call('fstatfs', pipe, BUF), 0);
  assert.equal(words(), [0x50495045, 4096, 0, 255, 4096, 0x20]);
  guest.call('fstatfs', guest.call('eventfd2', 0, 0), BUF);
  assert.equal(words(), [0x09041934, 4096, 0, 255, 4096, 0x20]);
  assert.is(answer(guest.call('fstatfs', 99, BUF)), 'EBADF');
  assert.is(answer(guest.call('statfs', '/nope', BUF)), 'ENOENT');
  assert.is(answer(guest.call('statfs', '/tmp', 8)), 'EFAULT');
});

test('fadvise64 takes any advice there is, of what is no pipe', async () => {
  const guest = await setup();
  const memfd = guest.call('memfd_create', 'm', 0);
  const fds = guest.buffer(8);
  guest.call('pipe2', fds, 0);
  const [pipe = -1] = guest.u32s(fds, 1);
  assert.is(answer(guest.call('fadvise64', memfd, 0, -1, 0)), 0);
  assert.is(answer(guest.call('fadvise64', memfd, 0, 0, 5)), 0);
  assert.is(answer(guest.call('fadvise64', memfd, 0, 0, 9)), 'EINVAL');
  assert.is(answer(guest.call('fadvise64', pipe, 0, 0, 0)), 'ESPIPE');
  assert.is(answer(guest.call('fadvise64', 99, 0, 0, 0)), 'EBADF');
});

test.run();
