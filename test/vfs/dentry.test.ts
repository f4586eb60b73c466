// A directory remembers the name that was looked up last: it must be the one that the directory has.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { AT_FDCWD, AT_REMOVEDIR } from '../../src/vfs/flags.js';
import { linkat, mkdirat, unlinkat } from '../../src/vfs/namei-modify.js';
import { renameat2 } from '../../src/vfs/rename.js';
import { vfsStatat } from '../../src/vfs/stat.js';
import { boot, outcome } from './fixture.js';

const RENAME_EXCHANGE = 2;
const DIRS = ['/tmp', '/tmp/d'];

const test = suite('vfs/dentry');

/** A world with some names, and the inode numbers that they lead to, or the error. */
function setup() {
  const { vfs, spawn } = boot();
  const task = spawn();
  mkdirat(task, AT_FDCWD, '/tmp/d', 0o755);
  for (const name of ['a', 'b', 'c']) vfs.addFile(`/tmp/${name}`, new Uint8Array(1));
  const ino = (path: string): number | string => {
    let found: number | string = 0;
    const error = outcome(() => {
      found = Number(vfsStatat(task, AT_FDCWD, path, 0).ino);
      return 0;
    });
    return found === 0 ? String(error) : found;
  };
  const rename = (from: string, to: string, flags = 0): void =>
    renameat2(task, AT_FDCWD, from, AT_FDCWD, to, flags);
  return { task, ino, rename };
}

test('a name that was just looked up is gone when it is removed, and another may take it', () => {
  const { task, ino, rename } = setup();
  const [a, b] = [ino('/tmp/a'), ino('/tmp/b')];
  assert.type(a, 'number');
  assert.is(ino('/tmp/a'), a);
  unlinkat(task, AT_FDCWD, '/tmp/a', 0);
  assert.is(ino('/tmp/a'), 'ENOENT');
  rename('/tmp/b', '/tmp/a');
  assert.equal([ino('/tmp/b'), ino('/tmp/a')], ['ENOENT', b]);
  linkat(task, AT_FDCWD, '/tmp/a', AT_FDCWD, '/tmp/e', 0);
  assert.equal([ino('/tmp/e'), ino('/tmp/a')], [b, b]);
  unlinkat(task, AT_FDCWD, '/tmp/e', 0);
  assert.equal([ino('/tmp/e'), ino('/tmp/a')], ['ENOENT', b]);
});

test('names that are exchanged lead to each other’s files, in one directory and in two', () => {
  const { ino, rename } = setup();
  const [a, b, c] = ['/tmp/a', '/tmp/b', '/tmp/c'].map(ino);
  rename('/tmp/a', '/tmp/b', RENAME_EXCHANGE);
  assert.equal(['/tmp/a', '/tmp/b'].map(ino), [b, a]);
  rename('/tmp/c', '/tmp/d/c');
  assert.equal(['/tmp/c', '/tmp/d/c'].map(ino), ['ENOENT', c]);
  rename('/tmp/d/c', '/tmp/a', RENAME_EXCHANGE);
  assert.equal(['/tmp/d/c', '/tmp/a'].map(ino), [b, c]);
});

test('any order of looking up, renaming, linking and removing agrees with a map of names', () => {
  const { task, ino, rename } = setup();
  const names = DIRS.flatMap((dir) => ['a', 'b', 'c'].map((name) => `${dir}/${name}`));
  const model = new Map(names.map((name) => [name, ino(name)]));
  let seed = 7;
  const pick = (count: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * count);
  };
  for (let step = 0; step < 2000; step++) {
    const [from, to] = [names[pick(6)] as string, names[pick(6)] as string];
    const [was, there] = [model.get(from), model.get(to)];
    const kind = pick(8);
    if (kind === 0 && was !== 'ENOENT' && model.get(to) === 'ENOENT') {
      linkat(task, AT_FDCWD, from, AT_FDCWD, to, 0);
      model.set(to, was ?? '');
    } else if (kind === 1 && was !== 'ENOENT' && was !== there) {
      rename(from, to);
      model.set(to, was ?? '').set(from, 'ENOENT');
    } else if (kind === 2 && was !== 'ENOENT' && there !== 'ENOENT' && was !== there) {
      rename(from, to, RENAME_EXCHANGE);
      model.set(to, was ?? '').set(from, there ?? '');
    } else if (kind === 3 && was === there && was !== 'ENOENT' && from !== to) {
      unlinkat(task, AT_FDCWD, from, 0);
      model.set(from, 'ENOENT');
    }
    assert.is(ino(from), model.get(from), `step ${step}: ${from}`);
    assert.is(ino(to), model.get(to), `step ${step}: ${to}`);
  }
});

test('a directory that was made again under its name is the new one', () => {
  const { task, ino } = setup();
  const old = ino('/tmp/d');
  unlinkat(task, AT_FDCWD, '/tmp/d', AT_REMOVEDIR);
  assert.is(ino('/tmp/d'), 'ENOENT');
  mkdirat(task, AT_FDCWD, '/tmp/d', 0o755);
  assert.is.not(ino('/tmp/d'), old);
});

test.run();
