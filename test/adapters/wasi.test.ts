// Descriptors as @bjorn3/browser_wasi_shim calls them; examples/wasi.mjs has a whole program on top.
import * as shim from '@bjorn3/browser_wasi_shim';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { wasiDirectory, type WasiShim } from '../../src/adapters/wasi.js';
import { Machine } from '../../src/machine.js';

const test = suite('adapters/wasi');
const machine = await Machine.create();
const task = machine.spawn({ uid: 1000 });
const addr = task.mmap({ length: 4096 });
task.store(addr, new TextEncoder().encode('memory'));
const proc = wasiDirectory(shim as unknown as WasiShim, task) as shim.Fd;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const { RIGHTS_FD_READ, RIGHTS_FD_WRITE, OFLAGS_DIRECTORY, wasiErrors } = {
  ...shim.wasi,
  wasiErrors: shim.wasi as unknown as Readonly<Record<string, number>>,
};
const BOTH = BigInt(RIGHTS_FD_READ | RIGHTS_FD_WRITE);

function open(path: string, rights = BOTH, oflags = 0): shim.Fd {
  const { ret, fd_obj } = proc.path_open(1, path, oflags, rights, 0n, 0);
  assert.is(ret, 0, path);
  return fd_obj as shim.Fd;
}

test('it is preopened under its name', () => {
  const { ret, prestat } = proc.fd_prestat_get();
  assert.is(ret, 0);
  assert.is(text(prestat!.inner.pr_name), '/proc');
});

test('mem is read, written and sought at addresses', () => {
  const mem = open('self/mem');
  assert.is(text(mem.fd_pread(6, addr).data), 'memory');
  assert.is(mem.fd_seek(addr + 3n, 0).offset, addr + 3n);
  assert.is(text(mem.fd_read(3).data), 'ory');
  assert.is(mem.fd_tell().offset, addr + 6n);
  assert.is(mem.fd_pwrite(new TextEncoder().encode('MEM'), addr).nwritten, 3);
  assert.is(mem.fd_seek(-6n, 1).offset, addr);
  assert.is(text(mem.fd_read(6).data), 'MEMory');
  assert.is(mem.fd_seek(0n, 2).ret, wasiErrors['ERRNO_INVAL']);
  assert.is(mem.fd_pread(1, addr + 4096n).ret, wasiErrors['ERRNO_IO']);
  assert.is(mem.fd_close(), 0);
  assert.is(mem.fd_read(1).ret, wasiErrors['ERRNO_BADF']);
});

test('a directory lists what can be opened in it, once each', () => {
  const dir = open('self', BOTH, OFLAGS_DIRECTORY);
  const names: string[] = [];
  for (let cookie = 0n; ;) {
    const { ret, dirent } = dir.fd_readdir_single(cookie);
    assert.is(ret, 0);
    if (dirent === null) break;
    names.push(text(dirent.dir_name));
    cookie = dirent.d_next;
  }
  assert.equal(names, task.readdir('/proc/self'));
  assert.is(dir.path_readlink('cwd').data, '/');
  assert.is(dir.path_filestat_get(0, 'cwd').filestat?.filetype, 7);
  assert.is(dir.path_filestat_get(1, 'cwd').filestat?.filetype, 3);
  assert.is(dir.fd_prestat_get().ret, wasiErrors['ERRNO_BADF']);
});

const REFUSED: readonly [path: string, rights: bigint, error: string][] = [
  ['nothing', BOTH, 'ERRNO_NOENT'],
  ['self/maps/x', BOTH, 'ERRNO_NOTDIR'],
  ['1/mem', BOTH, 'ERRNO_ACCES'],
  ['self/status', BOTH, 'ERRNO_ACCES'],
  ['/proc/self/mem', BOTH, 'ERRNO_NOTCAPABLE'],
  ['..', BOTH, 'ERRNO_NOTCAPABLE'],
  ['self/../../etc', BOTH, 'ERRNO_NOTCAPABLE'],
];

for (const [path, rights, error] of REFUSED) {
  test(`opening ${path} is ${error}`, () => {
    const { ret, fd_obj } = proc.path_open(1, path, 0, rights, 0n, 0);
    assert.equal([ret, fd_obj], [wasiErrors[error], null]);
  });
}

test('every number of an error is the shim’s', async () => {
  const { wasiErrno } = await import('../../src/adapters/wasi-errno.js');
  const names = Object.keys(wasiErrors).filter(
    (name) => /^ERRNO_[A-Z0-9]+$/.test(name) && name !== 'ERRNO_SUCCESS',
  );
  assert.ok(names.length > 70);
  for (const name of names)
    assert.is(wasiErrno({ code: `E${name.slice(6)}` }), wasiErrors[name], name);
  assert.throws(() => wasiErrno(new TypeError('a fault of ours')), TypeError);
});

test.run();
