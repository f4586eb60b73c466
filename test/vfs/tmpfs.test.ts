import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import * as fl from '../../src/vfs/flags.js';
import { linkat, mkdirat, symlinkat, unlinkat } from '../../src/vfs/namei-modify.js';
import { readdir } from '../../src/vfs/readdir.js';
import { renameat2 } from '../../src/vfs/rename.js';
import { readlinkat, vfsStatat } from '../../src/vfs/stat.js';
import { sysFallocate, sysFtruncate, sysTruncate } from '../../src/vfs/truncate.js';
import { boot, fileOf, open, outcome, read, readAll, write, writeTo } from './fixture.js';

const { AT_FDCWD, AT_REMOVEDIR } = fl;

/** /tmp/f, /tmp/l -> f, /tmp/d, and each call on names in /tmp as its outcome. */
function setup() {
  const world = boot();
  const task = world.spawn();
  world.vfs.addFile('/tmp/f', new TextEncoder().encode('hi\n'));
  symlinkat(task, 'f', AT_FDCWD, '/tmp/l');
  mkdirat(task, AT_FDCWD, '/tmp/d', 0o755);
  const at = (path: string) => (path.startsWith('/') ? path : `/tmp/${path}`);
  const calls = {
    mkdir: (path: string) => mkdirat(task, AT_FDCWD, at(path), 0o755),
    rmdir: (path: string) => unlinkat(task, AT_FDCWD, at(path), AT_REMOVEDIR),
    unlink: (path: string) => unlinkat(task, AT_FDCWD, at(path), 0),
    rename: (from: string, to = '') => renameat2(task, AT_FDCWD, at(from), AT_FDCWD, at(to), 0),
    link: (from: string, to = '') => linkat(task, AT_FDCWD, at(from), AT_FDCWD, at(to), 0),
    symlink: (target: string, path = '') => symlinkat(task, target, AT_FDCWD, at(path)),
  };
  return { ...world, task, calls };
}

type CallName = keyof ReturnType<typeof setup>['calls'];

const test = suite('vfs/tmpfs');

test('making, removing and renaming fail as on Linux (answers of a real kernel)', () => {
  const rows: [CallName, string, string | undefined, string][] = [
    ['mkdir', 'd/', undefined, 'EEXIST'],
    ['mkdir', '.', undefined, 'EEXIST'],
    ['mkdir', '/', undefined, 'EEXIST'],
    ['mkdir', 'dd/.', undefined, 'ENOENT'],
    ['mkdir', 'zz/', undefined, 'ok'],
    ['mkdir', '/proc/self/mem', undefined, 'EEXIST'],
    ['mkdir', '/proc/self/nope', undefined, 'ENOENT'],
    ['mkdir', '/proc/nope', undefined, 'ENOENT'],
    ['rmdir', '.', undefined, 'EINVAL'],
    ['rmdir', 'd/..', undefined, 'ENOTEMPTY'],
    ['rmdir', '/', undefined, 'EBUSY'],
    ['rmdir', 'f', undefined, 'ENOTDIR'],
    ['rmdir', '/dev/shm', undefined, 'EBUSY'],
    ['rmdir', '/proc/self/task', undefined, 'EPERM'],
    ['unlink', 'd', undefined, 'EISDIR'],
    ['unlink', 'd/', undefined, 'EISDIR'],
    ['unlink', 'f/', undefined, 'ENOTDIR'],
    ['unlink', '.', undefined, 'EISDIR'],
    ['unlink', 'l/', undefined, 'ENOTDIR'],
    ['unlink', 'nope/', undefined, 'ENOENT'],
    ['unlink', '/proc/self/mem', undefined, 'EPERM'],
    ['unlink', '/proc/self/nope', undefined, 'ENOENT'],
    ['rename', 'f', 'd', 'EISDIR'],
    ['rename', 'd', 'f', 'ENOTDIR'],
    ['rename', 'd', 'd/e', 'EINVAL'],
    ['rename', 'nope', 'f', 'ENOENT'],
    ['rename', 'f', 'f', 'ok'],
    ['rename', '.', 'x', 'EBUSY'],
    ['rename', 'f', 'x/', 'ENOTDIR'],
    ['rename', 'd', 'y/', 'ok'],
    ['rename', '/proc/self/mem', '/proc/self/x', 'ENOENT'],
    ['symlink', '', 's', 'ENOENT'],
    ['symlink', 'a', 's/', 'ENOENT'],
    ['symlink', 'f', '/proc/self/x', 'ENOENT'],
    ['symlink', 'f', '/proc/self/mem', 'EEXIST'],
    ['link', 'd', 'x', 'EPERM'],
    ['link', 'l', 'l2', 'ok'],
    ['link', 'f', 'f2/', 'ENOENT'],
    ['link', 'f', '/proc/self/x', 'ENOENT'],
    ['link', '/proc/self/mem', 'x', 'EXDEV'],
  ];
  for (const [name, from, to, expected] of rows) {
    const call = setup().calls[name];
    assert.is(outcome(() => call(from, to)) ?? 'ok', expected, `${name} ${from} ${to ?? ''}`);
  }
});

test('a name is removed from a sticky directory by its owner or the directory’s', () => {
  const { spawn, vfs } = setup();
  vfs.addFile('/tmp/mine', new Uint8Array(1), { uid: 1000, gid: 1000 });
  const remove = (uid: number) =>
    outcome(() => unlinkat(spawn({ uid }), AT_FDCWD, '/tmp/mine', 0)) ?? 'ok';
  assert.is(remove(1001), 'EPERM');
  assert.is(remove(1000), 'ok');
});

test('links count, and the last name gone says so', () => {
  const { task, calls } = setup();
  calls.link('f', 'g');
  const fd = open(task, '/tmp/f', fl.O_RDWR);
  const nlink = () => fileOf(task, fd).inode.nlink;
  assert.is(nlink(), 2);
  calls.unlink('f');
  assert.is(nlink(), 1);
  assert.is(readlinkat(task, AT_FDCWD, '/proc/self/fd/0', 100), '/tmp/f (deleted)');
  assert.is(readAll(task, '/tmp/g'), 'hi\n');
  calls.unlink('g');
  assert.is(read(task, fd), 'hi\n', 'still there for who has it open');
});

test('a rename over a file replaces it, and directories count their subdirectories', () => {
  const { task, calls } = setup();
  writeTo(task, '/tmp/other', 'new', fl.O_CREAT | fl.O_WRONLY);
  calls.rename('other', 'f');
  assert.is(readAll(task, '/tmp/f'), 'new');
  const nlink = (path: string) => vfsStatat(task, AT_FDCWD, path, 0).nlink;
  assert.is(nlink('/tmp'), 3);
  calls.mkdir('d/e');
  assert.is(nlink('/tmp/d'), 3);
  calls.rename('d/e', 'e');
  assert.equal([nlink('/tmp'), nlink('/tmp/d')], [4, 2]);
});

test('two names can be exchanged, and a taken one kept', () => {
  const { task } = setup();
  const rename = (flags: number, from = '/tmp/f', to = '/tmp/d') =>
    outcome(() => renameat2(task, AT_FDCWD, from, AT_FDCWD, to, flags)) ?? 'ok';
  assert.is(rename(fl.RENAME_NOREPLACE), 'EEXIST');
  assert.is(rename(fl.RENAME_NOREPLACE | fl.RENAME_EXCHANGE), 'EINVAL');
  assert.is(rename(fl.RENAME_EXCHANGE, '/tmp/f', '/tmp/none'), 'ENOENT');
  assert.is(rename(fl.RENAME_EXCHANGE), 'ok');
  assert.is(readAll(task, '/tmp/d'), 'hi\n');
});

test('a listing has dots, then the newest name first', () => {
  const { task, calls } = setup();
  calls.mkdir('d/x');
  calls.symlink('y', 'd/y');
  const names = readdir(task, '/tmp/d').map(({ name, type }) => `${name}:${type}`);
  assert.equal(names, ['.:4', '..:4', 'y:10', 'x:4']);
});

test('truncation: by path and by descriptor, with holes of zeros', () => {
  const { task } = setup();
  const truncate = (path: string, length: number | bigint) =>
    outcome(() => sysTruncate(task, path, length)) ?? 'ok';
  assert.is(truncate('/tmp/d', 5), 'EISDIR');
  assert.is(truncate('/tmp/f', 2n ** 64n - 1n), 'EINVAL');
  assert.is(truncate('/dev/null', 0), 'EINVAL');
  assert.is(truncate('/proc/self/mem', 5), 'ok');
  assert.is(truncate('/tmp/f', 5), 'ok');
  assert.is(readAll(task, '/tmp/f'), 'hi\n\0\0');
  const fd = open(task, '/tmp/f') as number;
  assert.is(
    outcome(() => sysFtruncate(task, fd, 0)),
    'EINVAL',
  );
});

test('fallocate grows and punches, where there are contents', () => {
  const { task } = setup();
  const fallocate = (path: string, flags: number, mode: number, offset = 0, length = 10) => {
    const fd = open(task, path, flags) as number;
    return outcome(() => sysFallocate(task, fd, mode, offset, length)) ?? 'ok';
  };
  assert.is(fallocate('/tmp/f', 2, 2), 'EOPNOTSUPP');
  assert.is(fallocate('/tmp/f', 2, 0x200), 'EOPNOTSUPP');
  assert.is(fallocate('/tmp/f', 2, 3, 0, 0), 'EINVAL');
  assert.is(fallocate('/tmp/f', 0, 0), 'EBADF');
  assert.is(fallocate('/dev/zero', 2, 0), 'ENODEV');
  assert.is(fallocate('/proc/self/mem', 2, 0), 'EOPNOTSUPP');
  assert.is(fallocate('/tmp/f', 2, 0), 'ok');
  assert.is(readAll(task, '/tmp/f'), `hi\n${'\0'.repeat(7)}`);
  assert.is(fallocate('/tmp/f', 2, 3), 'ok');
  assert.is(readAll(task, '/tmp/f'), '\0'.repeat(10));
});

test('writes leave holes of zeros, and sizes go beyond 2^53', () => {
  const { task } = setup();
  const fd = open(task, '/tmp/big', fl.O_CREAT | fl.O_RDWR);
  const file = fileOf(task, fd);
  for (const pos of [8190, 2n ** 53n + 3n, 2n ** 62n + 5n]) {
    file.pos = pos;
    assert.is(write(task, fd, 'end'), 3);
    assert.is(BigInt(file.inode.size), BigInt(pos) + 3n);
    file.pos = pos;
    assert.is(read(task, fd, 10), 'end');
  }
  file.pos = 2n ** 62n;
  assert.is(read(task, fd, 10), '\0\0\0\0\0end');
});

test.run();
