import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Guest } from './guest.js';

const test = suite('syscall/inspection');

const EPERM = -1;
const ENOENT = -2;
const ESRCH = -3;
const EBADF = -9;
const EINVAL = -22;
const PTRACE_PEEKDATA = 2;
const PTRACE_SEIZE = 0x4206;
const PTRACE_INTERRUPT = 0x4207;
const PIDFD_THREAD = 0o200;

test('ptrace stores the word it peeked', async () => {
  const guest = await Guest.create();
  const child = guest.task.fork();
  const addr = child.mmap({ length: 4096 });
  child.store64(addr, 0x1122334455667788n);
  assert.is(guest.call('ptrace', PTRACE_PEEKDATA, child.pid, addr, 8), ESRCH);
  assert.is(guest.call('ptrace', PTRACE_SEIZE, child.pid, 0, 0), 0);
  assert.is(guest.call('ptrace', PTRACE_INTERRUPT, child.pid, 0, 0), 0);
  const word = guest.buffer(8);
  assert.is(guest.call('ptrace', PTRACE_PEEKDATA, child.pid, addr, word), 0);
  assert.is(guest.task.load64(word), 0x1122334455667788n);
});

test('kcmp of a zombie finds no files, and everything else it had is nothing', async () => {
  const guest = await Guest.create();
  const zombie = guest.task.fork();
  const other = guest.task.fork();
  zombie.exit();
  other.exit();
  assert.is(guest.call('kcmp', zombie.pid, zombie.pid, 0, 0, 0), EBADF);
  for (const type of [1, 2, 3]) {
    assert.is(guest.call('kcmp', zombie.pid, other.pid, type, 0, 0), 0);
  }
});

test('kcmp tells what two tasks share', async () => {
  const guest = await Guest.create();
  const { pid } = guest.task;
  const child = guest.task.fork();
  const fd = guest.call('open', '/dev/null', 0);
  assert.is(guest.call('kcmp', pid, pid, 0, fd, fd), 0);
  assert.is(guest.call('kcmp', pid, pid, 0, fd, 99), EBADF);
  assert.is(guest.call('kcmp', pid, pid, 1, 0, 0), 0);
  assert.not.equal(guest.call('kcmp', pid, child.pid, 1, 0, 0), 0);
  assert.is(guest.call('kcmp', pid, pid, 9, 0, 0), EINVAL);
  assert.is(guest.call('kcmp', pid, 99999, 1, 0, 0), ESRCH);
});

test('a pidfd stands for a process until it is reaped', async () => {
  const guest = await Guest.create();
  const child = guest.task.fork();
  const tid = child.thread().tid;
  assert.is(guest.call('pidfd_open', 0, 0), EINVAL);
  assert.is(guest.call('pidfd_open', child.pid, 1), EINVAL);
  assert.is(guest.call('pidfd_open', 99999, 0), ESRCH);
  assert.is(guest.call('pidfd_open', tid, 0), ENOENT);
  assert.ok(Number(guest.call('pidfd_open', tid, PIDFD_THREAD)) >= 0);
  const fd = guest.call('pidfd_open', child.pid, 0);
  assert.is(guest.call('pidfd_send_signal', fd, 0, 0, 0), 0);
  child.exit();
  guest.task.wait();
  assert.is(guest.call('pidfd_send_signal', fd, 0, 0, 0), ESRCH);
});

test('pidfd_getfd takes a descriptor out of a process one may attach to', async () => {
  const guest = await Guest.create();
  const child = guest.task.fork();
  const theirs = child.open('/dev/zero').fd;
  const pidfd = guest.call('pidfd_open', child.pid, 0);
  const mine = guest.call('pidfd_getfd', pidfd, theirs, 0);
  assert.is(guest.call('kcmp', guest.task.pid, child.pid, 0, mine, theirs), 0);
  assert.is(guest.call('pidfd_getfd', pidfd, 99, 0), EBADF);
  assert.is(guest.call('pidfd_getfd', mine, 0, 0), EBADF);
  assert.is(guest.call('pidfd_getfd', pidfd, theirs, 1), EINVAL);
  guest.task.setuid(1000);
  assert.is(guest.call('pidfd_getfd', pidfd, theirs, 0), EPERM);
});

test('uname names the kernel and the architecture', async () => {
  const guest = await Guest.create();
  const buffer = guest.buffer(390);
  const field = (i: number): string =>
    new TextDecoder().decode(guest.task.load(buffer + 65 * i, 65)).split('\0', 1)[0]!;
  assert.is(guest.call('uname', buffer), 0);
  assert.equal([field(0), field(2), field(4)], ['Linux', '6.18.44', 'x86_64']);
  assert.is(guest.task.syscallOn('riscv64', 'uname', buffer), 0);
  assert.is(field(4), 'riscv64');
});

test('a sleep of no length is over; any other would sleep', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('nanosleep', new Uint8Array(16), 0), 0);
  assert.is(guest.call('nanosleep', Uint8Array.of(1, ...new Uint8Array(15)), 0), -512);
});

test('getrandom fills a buffer longer than the source gives at once', async () => {
  const guest = await Guest.create();
  const addr = guest.call('mmap', 0, 200_000, 3, 0x22, -1, 0);
  assert.is(guest.call('getrandom', addr, 200_000, 0), 200_000);
  assert.ok(guest.task.load(BigInt(addr) + 199_900n, 100).some((byte) => byte !== 0));
  assert.is(guest.call('getrandom', addr, 8, 8), EINVAL);
});

test.run();
