import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/machine.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  O_APPEND,
  O_CREAT,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
} from '../../src/vfs/flags.js';
import { linkat, mkdirat, unlinkat } from '../../src/vfs/namei-modify.js';
import { nodeHostDirectory } from '../../src/vfs/node-host.js';
import { readdir } from '../../src/vfs/readdir.js';
import { renameat2 } from '../../src/vfs/rename.js';
import { vfsStatat } from '../../src/vfs/stat.js';
import { sysTruncate } from '../../src/vfs/truncate.js';
import { Vfs } from '../../src/vfs/vfs.js';
import { framesInUse, makeKernel, spawn } from '../kernel/fixture.js';
import { open, outcome, read, readAll, tryOpen, write, writeTo } from './fixture.js';

/** A tree of the host as the root of a machine, and a secret beside it. */
function setup() {
  const base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'lower-')));
  const dir = join(base, 'root');
  fs.mkdirSync(join(dir, 'usr', 'bin'), { recursive: true });
  fs.mkdirSync(join(dir, 'tmp'));
  fs.chmodSync(join(dir, 'tmp'), 0o1777);
  fs.writeFileSync(join(base, 'secret'), 'secret');
  fs.writeFileSync(join(dir, 'usr', 'bin', 'tool'), 'x'.repeat(200_000), { mode: 0o755 });
  fs.writeFileSync(join(dir, 'usr', 'note'), 'a note\n');
  fs.symlinkSync('usr/bin', join(dir, 'bin'));
  fs.symlinkSync('../../../../secret', join(dir, 'usr', 'up'));
  fs.symlinkSync(join(base, 'secret'), join(dir, 'usr', 'abs'));
  const kernel = makeKernel();
  const vfs = new Vfs(kernel, { root: nodeHostDirectory(fs, dir) });
  kernel.init.fs = vfs.newFsStruct();
  kernel.init.files = vfs.newFdTable();
  return { kernel, vfs, base, dir, task: spawn(kernel) };
}

/** All of a tree of the host: names, contents, modes and targets. */
function portrait(dir: string): string[] {
  return fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(dir, name);
      const { mode, size } = fs.lstatSync(path);
      return `${name} ${mode.toString(8)} ${size}`;
    });
}

const names = (task: ReturnType<typeof setup>['task'], path: string): string[] =>
  readdir(task, path)
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('.'))
    .sort();

const test = suite('vfs/lower');

test('the tree begins with what the host has, owned by root', () => {
  const { task } = setup();
  assert.is(readAll(task, '/usr/note'), 'a note\n');
  assert.is(readAll(task, '/bin/tool').length, 200_000);
  assert.equal(names(task, '/usr'), ['abs', 'bin', 'lib', 'lib64', 'note', 'up']);
  const { mode, uid, size, blocks } = vfsStatat(task, AT_FDCWD, '/usr/bin/tool', 0);
  assert.equal([mode, uid, size, blocks], [0o100755, 0, 200_000, 391]);
  assert.is(vfsStatat(task, AT_FDCWD, '/tmp', 0).mode, 0o041777);
});

test('pages are read when they are used, and go again without a user', () => {
  const { task } = setup();
  const before = framesInUse();
  const fd = open(task, '/usr/bin/tool') as number;
  assert.is(read(task, fd, 10), 'xxxxxxxxxx');
  assert.is(filesOf(task).get(fd).pages.cachedPages, 1);
  filesOf(task).close(fd);
  assert.is(framesInUse(), before);
});

test('nothing that is written reaches the host', () => {
  const { task, dir } = setup();
  const before = portrait(dir);
  assert.is(writeTo(task, '/usr/note', 'more', O_WRONLY | O_APPEND), 4);
  assert.is(writeTo(task, '/usr/bin/tool', 'short', O_WRONLY | O_TRUNC), 5);
  assert.is(writeTo(task, '/usr/new', 'new', O_WRONLY | O_CREAT), 3);
  mkdirat(task, AT_FDCWD, '/usr/dir', 0o755);
  linkat(task, AT_FDCWD, '/usr/note', AT_FDCWD, '/usr/dir/second', 0);
  renameat2(task, AT_FDCWD, '/usr/bin', AT_FDCWD, '/usr/sbin', 0);
  unlinkat(task, AT_FDCWD, '/usr/up', 0);
  assert.is(readAll(task, '/usr/dir/second'), 'a note\nmore');
  assert.is(readAll(task, '/usr/sbin/tool'), 'short');
  assert.is(tryOpen(task, '/bin/tool'), 'ENOENT');
  assert.equal(portrait(dir), before);
});

test('a write changes the bytes it writes and keeps the host’s around them', () => {
  const { task } = setup();
  const fd = open(task, '/usr/bin/tool', O_RDWR) as number;
  write(task, fd, 'AB');
  filesOf(task).close(fd);
  const text = readAll(task, '/usr/bin/tool');
  assert.is(text.slice(0, 4), 'ABxx');
  assert.is(text.length, 200_000);
});

test('what was cut off does not come back when the file grows', () => {
  const { task } = setup();
  sysTruncate(task, '/usr/bin/tool', 3);
  sysTruncate(task, '/usr/bin/tool', 9000);
  assert.is(readAll(task, '/usr/bin/tool'), `xxx${'\0'.repeat(8997)}`);
});

test('names that are removed stay away, whatever is made in their place and removed again', () => {
  const { task } = setup();
  unlinkat(task, AT_FDCWD, '/usr/note', 0);
  assert.is(tryOpen(task, '/usr/note'), 'ENOENT');
  assert.not(names(task, '/usr').includes('note'));
  writeTo(task, '/usr/bin/tool2', 'x', O_WRONLY | O_CREAT);
  renameat2(task, AT_FDCWD, '/usr/bin/tool2', AT_FDCWD, '/usr/bin/tool', 0);
  unlinkat(task, AT_FDCWD, '/usr/bin/tool', 0);
  assert.is(tryOpen(task, '/usr/bin/tool'), 'ENOENT');
  assert.equal(names(task, '/usr/bin'), []);
  unlinkat(task, AT_FDCWD, '/usr/bin', AT_REMOVEDIR);
  mkdirat(task, AT_FDCWD, '/usr/bin', 0o755);
  assert.equal(names(task, '/usr/bin'), []);
});

test('a directory is empty only when the host’s part of it is', () => {
  const { task } = setup();
  const remove = (): void => unlinkat(task, AT_FDCWD, '/usr/bin', AT_REMOVEDIR);
  assert.is(outcome(remove), 'ENOTEMPTY');
  mkdirat(task, AT_FDCWD, '/dir', 0o755);
  const over = (): void => renameat2(task, AT_FDCWD, '/dir', AT_FDCWD, '/usr/bin', 0);
  assert.is(outcome(over), 'ENOTEMPTY');
  renameat2(task, AT_FDCWD, '/dir', AT_FDCWD, '/usr/bin', RENAME_EXCHANGE);
  assert.equal(names(task, '/dir'), ['tool']);
});

test('links never lead out, those that were there and those that came', () => {
  const { task, dir, base } = setup();
  assert.is(tryOpen(task, '/usr/up'), 'ENOENT');
  assert.is(tryOpen(task, '/usr/abs'), 'ENOENT');
  assert.is(tryOpen(task, '/../secret'), 'ENOENT');
  // The directory is known; the host then puts a link in its place, and in that of a file.
  assert.is(tryOpen(task, '/usr/bin'), 'ok');
  fs.renameSync(join(dir, 'usr', 'bin'), join(base, 'moved'));
  fs.symlinkSync(base, join(dir, 'usr', 'bin'));
  assert.is(tryOpen(task, '/usr/bin/secret'), 'ENOENT');
  assert.is(tryOpen(task, '/usr/note'), 'ok');
  fs.rmSync(join(dir, 'usr', 'note'));
  fs.symlinkSync(join(base, 'secret'), join(dir, 'usr', 'note'));
  assert.is(tryOpen(task, '/usr/note'), 'ENOENT');
});

test('a snapshot keeps what was written, and is given the directory again', async () => {
  const { dir } = setup();
  const root = nodeHostDirectory(fs, dir);
  const machine = await Machine.create({ root });
  const task = machine.spawn();
  task.writeFile('/usr/bin/tool', new TextEncoder().encode('written'));
  const copy = await Machine.restore(machine.snapshot(), { hosts: { '/': root } });
  const reader = copy.spawn();
  assert.is(reader.readText('/usr/bin/tool'), 'written');
  assert.is(reader.readText('/usr/note'), 'a note\n');
});

test.run();
