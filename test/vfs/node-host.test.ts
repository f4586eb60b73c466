import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { TaskStruct } from '../../src/kernel/task.js';
import { fchmodat2 } from '../../src/vfs/attr.js';
import { AT_FDCWD, O_CREAT, O_WRONLY } from '../../src/vfs/flags.js';
import { symlinkat } from '../../src/vfs/namei-modify.js';
import { nodeWritableHostDirectory } from '../../src/vfs/node-host-write.js';
import { nodeHostDirectory } from '../../src/vfs/node-host.js';
import { readdir } from '../../src/vfs/readdir.js';
import { renameat2 } from '../../src/vfs/rename.js';
import { Vfs } from '../../src/vfs/vfs.js';
import { makeKernel, spawn } from '../kernel/fixture.js';
import { boot, readAll, writeTo } from './fixture.js';

const names = (task: TaskStruct, path: string): string[] =>
  readdir(task, path)
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('.'))
    .sort();

const test = suite('vfs/node-host');

/** X on /w and X/mid/etc on /b; beside X another etc, where the program wants to go. */
function nested() {
  const base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'host-nested-')));
  const at = (name: string): string => join(base, name);
  fs.mkdirSync(at('x/mid/etc'), { recursive: true });
  fs.mkdirSync(at('etc'));
  fs.writeFileSync(at('x/mid/etc/passwd'), 'inner');
  fs.writeFileSync(at('etc/passwd'), 'secret');
  return { base, at };
}

test('a mount below another stays where it was when the way to it becomes a link', () => {
  const { base, at } = nested();
  const world = boot();
  world.vfs.mountHost('/w', nodeWritableHostDirectory(fs, at('x')));
  world.vfs.mountHost('/b', nodeWritableHostDirectory(fs, at('x/mid/etc')));
  const task = world.spawn();
  renameat2(task, AT_FDCWD, '/w/mid', AT_FDCWD, '/w/kept', 0);
  symlinkat(task, base, AT_FDCWD, '/w/mid');
  assert.is(readAll(task, '/b/passwd'), 'inner');
  assert.is(writeTo(task, '/b/passwd', 'WRITE', O_WRONLY), 5);
  assert.is(writeTo(task, '/b/new', 'x', O_WRONLY | O_CREAT), 1);
  fchmodat2(task, AT_FDCWD, '/b', 0o700, 0);
  assert.equal(names(task, '/b'), ['new', 'passwd']);
  assert.is(fs.readFileSync(at('x/kept/etc/passwd'), 'utf8'), 'WRITE');
  assert.is(fs.statSync(at('x/kept/etc')).mode & 0o777, 0o700);
  assert.is(fs.readFileSync(at('etc/passwd'), 'utf8'), 'secret');
  assert.equal(fs.readdirSync(at('etc')), ['passwd']);
});

test('a root below a writable mount stays where it was as well', () => {
  const { base, at } = nested();
  const kernel = makeKernel();
  const vfs = new Vfs(kernel, { root: nodeHostDirectory(fs, at('x/mid/etc')) });
  kernel.init.fs = vfs.newFsStruct();
  kernel.init.files = vfs.newFdTable();
  vfs.mountHost('/w', nodeWritableHostDirectory(fs, at('x')));
  const task = spawn(kernel);
  renameat2(task, AT_FDCWD, '/w/mid', AT_FDCWD, '/w/kept', 0);
  symlinkat(task, base, AT_FDCWD, '/w/mid');
  assert.is(readAll(task, '/passwd'), 'inner');
});

/** node:fs, with how often files were opened and closed. */
function counting() {
  const count = { opened: 0, closed: 0 };
  const counted = {
    ...fs,
    openSync: (...args: Parameters<typeof fs.openSync>) => {
      const fd = fs.openSync(...args);
      count.opened += 1;
      return fd;
    },
    closeSync: (fd: number) => {
      count.closed += 1;
      fs.closeSync(fd);
    },
  };
  return { count, fs: counted };
}

test('a directory is walked to once, however many of its entries are asked for', () => {
  const { at } = nested();
  const { count, fs: counted } = counting();
  const host = nodeHostDirectory(counted, at('x'));
  const opened = count.opened;
  for (let i = 0; i < 20; i++) assert.is(host.lstat('mid/etc/passwd')?.size, 5);
  assert.is(host.lstat('mid/etc/none'), null);
  // Each component of the way, and what is not kept of it is closed.
  if (fs.existsSync('/proc/self/fd')) assert.is(count.opened - opened, 2);
  assert.is(count.closed, Math.max(count.opened - opened - 1, 0));
});

test('a directory that was walked to is another when its name is', () => {
  const { at } = nested();
  const host = nodeWritableHostDirectory(fs, at('x'));
  assert.is(host.lstat('mid/etc/passwd')?.size, 5);
  fs.renameSync(at('x/mid'), at('x/old'));
  assert.is(host.lstat('mid/etc/passwd'), null, 'moved');
  assert.is(host.lstat('old/etc/passwd')?.size, 5);
  fs.mkdirSync(at('x/mid/etc'), { recursive: true });
  fs.writeFileSync(at('x/mid/etc/passwd'), 'anew');
  assert.is(host.lstat('mid/etc/passwd')?.size, 4, 'made anew');
  fs.rmSync(at('x/mid/etc'), { recursive: true });
  fs.symlinkSync(at('etc'), at('x/mid/etc'));
  assert.is(host.lstat('mid/etc/passwd'), null, 'a link out');
  fs.rmSync(at('x/mid'), { recursive: true });
  fs.symlinkSync(join(at('x'), '..'), at('x/mid'));
  assert.is(host.lstat('mid/etc/passwd'), null, 'a link out on the way');
});

test('the directories that are kept open have a bound, and those of a rename are among them', () => {
  const { at } = nested();
  const { count, fs: counted } = counting();
  const host = nodeWritableHostDirectory(counted, at('x'));
  for (let i = 0; i < 40; i++) {
    fs.mkdirSync(at(`x/d${i}`));
    fs.writeFileSync(at(`x/d${i}/file`), `${i}`);
  }
  for (let i = 0; i < 40; i++) {
    host.rename(`d${i}/file`, `d${(i + 1) % 40}/came`);
    assert.ok(count.opened - count.closed <= 1 + 16, `after ${i}`);
  }
  for (let i = 0; i < 40; i++) {
    assert.is(fs.readFileSync(at(`x/d${(i + 1) % 40}/came`), 'utf8'), `${i}`);
  }
});

test.run();
