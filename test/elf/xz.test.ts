import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { unpackXz, XzError } from '../../src/elf/xz.js';

const test = suite('elf/xz');
const LIMIT = 1 << 24;

/** `procmem`, packed by xz. */
const SMALL = Buffer.from(
  '/Td6WFoAAAFpIt42AgAhARYAAAB0L+WjAQAGcHJvY21lbQAAmsGZbgABGwcS69QXkEKZDQEAAAAAAVla',
  'base64',
);

/** Bytes that repeat themselves at many distances, and some that do not. */
function sample(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let seed = 1;
  for (let i = 0; i < length; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    const back = (seed >>> 8) % 5000;
    const again = seed % 7 !== 0 && i > back;
    bytes[i] = again ? (bytes[i - back] ?? 0) : seed >>> 16;
  }
  return bytes;
}

const xz = (bytes: Uint8Array, ...flags: string[]): Uint8Array =>
  spawnSync('xz', ['-c', ...flags], { input: bytes, maxBuffer: LIMIT }).stdout;

const missing = spawnSync('xz', ['--version']).status !== 0;
if (missing) console.log('SKIPPED elf/xz against xz: it is not installed');
const rows: [string, string[], Uint8Array][] = missing
  ? []
  : [
      ['nothing', [], new Uint8Array(0)],
      ['a byte', [], Uint8Array.of(7)],
      ['zeros', ['-9'], new Uint8Array(300_000)],
      ['repetitions', [], sample(200_000)],
      ['repetitions, packed hastily', ['-0'], sample(200_000)],
      ['CRC32', ['--check=crc32'], sample(50_000)],
      ['no check', ['--check=none'], sample(50_000)],
      ['SHA-256', ['--check=sha256'], sample(50_000)],
      ['several blocks', ['--block-size=20000'], sample(100_000)],
      ['other properties', ['--lzma2=lc=0,lp=2,pb=0'], sample(50_000)],
      ['what cannot be packed', [], sample(100_000).map((byte, i) => (byte * i) & 255)],
    ];
for (const [what, flags, bytes] of rows) {
  test(`${what} comes out as it went in`, () => {
    assert.equal(Buffer.from(unpackXz(xz(bytes, ...flags), LIMIT)), Buffer.from(bytes));
  });
}

test('no more is unpacked than is allowed', () => {
  if (missing) return;
  assert.throws(() => unpackXz(xz(new Uint8Array(300_000)), 1000), /more than 1000 bytes/);
});

test('a file cut anywhere, or changed anywhere, is an XzError or the same bytes', () => {
  if (missing) return;
  const whole = xz(sample(3000), '--check=crc32');
  const attempt = (bytes: Uint8Array): void => {
    try {
      unpackXz(bytes, LIMIT);
    } catch (error) {
      assert.instance(error, XzError);
    }
  };
  for (let length = 0; length < whole.length; length++) attempt(whole.subarray(0, length));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
      const changed = whole.slice();
      changed[at] = value;
      attempt(changed);
    }),
    { numRuns: 500 },
  );
});

test('a file of a few bytes is unpacked', () => {
  assert.is(Buffer.from(unpackXz(SMALL, LIMIT)).toString(), 'procmem');
});

test('what is no .xz file is refused', () => {
  assert.throws(() => unpackXz(new Uint8Array(40), LIMIT), /not an \.xz file/);
  assert.throws(() => unpackXz(SMALL.subarray(0, 20), LIMIT), /cut short|too few|offset/);
});

test.run();
