import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import * as fl from '../../src/vfs/flags.js';
import { doPipe2 } from '../../src/vfs/pipe.js';
import { copyFileRange, sendfile, splice } from '../../src/vfs/splice.js';
import { ARENA, boot, fileOf, mapFilled, open, outcome, read, readAll } from './fixture.js';

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

test.run();
