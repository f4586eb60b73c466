import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/machine.js';
import { decodeName, encodeName, nameOf } from '../../src/mm/name-bytes.js';
import { Guest } from '../syscall/guest.js';

const test = suite('mm/name-bytes');

/** Bytes and the string that stands for them; the bounds of what is well-formed UTF-8. */
const rows: readonly (readonly [readonly number[], string])[] = [
  [[], ''],
  [[0x61, 0xc3, 0xa9, 0x2f], 'aé/'],
  [[0xff], '\udcff'],
  [[0x80], '\udc80'],
  [[0xc1, 0xbf], '\udcc1\udcbf'],
  [[0xc2, 0x80], '\x80'],
  [[0xc3], '\udcc3'],
  [[0xe0, 0x9f, 0xbf], '\udce0\udc9f\udcbf'],
  [[0xe0, 0xa0, 0x80], '\u0800'],
  [[0xed, 0x9f, 0xbf], '\ud7ff'],
  [[0xed, 0xb2, 0x80], '\udced\udcb2\udc80'],
  [[0xee, 0x80, 0x80], '\ue000'],
  [[0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
  [[0xf0, 0x8f, 0xbf, 0xbf], '\udcf0\udc8f\udcbf\udcbf'],
  [[0xf0, 0x90, 0x80, 0x80], '\u{10000}'],
  [[0xf4, 0x8f, 0xbf, 0xbf], '\u{10ffff}'],
  [[0xf4, 0x90, 0x80, 0x80], '\udcf4\udc90\udc80\udc80'],
  [[0xf5, 0x80], '\udcf5\udc80'],
  [[0x61, 0xe2, 0x82, 0x62], 'a\udce2\udc82b'],
];
test('bytes that are no UTF-8 are lone surrogates, and the rest is text', () => {
  for (const [bytes, text] of rows) {
    assert.is(decodeName(Uint8Array.from(bytes)), text);
    assert.equal([...encodeName(text)], [...bytes]);
  }
});

test('any bytes come back, and different bytes are different strings', () => {
  const loose = fc.uint8Array({ maxLength: 12 });
  const close = fc.array(fc.constantFrom(0x61, 0xc3, 0xa9, 0xed, 0xb2, 0x80, 0xf0, 0x90, 0xff), {
    maxLength: 8,
  });
  const bytes = fc.oneof(
    loose,
    close.map((list) => Uint8Array.from(list)),
  );
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const name = decodeName(a);
      assert.equal([...encodeName(name)], [...a]);
      assert.is(nameOf(name), name);
      assert.is(name === decodeName(b), a.length === b.length && a.every((x, i) => x === b[i]));
    }),
    { numRuns: 3000 },
  );
});

test('a string whose escapes make up text is that text', () => {
  assert.is(nameOf('\udcc3\udca9'), 'é');
  assert.is(nameOf('a\ud800'), 'a\ufffd');
});

/** A name of bytes that a directory can hold: no NUL, no slash, not dots alone. */
const fileName = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .map((bytes) =>
    bytes.map((byte) => (byte === 0 || byte === 0x2f || byte === 0x2e ? 0xfe : byte)),
  );

/** Names in a directory as getdents64 gives their bytes. */
function listed(guest: Guest, path: string): string[] {
  const fd = Number(guest.call('openat', -100, path, 0x10000, 0));
  const buffer = guest.buffer(8192);
  const names: string[] = [];
  for (;;) {
    const length = Number(guest.call('getdents64', fd, buffer, 8192));
    if (length <= 0) break;
    const bytes = guest.task.load(buffer, new Uint8Array(length));
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let at = 0; at < length; at += view.getUint16(at + 16, true)) {
      const end = bytes.indexOf(0, at + 19);
      names.push(bytes.subarray(at + 19, end).join());
    }
  }
  guest.call('close', fd);
  return names.filter((name) => name !== '46' && name !== '46,46').sort();
}

test('files have the names they were given, byte for byte, wherever these are shown', async () => {
  const guest = await Guest.create();
  const { task } = guest;
  let round = 0;
  fc.assert(
    fc.property(fc.uniqueArray(fileName, { maxLength: 6, selector: (b) => b.join() }), (names) => {
      const dir = `/round${round++}`;
      task.mkdir(dir);
      const full = (name: Uint8Array): Uint8Array =>
        Uint8Array.from([...new TextEncoder().encode(`${dir}/`), ...name]);
      names.forEach((name, i) => {
        const path = Uint8Array.from([...full(name), 0]);
        // Half by the guest's call, half by the host's.
        if (i % 2 === 0) assert.ok(Number(guest.call('openat', -100, path, 0o101, 0o644)) >= 0);
        else task.writeFile(full(name), 'x');
      });
      const expected = names.map((name) => name.join()).sort();
      assert.equal(listed(guest, dir), expected);
      assert.equal(
        task
          .readdir(dir)
          .map((name) => encodeName(name).join())
          .sort(),
        expected,
      );
      for (const name of names) {
        const path = full(name);
        assert.is(task.stat(path).size, task.stat(decodeName(path)).size);
        const file = task.open(path);
        const link = guest.buffer(128);
        const length = guest.call('readlink', `/proc/self/fd/${file.fd}`, link, 128);
        assert.is(task.load(link, new Uint8Array(Number(length))).join(), path.join());
        file.close();
        task.unlink(path);
        assert.throws(() => task.stat(path), /ENOENT/);
      }
      assert.equal(listed(guest, dir), []);
      for (let fd = 0; fd < 10; fd++) guest.call('close', fd);
    }),
    { numRuns: 40 },
  );
});

test('maps, comm and cmdline show the bytes, with newlines escaped', async () => {
  const machine = await Machine.create();
  const path = Uint8Array.from([0x2f, 0x62, 0xff, 0x0a, 0xc3, 0xa9, 0xe2, 0x82]);
  machine.addFile(path, new Uint8Array(4096), 0o755);
  const task = machine.spawn();
  task.exec(path);
  const bytesOf = (file: string): string => task.readFile(file).join();
  const name = [0x2f, 0x62, 0xff, 0x5c, 0x30, 0x31, 0x32, 0xc3, 0xa9, 0xe2, 0x82];
  assert.ok(bytesOf('/proc/self/maps').includes([0x20, ...name, 0x0a].join()));
  assert.is(bytesOf('/proc/self/comm'), [...path.subarray(1), 0x0a].join());
  assert.is(bytesOf('/proc/self/cmdline'), [...path, 0].join());
  assert.is(encodeName(task.readlink('/proc/self/exe')).join(), path.join());
  task.unlink(path);
  assert.ok(bytesOf('/proc/self/maps').includes([...name, ...encodeName(' (deleted)')].join()));
});

test('lengths count in bytes', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  const long = (byte: number, count: number): Uint8Array =>
    Uint8Array.from([0x2f, ...Array<number>(count).fill(byte)]);
  task.writeFile(long(0xff, 255), '');
  assert.throws(() => task.writeFile(long(0xff, 256), ''), /ENAMETOOLONG/);
  assert.throws(() => task.stat('/é'.repeat(1400)), /ENAMETOOLONG/);
  assert.throws(() => task.stat('/é'.repeat(1300)), /ENOENT/);
  assert.throws(() => task.memfdCreate(long(0xff, 250)), /EINVAL/);
});

test('a path is a string or bytes', async () => {
  const task = (await Machine.create()).spawn();
  assert.throws(() => task.open(1 as unknown as string), /^path: not a string, nor bytes$/);
});

test.run();
