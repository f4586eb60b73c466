import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { MAP_SHARED } from '../../assembly/abi/mman.js';
import { cpuStore } from '../../src/mm/cpu.js';
import { mmap } from '../../src/mm/mmap.js';
import { munmap } from '../../src/mm/mmap.js';
import { fchmodat2, fchownat, utimensat } from '../../src/vfs/attr.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
} from '../../src/vfs/flags.js';
import { mapFileChecked } from '../../src/vfs/mmap.js';
import { linkat, mkdirat, mknodat, symlinkat, unlinkat } from '../../src/vfs/namei-modify.js';
import { nodeWritableHostDirectory } from '../../src/vfs/node-host-write.js';
import { renameat2 } from '../../src/vfs/rename.js';
import { vfsStatat } from '../../src/vfs/stat.js';
import { sysTruncate } from '../../src/vfs/truncate.js';
import { boot, open, outcome, read, readAll, tryOpen, write, writeTo } from './fixture.js';

/** A directory of the host that the machine may write, on /host, and a secret beside it. */
function setup(owner = { uid: 0, gid: 0 }) {
  const base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'host-write-')));
  const dir = join(base, 'shown');
  fs.mkdirSync(join(dir, 'sub'), { recursive: true });
  fs.writeFileSync(join(base, 'secret'), 'secret');
  fs.writeFileSync(join(dir, 'file'), 'contents');
  const world = boot();
  world.vfs.mountHost('/host', nodeWritableHostDirectory(fs, dir), owner);
  const on = (name: string): string => fs.readFileSync(join(dir, name), 'utf8');
  return { ...world, dir, base, on, task: world.spawn() };
}

const test = suite('vfs/host-write');

test('what is written is written on the host', () => {
  const { task, on } = setup();
  assert.is(writeTo(task, '/host/file', ' and more', O_WRONLY | O_APPEND), 9);
  assert.is(on('file'), 'contents and more');
  assert.is(writeTo(task, '/host/file', 'X', O_WRONLY), 1);
  assert.is(on('file'), 'Xontents and more');
  assert.is(writeTo(task, '/host/file', 'new', O_WRONLY | O_TRUNC), 3);
  assert.is(on('file'), 'new');
  sysTruncate(task, '/host/file', 1);
  assert.is(on('file'), 'n');
  assert.is(readAll(task, '/host/file'), 'n');
});

test('files, directories and links are made and removed there', () => {
  const { task, dir, on } = setup();
  const fd = open(task, '/host/new', O_RDWR | O_CREAT | O_EXCL, 0o640) as number;
  assert.is(write(task, fd, 'made'), 4);
  assert.is(on('new'), 'made');
  assert.is(fs.statSync(join(dir, 'new')).mode & 0o777, 0o640);
  assert.is(open(task, '/host/new', O_RDWR | O_CREAT | O_EXCL), 'EEXIST');
  mkdirat(task, AT_FDCWD, '/host/d', 0o755);
  symlinkat(task, '../new', AT_FDCWD, '/host/d/l');
  assert.is(fs.readlinkSync(join(dir, 'd', 'l')), '../new');
  assert.is(readAll(task, '/host/d/l'), 'made');
  linkat(task, AT_FDCWD, '/host/new', AT_FDCWD, '/host/d/hard', 0);
  assert.is(fs.statSync(join(dir, 'new')).nlink, 2);
  unlinkat(task, AT_FDCWD, '/host/d/l', 0);
  const remove = (): void => unlinkat(task, AT_FDCWD, '/host/d', AT_REMOVEDIR);
  assert.is(outcome(remove), 'ENOTEMPTY');
  unlinkat(task, AT_FDCWD, '/host/d/hard', 0);
  remove();
  assert.equal(fs.readdirSync(dir).sort(), ['file', 'new', 'sub']);
});

test('a rename is one on the host, over what is there too', () => {
  const { task, dir, on } = setup();
  writeTo(task, '/host/sub/a', 'a', O_WRONLY | O_CREAT);
  const fd = open(task, '/host/sub/a', O_RDWR) as number;
  renameat2(task, AT_FDCWD, '/host/sub', AT_FDCWD, '/host/moved', 0);
  // The open file has moved along.
  write(task, fd, 'b');
  assert.is(on('moved/a'), 'b');
  renameat2(task, AT_FDCWD, '/host/moved/a', AT_FDCWD, '/host/file', 0);
  assert.is(on('file'), 'b');
  assert.equal(fs.readdirSync(dir).sort(), ['file', 'moved']);
  const swap = (): void =>
    renameat2(task, AT_FDCWD, '/host/file', AT_FDCWD, '/host/moved', RENAME_EXCHANGE);
  assert.is(outcome(swap), 'EINVAL');
});

test('a file that is removed while it is open keeps its contents', () => {
  const { task, dir } = setup();
  const fd = open(task, '/host/file', O_RDWR) as number;
  unlinkat(task, AT_FDCWD, '/host/file', 0);
  assert.is(read(task, fd), 'contents');
  assert.is(write(task, fd, '!'), 1);
  assert.not(fs.existsSync(join(dir, 'file')));
});

test('modes and times are set there; owners, devices and nameless files are not', () => {
  const { task, dir } = setup();
  fchmodat2(task, AT_FDCWD, '/host/file', 0o600, 0);
  utimensat(task, AT_FDCWD, '/host/file', [1_000_000, 2_000_000], 0);
  const { mode, mtimeMs } = fs.statSync(join(dir, 'file'));
  assert.equal([mode & 0o777, mtimeMs], [0o600, 2_000_000]);
  assert.is(
    outcome(() => fchownat(task, AT_FDCWD, '/host/file', 7, 7, 0)),
    'EPERM',
  );
  assert.is(
    outcome(() => mknodat(task, AT_FDCWD, '/host/fifo', 0o010644, 0)),
    'EPERM',
  );
  assert.is(open(task, '/host', O_RDWR | O_TMPFILE), 'EOPNOTSUPP');
});

test('what a shared mapping changes is written when it goes', () => {
  const { task, on } = setup();
  const fd = open(task, '/host/file', O_RDWR) as number;
  const file = filesOf(task).get(fd);
  const request = { addr: 0, length: 4096, prot: 3, flags: MAP_SHARED, offset: 0 };
  assert.ok(task.mm);
  const addr = mmap(task.mm, { ...request, mapFile: () => mapFileChecked(task, file, request) });
  cpuStore(task.mm, addr, new TextEncoder().encode('MAP'));
  filesOf(task).close(fd);
  assert.is(on('file'), 'contents');
  munmap(task.mm, addr, 4096);
  assert.is(on('file'), 'MAPtents');
});

test('what changes on the host is seen at the next opening', () => {
  const { task, dir } = setup();
  assert.is(readAll(task, '/host/file'), 'contents');
  fs.writeFileSync(join(dir, 'file'), 'other');
  assert.is(readAll(task, '/host/file'), 'other');
  fs.rmSync(join(dir, 'file'));
  assert.is(tryOpen(task, '/host/file'), 'ENOENT');
  fs.mkdirSync(join(dir, 'file'));
  assert.is(vfsStatat(task, AT_FDCWD, '/host/file', 0).mode & 0o170000, 0o040000);
});

test('all of it belongs to the user it is mounted for', () => {
  const world = setup({ uid: 1000, gid: 1000 });
  const user = world.spawn({ uid: 1000 });
  assert.is(writeTo(user, '/host/file', 'mine', O_WRONLY), 4);
  const stranger = world.spawn({ uid: 1001 });
  assert.is(tryOpen(stranger, '/host/file', O_RDWR), 'EACCES');
});

test('no write goes through a link that the host put in the way', () => {
  const { task, dir, base } = setup();
  const secret = (): string => fs.readFileSync(join(base, 'secret'), 'utf8');
  const fd = open(task, '/host/file', O_RDWR) as number;
  assert.is(tryOpen(task, '/host/sub'), 'ok');
  fs.rmSync(join(dir, 'file'));
  fs.symlinkSync('../secret', join(dir, 'file'));
  fs.rmdirSync(join(dir, 'sub'));
  fs.symlinkSync('..', join(dir, 'sub'));
  // What was opened is open still, wherever its name leads.
  assert.is(write(task, fd, 'gone'), 4);
  assert.is(writeTo(task, '/host/file', 'gone', O_WRONLY | O_TRUNC), 'ENOENT');
  assert.is(writeTo(task, '/host/sub/secret', 'gone', O_WRONLY), 'ENOENT');
  // The link leads up within the machine.
  assert.is(writeTo(task, '/host/sub/new', 'x', O_WRONLY | O_CREAT), 1);
  assert.is(readAll(task, '/new'), 'x');
  assert.is(secret(), 'secret');
  assert.equal(fs.readdirSync(base).sort(), ['secret', 'shown']);
});

test.run();
