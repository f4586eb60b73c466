import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { AT_FDCWD } from '../../src/vfs/flags.js';
import type { HostDirectory, HostStat } from '../../src/vfs/host-directory.js';
import { symlinkat } from '../../src/vfs/namei-modify.js';
import { readdir } from '../../src/vfs/readdir.js';
import { boot, outcome, readAll, tryOpen } from './fixture.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function setup() {
  const world = boot();
  const task = world.spawn();
  world.vfs.addFile('/tmp/file', bytes('old'));
  symlinkat(task, '/tmp/loop', AT_FDCWD, '/tmp/loop');
  symlinkat(task, 'file', AT_FDCWD, '/tmp/link');
  symlinkat(task, '/etc', AT_FDCWD, '/tmp/etc');
  return { ...world, task };
}

const STAT: HostStat = { kind: 'dir', size: 0, mode: 0o755, mtimeMs: 0 };
const EMPTY: HostDirectory = {
  lstat: (path) => (path === '' ? STAT : null),
  readdir: () => [],
  readlink: () => '',
  read: () => 0,
};

const test = suite('vfs/vfs');

const FILES: readonly (readonly [string, string])[] = [
  ['/tmp', 'EISDIR'],
  ['/', 'EISDIR'],
  ['/a/b/', 'EISDIR'],
  ['/tmp/..', 'EISDIR'],
  ['/tmp/.', 'EISDIR'],
  ['', 'EINVAL'],
  ['tmp/x', 'EINVAL'],
  ['/tmp/a\0b', 'EINVAL'],
  ['/tmp/file/x', 'ENOTDIR'],
  ['/tmp/loop/x', 'ELOOP'],
  ['/proc/x', 'ENOENT'],
  ['/proc/x/y', 'ENOENT'],
  ['/host/x', 'EROFS'],
  ['/host/x/y', 'EROFS'],
  [`/tmp/${'é'.repeat(128)}`, 'ENAMETOOLONG'],
];

for (const [path, error] of FILES) {
  test(`addFile(${JSON.stringify(path.slice(0, 20))}) is ${error}, and the tree stays`, () => {
    const { vfs, task } = setup();
    vfs.mountHost('/host', EMPTY);
    assert.is(
      outcome(() => vfs.addFile(path, bytes('x'))),
      error,
    );
    assert.is(readAll(task, '/tmp/file'), 'old');
    assert.is(tryOpen(task, '/tmp'), 'ok');
  });
}

test('addFile walks ".", ".." and links as root, and makes what is missing', () => {
  const { vfs, task } = setup();
  vfs.addFile('/tmp/./new/../etc/made/f', bytes('here'), { mode: 0o4755 });
  assert.is(readAll(task, '/etc/made/f'), 'here');
  assert.ok(readdir(task, '/tmp').some(({ name }) => name === 'new'));
});

test('addFile takes the place of a file or a link', () => {
  const { vfs, task } = setup();
  vfs.addFile('/tmp/link', bytes('new'));
  assert.is(readAll(task, '/tmp/link'), 'new');
  assert.is(readAll(task, '/tmp/file'), 'old');
  vfs.addFile('/tmp/file', bytes('newer'));
  assert.is(readAll(task, '/tmp/file'), 'newer');
});

test('addFile refuses what are no bytes and no permission bits', () => {
  const { vfs } = setup();
  const text = 'text' as unknown as Uint8Array;
  assert.throws(() => vfs.addFile('/tmp/x', text), /contents/);
  for (const mode of [-1, 0o10000, 1.5, NaN]) {
    assert.throws(() => vfs.addFile('/tmp/x', bytes(''), { mode }), /mode/);
  }
});

const PLACES: readonly (readonly [string, string])[] = [
  ['', 'EINVAL'],
  ['host', 'EINVAL'],
  ['/', 'EBUSY'],
  ['/tmp/..', 'EBUSY'],
  ['/tmp/file', 'ENOTDIR'],
  ['/tmp/file/x', 'ENOTDIR'],
  ['/tmp/loop', 'ELOOP'],
  ['/proc/x', 'ENOENT'],
];

for (const [path, error] of PLACES) {
  test(`mountHost(${JSON.stringify(path)}) is ${error}`, () => {
    const { vfs } = setup();
    const { length } = vfs.mounts;
    assert.is(
      outcome(() => vfs.mountHost(path, EMPTY)),
      error,
    );
    assert.is(vfs.mounts.length, length);
  });
}

test.run();
