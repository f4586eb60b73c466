import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { MAP_PRIVATE, MAP_SHARED } from '../../assembly/abi/mman.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';
import { mmap, munmap } from '../../src/mm/mmap.js';
import { fchmod, fchmodat2 } from '../../src/vfs/attr.js';
import { filesOf } from '../../src/vfs/fdtable.js';
import { AT_FDCWD, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } from '../../src/vfs/flags.js';
import type { HostDirectory, WritableHostDirectory } from '../../src/vfs/host-directory.js';
import { mapFileChecked } from '../../src/vfs/mmap.js';
import { linkat, unlinkat } from '../../src/vfs/namei-modify.js';
import { nodeWritableHostDirectory } from '../../src/vfs/node-host-write.js';
import { nodeHostDirectory } from '../../src/vfs/node-host.js';
import { renameat2 } from '../../src/vfs/rename.js';
import { vfsFstat, vfsStatat } from '../../src/vfs/stat.js';
import { sysFtruncate, sysTruncate } from '../../src/vfs/truncate.js';
import { boot, open, outcome, read, readAll, write, writeTo } from './fixture.js';

type Make = (dir: string) => HostDirectory;

const WRITABLE: Make = (dir) => nodeWritableHostDirectory(fs, dir);

/** Two pages of the host in /host/file. */
function setup(make: Make = WRITABLE) {
  const dir = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'host-file-')));
  fs.chmodSync(dir, 0o777);
  const at = (name: string): string => join(dir, name);
  fs.writeFileSync(at('file'), 'a'.repeat(4096) + 'b'.repeat(4096), { mode: 0o644 });
  const world = boot();
  world.vfs.mountHost('/host', make(dir));
  const on = (name: string): string => fs.readFileSync(at(name), 'utf8');
  return { ...world, at, on, task: world.spawn() };
}

/** A host that opens no files: all goes by names. */
function named(dir: string): WritableHostDirectory {
  const host = nodeWritableHostDirectory(fs, dir);
  const create = (path: string, mode: number): null => {
    host.create(path, mode)?.close();
    return null;
  };
  return new Proxy(host, {
    has: (target, key) => key !== 'open' && key in target,
    get(target, key) {
      if (key === 'open') return undefined;
      if (key === 'create') return create;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Maps two pages of an open file. */
function map(task: TaskStruct, fd: number, flags: number): number {
  const file = filesOf(task).get(fd);
  const request = { addr: 0, length: 8192, prot: 3, flags, offset: 0 };
  assert.ok(task.mm);
  return mmap(task.mm, { ...request, mapFile: () => mapFileChecked(task, file, request) });
}

function store(task: TaskStruct, addr: number, text: string): void {
  assert.ok(task.mm);
  assert.is(cpuStore(task.mm, addr, new TextEncoder().encode(text)).fault, null);
}

function load(task: TaskStruct, addr: number, length: number): string {
  const bytes = new Uint8Array(length);
  assert.ok(task.mm);
  assert.is(cpuLoad(task.mm, addr, bytes).fault, null);
  return new TextDecoder().decode(bytes);
}

/** Changes bytes of a file behind the machine's back. */
function poke(path: string, pos: number, text: string): void {
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, text, pos);
  fs.closeSync(fd);
}

/** Does something without the rights of root on the host. */
function asNobody<T>(use: () => T): T {
  const uid = process.geteuid?.() ?? -1;
  if (uid !== 0) return use();
  process.seteuid?.(65534);
  try {
    return use();
  } finally {
    process.seteuid?.(0);
  }
}

const test = suite('vfs/host-file');

test('only pages that were stored to are written back, and once', () => {
  const { task, at, on } = setup();
  const fd = open(task, '/host/file', O_RDWR) as number;
  const file = filesOf(task).get(fd);
  const addr = map(task, fd, MAP_SHARED);
  assert.is(load(task, addr, 1), 'a');
  store(task, addr + 4096, 'MAP');
  poke(at('file'), 0, 'HOST');
  file.fops.fsync?.(file);
  assert.is(on('file').slice(0, 5), 'HOSTa');
  assert.is(on('file').slice(4096, 4100), 'MAPb');
  // What was written back is clean: the host's newer bytes stay, until the next store.
  poke(at('file'), 4096, 'NEW');
  file.fops.fsync?.(file);
  assert.is(on('file').slice(4096, 4100), 'NEWb');
  store(task, addr + 4096 + 100, '!');
  assert.ok(task.mm);
  munmap(task.mm, addr, 8192);
  filesOf(task).close(fd);
  assert.is(on('file')[4196], '!');
  assert.is(on('file').slice(0, 5), 'HOSTa');
});

test('bytes that were written with write() are not written again', () => {
  const { task, at, on } = setup();
  const fd = open(task, '/host/file', O_RDWR) as number;
  const addr = map(task, fd, MAP_SHARED);
  assert.is(write(task, fd, 'guest'), 5);
  poke(at('file'), 0, 'HOSTS');
  store(task, addr + 4096, 'x');
  assert.ok(task.mm);
  munmap(task.mm, addr, 8192);
  filesOf(task).close(fd);
  assert.is(on('file').slice(0, 6), 'HOSTSa');
});

test('a hard link is as good as the first name', () => {
  const { task, at, on } = setup();
  linkat(task, AT_FDCWD, '/host/file', AT_FDCWD, '/host/second', 0);
  unlinkat(task, AT_FDCWD, '/host/file', 0);
  fchmodat2(task, AT_FDCWD, '/host/second', 0o600, 0);
  sysTruncate(task, '/host/second', 3);
  assert.equal([on('second'), fs.statSync(at('second')).mode & 0o777], ['aaa', 0o600]);
  assert.is(writeTo(task, '/host/second', 'new', O_WRONLY), 3);
  assert.is(on('second'), 'new');
});

test('a file that was made without rights to write is written all the same', () => {
  const { on, at, spawn } = asNobody(() => setup());
  const task = spawn();
  asNobody(() => {
    const fd = open(task, '/host/new', O_WRONLY | O_CREAT | O_EXCL, 0o444) as number;
    assert.is(write(task, fd, 'one '), 4);
    fchmod(task, fd, 0o400);
    assert.is(write(task, fd, 'two'), 3);
    sysFtruncate(task, fd, 6);
    filesOf(task).close(fd);
    assert.is(open(task, '/host/new', O_WRONLY), 'EACCES');
  });
  assert.equal([on('new'), fs.statSync(at('new')).mode & 0o777], ['one tw', 0o400]);
});

test('a mode is changed without the right to read', () => {
  const { task, at } = asNobody(() => setup());
  asNobody(() => {
    fchmodat2(task, AT_FDCWD, '/host/file', 0o000, 0);
    fchmodat2(task, AT_FDCWD, '/host/file', 0o640, 0);
  });
  assert.is(fs.statSync(at('file')).mode & 0o777, 0o640);
});

test('what the host changes of an open file is seen at the next opening, in mappings too', () => {
  for (const make of [WRITABLE, (dir: string) => nodeHostDirectory(fs, dir)]) {
    const { task, at } = setup(make);
    const fd = open(task, '/host/file', O_RDONLY) as number;
    const addr = map(task, fd, MAP_PRIVATE);
    assert.is(load(task, addr, 4), 'aaaa');
    poke(at('file'), 0, 'HOST');
    fs.appendFileSync(at('file'), 'end');
    assert.is(vfsStatat(task, AT_FDCWD, '/host/file', 0).size, 8195);
    assert.is(readAll(task, '/host/file').slice(8190), 'bbend');
    assert.is(load(task, addr, 5), 'HOSTa');
    // Another file under the name is another file: this one stays what it was.
    fs.writeFileSync(at('other'), 'other');
    fs.renameSync(at('other'), at('file'));
    assert.is(readAll(task, '/host/file'), 'other');
    assert.is(read(task, fd, 5), 'HOSTa');
    assert.is(vfsFstat(task, fd).size, 8195);
  }
});

test('removed and replaced files are the open ones still, and nothing is loaded for it', () => {
  const { task, at } = setup();
  const removed = open(task, '/host/file', O_RDWR) as number;
  unlinkat(task, AT_FDCWD, '/host/file', 0);
  assert.is(filesOf(task).get(removed).pages.cachedPages, 0);
  assert.is(write(task, removed, 'x'), 1);
  sysFtruncate(task, removed, 4);
  assert.is(read(task, removed), 'aaa');
  fs.writeFileSync(at('a'), 'from');
  fs.writeFileSync(at('b'), 'over');
  const over = open(task, '/host/b', O_RDWR) as number;
  renameat2(task, AT_FDCWD, '/host/a', AT_FDCWD, '/host/b', 0);
  assert.is(read(task, over), 'over');
  assert.equal(fs.readdirSync(at('.')), ['b']);
});

test('a host that opens no files has them loaded before they go', () => {
  const { task, on } = setup(named);
  assert.is(writeTo(task, '/host/new', 'made', O_RDWR | O_CREAT), 4);
  assert.is(on('new'), 'made');
  const fd = open(task, '/host/file', O_RDWR) as number;
  unlinkat(task, AT_FDCWD, '/host/file', 0);
  assert.is(filesOf(task).get(fd).pages.cachedPages, 2);
  assert.is(filesOf(task).get(fd).pages.reclaim(), 0);
  assert.is(write(task, fd, '!'), 1);
  assert.is(read(task, fd, 3), 'aaa');
});

test('a file larger than memory is read: its pages make room for each other', () => {
  const { task, at } = setup();
  const MIB = 2 ** 20;
  fs.truncateSync(at('file'), 80 * MIB);
  poke(at('file'), 79 * MIB, 'far');
  const { pages } = filesOf(task).get(open(task, '/host/file') as number);
  const bytes = new Uint8Array(MIB);
  for (let pos = 0; pos < 80 * MIB; pos += MIB) assert.is(pages.read(pos, bytes), MIB);
  assert.is(new TextDecoder().decode(bytes.subarray(0, 3)), 'far');
  assert.ok(pages.cachedPages < 16384);
  assert.ok(pages.reclaim() > 0);
  assert.is(pages.cachedPages, 0);
});

test('special bits are those that the host has; blocks are those of the size', () => {
  const { task, at } = setup();
  const mode = (): number => vfsStatat(task, AT_FDCWD, '/host/file', 0).mode & 0o7777;
  fchmodat2(task, AT_FDCWD, '/host/file', 0o4755, 0);
  assert.equal([mode(), fs.statSync(at('file')).mode & 0o7777], [0o755, 0o755]);
  fs.chmodSync(at('file'), 0o2751);
  assert.is(mode(), 0o2751);
  fs.writeFileSync(at('file'), 'x'.repeat(513));
  const stat = vfsStatat(task, AT_FDCWD, '/host/file', 0);
  assert.equal([stat.size, stat.blocks], [513, 2]);
});

test('a write that the host refuses leaves the pages what the host has', () => {
  const { task, on } = setup((dir) => {
    const host = named(dir);
    return new Proxy(host, {
      get(target, key) {
        if (key !== 'write') return Reflect.get(target, key) as unknown;
        return () => {
          throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        };
      },
    });
  });
  const fd = open(task, '/host/file', O_RDWR) as number;
  assert.is(
    outcome(() => write(task, fd, 'lost')),
    'ENOSPC',
  );
  assert.is(readAll(task, '/host/file'), on('file'));
});

test.run();
