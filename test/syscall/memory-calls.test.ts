import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Guest } from './guest.js';

const test = suite('syscall/memory-calls');

const P = 4096;
const AT = 0x100000000000;
const ANON = 0x32;
const SHARED = 0x31;
const [EPERM, EBADF, ENOMEM, EFAULT, EBUSY, EINVAL, ENOSPC] = [-1, -9, -12, -14, -16, -22, -28];

type Call = readonly [call: string, args: readonly (number | bigint)[], result: number | bigint];

/** Six pages: written private memory, two of them read-only, a hole, and four of shared memory. */
const PREPARE: readonly Call[] = [
  ['mmap', [AT, 4 * P, 3, ANON, -1, 0], AT],
  ['mprotect', [AT + 2 * P, 2 * P, 1], 0],
  ['mmap', [AT + 5 * P, 4 * P, 3, SHARED, -1, 0], AT + 5 * P],
];
const FAR = AT + 64 * P;

const ROWS: readonly [rule: string, call: Call, ...then: Call[]][] = [
  ['K-500 no shared-validate of anonymous memory', ['mmap', [0, P, 3, 0x23, -1, 0], EINVAL]],
  ['K-502 anonymous memory has no end', ['mmap', [AT, 2 * P, 3, ANON, -1, 2n ** 64n - 4096n], AT]],
  ['K-521 keys come after the protection', ['pkey_mprotect', [AT, P, 0x10, 3], EINVAL]],
  ['K-521 and after a wrap', ['pkey_mprotect', [AT, 2n ** 64n - 4096n, 1, 3], ENOMEM]],
  ['K-521 no length needs no key', ['pkey_mprotect', [AT, 0, 1, 3], 0]],
  [
    'K-521 the one key is taken once',
    ['pkey_alloc', [0, 0], EINVAL],
    ['pkey_alloc', [0, 0], ENOSPC],
  ],
  ['K-530 overlap, fixed or not', ['mremap', [AT, 2 * P, 2 * P, 5, AT + P], EINVAL]],
  ['K-530 a length that wraps to nothing', ['mremap', [AT, 2n ** 64n - 1n, P, 1, 0], EINVAL]],
  ['K-530 old length 0 of private memory', ['mremap', [AT, 0, P, 1, 0], EINVAL]],
  ['K-530 growing over the end', ['mremap', [AT, 3 * P, 4 * P, 1, 0], EFAULT]],
  ['K-530 no room in place', ['mremap', [AT + 2 * P, 2 * P, 4 * P, 0, 0], ENOMEM]],
  [
    'K-530 onto itself',
    ['mremap', [AT, 2n ** 64n - 4096n, P, 3, AT], EFAULT],
    ['munmap', [AT, P], 0],
  ],
  ['K-531 in place over a hole', ['mremap', [AT + 2 * P, 2 * P, 3 * P, 0, 0], AT + 2 * P]],
  ['K-531 a duplicate', ['mremap', [AT + 5 * P, 0, P, 3, FAR], FAR], ['munmap', [FAR, P], 0]],
  [
    'K-532 several mappings, a hole among them',
    ['mremap', [AT, 9 * P, 9 * P, 3, FAR], FAR],
    ['mprotect', [FAR + 4 * P, P, 1], ENOMEM],
    ['mprotect', [FAR + 5 * P, 4 * P, 1], 0],
  ],
  ['K-541 unknown advice', ['madvise', [AT, 0, 7], EINVAL]],
  ['K-541 poison needs memory failures', ['madvise', [AT, P, 100], EINVAL]],
  ['K-541 no huge page fits', ['madvise', [AT, P, 25], EINVAL]],
  ['K-541 locked memory keeps its pages', ['mlock', [AT, P], 0], ['madvise', [AT, P, 4], EINVAL]],
  ['K-541 another process has flags', ['process_madvise', [-1, 0, 0, 4, 1], EINVAL]],
  ['K-541 another process needs a descriptor', ['process_madvise', [-1, 0, 0, 4, 0], EBADF]],
  [
    'K-543 sealed and read-only',
    ['mseal', [AT, 4 * P, 0], 0],
    ['madvise', [AT + 2 * P, P, 4], EPERM],
  ],
  ['K-543 sealed and writable', ['mseal', [AT, 4 * P, 0], 0], ['madvise', [AT, P, 4], 0]],
  ['K-545 a hole before what is locked', ['msync', [AT + 4 * P, P, 2], ENOMEM]],
  ['K-545 locked', ['mlock', [AT, P], 0], ['msync', [AT, P, 2], EBUSY]],
  ['K-545 a length that wraps to nothing', ['msync', [AT, 2n ** 64n - 1n, 4], 0]],
  ['K-546 mlockall of nothing', ['mlockall', [0], EINVAL]],
  ['K-546 on fault alone', ['mlockall', [4], EINVAL]],
  ['K-546 what is there', ['mlockall', [1], 0], ['madvise', [AT, P, 4], EINVAL]],
  ['K-546 unlocked again', ['mlockall', [3], 0], ['munlockall', [], 0], ['madvise', [AT, P, 4], 0]],
  ['K-546 a length that wraps to nothing', ['mlock', [AT, 2n ** 64n - 1n], 0]],
  ['K-551 a size of huge pages that is none', ['mmap', [0, P, 3, 0x4040022, -1, 0], EINVAL]],
  ['remap_file_pages of private memory', ['remap_file_pages', [AT, P, 0, 0, 0], EINVAL]],
  ['remap_file_pages with a protection', ['remap_file_pages', [AT + 5 * P, P, 1, 0, 0], EINVAL]],
];

for (const [rule, ...calls] of ROWS) {
  test(rule, async () => {
    const guest = await Guest.create();
    for (const [call, args, result] of [...PREPARE, ...calls]) {
      assert.is(guest.call(call, ...args), result, `${call} ${args.join(', ')}`);
    }
  });
}

test('remap_file_pages shows another page of a shared file', async () => {
  const guest = await Guest.create();
  for (const [call, args] of PREPARE) guest.call(call, ...args);
  guest.task.store8(BigInt(AT + 8 * P), 7);
  assert.is(guest.call('remap_file_pages', AT + 5 * P, P, 0, 3, 0), 0);
  assert.is(guest.task.load8(BigInt(AT + 5 * P)), 7);
});

test('mincore tells the pages before a hole (K-544)', async () => {
  const guest = await Guest.create();
  for (const [call, args] of PREPARE) guest.call(call, ...args);
  guest.task.store8(BigInt(AT), 1);
  const vec = guest.buffer(8);
  assert.is(guest.call('mincore', AT, 8 * P, vec), ENOMEM);
  assert.is(guest.task.load8(BigInt(vec)), 1);
});

test('a limit that refuses a mapping leaves what it would have replaced cut (K-547)', async () => {
  const guest = await Guest.create();
  guest.call('mmap', AT, 4 * P, 3, ANON, -1, 0);
  guest.call('prlimit64', 0, 9, limit(0n), 0);
  assert.is(guest.call('mmap', AT + P, P, 3, ANON, -1, 0), ENOMEM);
  const ranges = guest.task.readText('/proc/self/maps').match(/^10000000[^ ]*/gm);
  assert.equal(
    ranges,
    [1, 2, 4].map((end, i) => `${hex([0, 1, 2][i] ?? 0)}-${hex(end)}`),
  );
});

const hex = (page: number): string => (AT + page * P).toString(16);

function limit(soft: bigint): Uint8Array {
  return new Uint8Array(new BigUint64Array([soft, 2n ** 64n - 1n]).buffer);
}

test('mmap of mlockall(MCL_FUTURE) is locked, and fork gives it up (K-546)', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('mlockall', 2), 0);
  guest.call('mmap', AT, P, 3, ANON, -1, 0);
  assert.is(guest.call('madvise', AT, P, 4), EINVAL);
  const child = guest.task.fork();
  assert.is(child.syscall('madvise', AT, P, 4), 0);
});

test('a child inherits the one protection key that is taken', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('pkey_alloc', 0, 0), -22);
  const child = new Guest(guest.machine, guest.task.fork());
  assert.is(child.call('pkey_alloc', 0, 0), -28);
});

test.run();
