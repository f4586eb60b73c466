import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Guest } from '../syscall/guest.js';

const test = suite('mm/access');

const EFAULT = -14;
const A = 0x100000000000;
const HOLE = 0x180000000000;
const PAGE = 4096;
const FIXED = 0x32;
const MAP_SHARED_FIXED = 0x11;
const MAP_DROPPABLE = 0x08;
const MADV_PAGEOUT = 21;
const SHM_REMAP = 0o40000;
const PUNCH = 3;

/** Pages of [A, A + count pages) in memory, as mincore says where the memory is anonymous. */
function present(guest: Guest, count: number): string {
  const into = guest.buffer(8 * count);
  const fd = guest.call('open', '/proc/self/pagemap', 0);
  guest.call('pread64', fd, into, 8 * count, (A / PAGE) * 8);
  guest.call('close', fd);
  const tops = Array.from({ length: count }, (_, i) => guest.u32s(into + 8 * i, 2)[1] as number);
  return tops.map((top) => (top & 0x80000000 ? '1' : '0')).join('');
}

test('a remote segment is pinned whole before the local side is looked at', async () => {
  const guest = await Guest.create();
  guest.task.mmap({ addr: A, length: 4 * PAGE, flags: FIXED });
  const remote = guest.iov([A, 3 * PAGE]);
  const { pid } = guest.task;
  const local = guest.iov([HOLE, 3 * PAGE]);
  assert.is(guest.call('process_vm_writev', pid, local, 1, remote, 1, 0), EFAULT);
  assert.is(present(guest, 4), '1110');
});

test('what the local side has no room for is pinned all the same', async () => {
  const guest = await Guest.create();
  guest.task.mmap({ addr: A, length: 4 * PAGE, flags: FIXED });
  const local = guest.iov([guest.buffer(8), 8]);
  const remote = guest.iov([A, PAGE + 1]);
  assert.is(guest.call('process_vm_readv', guest.task.pid, local, 1, remote, 1, 0), 8);
  assert.is(present(guest, 4), '1100');
});

test('droppable pages are gone after MADV_PAGEOUT, written or not, and are never locked', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('mlockall', 2), 0);
  assert.is(guest.call('mmap', A, 2 * PAGE, 3, 0x30 | MAP_DROPPABLE, -1, 0), A);
  guest.task.store(A, new Uint8Array([1]));
  assert.is(present(guest, 1), '1');
  assert.is(guest.call('madvise', A, PAGE, MADV_PAGEOUT), 0);
  assert.is(present(guest, 1), '0');
});

test('a read fault maps the neighbours of a memfd, not those of a SysV segment', async () => {
  const guest = await Guest.create();
  const id = guest.call('shmget', 0, 3 * PAGE, 0o600);
  guest.call('shmat', id, A, SHM_REMAP);
  guest.call('madvise', A, 3 * PAGE, 22);
  guest.call('shmat', id, A, SHM_REMAP);
  guest.task.load(A, new Uint8Array(1));
  assert.is(present(guest, 3), '100');
  const fd = guest.call('memfd_create', 'f', 0);
  guest.call('fallocate', fd, 0, 0, 3 * PAGE);
  guest.call('pwrite64', fd, guest.buffer(3 * PAGE), 3 * PAGE, 0);
  guest.call('mmap', A, 3 * PAGE, 3, MAP_SHARED_FIXED, fd, 0);
  guest.task.load(A, new Uint8Array(1));
  assert.is(present(guest, 3), '111');
});

test('a hole inside the first page unmaps the file from there on', async () => {
  const guest = await Guest.create();
  const fd = guest.call('memfd_create', 'f', 0);
  guest.call('ftruncate', fd, 3 * PAGE);
  guest.call('mmap', A, 3 * PAGE, 3, MAP_SHARED_FIXED, fd, 0);
  guest.call('madvise', A, 3 * PAGE, 23);
  assert.is(guest.call('fallocate', fd, PUNCH, 10, 5), 0);
  assert.is(present(guest, 3), '100');
  assert.is(guest.call('fallocate', fd, PUNCH, 0, 5), 0);
  assert.is(present(guest, 3), '000');
});

test('a fixed address in the topmost page is returned as the error it reads as', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('mmap', -1, PAGE, 3, FIXED, -1, 0), -1);
  assert.is(guest.call('mmap', -17, PAGE, 3, FIXED, -1, 0), -17);
});

test.run();
