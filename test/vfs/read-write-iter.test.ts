import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { munmap } from '../../src/mm/mmap.js';
import { storeUser } from '../../src/mm/user.js';
import type { UserBuffer } from '../../src/mm/user.js';
import {
  O_CREAT,
  O_RDWR,
  RWF_APPEND,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOWAIT,
} from '../../src/vfs/flags.js';
import { importBuffers } from '../../src/vfs/iov.js';
import { doPreadv, doPwritev, doReadv } from '../../src/vfs/read-write-iter.js';
import type { U64 } from '../../src/vfs/u64.js';
import { ARENA, boot, fileOf, guest, host, mapFilled, open, outcome } from './fixture.js';

const MINUS_ONE = 2n ** 64n - 1n;

function setup() {
  const task = boot().spawn();
  mapFilled(task, ARENA, 8 * 4096, 0x61);
  mapFilled(task, ARENA + 0x100000, 3 * 4096, 0x62);
  const fd = open(task, '/proc/self/mem', O_RDWR) as number;
  fileOf(task, fd).pos = ARENA;
  return { task, fd, file: fileOf(task, fd) };
}

const test = suite('vfs/read-write-iter');

test('segments are read one after the other until one comes short (K-111)', () => {
  const { task, fd, file } = setup();
  const readv = (...segments: UserBuffer[]) => outcome(() => doReadv(task, fd, () => segments, 0));
  assert.is(readv(host(10), host(0), host(20)), 30);
  assert.is(file.pos, ARENA + 30);
  file.pos = ARENA + 8 * 4096 - 5;
  assert.is(readv(host(10), host(10)), 5);
  file.pos = ARENA + 8 * 4096 - 10;
  assert.is(readv(host(10), host(10)), 10, 'an error after the first bytes is quiet');
  assert.is(readv(host(10)), 'EIO');
});

test('a segment that faults still moves the position by its finished chunks (K-112)', () => {
  const { task, fd, file } = setup();
  assert.ok(task.mm);
  const sink = ARENA + 0x100000;
  munmap(task.mm, sink + 2 * 4096, 4096);
  // 8 KiB from the middle of the first page: the second chunk meets the hole.
  const faulting = guest(task, sink + 2048, 8192);
  assert.is(
    outcome(() => doReadv(task, fd, () => [host(10), faulting], 0)),
    10,
  );
  assert.is(file.pos, ARENA + 10 + 4096);
});

test('flags: mem knows RWF_HIPRI only (K-113)', () => {
  const { task, fd } = setup();
  const rows: [number, string | number][] = [
    [0, 4],
    [RWF_HIPRI, 4],
    [RWF_DSYNC, 'EOPNOTSUPP'],
    [RWF_NOWAIT, 'EOPNOTSUPP'],
    [RWF_APPEND, 'EOPNOTSUPP'],
    [0x1000, 'EOPNOTSUPP'],
  ];
  for (const [rwf, expected] of rows) {
    const preadv = () => doPreadv(task, fd, () => [host(4)], ARENA, rwf, true);
    assert.is(outcome(preadv), expected, String(rwf));
    assert.is(
      outcome(() => doPreadv(task, fd, () => [], ARENA, rwf, true)),
      0,
      'nothing to read',
    );
  }
});

test('position -1 means the file position for preadv2 and nothing for preadv (K-113)', () => {
  const { task, fd, file } = setup();
  const preadv = (pos: U64, flagsForm: boolean) =>
    outcome(() => doPreadv(task, fd, () => [host(4)], pos, 0, flagsForm));
  assert.is(preadv(MINUS_ONE, true), 4);
  assert.is(file.pos, ARENA + 4);
  assert.is(preadv(MINUS_ONE, false), 'EINVAL');
  assert.is(preadv(2n ** 63n, true), 'EINVAL');
});

test('an array of iovecs is checked before anything is read (K-113)', () => {
  const { task } = setup();
  assert.ok(task.mm);
  const { mm } = task;
  const put = (...words: bigint[]) =>
    storeUser(mm, ARENA, new Uint8Array(new BigUint64Array(words).buffer));
  const lengths = (count: U64) =>
    outcome(() => importBuffers(mm, ARENA, count).map((segment) => segment.length));
  assert.equal(lengths(0), []);
  assert.is(lengths(1025), 'EINVAL');
  assert.is(lengths(MINUS_ONE), 'EINVAL');
  assert.is(
    outcome(() => importBuffers(mm, 0, 1)),
    'EFAULT',
  );
  put(0x1000n, 2n ** 63n);
  assert.is(lengths(1), 'EINVAL');
  put(2n ** 47n, 1n);
  assert.is(lengths(1), 'EFAULT');
  put(0x1000n, 0x80000000n, 0x1000n, 16n);
  assert.equal(lengths(2), [0x7ffff000, 0], 'cut to MAX_RW_COUNT');
});

test('RWF_APPEND writes at the end of a file with contents', () => {
  const { task } = setup();
  const fd = open(task, '/tmp/f', O_CREAT | O_RDWR) as number;
  const pwritev = (rwf: number) =>
    outcome(() => doPwritev(task, fd, () => [host(4)], 0, rwf, true));
  assert.equal([pwritev(0), pwritev(RWF_APPEND), pwritev(RWF_APPEND)], [4, 4, 4]);
  assert.is(fileOf(task, fd).inode.size, 12);
});

test.run();
