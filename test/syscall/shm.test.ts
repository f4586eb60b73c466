import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Guest } from './guest.js';

const test = suite('syscall/shm');

const EPERM = -1;
const ENOENT = -2;
const ENOMEM = -12;
const EACCES = -13;
const EEXIST = -17;
const EINVAL = -22;
const IPC_CREAT = 0o1000;
const IPC_EXCL = 0o2000;
const IPC_RMID = 0;
const IPC_STAT = 2;
const SHM_RDONLY = 0o10000;
const SHM_RND = 0o20000;
const SHM_REMAP = 0o40000;

const A = 0x100000000000;

test('a key finds its segment, of any size up to its own', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('shmget', 0x1234, 100, 0), ENOENT);
  const id = guest.call('shmget', 0x1234, 100, IPC_CREAT | 0o600);
  assert.is(guest.call('shmget', 0x1234, 10, 0), id);
  assert.is(guest.call('shmget', 0x1234, 5000, 0), EINVAL);
  assert.is(guest.call('shmget', 0x1234, 100, IPC_CREAT | IPC_EXCL), EEXIST);
  assert.not.equal(guest.call('shmget', 0, 100, 0o600), id);
});

test('sizes that make no sense are refused', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('shmget', 0, 0, 0o600), EINVAL);
  assert.is(guest.call('shmget', 0, -1, 0o600), EINVAL);
  assert.is(guest.call('shmget', 0, 2n ** 62n, 0o600), ENOMEM);
});

test('attachments show the same memory, and their name in maps', async () => {
  const guest = await Guest.create();
  const id = guest.call('shmget', 0, 8193, 0o600);
  assert.is(guest.call('shmat', id, A, 0), A);
  assert.is(guest.call('shmat', id, A + 0x10001, SHM_RND), A + 0x10000);
  guest.task.store8(A, 7);
  assert.is(guest.task.load8(A + 0x10000), 7);
  assert.match(
    guest.task.readText('/proc/self/maps'),
    /^100000000000-100000003000 rw-s 00000000 .* \/SYSV00000000 \(deleted\)\n/,
  );
});

test('mem writes no read-only attachment (K-136)', async () => {
  const guest = await Guest.create();
  const id = guest.call('shmget', 0, 4096, 0o600);
  assert.is(guest.call('shmat', id, A, SHM_RDONLY), A);
  const mem = guest.task.open('/proc/self/mem', 'r+');
  assert.is(mem.pread(new Uint8Array(1), A), 1);
  assert.throws(() => mem.pwrite(new Uint8Array(1), A), /EIO/);
  assert.is(guest.call('mprotect', A, 4096, 3), EACCES);
});

test('a place that is taken, unaligned or missing is refused', async () => {
  const guest = await Guest.create();
  const id = guest.call('shmget', 0, 4096, 0o600);
  guest.call('shmat', id, A, 0);
  assert.is(guest.call('shmat', id, A, 0), EINVAL);
  assert.is(guest.call('shmat', id, A, SHM_REMAP), A);
  assert.is(guest.call('shmat', id, A + 1, 0), EINVAL);
  assert.is(guest.call('shmat', id, 0, SHM_REMAP), EINVAL);
  assert.is(guest.call('shmat', -1, 0, 0), EINVAL);
});

test('shmdt takes all that is left of an attachment', async () => {
  const guest = await Guest.create();
  const id = guest.call('shmget', 0, 12288, 0o600);
  guest.call('shmat', id, A, 0);
  guest.call('shmat', id, A + 0x10000, 0);
  guest.call('munmap', A + 4096, 4096);
  const stat = guest.buffer(112);
  assert.is(guest.call('shmctl', id, IPC_STAT, stat), 0);
  assert.is(guest.task.load64(stat + 88), 3n);
  assert.is(guest.call('shmdt', A), 0);
  assert.is(guest.call('shmdt', A), EINVAL);
  assert.is(guest.call('shmctl', id, IPC_STAT, stat), 0);
  assert.is(guest.task.load64(stat + 88), 1n);
});

test('a removed segment goes with its last attachment, and its frames', async () => {
  const guest = await Guest.create();
  guest.buffer(4096);
  const before = guest.machine.stats().framesInUse;
  const id = guest.call('shmget', 0, 1 << 20, 0o600);
  guest.call('shmat', id, A, 0);
  guest.task.store(A, new Uint8Array(1 << 20));
  const child = guest.task.fork();
  assert.is(guest.call('shmctl', id, IPC_RMID, 0), 0);
  assert.is(guest.call('shmdt', A), 0);
  assert.is(child.load8(A), 0);
  child.exit();
  guest.task.wait();
  assert.is(guest.call('shmat', id, A, 0), EINVAL);
  assert.is(guest.machine.stats().framesInUse, before);
});

test('permission bits decide who attaches, ownership who removes', async () => {
  const guest = await Guest.create();
  const id = guest.call('shmget', 0, 4096, 0o604);
  guest.task.setuid(1000);
  assert.is(guest.call('shmat', id, A, 0), EACCES);
  assert.is(guest.call('shmat', id, A, SHM_RDONLY), EACCES); // group 0 has none
  guest.machine.spawn({ uid: 1001 });
  assert.is(guest.call('shmctl', id, IPC_RMID, 0), EPERM);
  const other = guest.machine.spawn({ uid: 1001 });
  assert.is(other.syscall('shmat', id, A, SHM_RDONLY), A);
});

test('a size that no file has is EINVAL, one that memory has not ENOMEM', async () => {
  const guest = await Guest.create();
  for (const size of [0, 2n ** 63n, 2n ** 64n - 1n]) {
    assert.is(guest.call('shmget', 0, size, 0o600), EINVAL);
  }
  assert.is(guest.call('shmget', 0, 2n ** 62n, 0o600), ENOMEM);
});

test('SHM_LOCK is for the owner, and a number below 0 or a null pointer is refused first', async () => {
  const guest = await Guest.create();
  const id = guest.call('shmget', 0, 4096, 0o600);
  assert.is(guest.call('shmctl', id, 11, 0), 0);
  assert.is(guest.call('shmctl', id, 12, 0), 0);
  assert.is(guest.call('shmctl', -1, 1, 0), EINVAL);
  assert.is(guest.call('shmctl', 4095, 1, 0), -14);
  guest.call('setresuid', 1000, 1000, 1000);
  assert.is(guest.call('shmctl', id, 11, 0), EPERM);
});

test.run();
