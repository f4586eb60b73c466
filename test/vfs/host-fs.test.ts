import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { MAP_PRIVATE } from '../../assembly/abi/mman.js';
import { doExitGroup } from '../../src/kernel/exit.js';
import { cpuLoad } from '../../src/mm/cpu.js';
import { mmap } from '../../src/mm/mmap.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import { AT_FDCWD, O_CREAT, O_RDWR } from '../../src/vfs/flags.js';
import { mapFileChecked } from '../../src/vfs/mmap.js';
import { mkdirat } from '../../src/vfs/namei-modify.js';
import { nodeHostDirectory } from '../../src/vfs/node-host.js';
import { getdents64, readdir } from '../../src/vfs/readdir.js';
import { vfsStatat } from '../../src/vfs/stat.js';
import { boot, fileOf, framesInUse, open, outcome, readAll, tryOpen } from './fixture.js';

/** A directory of the host, with a secret beside it, mounted on /host. */
function setup() {
  const base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'host-fs-')));
  const dir = join(base, 'shown');
  fs.mkdirSync(join(dir, 'sub'), { recursive: true });
  fs.writeFileSync(join(base, 'secret'), 'secret');
  fs.writeFileSync(join(dir, 'file'), 'x'.repeat(5000), { mode: 0o640 });
  fs.writeFileSync(join(dir, 'sub', 'inner'), 'inner');
  fs.symlinkSync('sub/inner', join(dir, 'rel'));
  fs.symlinkSync('../../../secret', join(dir, 'out'));
  fs.symlinkSync(base, join(dir, 'abs'));
  const world = boot();
  world.vfs.mountHost('/host', nodeHostDirectory(fs, dir));
  return { ...world, dir, base, task: world.spawn() };
}

const test = suite('vfs/host-fs');

test('files, directories and links of the host are there, owned by root', () => {
  const { task } = setup();
  assert.is(readAll(task, '/host/file'), 'x'.repeat(5000));
  assert.is(readAll(task, '/host/sub/inner'), 'inner');
  assert.is(readAll(task, '/host/rel'), 'inner');
  const stat = vfsStatat(task, AT_FDCWD, '/host/file', 0);
  assert.equal([stat.mode, stat.uid, stat.size], [0o100440, 0, 5000]);
  const names = readdir(task, '/host').map(({ name }) => name);
  assert.equal(names, ['.', '..', 'abs', 'file', 'out', 'rel', 'sub']);
});

test('nothing outside is reached: links are walked inside the machine', () => {
  const { task, dir, base } = setup();
  assert.is(tryOpen(task, '/host/out'), 'ENOENT');
  assert.is(tryOpen(task, '/host/abs/secret'), 'ENOENT');
  assert.is(tryOpen(task, '/host/../secret'), 'ENOENT');
  // A directory the machine knows that became a link on the host is gone, not followed.
  assert.is(tryOpen(task, '/host/sub/inner'), 'ok');
  fs.renameSync(join(dir, 'sub'), join(dir, 'moved'));
  fs.symlinkSync(base, join(dir, 'sub'));
  assert.is(tryOpen(task, '/host/sub/secret'), 'ENOENT');
});

test('the mount is read-only', () => {
  const { task } = setup();
  assert.is(tryOpen(task, '/host/file', O_RDWR), 'EROFS');
  assert.is(tryOpen(task, '/host/new', O_CREAT | O_RDWR), 'EROFS');
  assert.is(
    outcome(() => mkdirat(task, AT_FDCWD, '/host/d', 0o755)),
    'EROFS',
  );
});

test('pages load when touched, follow the file at each opening, and go with its last user', () => {
  const { task, dir, spawn } = setup();
  const before = framesInUse();
  const reader = spawn();
  const fd = open(reader, '/host/file') as number;
  const file = filesOf(reader).get(fd);
  assert.is(file.pages.cachedPages, 0);
  const request = { addr: 0, length: 8192, prot: 1, flags: MAP_PRIVATE, offset: 0 };
  assert.ok(reader.mm);
  const addr = mmap(reader.mm, {
    ...request,
    mapFile: () => mapFileChecked(reader, file, request),
  });
  filesOf(reader).close(fd);
  const bytes = new Uint8Array(2);
  assert.is(cpuLoad(reader.mm, addr + 4999, bytes).fault, null);
  assert.equal([...bytes], [0x78, 0]);
  assert.is(file.pages.cachedPages, 1);
  doExitGroup(reader, 0);
  assert.is(framesInUse(), before);
  fs.writeFileSync(join(dir, 'file'), 'shorter');
  assert.is(readAll(task, '/host/file'), 'shorter');
});

test('a file that the host removes is there as long as it is open', () => {
  const { task, dir } = setup();
  const fd = open(task, '/host/file');
  fs.rmSync(join(dir, 'file'));
  assert.is(tryOpen(task, '/host/file'), 'ENOENT');
  assert.is(fileOf(task, fd).inode.size, 5000);
  assert.is(fileOf(task, fd).pages.read(0, new Uint8Array(4)), 4);
});

test('a file that has become shorter is EIO where it ends, never zeros', () => {
  const { task, dir } = setup();
  const { pages } = fileOf(task, open(task, '/host/file'));
  fs.truncateSync(join(dir, 'file'), 4500);
  const bytes = new Uint8Array(4);
  assert.is(pages.read(0, bytes), 4);
  assert.is(
    outcome(() => pages.read(4096, bytes)),
    'EIO',
  );
});

test('what the host throws is an error of the machine', () => {
  const { task, dir } = setup();
  const fd = open(task, '/host/sub') as number;
  fs.rmSync(join(dir, 'sub'), { recursive: true });
  assert.is(
    outcome(() => getdents64(task, fd, 4096).length),
    'ENOENT',
  );
  const fails = (): never => {
    throw new Error('/the/hosts/own/path');
  };
  const link = { kind: 'link', size: 1, mode: 0o777, mtimeMs: 0 } as const;
  const stat = { kind: 'dir', size: 0, mode: 0o755, mtimeMs: 0 } as const;
  const host = {
    lstat: (path: string) => (path === '' ? stat : path === 'link' ? link : fails()),
    readdir: fails,
    readlink: fails,
    read: fails,
  };
  const { vfs, spawn } = boot();
  vfs.mountHost('/bad', host);
  const other = spawn();
  assert.is(tryOpen(other, '/bad/x'), 'EIO');
  assert.is(tryOpen(other, '/bad/link'), 'EIO');
  assert.is(
    outcome(() => readdir(other, '/bad')),
    'EIO',
  );
  assert.is(
    outcome(() => vfs.mountHost('/worse', { ...host, lstat: fails })),
    'EIO',
  );
});

test('names that no directory can have are left out', () => {
  const { vfs, spawn } = boot();
  const stat = (kind: 'dir' | 'file') => ({ kind, size: 0, mode: 0o755, mtimeMs: 0 });
  vfs.mountHost('/odd', {
    lstat: (path) => stat(path === '' ? 'dir' : 'file'),
    readdir: () => ['', '.', '..', 'a/b', 'a\0', 'fine'],
    readlink: () => '',
    read: () => 0,
  });
  const names = readdir(spawn(), '/odd').map(({ name }) => name);
  assert.equal(names, ['.', '..', 'fine']);
});

test('the top of the host can be shown; what is no directory cannot', () => {
  const { dir } = setup();
  const top = nodeHostDirectory(fs, '/');
  assert.is(top.lstat(join(dir, 'sub', 'inner').slice(1))?.size, 5);
  assert.is(top.lstat('etc')?.kind, 'dir');
  assert.throws(() => nodeHostDirectory(fs, ''), /must not be empty/);
  assert.throws(() => nodeHostDirectory(fs, join(dir, 'file')), /is not a directory/);
});

test('what became a link or a pipe after it was looked at is not read', () => {
  const { dir, base } = setup();
  const host = nodeHostDirectory(fs, dir);
  fs.rmSync(join(dir, 'file'));
  fs.symlinkSync(join(base, 'secret'), join(dir, 'file'));
  const bytes = new Uint8Array(6);
  assert.throws(() => host.read('file', 0, bytes));
  assert.throws(() => host.read('sub', 0, bytes));
  assert.equal([...bytes], [0, 0, 0, 0, 0, 0]);
});

test.run();
