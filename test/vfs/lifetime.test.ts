import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { MAP_SHARED } from '../../assembly/abi/mman.js';
import { doExitGroup } from '../../src/kernel/exit.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { cpuStore } from '../../src/mm/cpu.js';
import { mmap } from '../../src/mm/mmap.js';
import type { PageCache } from '../../src/mm/page-cache.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import { AT_FDCWD, O_CREAT, O_RDWR } from '../../src/vfs/flags.js';
import { memfdCreate } from '../../src/vfs/memfd.js';
import { mapFileChecked, sharedZeroFile } from '../../src/vfs/mmap.js';
import { unlinkat } from '../../src/vfs/namei-modify.js';
import { doPipe2 } from '../../src/vfs/pipe.js';
import { sysFtruncate } from '../../src/vfs/truncate.js';
import { fork } from '../kernel/lifecycle.js';
import { boot, framesInUse, mapFilled, open, readAll, write } from './fixture.js';

const request = { addr: 0, length: 65536, prot: 3, flags: MAP_SHARED, offset: 0 };

function mapFd(task: TaskStruct, fd: number): number {
  const { mm } = task;
  if (mm === null) throw new Error('no memory');
  const file = filesOf(task).get(fd);
  return mmap(mm, { ...request, mapFile: () => mapFileChecked(task, file, request) });
}

function mapSharedZero(task: TaskStruct): number {
  if (task.mm === null) throw new Error('no memory');
  const sharedZero = (pages: PageCache) => sharedZeroFile(task, pages);
  return mmap(task.mm, { ...request, flags: MAP_SHARED | 0x20, sharedZero });
}

const test = suite('vfs/lifetime');

/** Everything that holds frames, let go in an order of its own. */
const STORIES: Record<string, (task: TaskStruct) => void> = {
  'a memfd, written and closed'(task) {
    write(task, memfdCreate(task, 'x', 0), 'x'.repeat(20000));
  },
  'a memfd, mapped, closed, stored to'(task) {
    const fd = memfdCreate(task, 'x', 0);
    sysFtruncate(task, fd, 65536);
    const addr = mapFd(task, fd);
    filesOf(task).close(fd);
    if (task.mm !== null) cpuStore(task.mm, addr, new Uint8Array(65536).fill(1));
  },
  'shared anonymous memory, with a child that outlives it'(task) {
    const addr = mapSharedZero(task);
    const child = fork(task);
    if (task.mm !== null) cpuStore(task.mm, addr, new Uint8Array(65536).fill(1));
    doExitGroup(task, 0);
    doExitGroup(child, 0);
  },
  'an unlinked file, still open'(task) {
    const fd = open(task, '/tmp/f', O_CREAT | O_RDWR);
    write(task, fd, 'x'.repeat(20000));
    unlinkat(task, AT_FDCWD, '/tmp/f', 0);
  },
  'a file closed before it is unlinked'(task) {
    const fd = open(task, '/tmp/f', O_CREAT | O_RDWR);
    write(task, fd, 'x'.repeat(20000));
    filesOf(task).close(fd as number);
    unlinkat(task, AT_FDCWD, '/tmp/f', 0);
  },
  'an open mem file and a pipe'(task) {
    mapFilled(task, 0x100000000000, 65536, 1);
    open(task, '/proc/self/mem', O_RDWR);
    doPipe2(task, 0);
  },
  'a descriptor table that a child copied'(task) {
    write(task, memfdCreate(task, 'x', 0), 'x'.repeat(20000));
    doExitGroup(fork(task), 0);
  },
};

for (const [name, story] of Object.entries(STORIES)) {
  test(`no frame is left after ${name}`, () => {
    const { spawn } = boot();
    const before = framesInUse();
    const task = spawn();
    story(task);
    assert.ok(task.exited || framesInUse() > before);
    doExitGroup(task, 0);
    assert.is(framesInUse(), before);
  });
}

test('a linked file keeps its contents without users', () => {
  const { spawn } = boot();
  const task = spawn();
  write(task, open(task, '/tmp/kept', O_CREAT | O_RDWR), 'kept');
  doExitGroup(task, 0);
  assert.is(readAll(spawn(), '/tmp/kept'), 'kept');
});

test.run();
