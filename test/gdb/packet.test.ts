import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import {
  asciiBytes,
  asciiText,
  bytesOfHex,
  escapeBinary,
  framePacket,
  hexOf,
  joinBytes,
  PACKET_SIZE,
  PacketReader,
  unescapeBinary,
} from '../../src/gdb/packet.js';

const test = suite('gdb/packet');

/** What a reader makes of a text: packets as their bodies, the rest as its kind. */
function read(text: string): string[] {
  return new PacketReader()
    .push(asciiBytes(text))
    .map((item) => (item.kind === 'packet' ? `[${asciiText(item.body)}]` : item.kind));
}

const rows: [string, string, string[]][] = [
  ['an empty packet', '$#00', ['[]']],
  ['a packet', '$OK#9a', ['[OK]']],
  ['capital digits', '$OK#9A', ['[OK]']],
  ['acknowledgements around it', '+$OK#9a-', ['ack', '[OK]', 'nack']],
  ['an interrupt', '\x03', ['interrupt']],
  ['an interrupt’s byte inside a body is data', '$\x03#03', ['[\x03]']],
  ['two packets', '$OK#9a$OK#9a', ['[OK]', '[OK]']],
  ['a wrong checksum', '$OK#9b', ['damaged']],
  ['a checksum of no digits', '$OK#zz', ['damaged']],
  ['a good packet after a wrong one', '$OK#00$OK#9a', ['damaged', '[OK]']],
  ['noise between packets', 'abc\xff\x00$OK#9a', ['[OK]']],
  ['a packet that lost its end', '$OK$OK#9a', ['[OK]']],
  ['a packet that is not over', '$OK#9', []],
];

for (const [what, text, expected] of rows) {
  test(`${what} is read`, () => assert.equal(read(text), expected));
}

test('it does not matter how the bytes arrive', () => {
  const text = '+$OK#9a\x03$m0,4#fd$OK#00-$OK#9a';
  const expected = read(text);
  for (let size = 1; size < text.length; size++) {
    const reader = new PacketReader();
    const kinds: string[] = [];
    for (let at = 0; at < text.length; at += size) {
      for (const item of reader.push(asciiBytes(text.slice(at, at + size)))) {
        kinds.push(item.kind === 'packet' ? `[${asciiText(item.body)}]` : item.kind);
      }
    }
    assert.equal(kinds, expected, `pieces of ${size}`);
  }
});

test('a body longer than two packets is damaged, and the next one is read', () => {
  const longest = new Uint8Array(2 * PACKET_SIZE).fill(0x41);
  const reader = new PacketReader();
  assert.equal(
    reader.push(framePacket(longest)).map(({ kind }) => kind),
    ['packet'],
  );
  const frames = joinBytes(framePacket(joinBytes(longest, asciiBytes('A'))), asciiBytes('$OK#9a'));
  assert.equal(
    reader.push(frames).map(({ kind }) => kind),
    ['damaged', 'packet'],
  );
});

const escapes: [string, string][] = [
  ['', ''],
  ['plain', 'plain'],
  ['#', '}\x03'],
  ['$', '}\x04'],
  ['*', '}\x0a'],
  ['}', '}]'],
  ['a#b', 'a}\x03b'],
];

for (const [data, escaped] of escapes) {
  test(`${JSON.stringify(data)} is escaped as ${JSON.stringify(escaped)}`, () => {
    assert.is(asciiText(escapeBinary(asciiBytes(data))), escaped);
    assert.is(asciiText(unescapeBinary(asciiBytes(escaped))), data);
  });
}

test('an escape without a byte is left out', () => {
  assert.is(asciiText(unescapeBinary(asciiBytes('ab}'))), 'ab');
});

test('any data comes back from its escapes and through a frame', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
      const [received] = new PacketReader().push(framePacket(escapeBinary(data)));
      assert.ok(received?.kind === 'packet');
      assert.equal([...unescapeBinary(received.body)], [...data]);
      assert.equal([...(bytesOfHex(hexOf(data)) ?? [])], [...data]);
    }),
    { numRuns: 200 },
  );
});

test('what is no hexadecimal text is none', () => {
  for (const text of ['0', 'abc', 'zz', '0x', ' 1', '１２'])
    assert.is(bytesOfHex(text), null, text);
});

test.run();
