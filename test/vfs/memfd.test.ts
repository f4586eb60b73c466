import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { MAP_FIXED, MAP_PRIVATE, MAP_SHARED } from '../../assembly/abi/mman.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { cpuStore } from '../../src/mm/cpu.js';
import { mmap, munmap } from '../../src/mm/mmap.js';
import { sysFcntl } from '../../src/vfs/fcntl.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import * as fl from '../../src/vfs/flags.js';
import { memfdCreate } from '../../src/vfs/memfd.js';
import { mapFileChecked } from '../../src/vfs/mmap.js';
import { ksysPwrite64 } from '../../src/vfs/read-write.js';
import { memfdSecret } from '../../src/vfs/secretmem.js';
import { readlinkat, vfsFstat } from '../../src/vfs/stat.js';
import { sysFallocate, sysFtruncate } from '../../src/vfs/truncate.js';
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
  tryOpen,
  write,
} from './fixture.js';

/** Maps a descriptor: the address, or the error's name. */
function map(task: TaskStruct, fd: number, prot: number, flags: number): number | string {
  return outcome(() => {
    if (task.mm === null) throw new Error('no memory');
    const file = filesOf(task).get(fd);
    const request = { addr: 0, length: 4096, prot, flags, offset: 0 };
    return mmap(task.mm, { ...request, mapFile: () => mapFileChecked(task, file, request) });
  });
}

function setup(flags = fl.MFD_ALLOW_SEALING, size = 8192) {
  const task = boot().spawn();
  const fd = memfdCreate(task, 'x', flags);
  sysFtruncate(task, fd, size);
  const seal = (seals: number, of = fd) => outcome(() => sysFcntl(task, of, fl.F_ADD_SEALS, seals));
  const seals = (of = fd) => outcome(() => sysFcntl(task, of, fl.F_GET_SEALS, 0));
  const truncate = (length: number) => outcome(() => sysFtruncate(task, fd, length)) ?? 'ok';
  const allocate = (mode: number, length: number) =>
    outcome(() => sysFallocate(task, fd, mode, 0, length)) ?? 'ok';
  const pwrite = (pos: number, length: number) =>
    outcome(() => ksysPwrite64(task, fd, host(length), pos));
  return { task, fd, seal, seals, truncate, allocate, pwrite };
}

const test = suite('vfs/memfd');

test('names, modes and flags', () => {
  const { task, fd } = setup();
  assert.is(readlinkat(task, fl.AT_FDCWD, `/proc/self/fd/${fd}`, 99), '/memfd:x (deleted)');
  const { mode, nlink } = vfsFstat(task, fd);
  assert.equal([mode, nlink], [0o100777, 0]);
  const rows: [string, number, string | number][] = [
    ['e', 0x80, 'EINVAL'],
    ['e', fl.MFD_EXEC | fl.MFD_NOEXEC_SEAL, 'EINVAL'],
    ['a'.repeat(250), 0, 'EINVAL'],
    ['a'.repeat(249), 0, fd + 1],
  ];
  for (const [name, flags, expected] of rows) {
    assert.is(
      outcome(() => memfdCreate(task, name, flags)),
      expected,
    );
  }
  const noexec = memfdCreate(task, 'n', fl.MFD_NOEXEC_SEAL | fl.MFD_CLOEXEC);
  assert.is(vfsFstat(task, noexec).mode, 0o100666);
  assert.is(filesOf(task).isCloexec(noexec), true);
});

test('who has seals, and who may add them', () => {
  const { task, fd, seal, seals } = setup();
  assert.is(seals(), 0);
  assert.is(seal(0x100), 'EINVAL');
  assert.is(seals(memfdCreate(task, 'y', 0)), fl.F_SEAL_SEAL);
  assert.is(seal(fl.F_SEAL_GROW, 1), 'EPERM', 'sealed against seals');
  assert.is(seals(open(task, '/tmp/t', fl.O_CREAT | fl.O_RDWR) as number), fl.F_SEAL_SEAL);
  assert.is(seals(open(task, '/dev/zero', fl.O_RDWR) as number), 'EINVAL');
  const readonly = open(task, `/proc/self/fd/${fd}`) as number;
  assert.is(seal(fl.F_SEAL_GROW, readonly), 'EPERM');
  assert.is(seals(readonly), 0);
  assert.is(seal(fl.F_SEAL_SEAL), 0);
  assert.is(seal(fl.F_SEAL_GROW), 'EPERM');
});

test('F_SEAL_WRITE waits for writable shared mappings, then stops every write', () => {
  const { task, fd, seal, truncate, allocate } = setup();
  for (const prot of [3, 1]) {
    const addr = map(task, fd, prot, MAP_SHARED);
    assert.type(addr, 'number');
    assert.is(seal(fl.F_SEAL_WRITE), 'EBUSY', 'mprotect could make it writable');
    if (task.mm !== null) munmap(task.mm, addr as number, 4096);
  }
  const readonly = open(task, `/proc/self/fd/${fd}`) as number;
  assert.type(map(task, readonly, 1, MAP_SHARED), 'number');
  assert.is(seal(fl.F_SEAL_WRITE), 0);
  assert.is(write(task, fd, 'x'), 'EPERM');
  assert.is(write(task, fd, ''), 0);
  assert.equal([truncate(4096), truncate(16384)], ['ok', 'ok']);
  assert.equal([allocate(3, 4096), allocate(0, 20480)], ['EPERM', 'ok']);
  assert.is(map(task, fd, 3, MAP_SHARED), 'EPERM');
  assert.type(map(task, fd, 1, MAP_SHARED), 'number');
  assert.type(map(task, fd, 3, MAP_PRIVATE), 'number', 'K-150');
});

test('F_SEAL_FUTURE_WRITE leaves standing mappings alone (K-149, K-151)', () => {
  const { task, fd, seal, allocate } = setup();
  assert.type(map(task, fd, 3, MAP_SHARED), 'number');
  assert.is(seal(fl.F_SEAL_FUTURE_WRITE), 0);
  assert.is(write(task, fd, 'x'), 'EPERM');
  assert.is(allocate(3, 4096), 'EPERM');
  assert.is(map(task, fd, 3, MAP_SHARED), 'EPERM');
});

test('F_SEAL_GROW stops a write at the page that would grow the file', () => {
  const { seal, truncate, allocate, pwrite } = setup(fl.MFD_ALLOW_SEALING, 4096);
  assert.is(seal(fl.F_SEAL_GROW), 0);
  assert.equal([pwrite(4090, 10), pwrite(4092, 4), pwrite(5000, 4)], [6, 4, 'EPERM']);
  assert.equal([truncate(8192), truncate(100)], ['EPERM', 'ok']);
  assert.is(allocate(0, 8192), 'EPERM');
});

test('a write that faults leaves the page it had begun, and a file that reaches to it', () => {
  // One page of the buffer is mapped; the file has 100 bytes before.
  const rows: [
    pos: number,
    from: number,
    length: number,
    result: number | string,
    size: number,
    blocks: number,
  ][] = [
    [0, 4096, 10, 'EFAULT', 100, 8],
    [5000, 4096, 10, 'EFAULT', 5000, 8],
    [0, 4090, 10, 6, 100, 8],
    [4090, 4090, 20, 6, 4096, 16],
    [12293, 4096, 1, 'EFAULT', 12293, 8],
    [10, 4000, 4096, 96, 106, 8],
  ];
  for (const [pos, from, length, ...expected] of rows) {
    const { task, fd } = setup(0, 100);
    mapFilled(task, ARENA, 4096, 0x61);
    const result = outcome(() => ksysPwrite64(task, fd, guest(task, ARENA + from, length), pos));
    const { size, blocks } = vfsFstat(task, fd);
    assert.equal([result, Number(size), blocks], expected, `${pos} ${from} ${length}`);
  }
});

test('a write from a mapping of the same file takes what was written before, page by page', () => {
  const { task, fd } = setup(0, 4096);
  const { mm } = task;
  if (mm === null) throw new Error('no memory');
  const request = { addr: ARENA, length: 16384, prot: 3, flags: MAP_SHARED | MAP_FIXED, offset: 0 };
  mmap(mm, { ...request, mapFile: () => mapFileChecked(task, fileOf(task, fd), request) });
  cpuStore(mm, ARENA, new Uint8Array(4096).fill(0x62));
  const from = (offset: number, length: number, pos: number) => {
    const result = outcome(() => ksysPwrite64(task, fd, guest(task, ARENA + offset, length), pos));
    return [result, Number(vfsFstat(task, fd).size)];
  };
  assert.equal(from(0, 12288, 4096), [12288, 16384]);
  assert.is(peek(task, ARENA + 12288, 1), '62');
  sysFtruncate(task, fd, 4096);
  assert.equal(from(8192, 100, 8000), ['EFAULT', 8000]);
  sysFtruncate(task, fd, 4096);
  assert.equal(
    from(4096, 100, 5000),
    [100, 5100],
    'the page it begins with makes the buffer valid',
  );
});

test('F_SEAL_SHRINK and F_SEAL_EXEC', () => {
  const shrink = setup();
  shrink.seal(fl.F_SEAL_SHRINK);
  assert.equal([shrink.truncate(4096), shrink.truncate(9000)], ['EPERM', 'ok']);
  const exec = setup();
  assert.is(exec.seal(fl.F_SEAL_EXEC), 0);
  assert.is(exec.seals(), 0x3e, 'of an executable file: all but F_SEAL_SEAL');
});

test('memfd_secret maps shared, and does nothing else (K-143)', () => {
  const task = boot().spawn();
  const fd = memfdSecret(task, 0);
  const { mode, size } = vfsFstat(task, fd);
  assert.equal([mode, size], [0o100600, 0]);
  assert.equal([read(task, fd, 1), write(task, fd, 'a')], ['EINVAL', 'EINVAL']);
  assert.is(outcome(() => sysFtruncate(task, fd, 4096)) ?? 'ok', 'ok');
  assert.is(
    outcome(() => sysFtruncate(task, fd, 8192)),
    'EINVAL',
    'the size is given once',
  );
  assert.is(map(task, fd, 1, MAP_PRIVATE), 'EINVAL');
  const addr = map(task, fd, 3, MAP_SHARED) as number;
  const mem = open(task, '/proc/self/mem') as number;
  fileOf(task, mem).pos = addr;
  assert.is(read(task, mem, 1), 'EIO');
  assert.is(tryOpen(task, `/proc/self/fd/${fd}`, fl.O_RDWR), 'ENXIO');
});

test.run();
