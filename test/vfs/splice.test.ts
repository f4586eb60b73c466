import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { TaskStruct } from '../../src/kernel/task.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import * as fl from '../../src/vfs/flags.js';
import { memfdCreate } from '../../src/vfs/memfd.js';
import { doPipe2, getPipeInfo } from '../../src/vfs/pipe.js';
import { copyFileRange, sendfile, splice } from '../../src/vfs/splice.js';
import { ARENA, boot, fileOf, mapFilled, open, outcome, read, readAll, write } from './fixture.js';

function setup() {
  const { spawn, vfs } = boot();
  vfs.addFile('/tmp/f', new TextEncoder().encode('0123456789'));
  const task = spawn();
  mapFilled(task, ARENA, 4096, 0x61);
  const mem = open(task, '/proc/self/mem', fl.O_RDWR) as number;
  const file = open(task, '/tmp/f', fl.O_RDWR) as number;
  const out = open(task, '/tmp/out', fl.O_CREAT | fl.O_RDWR) as number;
  const [from, to] = doPipe2(task, 0);
  return { task, mem, file, out, from, to };
}

const test = suite('vfs/splice');

test('mem is no source of these calls (K-022)', () => {
  const { task, mem, out, to } = setup();
  fileOf(task, mem).pos = ARENA;
  assert.is(
    outcome(() => splice(task, mem, null, to, null, 10, 0)),
    'EINVAL',
  );
  assert.is(
    outcome(() => sendfile(task, to, mem, null, 4096)),
    'EOVERFLOW',
  );
  fileOf(task, mem).pos = 4096;
  assert.is(
    outcome(() => sendfile(task, to, mem, null, 4096)),
    'EINVAL',
  );
  assert.is(
    outcome(() => copyFileRange(task, mem, null, out, null, 10, 0)),
    'EXDEV',
  );
});

test('sendfile copies from a file, at its position or an offset', () => {
  const { task, file, out } = setup();
  assert.equal(sendfile(task, out, file, null, 4), { count: 4, offset: null });
  assert.equal(sendfile(task, out, file, 8, 100), { count: 2, offset: 10 });
  assert.is(readAll(task, '/tmp/out'), '012389');
  assert.is(fileOf(task, file).pos, 4);
  assert.is(
    outcome(() => sendfile(task, out, 99, null, 1)),
    'EBADF',
  );
});

test('splice goes through pipes', () => {
  const { task, file, out, from, to } = setup();
  assert.is(splice(task, file, null, to, null, 100, 0), 10);
  assert.is(splice(task, from, null, out, 3, 100, 0), 10);
  assert.is(readAll(task, '/tmp/out'), '\0\0\x000123456789');
  assert.is(
    outcome(() => splice(task, file, null, out, null, 1, 0)),
    'EINVAL',
  );
  assert.is(
    outcome(() => splice(task, from, 0, out, null, 1, 0)),
    'ESPIPE',
  );
  assert.is(
    outcome(() => splice(task, from, null, out, null, 1, 0)),
    'ERESTARTSYS',
  );
});

test('copy_file_range copies within a file system, not onto itself', () => {
  const { task, file, out } = setup();
  assert.equal(copyFileRange(task, file, 2, out, 0, 3, 0), { count: 3, offIn: 5, offOut: 3 });
  assert.is(read(task, out, 9), '234');
  assert.is(
    outcome(() => copyFileRange(task, file, 0, file, 1, 5, 0)),
    'EINVAL',
  );
  assert.is(
    outcome(() => copyFileRange(task, file, 0, out, 0, 5, 1)),
    'EINVAL',
  );
});

/** include/uapi/linux/memfd.h */
const MFD_ALLOW_SEALING = 2;

/** A pipe that never waits, its ends, and how many bytes it holds. */
function pipe(task: TaskStruct, bytes = 0) {
  const [from, to] = doPipe2(task, fl.O_NONBLOCK);
  if (bytes > 0) write(task, to, 'x'.repeat(bytes));
  return { from, to, held: () => getPipeInfo(fileOf(task, from))?.length };
}

test('what does not arrive stays in the pipe', () => {
  const { task } = setup();
  const a = pipe(task, 1000);
  const b = pipe(task, 65536);
  assert.is(
    outcome(() => splice(task, a.from, null, b.to, null, 4096, 0)),
    'EAGAIN',
  );
  assert.equal([a.held(), b.held()], [1000, 65536]);
  read(task, b.from, 600);
  assert.is(splice(task, a.from, null, b.to, null, 4096, 0), 600);
  assert.equal([a.held(), b.held()], [400, 65536]);
  filesOf(task).close(b.from);
  assert.is(
    outcome(() => splice(task, a.from, null, b.to, null, 4096, 0)),
    'EPIPE',
  );
  assert.is(a.held(), 400);
});

test('a write that is refused leaves pipe and positions as they were', () => {
  const { task, file } = setup();
  const a = pipe(task, 1000);
  const sealed = memfdCreate(task, 'sealed', MFD_ALLOW_SEALING);
  fileOf(task, sealed).inode.seals = fl.F_SEAL_WRITE;
  assert.is(
    outcome(() => splice(task, a.from, null, sealed, null, 4096, 0)),
    'EPERM',
  );
  assert.is(a.held(), 1000);
  const full = pipe(task, 65536);
  for (const call of [
    () => sendfile(task, sealed, file, null, 10).count,
    () => sendfile(task, full.to, file, null, 10).count,
    () => splice(task, file, null, full.to, null, 10, 0),
  ]) {
    assert.match(String(outcome(call)), /EPERM|EAGAIN/);
    assert.is(fileOf(task, file).pos, 0);
  }
  assert.is(full.held(), 65536);
});

test('SPLICE_F_NONBLOCK and the ends decide about waiting', () => {
  const { task, from, to } = setup();
  const other = pipe(task);
  assert.is(
    outcome(() => splice(task, from, null, other.to, null, 1, 0)),
    'EAGAIN',
  );
  const [, alsoWaits] = doPipe2(task, 0);
  assert.is(
    outcome(() => splice(task, from, null, alsoWaits, null, 1, 0)),
    'ERESTARTSYS',
  );
  assert.is(
    outcome(() => splice(task, from, null, alsoWaits, null, 1, 2)),
    'EAGAIN',
  );
  filesOf(task).close(to);
  assert.is(splice(task, from, null, alsoWaits, null, 1, 0), 0);
});

const SOURCES: readonly (readonly [string, number | string])[] = [
  ['/dev/zero', 10],
  ['/dev/full', 10],
  ['/dev/urandom', 10],
  ['/dev/null', 'EINVAL'],
  ['/proc/self/maps', 'EINVAL'],
  ['/proc/self/comm', 'EINVAL'],
  ['/proc/self/status', 'EINVAL'],
  ['/proc/self/mountinfo', 10],
  ['/proc/meminfo', 10],
  ['/proc/sys/vm/max_map_count', 6],
];

for (const [path, count] of SOURCES) {
  test(`from ${path}: ${count}`, () => {
    const { task } = setup();
    const { to } = pipe(task);
    const sink = open(task, '/dev/null', fl.O_WRONLY) as number;
    const fd = open(task, path) as number;
    assert.is(
      outcome(() => splice(task, fd, null, to, null, 10, 0)),
      count,
    );
    fileOf(task, fd).pos = 0;
    assert.is(
      outcome(() => sendfile(task, sink, fd, null, 10).count),
      count,
    );
  });
}

const SINKS: readonly (readonly [string, 'copies' | 'EINVAL'])[] = [
  ['/dev/null', 'copies'],
  ['/dev/zero', 'copies'],
  ['/dev/urandom', 'copies'],
  ['/dev/full', 'EINVAL'],
  ['/proc/self/comm', 'EINVAL'],
  ['/proc/self/mem', 'EINVAL'],
  ['/proc/self/oom_score_adj', 'EINVAL'],
];

for (const [path, what] of SINKS) {
  test(`to ${path}: ${what}`, () => {
    const { task, file } = setup();
    const a = pipe(task, 3);
    const fd = open(task, path, fl.O_WRONLY) as number;
    const copies = what === 'copies';
    assert.is(
      outcome(() => splice(task, a.from, null, fd, null, 10, 0)),
      copies ? 3 : what,
    );
    assert.is(a.held(), copies ? 0 : 3);
    assert.is(
      outcome(() => sendfile(task, fd, file, null, 10).count),
      copies ? 10 : what,
    );
  });
}

test('sendfile takes from nothing without positions', () => {
  const { task, out } = setup();
  const a = pipe(task, 3);
  assert.is(
    outcome(() => sendfile(task, out, a.from, null, 10)),
    'EINVAL',
  );
  assert.is(a.held(), 3);
});

test.run();
