import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Guest } from './guest.js';

const test = suite('syscall/memory');

const EPERM = -1;
const EBADF = -9;
const ENOMEM = -12;
const EFAULT = -14;
const EINVAL = -22;
const EOPNOTSUPP = -95;

const ARENA = 0x100000000000;
const PRIVATE_ANON = 0x22;
const FIXED = 0x10;

test('mmap gives an address, munmap takes it away', async () => {
  const guest = await Guest.create();
  const addr = guest.call('mmap', 0, 8192, 3, PRIVATE_ANON, -1, 0);
  guest.task.store8(addr, 1);
  assert.is(guest.call('munmap', addr, 8192), 0);
  assert.is(guest.call('mincore', addr, 4096, guest.buffer(8)), ENOMEM);
});

const REFUSED: readonly [what: string, args: (number | bigint)[], errno: number][] = [
  ['no length', [0, 0, 3, PRIVATE_ANON, -1, 0], EINVAL],
  ['an unaligned offset, anonymous or not', [0, 4096, 3, PRIVATE_ANON, -1, 1], EINVAL],
  ['no descriptor, whatever the length', [0, 0, 3, 2, -1, 0], EBADF],
  ['no type', [0, 4096, 3, 0x20, -1, 0], EINVAL],
  ['an unaligned fixed address', [ARENA + 1, 4096, 3, PRIVATE_ANON | FIXED, -1, 0], EINVAL],
  ['an address of the kernel', [2n ** 63n, 4096, 3, PRIVATE_ANON | FIXED, -1, 0], ENOMEM],
  ['a length beyond user memory', [0, 2n ** 64n - 1n, 3, PRIVATE_ANON, -1, 0], ENOMEM],
  ['huge pages, of which there are none', [0, 4096, 3, PRIVATE_ANON | 0x40000, -1, 0], ENOMEM],
];

for (const [what, args, errno] of REFUSED) {
  test(`mmap refuses ${what} (K-500..K-503)`, async () => {
    const guest = await Guest.create();
    assert.is(guest.call('mmap', ...args), errno);
  });
}

test('MAP_SHARED_VALIDATE refuses flags it does not know (K-501)', async () => {
  const guest = await Guest.create();
  const fd = guest.call('memfd_create', 'x', 0);
  guest.call('ftruncate', fd, 4096);
  assert.is(guest.call('mmap', 0, 4096, 3, 0x800003, fd, 0), EOPNOTSUPP);
});

test('a file mapped shared shows what is written to the file', async () => {
  const guest = await Guest.create();
  const fd = guest.call('memfd_create', 'x', 0);
  guest.call('ftruncate', fd, 4096);
  const addr = guest.call('mmap', 0, 4096, 3, 1, fd, 0);
  guest.call('pwrite64', fd, Uint8Array.of(5), 1, 10);
  assert.is(guest.task.load8(BigInt(addr) + 10n), 5);
});

test('protections with bits above 32 are unknown (K-521)', async () => {
  const guest = await Guest.create();
  const addr = guest.call('mmap', 0, 4096, 3, PRIVATE_ANON, -1, 0);
  assert.is(guest.call('mprotect', addr, 4096, 2n ** 32n), EINVAL);
  assert.is(guest.call('mprotect', addr, 4096, 1), 0);
  assert.throws(() => guest.task.store8(addr, 1), /SEGV_ACCERR/);
});

test('a sealed mapping stays as it is, yet mem writes it (K-152, K-543)', async () => {
  const guest = await Guest.create();
  const addr = Number(guest.call('mmap', ARENA, 8192, 1, PRIVATE_ANON | FIXED, -1, 0));
  assert.is(guest.call('mseal', addr + 1, 4096, 0), EINVAL);
  assert.is(guest.call('mseal', addr, 4096, 1), EINVAL);
  assert.is(guest.call('mseal', addr, 12288, 0), ENOMEM);
  assert.is(guest.call('mseal', addr, 4096, 0), 0);
  assert.is(guest.call('mprotect', addr, 4096, 3), EPERM);
  assert.is(guest.call('munmap', addr, 8192), EPERM);
  assert.is(guest.call('munmap', addr + 4096, 4096), 0);
  assert.is(guest.task.open('/proc/self/mem', 'r+').pwrite(Uint8Array.of(1), addr), 1);
  assert.match(guest.task.readText('/proc/self/smaps'), /VmFlags: rd mr mw me .*sl/);
});

test('an unprivileged task may not map below vm.mmap_min_addr (K-504)', async () => {
  const guest = await Guest.create({ uid: 1000 });
  assert.is(guest.call('mmap', 0, 4096, 3, PRIVATE_ANON | FIXED, -1, 0), EPERM);
});

test('brk gives the break where it cannot move it (K-540)', async () => {
  const guest = await Guest.create({ argv: ['/bin/x'] });
  const start = Number(guest.call('brk', 0));
  assert.is(guest.call('brk', start + 10), start + 10);
  assert.is(guest.call('brk', 1), start + 10);
});

test('mremap moves, and a vector of mincore must be writable', async () => {
  const guest = await Guest.create();
  const addr = guest.call('mmap', ARENA, 4096, 3, PRIVATE_ANON | FIXED, -1, 0);
  guest.task.store8(addr, 9);
  assert.is(guest.call('mremap', addr, 4096, 4096, 3, ARENA + 0x10000), ARENA + 0x10000);
  assert.is(guest.task.load8(ARENA + 0x10000), 9);
  assert.is(guest.call('mincore', ARENA + 0x10000, 4096, 2n ** 63n), EFAULT);
  assert.is(guest.call('mincore', ARENA + 0x10000, 4096, 0), EFAULT);
  assert.is(guest.call('mincore', ARENA + 1, 4096, 2n ** 63n), EINVAL);
});

test('two mappings of one memory: process_vm_readv copies between tasks', async () => {
  const guest = await Guest.create();
  const child = guest.task.fork();
  child.mmap({ addr: ARENA, length: 4096, flags: PRIVATE_ANON | FIXED });
  child.store(ARENA, Uint8Array.of(1, 2, 3));
  const into = guest.buffer(8);
  const local = guest.iov([into, 3]);
  const remote = guest.iov([ARENA, 3]);
  assert.is(guest.call('process_vm_readv', child.pid, local, 1, remote, 1, 0), 3);
  assert.equal(guest.task.load(into, 4), Uint8Array.of(1, 2, 3, 0));
  assert.is(guest.call('process_vm_readv', child.pid, local, 1, remote, 1, 1), EINVAL);
});

const PAGES = 4096;
const NORESERVE = 0x4000;
const LOW = 4096;

/** Calls in their order: what one leaves the next one finds. */
const SEQUENCE: readonly [nr: number, args: number[]][] = [
  [9, [0, PAGES, 3, PRIVATE_ANON, -1, 0]],
  [9, [0, 1, 0, PRIVATE_ANON, 7, 0]],
  [9, [0, 2 ** 21, 3, PRIVATE_ANON, -1, 0]],
  [9, [ARENA, 8 * PAGES, 3, PRIVATE_ANON | FIXED, -1, 0]],
  [9, [ARENA + PAGES, PAGES, 1, PRIVATE_ANON | FIXED, -1, 0]],
  [9, [ARENA + PAGES, PAGES, 3, PRIVATE_ANON | 0x100000, -1, 0]],
  [9, [ARENA, PAGES, 3, PRIVATE_ANON | NORESERVE, -1, 0]],
  [9, [ARENA, PAGES, 3, PRIVATE_ANON, -1, 0]],
  [9, [LOW, PAGES, 3, PRIVATE_ANON | FIXED, -1, 0]],
  [9, [0, PAGES, 3, PRIVATE_ANON | FIXED, -1, 0]],
  [9, [2 ** 47 - 2 * PAGES, PAGES, 3, PRIVATE_ANON | FIXED, -1, 0]],
  [9, [2 ** 47 - PAGES, PAGES, 3, PRIVATE_ANON | FIXED, -1, 0]],
  [9, [-PAGES, PAGES, 3, PRIVATE_ANON | FIXED, -1, 0]],
  [9, [0, -1, 3, PRIVATE_ANON, -1, 0]],
  [9, [0, 2 ** 52, 3, PRIVATE_ANON, -1, 0]],
  [9, [0, PAGES, 2 ** 40 + 7, PRIVATE_ANON + 2 ** 32, -1, 0]],
  [11, [ARENA + 2 * PAGES, PAGES]],
  [11, [ARENA + 3 * PAGES, 1]],
  [11, [ARENA, 0]],
  [11, [ARENA + 1, PAGES]],
  [11, [-PAGES, PAGES]],
  [11, [0, -PAGES]],
  [11, [2 ** 47, PAGES]],
  [11, [ARENA + 64 * PAGES, PAGES]],
];

test('the short forms of mmap and munmap answer what the calls do, and leave the same', async () => {
  const [short, long] = [await Guest.create(), await Guest.create()];
  const mapsOf = ({ task }: Guest): string =>
    new TextDecoder().decode(task.readFile('/proc/self/maps'));
  for (const [nr, args] of SEQUENCE) {
    // Registers that are no numbers have no short form.
    const expected = long.task.syscall(nr, ...args.map(BigInt));
    assert.is(short.task.syscall(nr, ...args), expected, `${nr}: ${args.join()}`);
    assert.is(mapsOf(short), mapsOf(long), `${nr}: ${args.join()}`);
  }
});

test.run();
