// The shape of node:fs over a task's files: what Node's own calls give for the same on a real file.
import * as hostFs from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { nodeFs } from '../../src/adapters/node-fs.js';
import { LinuxError } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';

const test = suite('adapters/node-fs');
const machine = await Machine.create();
const task = machine.spawn({ uid: 1000 });
const other = machine.spawn({ uid: 1001 });
const addr = task.mmap({ length: 8192 });
task.store(addr, new TextEncoder().encode('0123456789'));
task.writeFile('/tmp/file', 'contents of a file');
const fs = nodeFs(task);
const text = (bytes: Uint8Array | string): string =>
  typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);

const PARTS: readonly [args: unknown[], read: string, count: number][] = [
  [[], '01234567', 8],
  [[0, 8, null], '01234567', 8],
  [[0, 8, -1], '01234567', 8],
  [[0, 8, -1n], '01234567', 8],
  [[2, 3], '--012---', 3],
  [[2, 3, 4], '--456---', 3],
  [[2, 3, 4n], '--456---', 3],
  [[0, 8, 6], '6789----', 4],
  [[0, 8, 10], '--------', 0],
  [[0, 0, 4], '--------', 0],
  [[{ offset: 1, length: 2, position: 5 }], '-56-----', 2],
  [[{ position: 5n }], '56789---', 5],
  [[{ offset: 6 }], '------01', 2],
  [[null], '01234567', 8],
];

for (const [args, read, count] of PARTS) {
  const shown = args.map((arg) =>
    typeof arg === 'object'
      ? JSON.stringify(arg, (_k, v) => (typeof v === 'bigint' ? `${v}n` : v))
      : String(arg),
  );
  test(`readSync(fd, buffer${shown.map((arg) => `, ${arg}`).join('')}) does as Node’s`, () => {
    task.writeFile('/tmp/digits', '0123456789');
    hostFs.writeFileSync(hostDigits, '0123456789');
    for (const each of [fs, hostFs]) {
      const fd = each.openSync(each === fs ? '/tmp/digits' : hostDigits, 'r');
      const buffer = new TextEncoder().encode('--------');
      assert.is((each.readSync as (...all: unknown[]) => number)(fd, buffer, ...args), count);
      assert.is(text(buffer), read);
      each.closeSync(fd);
    }
  });
}

const hostDirectory = hostFs.mkdtempSync('/tmp/procmem-node-fs-');
const hostDigits = `${hostDirectory}/digits`;
test.after(() => hostFs.rmSync(hostDirectory, { recursive: true }));

test('positions are addresses, beyond 2^32 and as bigint', () => {
  const fd = fs.openSync('/proc/self/mem', 'r+');
  const buffer = new Uint8Array(4);
  assert.is(fs.readSync(fd, buffer, 0, 4, Number(addr)), 4);
  assert.is(text(buffer), '0123');
  assert.is(fs.writeSync(fd, new TextEncoder().encode('abcd'), 1, 2, addr), 2);
  assert.is(fs.writeSync(fd, 'xyz', addr + 5n), 3);
  assert.is(text(task.load(addr, 10)), 'bc234xyz89');
  assert.throws(
    () => fs.readSync(fd, buffer, 0, 4, addr + 8192n),
    (error: LinuxError) => error.code === 'EIO',
  );
  fs.closeSync(fd);
  task.store(addr, new TextEncoder().encode('0123456789'));
});

test('errors have Node’s fields', () => {
  const failed = (act: () => unknown): LinuxError => {
    try {
      act();
    } catch (error) {
      return error as LinuxError;
    }
    throw new Error('it did not fail');
  };
  const { code, errno, syscall, path } = failed(() => fs.openSync('/nothing'));
  assert.equal([code, errno, syscall, path], ['ENOENT', -2, 'open', '/nothing']);
  assert.is(failed(() => fs.openSync(`/proc/${other.pid}/mem`)).code, 'EACCES');
  assert.is(failed(() => fs.closeSync(99)).code, 'EBADF');
  assert.is(failed(() => fs.readlinkSync('/tmp/file')).code, 'EINVAL');
  assert.is(failed(() => fs.readdirSync('/tmp/file')).code, 'ENOTDIR');
  const fd = fs.openSync('/tmp/file');
  assert.instance(
    failed(() => fs.readSync(fd, new Uint8Array(4), 2, 3)),
    RangeError,
  );
  fs.closeSync(fd);
  assert.is(failed(() => fs.readSync(fd, new Uint8Array(1))).code, 'EBADF');
});

test('whole files are read to their end, whatever size they say', () => {
  assert.is(fs.readFileSync('/tmp/file', 'utf8'), 'contents of a file');
  assert.is(fs.readFileSync('/tmp/file', { encoding: 'utf8' }), 'contents of a file');
  assert.is(text(fs.readFileSync('/tmp/file')), 'contents of a file');
  assert.is(fs.statSync('/proc/self/maps').size, 0);
  assert.match(fs.readFileSync('/proc/self/maps', 'utf8') as string, addr.toString(16));
  fs.writeFileSync('/tmp/new', 'new');
  fs.writeFileSync('/tmp/new', new Uint8Array([0x21]));
  assert.is(fs.readFileSync('/tmp/new', 'utf8'), '!');
});

test('stats tell the type', () => {
  const kinds = (path: string): string[] => {
    const stat = fs.lstatSync(path);
    return (
      ['isFile', 'isDirectory', 'isSymbolicLink', 'isCharacterDevice', 'isFIFO'] as const
    ).filter((is) => stat[is]());
  };
  assert.equal(kinds('/tmp/file'), ['isFile']);
  assert.equal(kinds('/proc'), ['isDirectory']);
  assert.equal(kinds('/proc/self'), ['isSymbolicLink']);
  assert.equal(kinds('/dev/null'), ['isCharacterDevice']);
  const { mode, uid, mtime, mtimeMs } = fs.statSync('/proc/self/mem');
  assert.equal([mode & 0o777, uid, mtime.getTime()], [0o600, 1000, Math.trunc(mtimeMs)]);
  assert.ok(fs.existsSync('/tmp/file'));
  assert.not.ok(fs.existsSync('/tmp/none'));
});

test('callbacks come later, with the error first and the buffer behind the count', async () => {
  const call = (
    name: 'open' | 'read' | 'close' | 'readlink',
    ...args: unknown[]
  ): Promise<unknown[]> =>
    new Promise((resolve) => {
      let returned = false;
      fs[name](...args, (...results: unknown[]) => {
        assert.ok(returned, `${name} called back at once`);
        resolve(results);
      });
      returned = true;
    });
  const [none, fd] = await call('open', '/tmp/file', 'r');
  assert.is(none, null);
  const buffer = new Uint8Array(8);
  assert.equal(await call('read', fd, buffer, 0, 8, 0), [null, 8, buffer]);
  assert.equal((await call('close', fd))[0], null);
  assert.is(((await call('close', fd))[0] as LinuxError).code, 'EBADF');
  assert.equal(await call('readlink', '/proc/self'), [null, String(task.pid)]);
  assert.throws(() => fs.open('/tmp/file'), TypeError);
});

test('promises reject with the same errors', async () => {
  const { promises } = fs;
  assert.is(await promises.readFile('/tmp/file', 'utf8'), 'contents of a file');
  assert.is((await promises.stat('/tmp/file')).size, 18);
  const handle = await promises.open('/tmp/file', 'r');
  assert.is(text(await handle.readFile()), 'contents of a file');
  await handle.close();
  const code = await promises.open('/nothing').catch((error: LinuxError) => error.code);
  assert.is(code, 'ENOENT');
});

test('Node’s read stream and write stream take it', async () => {
  const options = { fs, start: Number(addr), end: Number(addr) + 9, highWaterMark: 3 };
  const chunks: string[] = [];
  for await (const chunk of hostFs.createReadStream('/proc/self/mem', options as never))
    chunks.push(String(chunk));
  assert.equal(chunks, ['012', '345', '678', '9']);
  const out = hostFs.createWriteStream('/proc/self/mem', {
    fs,
    flags: 'r+',
    start: Number(addr),
  } as never);
  await new Promise<void>((resolve, reject) => out.on('error', reject).end('stream', resolve));
  assert.is(text(task.load(addr, 8)), 'stream67');
});

test.run();
