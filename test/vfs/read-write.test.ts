import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { TaskStruct } from '../../src/kernel/task.js';
import type { UserBuffer } from '../../src/mm/user.js';
import { O_APPEND, O_CREAT, O_RDWR } from '../../src/vfs/flags.js';
import { ksysLseek, ksysPread64, ksysPwrite64, ksysRead } from '../../src/vfs/read-write.js';
import type { U64 } from '../../src/vfs/u64.js';
import {
  ARENA,
  boot,
  fileOf,
  guest,
  host,
  mapFilled,
  open,
  outcome,
  peek,
  read,
} from './fixture.js';

const MAX = 2n ** 64n;

function setup(): { task: TaskStruct; fd: number } {
  const { spawn } = boot();
  const task = spawn();
  mapFilled(task, ARENA, 8192, 0x61);
  return { task, fd: open(task, '/proc/self/mem', O_RDWR) as number };
}

const seek = (task: TaskStruct, fd: number, offset: U64, whence = 0) =>
  outcome(() => ksysLseek(task, fd, offset, whence));
const pread = (task: TaskStruct, fd: number, pos: U64, buf: UserBuffer) =>
  outcome(() => ksysPread64(task, fd, buf, pos));

const test = suite('vfs/read-write');

test('a position of mem is any 64-bit value, and seeks wrap around (K-120, K-121)', () => {
  const { task, fd } = setup();
  const rows: [U64, number, U64 | string][] = [
    [0, 0, 0],
    [MAX - 1n, 0, MAX - 1n],
    [2, 1, 1],
    [2n ** 63n, 0, 2n ** 63n],
    [2n ** 63n, 1, 0],
    [MAX - 4095n, 0, MAX - 4095n],
    [ARENA, 0, ARENA],
    [MAX - 1n, 1, ARENA - 1],
    [0, 2, 'EINVAL'],
    [0, 3, 'EINVAL'],
    [0, 4, 'EINVAL'],
    [0, 5, 'EINVAL'],
    [0, -1, 'EINVAL'],
  ];
  for (const [offset, whence, expected] of rows) {
    assert.is(seek(task, fd, offset, whence), expected, `${offset} ${whence}`);
  }
});

test('a read at a negative position may not wrap past 2^64 (K-122, K-123)', () => {
  const { task, fd } = setup();
  const rows: [U64, number, string][] = [
    [MAX - 8n, 7, 'EIO'],
    [MAX - 8n, 8, 'EOVERFLOW'],
    [MAX - 8n, 9, 'EOVERFLOW'],
    [MAX - 1n, 1, 'EOVERFLOW'],
    [2n ** 63n, 8, 'EIO'],
    [2n ** 63n - 4n, 8, 'EIO'],
  ];
  for (const [pos, length, expected] of rows) {
    seek(task, fd, pos);
    assert.is(read(task, fd, length), expected, `${pos} ${length}`);
    assert.is(fileOf(task, fd).pos, pos, 'the position stays');
  }
});

test('pread and pwrite refuse positions of 2^63 and above before anything else (K-124)', () => {
  const { task, fd } = setup();
  assert.is(pread(task, fd, 2n ** 63n, host(1)), 'EINVAL');
  assert.is(pread(task, 99, MAX - 1n, host(1)), 'EINVAL');
  assert.is(pread(task, 99, 0, host(1)), 'EBADF');
  assert.is(
    outcome(() => ksysPwrite64(task, fd, host(1), MAX - 1n)),
    'EINVAL',
  );
});

test('other files have positions below 2^63 only, for the end of the range too', () => {
  const { task } = setup();
  const fd = open(task, '/tmp/f', O_CREAT | O_RDWR) as number;
  assert.is(seek(task, fd, MAX - 1n), 'EINVAL');
  assert.is(pread(task, fd, 2n ** 63n - 1n, host(4)), 'EINVAL');
  assert.is(
    pread(task, open(task, '/proc/self/maps') as number, 2n ** 63n - 1n, host(1)),
    'EINVAL',
  );
});

test('a count of 0 reads 0 whatever the address (K-105)', () => {
  const { task, fd } = setup();
  for (const pos of [0, ARENA, 2 ** 47, 2n ** 63n - 1n]) {
    assert.is(pread(task, fd, pos, host(0)), 0);
  }
});

test('a buffer that is no user range is refused up front, even for 0 bytes (K-108)', () => {
  const { task, fd } = setup();
  const rows: [U64, number, string | number][] = [
    [2n ** 63n, 0, 'EFAULT'],
    [2 ** 47, 0, 'EFAULT'],
    [2 ** 47 - 4096, 0, 0],
    [2 ** 47 - 4096, 1, 'EFAULT'],
    [ARENA, 2 ** 63, 'EFAULT'],
    [0, 0, 0],
  ];
  for (const [addr, length, expected] of rows) {
    assert.is(pread(task, fd, ARENA, guest(task, addr, length)), expected, `${addr} ${length}`);
  }
});

test('target failures of reads come before the buffer, of writes after it (K-106)', () => {
  const { task, fd } = setup();
  assert.is(pread(task, fd, 8, guest(task, 0, 4)), 'EIO');
  assert.is(pread(task, fd, ARENA, guest(task, 0, 4)), 'EFAULT');
  assert.is(
    outcome(() => ksysPwrite64(task, fd, guest(task, 0, 4), 8)),
    'EFAULT',
  );
});

test('the position moves by the bytes copied, and stays on an error (K-110)', () => {
  const { task, fd } = setup();
  seek(task, fd, ARENA + 8000);
  assert.is(read(task, fd, 500), 'a'.repeat(192));
  assert.is(fileOf(task, fd).pos, ARENA + 8192);
  assert.is(read(task, fd, 1), 'EIO');
  assert.is(
    outcome(() => ksysRead(task, fd, guest(task, 0, 1))),
    'EIO',
  );
  assert.is(fileOf(task, fd).pos, ARENA + 8192);
});

test('O_APPEND moves writes to files with contents, not to mem (K-114)', () => {
  const { task } = setup();
  const mem = open(task, '/proc/self/mem', O_RDWR | O_APPEND) as number;
  const bytes = guest(task, ARENA, 4);
  assert.is(
    outcome(() => ksysPwrite64(task, mem, bytes, ARENA + 4096)),
    4,
  );
  assert.is(peek(task, ARENA + 4096, 4), '61616161');
  const file = open(task, '/tmp/f', O_CREAT | O_RDWR | O_APPEND) as number;
  outcome(() => ksysPwrite64(task, file, bytes, 0));
  outcome(() => ksysPwrite64(task, file, bytes, 0));
  assert.is(fileOf(task, file).inode.size, 8);
});

test('directories do not read, and pipes have no positions', () => {
  const { task } = setup();
  assert.is(read(task, open(task, '/tmp'), 1), 'EISDIR');
  assert.is(read(task, open(task, '/proc/self'), 1), 'EISDIR');
});

test.run();
