import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED } from '../../assembly/abi/mman.js';
import { CAP_SYS_ADMIN, capMask } from '../../src/kernel/capability.js';
import { doExit } from '../../src/kernel/exit.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { cpuStore } from '../../src/mm/cpu.js';
import { mmap, munmap } from '../../src/mm/mmap.js';
import type { PageCache } from '../../src/mm/page-cache.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import { AT_FDCWD, O_CREAT, O_RDWR } from '../../src/vfs/flags.js';
import { memfdCreate } from '../../src/vfs/memfd.js';
import { mapFileChecked, sharedZeroFile } from '../../src/vfs/mmap.js';
import { unlinkat } from '../../src/vfs/namei-modify.js';
import { readdir } from '../../src/vfs/readdir.js';
import { ksysLseek, ksysPread64 } from '../../src/vfs/read-write.js';
import { readlinkat, vfsStatat } from '../../src/vfs/stat.js';
import { sysIoctl } from '../../src/vfs/ioctl.js';
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
  readAll,
  tryOpen,
} from '../vfs/fixture.js';

const FIXED = MAP_FIXED | MAP_PRIVATE;
const VSYSCALL =
  'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]';

/** Maps an open file of a task at a place. */
function mapFd(
  task: TaskStruct,
  fd: number,
  addr: number,
  prot: number,
  flags: number,
  offset = 0,
) {
  const { mm } = task;
  if (mm === null) throw new Error('no memory');
  const file = filesOf(task).get(fd);
  const request = { addr, length: 4096, prot, flags, offset };
  mmap(mm, { ...request, mapFile: () => mapFileChecked(task, file, request) });
  return file.inode;
}

function lines(task: TaskStruct): string[] {
  return readAll(task, '/proc/self/maps').trimEnd().split('\n');
}

const test = suite('procfs/maps');

test('a line for each mapping, its name in column 73 (K-601)', () => {
  const task = boot().spawn();
  const fd = open(task, '/tmp/we ird\\na\nme', O_CREAT | O_RDWR) as number;
  mapFilled(task, 0x10000, 4096, 0);
  const inode = mapFd(task, fd, ARENA, 1, FIXED, 4096);
  const memfd = mapFd(
    task,
    memfdCreate(task, 'my fd', 0),
    ARENA + 0x10000,
    3,
    MAP_FIXED | MAP_SHARED,
  );
  if (task.mm !== null) {
    const sharedZero = (pages: PageCache) => sharedZeroFile(task, pages);
    const flags = MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS;
    mmap(task.mm, { addr: ARENA + 0x20000, length: 4096, prot: 3, flags, offset: 0, sharedZero });
  }
  const dev = (minor: number) => minor.toString(16).padStart(2, '0');
  const at = (prefix: string, name: string) => prefix.padEnd(73) + name;
  const place = `00:${dev(inode.sb.dev)} ${inode.ino}`;
  assert.equal(lines(task).slice(0, 4), [
    '00010000-00011000 rw-p 00000000 00:00 0 ',
    at(`100000000000-100000001000 r--p 00001000 ${place}`, '/tmp/we ird\\na\\012me'),
    at(`100000010000-100000011000 rw-s 00000000 00:01 ${memfd.ino}`, '/memfd:my fd (deleted)'),
    at(`100000020000-100000021000 rw-s 00000000 00:01 ${memfd.ino + 1}`, '/dev/zero (deleted)'),
  ]);
  assert.is(lines(task).at(-1), VSYSCALL);
  unlinkat(task, AT_FDCWD, '/tmp/we ird\\na\nme', 0);
  assert.ok(lines(task)[1]?.endsWith('/tmp/we ird\\na\\012me (deleted)'));
});

test('reads give whole lines of a page at most, and go on at an address (K-602)', () => {
  const task = boot().spawn();
  for (let i = 0; i < 100; i++) mapFilled(task, ARENA + i * 0x2000, 4096, 0);
  const fd = open(task, '/proc/self/maps') as number;
  const first = read(task, fd);
  assert.ok(first.length <= 4096 && first.endsWith('\n'));
  if (task.mm !== null) munmap(task.mm, ARENA + 99 * 0x2000, 4096);
  const rest = read(task, fd) + read(task, fd);
  assert.is((first + rest).trimEnd().split('\n').length, 99 + 1);
  assert.is(ksysLseek(task, fd, 0, 0), 0);
  assert.is(read(task, fd, 1), '1');
  assert.is(
    outcome(() => ksysPread64(task, fd, host(1), 5)),
    1,
  );
  assert.is(
    outcome(() => ksysLseek(task, fd, 0, 2)),
    'EINVAL',
  );
});

test('maps goes on being readable after the opener lost its rights, and dies with the task', () => {
  const { spawn } = boot();
  const target = spawn({ uid: 1000 });
  mapFilled(target, ARENA, 4096, 0);
  const reader = spawn();
  const fd = open(reader, `/proc/${target.pid}/maps`);
  reader.cred = spawn({ uid: 1001 }).cred;
  assert.ok(read(reader, fd).startsWith('100000000000-'), 'K-605');
  assert.is(tryOpen(reader, `/proc/${target.pid}/maps`), 'EACCES', 'K-603');
  doExit(target, 0);
  assert.is(read(reader, fd), '', 'after the last line');
  fileOf(reader, fd).pos = 0;
  assert.is(read(reader, fd), 'ESRCH');
});

test('smaps adds what is in memory (K-614)', () => {
  const task = boot().spawn();
  mapFilled(task, ARENA, 8192, 1);
  const block = readAll(task, '/proc/self/smaps').split('\n').slice(0, 25);
  const labels = block.slice(1).map((line) => line.split(':')[0]);
  const expected =
    'Size KernelPageSize MMUPageSize Rss Pss Pss_Dirty Shared_Clean Shared_Dirty Private_Clean ' +
    'Private_Dirty Referenced Anonymous KSM LazyFree AnonHugePages ShmemPmdMapped FilePmdMapped ' +
    'Shared_Hugetlb Private_Hugetlb Swap SwapPss Locked THPeligible VmFlags';
  assert.equal(labels, expected.split(' '));
  assert.is(block[1], 'Size:                  8 kB');
  assert.is(block[4], 'Rss:                   8 kB');
  assert.is(block[10], 'Private_Dirty:         8 kB');
  assert.is(block[12], 'Anonymous:             8 kB');
  assert.is(block[24], 'VmFlags: rd wr mr mw me ac ');
  const rollup = readAll(task, '/proc/self/smaps_rollup').split('\n');
  assert.is(rollup[0], `${'100000000000-100000002000 ---p 00000000 00:00 0'.padEnd(73)}[rollup]`);
  assert.is(rollup[1], 'Rss:                   8 kB');
  assert.is(rollup[4], 'Pss_Anon:              8 kB');
});

test('map_files has the mappings of files, by their range (K-610)', () => {
  const { spawn } = boot();
  const task = spawn();
  const fd = open(task, '/tmp/f', O_CREAT | O_RDWR) as number;
  mapFd(task, fd, ARENA, 3, FIXED);
  mapFilled(task, ARENA + 0x10000, 4096, 0);
  const name = '100000000000-100000001000';
  assert.equal(
    readdir(task, '/proc/self/map_files')
      .slice(2)
      .map((entry) => entry.name),
    [name],
  );
  const path = (entry: string) => `/proc/self/map_files/${entry}`;
  assert.is(readlinkat(task, AT_FDCWD, path(name), 99), '/tmp/f');
  assert.is(vfsStatat(task, AT_FDCWD, path(name), 0x100).mode, 0o120600);
  assert.is(tryOpen(task, path(name.toUpperCase())), 'ok');
  assert.is(tryOpen(task, path(`0${name}`)), 'ENOENT');
  assert.is(tryOpen(task, path('100000000000-100000002000')), 'ENOENT');
  assert.is(tryOpen(task, path('100000010000-100000011000')), 'ENOENT');
  task.cred = spawn({ caps: capMask(0) }).cred;
  assert.is(readlinkat(task, AT_FDCWD, path(name), 99), '/tmp/f');
  assert.is(tryOpen(task, path(name)), 'EPERM');
  task.cred = spawn({ caps: capMask(CAP_SYS_ADMIN) }).cred;
  assert.is(tryOpen(task, path(name)), 'ok');
});

test('PROCMAP_QUERY finds one mapping (K-611)', () => {
  const { spawn } = boot();
  const task = spawn();
  mapFilled(task, ARENA, 4096, 0);
  const fd = open(task, '/tmp/f', O_CREAT | O_RDWR) as number;
  mapFd(task, fd, ARENA + 0x4000, 1, FIXED);
  const maps = open(task, '/proc/self/maps') as number;
  const scratch = 0x200000000000;
  mapFilled(task, scratch, 8192, 0);
  const query = (addr: bigint, flags = 0n, nameSize = 0, size = 104n, of = maps) => {
    const view = new DataView(new ArrayBuffer(104));
    [size, flags, addr].forEach((word, i) => view.setBigUint64(8 * i, word, true));
    view.setUint32(80, nameSize, true);
    view.setBigUint64(88, nameSize === 0 ? 0n : BigInt(scratch + 4096), true);
    if (task.mm !== null) cpuStore(task.mm, scratch, new Uint8Array(view.buffer));
    return outcome(() => sysIoctl(task, of, 0xc0686611, scratch));
  };
  const start = () => Buffer.from(peek(task, scratch + 24, 8), 'hex').readBigUInt64LE();
  assert.is(query(BigInt(ARENA)), 0);
  assert.is(start(), BigInt(ARENA));
  assert.is(query(BigInt(ARENA + 4096)), 'ENOENT');
  assert.is(query(BigInt(ARENA + 4096), 0x10n), 0);
  assert.is(start(), BigInt(ARENA + 0x4000));
  assert.is(query(0n, 0x30n, 100), 0);
  assert.is(peek(task, scratch + 4096, 7), Buffer.from('/tmp/f\0').toString('hex'));
  assert.is(query(BigInt(ARENA), 4n), 'ENOENT', 'not executable');
  assert.is(query(0n, 0x30n, 3), 'ENAMETOOLONG');
  assert.is(query(0n, 0x40n), 'EINVAL');
  assert.is(query(0n, 0x10n, 0, 16n), 'EINVAL');
  assert.is(query(0n, 0x10n, 0, 65536n), 'E2BIG');
  assert.is(query(2n ** 64n - 1n, 0x10n), 'ENOENT');
  const smaps = open(task, '/proc/self/smaps') as number;
  assert.is(query(BigInt(ARENA), 0n, 0, 104n, smaps), 'ENOTTY');
});

test('pagemap: eight bytes a page, frame numbers only for privileged openers (K-606)', () => {
  const { spawn } = boot();
  const task = spawn();
  mapFilled(task, ARENA, 4096, 1);
  const at = (ARENA / 4096) * 8;
  const entries = (fd: number | string, pos: number | bigint, length: number) => {
    const buf = host(length);
    const n = outcome(() => ksysPread64(task, fd as number, buf, pos));
    return typeof n === 'string' ? n : Buffer.from(buf.host.subarray(0, n)).toString('hex');
  };
  const fd = open(task, '/proc/self/pagemap');
  const [page, hole] = [entries(fd, at, 8), entries(fd, at + 8, 8)] as [string, string];
  assert.is(page.slice(14), '81');
  assert.not.ok(/^0+$/.test(page.slice(0, 12)), 'a frame number');
  assert.is(hole, '0000000000000000');
  task.cred = spawn({ uid: 0, caps: 0n }).cred;
  const plain = open(task, '/proc/self/pagemap');
  assert.is(entries(plain, at, 8), '0000000000000081');
  assert.is(entries(fd, at, 8), page, 'the opener had the capability');
  assert.is(entries(fd, at + 1, 8), 'EINVAL');
  assert.is(entries(fd, at, 7), 'EINVAL');
  assert.is(entries(fd, at, 0), '');
  const end = ((2 ** 47 - 4096) / 4096) * 8;
  assert.is(entries(fd, end - 8, 32).length, 16);
  assert.is(entries(fd, end, 8), '');
  assert.is(
    outcome(() => ksysPread64(task, fd as number, guest(task, 8, 8), at)),
    'EFAULT',
  );
});

test.run();
