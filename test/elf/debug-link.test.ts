import * as zlib from 'node:zlib';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { debugLinkPaths, fileCrc, readDebugLink } from '../../src/elf/debug-link.js';
import { BytesSource } from '../../src/elf/source.js';

const test = suite('elf/debug-link');

/** A file of two sections: their names, and .gnu_debuglink. */
function withLink(contents: Uint8Array): BytesSource {
  const names = new TextEncoder().encode('\0.gnu_debuglink\0.shstrtab\0');
  const tableAt = 64 + names.length + contents.length;
  const file = new Uint8Array(tableAt + 3 * 64);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 3, true);
  view.setUint16(18, 62, true);
  view.setBigUint64(40, BigInt(tableAt), true);
  [64, 3, 2].forEach((value, i) => view.setUint16(58 + 2 * i, value, true));
  file.set(names, 64);
  file.set(contents, 64 + names.length);
  const section = (index: number, name: number, offset: number, size: number): void => {
    const at = tableAt + index * 64;
    view.setUint32(at, name, true);
    view.setUint32(at + 4, 1, true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(size), true);
  };
  section(1, 1, 64 + names.length, contents.length);
  section(2, 16, 64, names.length);
  return new BytesSource('file', file);
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

const rows: [what: string, contents: string, expected: unknown][] = [
  ['a name and a checksum', 'p.debug\0\x01\x02\x03\x04', { name: 'p.debug', crc: 0x04030201 }],
  ['a name that is filled up', 'ab\0\0\xff\xff\xff\xff', { name: 'ab', crc: 0xffffffff }],
  ['no checksum', 'p.debug\0', null],
  ['a checksum cut short', 'p.debug\0\x01\x02\x03', null],
  ['no end of the name', 'p.debug', null],
  ['no name', '\0\0\0\0\x01\x02\x03\x04', null],
  ['a name with a directory', '../a\0\0\0\0\x01\x02\x03\x04', null],
  ['nothing', '', null],
];
for (const [what, contents, expected] of rows) {
  test(`${what} is ${expected === null ? 'no link' : 'a link'}`, () => {
    assert.equal(readDebugLink(withLink(bytes(contents))), expected);
  });
}

test('any contents give a link or none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (contents) => {
      const link = readDebugLink(withLink(contents));
      assert.ok(link === null || (link.name !== '' && !link.name.includes('/')));
    }),
    { numRuns: 1000 },
  );
});

test('the checksum is that of zlib', () => {
  const sum = (part: Uint8Array): number => fileCrc(new BytesSource('part', part));
  assert.is(sum(bytes('123456789')), 0xcbf43926);
  const long = new Uint8Array(3 * 2 ** 20 + 5).map((_, i) => i * 7);
  // Node has it since 22.2 and 20.15.
  if ('crc32' in zlib) assert.is(sum(long), zlib.crc32(long));
});

test('the file is looked for where gdb looks for it', () => {
  assert.equal(debugLinkPaths('/usr/bin/p', 'p.debug'), {
    beside: ['/usr/bin/p.debug', '/usr/bin/.debug/p.debug'],
    below: 'usr/bin/p.debug',
  });
  assert.equal(debugLinkPaths('/p', 'p').beside, ['/.debug/p']);
});

test.run();
