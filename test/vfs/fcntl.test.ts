import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { RLIMIT_NOFILE } from '../../src/kernel/rlimit.js';
import {
  sysClose,
  sysCloseRange,
  sysDup,
  sysDup2,
  sysDup3,
  sysFcntl,
} from '../../src/vfs/fcntl.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import * as fl from '../../src/vfs/flags.js';
import { doPollfd, sysFsync, sysIoctl } from '../../src/vfs/ioctl.js';
import { doPipe2 } from '../../src/vfs/pipe.js';
import { fork } from '../kernel/lifecycle.js';
import { ARENA, boot, fileOf, mapFilled, open, outcome, peek, read, write } from './fixture.js';

function setup() {
  const { spawn, vfs } = boot();
  vfs.addFile('/tmp/f', new TextEncoder().encode('0123456789'));
  const task = spawn();
  return { task, fd: open(task, '/tmp/f', fl.O_RDWR) as number };
}

const test = suite('vfs/fcntl');

test('copies of a descriptor share the position and the flags (K-114)', () => {
  const { task, fd } = setup();
  const copy = sysDup(task, fd);
  assert.is(read(task, copy, 4), '0123');
  assert.is(read(task, fd, 2), '45');
  const child = fork(task);
  assert.is(read(child, fd, 2), '67');
  assert.is(read(task, copy, 2), '89');
  assert.is(sysFcntl(task, copy, fl.F_SETFL, fl.O_NONBLOCK), 0);
  assert.is(sysFcntl(task, fd, fl.F_GETFL, 0) & fl.O_NONBLOCK, fl.O_NONBLOCK);
});

test('dup2 replaces, dup3 refuses the same number twice', () => {
  const { task, fd } = setup();
  const other = open(task, '/dev/null') as number;
  assert.is(sysDup2(task, fd, other), other);
  assert.is(fileOf(task, other), fileOf(task, fd));
  assert.is(sysDup2(task, fd, fd), fd);
  assert.is(
    outcome(() => sysDup2(task, 99, 99)),
    'EBADF',
  );
  assert.is(
    outcome(() => sysDup2(task, fd, -1)),
    'EBADF',
  );
  assert.is(
    outcome(() => sysDup2(task, fd, 5000)),
    'EBADF',
  );
  assert.is(
    outcome(() => sysDup3(task, fd, fd, 0)),
    'EINVAL',
  );
  assert.is(
    outcome(() => sysDup3(task, fd, 7, 1)),
    'EINVAL',
  );
  assert.is(sysDup3(task, fd, 7, fl.O_CLOEXEC), 7);
  assert.is(sysFcntl(task, 7, fl.F_GETFD, 0), fl.FD_CLOEXEC);
});

test('F_DUPFD starts at a number, and knows the limit', () => {
  const { task, fd } = setup();
  assert.is(sysFcntl(task, fd, fl.F_DUPFD, 10), 10);
  assert.is(sysFcntl(task, fd, fl.F_DUPFD_CLOEXEC, 10), 11);
  task.group.rlimits.set(RLIMIT_NOFILE, { cur: 12n, max: 12n });
  assert.is(
    outcome(() => sysFcntl(task, fd, fl.F_DUPFD, 12)),
    'EINVAL',
  );
  assert.is(
    outcome(() => sysFcntl(task, fd, fl.F_DUPFD, 11)),
    'EMFILE',
  );
});

test('what an O_PATH descriptor can and cannot do', () => {
  const { task } = setup();
  const fd = open(task, '/tmp/f', fl.O_PATH) as number;
  assert.is(sysFcntl(task, fd, fl.F_GETFL, 0), fl.O_PATH);
  assert.is(
    outcome(() => sysFcntl(task, fd, fl.F_SETFL, 0)),
    'EBADF',
  );
  assert.is(
    outcome(() => sysIoctl(task, fd, 0, 0)),
    'EBADF',
  );
  assert.is(
    outcome(() => sysFsync(task, fd)),
    'EBADF',
  );
  assert.is(sysFcntl(task, sysDup(task, fd), fl.F_GETFD, 0), 0);
});

test('close_range closes a range, or marks it', () => {
  const { task, fd } = setup();
  for (let i = 0; i < 4; i++) sysDup(task, fd);
  sysCloseRange(task, 1, 2, 4);
  assert.equal(
    [1, 2, 3].map((n) => filesOf(task).isCloexec(n)),
    [true, true, false],
  );
  sysCloseRange(task, 2, 3, 0);
  assert.equal(filesOf(task).openFds(), [0, 1, 4]);
  filesOf(task).closeOnExec();
  assert.equal(filesOf(task).openFds(), [0, 4]);
  assert.is(
    outcome(() => sysClose(task, 2)),
    'EBADF',
  );
});

test('what mem answers to ioctl, fsync and poll (K-022)', () => {
  const { task } = setup();
  const mem = open(task, '/proc/self/mem', fl.O_RDWR) as number;
  mapFilled(task, ARENA, 4096, 0);
  assert.is(
    outcome(() => sysIoctl(task, mem, 0x1234, 0)),
    'ENOTTY',
  );
  assert.is(
    outcome(() => sysFsync(task, mem)),
    'EINVAL',
  );
  assert.is(doPollfd(task, mem, fl.POLLIN | fl.POLLOUT), fl.POLLIN | fl.POLLOUT);
  assert.is(doPollfd(task, 99, fl.POLLIN), fl.POLLNVAL);
  fileOf(task, mem).pos = 16;
  assert.is(sysIoctl(task, mem, 0x541b, ARENA), 0);
  assert.is(peek(task, ARENA, 4), 'f0ffffff', 'FIONREAD: size less position');
});

test('a pipe carries bytes, ends when nobody writes, and never waits', () => {
  const { task } = setup();
  const [from, to] = doPipe2(task, 0);
  const [idle] = doPipe2(task, fl.O_NONBLOCK);
  assert.is(read(task, idle, 10), 'EAGAIN');
  assert.is(read(task, from, 10), 'ERESTARTSYS', 'make the call again');
  assert.is(write(task, to, 'hello'), 5);
  assert.is(doPollfd(task, from, fl.POLLIN), fl.POLLIN);
  assert.equal([read(task, from, 2), read(task, from, 9)], ['he', 'llo']);
  const much = 'x'.repeat(70000);
  assert.is(write(task, to, much), 'ERESTARTSYS');
  assert.is(read(task, from).length, 65536);
  assert.is(write(task, to, much), 70000, 'made again, it goes on where it was');
  sysClose(task, to);
  assert.is(read(task, from).length, 70000 - 65536);
  assert.is(read(task, from, 1), '');
  const [, quick] = doPipe2(task, fl.O_NONBLOCK);
  assert.is(write(task, quick, much), 65536);
  assert.is(write(task, quick, 'y'), 'EAGAIN');
  const [reader, writer] = doPipe2(task, 0);
  sysClose(task, reader);
  assert.is(write(task, writer, 'x'), 'EPIPE');
  assert.is(
    outcome(() => doPipe2(task, 1)),
    'EINVAL',
  );
});

test.run();
