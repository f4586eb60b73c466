import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { RLIMIT_NOFILE } from '../../src/kernel/rlimit.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import * as fl from '../../src/vfs/flags.js';
import { mkdirat, mknodat, symlinkat } from '../../src/vfs/namei-modify.js';
import { openat, openat2 } from '../../src/vfs/open.js';
import { boot, fileOf, open, outcome, read, tryOpen, write } from './fixture.js';

const { AT_FDCWD } = fl;

/** A directory with a file, a link to it and a directory. */
function playground() {
  const world = boot();
  const task = world.spawn();
  world.vfs.addFile('/tmp/f', new TextEncoder().encode('hi\n'));
  symlinkat(task, 'f', AT_FDCWD, '/tmp/l');
  mkdirat(task, AT_FDCWD, '/tmp/d', 0o755);
  return { ...world, task };
}

const test = suite('vfs/open');

test('each flag does to mem what it does on Linux (K-020)', () => {
  const { task } = playground();
  const rows: [string, number, string][] = [
    ['O_RDONLY', fl.O_RDONLY, 'ok'],
    ['O_WRONLY', fl.O_WRONLY, 'ok'],
    ['O_RDWR', fl.O_RDWR, 'ok'],
    ['access mode 3', fl.O_ACCMODE, 'ok'],
    ['O_APPEND', fl.O_RDWR | fl.O_APPEND, 'ok'],
    ['O_TRUNC', fl.O_RDWR | fl.O_TRUNC, 'ok'],
    ['O_CREAT', fl.O_RDWR | fl.O_CREAT, 'ok'],
    ['O_CREAT|O_EXCL', fl.O_CREAT | fl.O_EXCL, 'EEXIST'],
    ['O_DIRECT', fl.O_DIRECT, 'EINVAL'],
    ['O_DIRECTORY', fl.O_DIRECTORY, 'ENOTDIR'],
    ['O_PATH', fl.O_PATH, 'ok'],
    ['O_NONBLOCK', fl.O_NONBLOCK, 'ok'],
    ['O_NOATIME', fl.O_NOATIME, 'ok'],
    ['O_TMPFILE', fl.O_TMPFILE | fl.O_RDWR, 'ENOTDIR'],
  ];
  for (const [name, flags, expected] of rows) {
    assert.is(tryOpen(task, '/proc/self/mem', flags), expected, name);
  }
});

test('reads and writes need the access mode that allows them (K-021)', () => {
  const { task } = playground();
  const rows: [number, string | number, string][] = [
    [fl.O_WRONLY, 'EBADF', 'EIO'],
    [fl.O_RDONLY, 'EIO', 'EBADF'],
    [fl.O_ACCMODE, 'EBADF', 'EBADF'],
    [fl.O_PATH, 'EBADF', 'EBADF'],
  ];
  for (const [flags, reads, writes] of rows) {
    const fd = open(task, '/proc/self/mem', flags);
    assert.is(read(task, fd, 1), reads, `read ${flags}`);
    assert.is(write(task, fd, 'x'), writes, `write ${flags}`);
  }
});

test('the errors of open come in the order of Linux', () => {
  const { task } = playground();
  const rows: [string, number, string][] = [
    ['/tmp/nope', fl.O_CREAT | fl.O_DIRECTORY, 'EINVAL'],
    ['/tmp/l/', fl.O_RDONLY, 'ENOTDIR'],
    ['/tmp/nn/', fl.O_CREAT, 'EISDIR'],
    ['/tmp/d/', fl.O_CREAT, 'EISDIR'],
    ['/tmp/d', fl.O_CREAT, 'EISDIR'],
    ['/tmp/d', fl.O_WRONLY, 'EISDIR'],
    ['/tmp/d', fl.O_ACCMODE, 'EISDIR'],
    ['/tmp/d', fl.O_CREAT | fl.O_EXCL, 'EEXIST'],
    ['/tmp/l', fl.O_NOFOLLOW, 'ELOOP'],
    ['/tmp/l', fl.O_NOFOLLOW | fl.O_PATH, 'ok'],
    ['/tmp/l', fl.O_CREAT | fl.O_EXCL, 'EEXIST'],
    ['/tmp/f/', fl.O_RDONLY, 'ENOTDIR'],
    ['/tmp/f/.', fl.O_RDONLY, 'ENOTDIR'],
    ['/tmp/f', fl.O_DIRECTORY, 'ENOTDIR'],
    ['', fl.O_RDONLY, 'ENOENT'],
    ['/tmp/f', fl.O_TMPFILE, 'EINVAL'],
    ['/tmp/f', fl.O_TMPFILE | fl.O_RDWR, 'ENOTDIR'],
    ['/tmp/d', fl.O_TMPFILE | fl.O_RDONLY, 'EINVAL'],
    ['/tmp/d', fl.O_TMPFILE | fl.O_RDWR, 'ok'],
    ['/tmp/d', fl.O_DIRECT, 'EINVAL'],
    ['/dev/zero', fl.O_DIRECT, 'EINVAL'],
    ['/tmp/f', fl.O_DIRECT, 'ok'],
    ['/proc/self/nope', fl.O_CREAT, 'ENOENT'],
    ['/proc/nope', fl.O_CREAT, 'ENOENT'],
    ['/proc/self/fd/99', fl.O_RDONLY, 'ENOENT'],
  ];
  for (const [path, flags, expected] of rows) {
    assert.is(tryOpen(task, path, flags), expected, `${path} ${flags.toString(8)}`);
  }
});

test('a bad dirfd matters only for relative paths that are not empty', () => {
  const { task } = playground();
  const file = open(task, '/tmp/f') as number;
  const at = (dfd: number, path: string) => outcome(() => openat(task, dfd, path, 0, 0));
  assert.is(at(99, 'x'), 'EBADF');
  assert.is(at(99, ''), 'ENOENT');
  assert.type(at(99, '/tmp/f'), 'number');
  assert.is(at(file, 'x'), 'ENOTDIR');
});

test('a new file gets its mode less the umask, and its maker as owner', () => {
  const { task, spawn } = playground();
  const user = spawn({ uid: 1000 });
  const { inode } = fileOf(user, open(user, '/tmp/new', fl.O_CREAT | fl.O_RDWR, 0o4777));
  assert.is(inode.mode & 0o7777, 0o4755);
  assert.equal([inode.uid, inode.gid], [1000, 1000]);
  const readonly = fileOf(user, open(user, '/tmp/ro', fl.O_CREAT | fl.O_RDWR, 0o400));
  assert.is(readonly.inode.mode & 0o777, 0o400);
  assert.is(tryOpen(user, '/tmp/ro', fl.O_RDWR), 'EACCES');
  assert.is(tryOpen(task, '/tmp/ro', fl.O_RDWR), 'ok');
});

test('a missing write permission of the directory shows only when a file is to be made', () => {
  const { spawn, vfs } = playground();
  const user = spawn({ uid: 1000 });
  vfs.addFile('/etc/passwd', new Uint8Array(1));
  assert.is(tryOpen(user, '/etc/passwd', fl.O_CREAT), 'ok');
  assert.is(tryOpen(user, '/etc/other', fl.O_CREAT), 'EACCES');
});

test('O_TRUNC asks for write permission and empties the file', () => {
  const { task, spawn } = playground();
  const user = spawn({ uid: 1000 });
  assert.is(tryOpen(user, '/tmp/f', fl.O_RDONLY | fl.O_TRUNC), 'EACCES');
  assert.is(fileOf(task, open(task, '/tmp/f', fl.O_RDONLY | fl.O_TRUNC)).inode.size, 0);
});

test('descriptors are the lowest free numbers, up to RLIMIT_NOFILE, asked before the walk', () => {
  const { task } = playground();
  assert.equal([open(task, '/tmp/f'), open(task, '/tmp/f'), open(task, '/tmp/f')], [0, 1, 2]);
  filesOf(task).close(1);
  assert.is(open(task, '/tmp/f'), 1);
  task.group.rlimits.set(RLIMIT_NOFILE, { cur: 3n, max: 3n });
  assert.is(open(task, '/tmp/nope'), 'EMFILE');
});

test('openat2 refuses what openat forgets', () => {
  const { task } = playground();
  const how = (flags: number, mode = 0, resolve = 0) =>
    outcome(() => {
      const args = { flags: BigInt(flags), mode: BigInt(mode), resolve: BigInt(resolve) };
      openat2(task, AT_FDCWD, '/tmp/f', args);
      return 'ok';
    });
  assert.is(how(0), 'ok');
  assert.is(how(0x4), 'EINVAL');
  assert.is(how(0, 0o600), 'EINVAL');
  assert.is(how(fl.O_PATH | fl.O_RDWR), 'EINVAL');
  assert.is(how(0, 0, 0x100), 'EINVAL');
  assert.is(how(0, 0, fl.RESOLVE_BENEATH), 'EXDEV');
  assert.is(how(fl.O_CREAT, 0o600, fl.RESOLVE_CACHED), 'EAGAIN');
});

test('devices are by number: known ones open, others do not', () => {
  const { task } = playground();
  mknodat(task, AT_FDCWD, '/tmp/null', 0o020666, 0x103);
  mknodat(task, AT_FDCWD, '/tmp/what', 0o020666, 0xfff03);
  mknodat(task, AT_FDCWD, '/tmp/sock', 0o140666, 0);
  assert.is(write(task, open(task, '/tmp/null', fl.O_RDWR), 'gone'), 4);
  assert.is(tryOpen(task, '/tmp/what'), 'ENXIO');
  assert.is(tryOpen(task, '/tmp/sock'), 'ENXIO');
});

test('F_GETFL flags lose what acts at open only', () => {
  const { task } = playground();
  const flags = fl.O_RDWR | fl.O_CREAT | fl.O_TRUNC | fl.O_CLOEXEC | fl.O_APPEND;
  const file = fileOf(task, open(task, '/tmp/f', flags));
  assert.is(file.flags, fl.O_RDWR | fl.O_APPEND | fl.O_LARGEFILE);
  assert.is(filesOf(task).isCloexec(0), true);
});

test.run();
