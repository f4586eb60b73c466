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

test.run();
