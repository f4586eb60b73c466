import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { capMask, CAP_DAC_READ_SEARCH } from '../../src/kernel/capability.js';
import { dPath } from '../../src/vfs/dentry.js';
import { AT_FDCWD, O_DIRECTORY } from '../../src/vfs/flags.js';
import * as fl from '../../src/vfs/flags.js';
import { sysChdir, sysChroot, sysGetcwd } from '../../src/vfs/fs-calls.js';
import { fsOf } from '../../src/vfs/fs-struct.js';
import { mkdirat, symlinkat, unlinkat } from '../../src/vfs/namei-modify.js';
import { filenameLookup, LOOKUP_FOLLOW } from '../../src/vfs/namei.js';
import { openat2 } from '../../src/vfs/open.js';
import { boot, open, outcome } from './fixture.js';

function setup() {
  const world = boot();
  const task = world.spawn();
  const mkdir = (path: string, mode = 0o755) => mkdirat(task, AT_FDCWD, path, mode);
  const link = (target: string, path: string) => symlinkat(task, target, AT_FDCWD, path);
  for (const path of ['/a', '/a/b', '/a/b/c']) mkdir(path);
  world.vfs.addFile('/a/file', new Uint8Array(3));
  /** Where a path leads, from the task's root. */
  const walk = (path: string, flags = LOOKUP_FOLLOW, who = task) =>
    outcome(() => dPath(filenameLookup(who, AT_FDCWD, path, flags), fsOf(who).root));
  return { ...world, task, mkdir, link, walk };
}

const test = suite('vfs/namei');

test('paths walk through dots, slashes, links and mounts', () => {
  const { walk, link } = setup();
  link('b', '/a/rel');
  link('/a/b/c', '/a/abs');
  link('..', '/a/b/up');
  link('/proc/self', '/a/me');
  link('dangling', '/a/gone');
  const rows: [string, string][] = [
    ['/', '/'],
    ['//a///b/', '/a/b'],
    ['/a/./b/../b', '/a/b'],
    ['/../../a', '/a'],
    ['/a/rel/c', '/a/b/c'],
    ['/a/abs/../..', '/a'],
    ['/a/b/up/rel/up/file', '/a/file'],
    ['/proc/..', '/'],
    ['/dev/shm/../null', '/dev/null'],
    ['/a/gone', 'ENOENT'],
    ['/a/nope/x', 'ENOENT'],
    ['/a/file/x', 'ENOTDIR'],
    ['/a/file/..', 'ENOTDIR'],
    ['/a/file/', 'ENOTDIR'],
    ['', 'ENOENT'],
    [`/${'x'.repeat(256)}`, 'ENAMETOOLONG'],
    [`/${'x'.repeat(5000)}`, 'ENAMETOOLONG'],
  ];
  for (const [path, expected] of rows) assert.is(walk(path), expected, path);
  assert.is(walk('/a/rel', 0), '/a/rel', 'the last link is not followed');
  assert.is(walk('/a/rel/', 0), '/a/b', 'unless a slash says so');
});

test('forty links are followed, not one more', () => {
  const { walk, link } = setup();
  link('/a/b', '/l0');
  for (let i = 1; i <= 40; i++) link(`/l${i - 1}`, `/l${i}`);
  assert.is(walk('/l39'), '/a/b');
  assert.is(walk('/l40'), 'ELOOP');
  link('/loop', '/loop');
  assert.is(walk('/loop'), 'ELOOP');
  assert.is(walk('/loop/x'), 'ELOOP');
});

test('each directory on the way must be searchable', () => {
  const { walk, mkdir, spawn } = setup();
  mkdir('/closed', 0o700);
  mkdir('/closed/in', 0o777);
  const user = spawn({ uid: 1000 });
  const searcher = spawn({ uid: 1000, caps: capMask(CAP_DAC_READ_SEARCH) });
  assert.is(walk('/closed', 0, user), '/closed');
  assert.is(walk('/closed/in', 0, user), 'EACCES');
  assert.is(walk('/closed/nope', 0, user), 'EACCES');
  assert.is(walk('/closed/..', 0, user), 'EACCES');
  assert.is(walk('/closed/in', 0, searcher), '/closed/in');
});

test('a new root bounds ".." and what paths show', () => {
  const { task, walk } = setup();
  sysChdir(task, '/a/b/c');
  sysChroot(task, '/a/b');
  assert.is(walk('/..'), '/');
  assert.is(walk('/c'), '/c');
  assert.is(sysGetcwd(task), '/c');
  sysChroot(task, '/c');
  sysChdir(task, '..');
  assert.is(sysGetcwd(task), '/', 'inside, ".." stays at the root');
});

test('a working directory outside the root is unreachable, one removed is gone', () => {
  const { task, spawn } = setup();
  sysChdir(task, '/a');
  sysChroot(task, '/a/b');
  assert.is(sysGetcwd(task), '(unreachable)/a');
  const other = spawn();
  sysChdir(other, '/a/b/c');
  unlinkat(other, AT_FDCWD, '/a/b/c', fl.AT_REMOVEDIR);
  assert.is(
    outcome(() => sysGetcwd(other)),
    'ENOENT',
  );
  assert.is(open(other, 'new', fl.O_CREAT | fl.O_RDWR), 'ENOENT');
});

test('openat2 keeps a walk beneath, in a root, on one mount, or free of links', () => {
  const { task, link } = setup();
  link('/a/file', '/a/b/abs');
  link('../file', '/a/b/out');
  link('c', '/a/b/in');
  const dfd = open(task, '/a/b', O_DIRECTORY) as number;
  const top = open(task, '/', O_DIRECTORY) as number;
  const at = (fd: number, path: string, resolve: number) =>
    outcome(() => {
      openat2(task, fd, path, { flags: 0n, mode: 0n, resolve: BigInt(resolve) });
      return 'ok';
    });
  const rows: [number, string, number, string][] = [
    [dfd, 'in', fl.RESOLVE_BENEATH, 'ok'],
    [dfd, '..', fl.RESOLVE_BENEATH, 'EXDEV'],
    [dfd, 'out', fl.RESOLVE_BENEATH, 'EXDEV'],
    [dfd, 'abs', fl.RESOLVE_BENEATH, 'EXDEV'],
    [dfd, '/c', fl.RESOLVE_BENEATH, 'EXDEV'],
    [dfd, '/c', fl.RESOLVE_IN_ROOT, 'ok'],
    [dfd, '../../c', fl.RESOLVE_IN_ROOT, 'ok'],
    [dfd, 'abs', fl.RESOLVE_IN_ROOT, 'ENOENT'],
    [top, 'proc/self', fl.RESOLVE_NO_XDEV, 'EXDEV'],
    [top, 'a/file', fl.RESOLVE_NO_XDEV, 'ok'],
    [dfd, 'in', fl.RESOLVE_NO_SYMLINKS, 'ELOOP'],
    [top, 'proc/self/cwd', fl.RESOLVE_NO_MAGICLINKS, 'ELOOP'],
    [top, 'proc/self/status', fl.RESOLVE_NO_MAGICLINKS, 'ok'],
  ];
  for (const [fd, path, resolve, expected] of rows) {
    assert.is(at(fd, path, resolve), expected, `${path} ${resolve}`);
  }
});

test.run();
