import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { HostFile } from '../../src/vfs/host-directory.js';
import { ReadAhead } from '../../src/vfs/read-ahead.js';

const PAGE = 4096;
const WINDOW = 65536;
/** Windows that are kept, of all files together. */
const MOST = 64;

/** Files that are kept open, of all together. */
const MOST_OPEN = 16;

/** An open file of the host that gives what `read` gives. */
function opened(read: HostFile['read'], close = (): void => {}): () => HostFile {
  const no = (): never => {
    throw new Error('only read and closed');
  };
  return () => ({ read, close, stat: no, write: no, truncate: no });
}

/** A file of the host whose bytes say where they are; counts how often it is asked. */
class Source {
  readonly size: number;
  reads = 0;
  opens = 0;
  closes = 0;
  private readonly seed: number;

  constructor(size: number, seed = 0) {
    this.size = size;
    this.seed = seed;
  }

  byteAt(pos: number): number {
    return (Math.imul(pos + this.seed, 2654435761) >>> 13) & 0xff;
  }

  readonly open = (): HostFile => {
    this.opens += 1;
    return opened(
      (start, into) => {
        this.reads += 1;
        for (let i = 0; i < into.length; i++) into[i] = this.byteAt(start + i);
        return into.length;
      },
      () => void (this.closes += 1),
    )();
  };
}

function check(ahead: ReadAhead, file: Source, pos: number): void {
  const length = Math.min(PAGE, file.size - pos);
  const bytes = ahead.bytes(file, pos, length, file.open);
  assert.is(bytes.length, length);
  const wrong = bytes.findIndex((byte, i) => byte !== file.byteAt(pos + i));
  assert.is(wrong, -1, `at ${pos} of ${file.size}`);
}

const test = suite('vfs/read-ahead');

test('the pages of a window are one read, whatever their order, and of two windows two', () => {
  const ahead = new ReadAhead();
  const file = new Source(3 * WINDOW);
  for (const pos of [WINDOW - PAGE, 0, 5 * PAGE, 0]) check(ahead, file, pos);
  assert.is(file.reads, 1);
  // Back and forth, as between the code and the data of a library.
  for (let i = 0; i < 10; i++) {
    check(ahead, file, PAGE);
    check(ahead, file, 2 * WINDOW);
  }
  assert.is(file.reads, 2);
});

for (const size of [1, PAGE - 1, PAGE, PAGE + 1, WINDOW - 1, WINDOW, WINDOW + 1]) {
  test(`the last page of a file of ${size} bytes has what there is`, () => {
    const file = new Source(size);
    check(new ReadAhead(), file, Math.floor((size - 1) / PAGE) * PAGE);
    assert.is(file.reads, 1);
  });
}

test('a host that has fewer bytes than it said gives fewer', () => {
  const ahead = new ReadAhead();
  const file = { size: 2 * PAGE };
  const open = opened(() => PAGE + 7);
  assert.is(ahead.bytes(file, 0, PAGE, open).length, PAGE);
  assert.is(ahead.bytes(file, PAGE, PAGE, open).length, 7);
});

test('a file is opened once while it is in use, the least used of too many are closed', () => {
  const ahead = new ReadAhead();
  const files = Array.from({ length: MOST_OPEN + 1 }, (_, seed) => new Source(3 * WINDOW, seed));
  const [first, second] = files as [Source, Source];
  for (const file of files.slice(0, MOST_OPEN)) check(ahead, file, 0);
  for (const pos of [WINDOW, 2 * WINDOW]) check(ahead, first, pos);
  for (const file of files.slice(MOST_OPEN)) check(ahead, file, 0);
  const all = files.map(({ opens, closes }) => [opens, closes]);
  assert.equal(
    all.filter(([opens]) => opens !== 1),
    [],
  );
  assert.equal([first.closes, second.closes], [0, 1], 'the first was used since');
  check(ahead, second, WINDOW);
  assert.is(second.opens, 2);
  ahead.forget(first);
  ahead.forget(first);
  assert.is(first.closes, 1);
});

test('an error of the host comes out, and the next one asks again', () => {
  const ahead = new ReadAhead();
  const file = new Source(PAGE);
  assert.throws(() =>
    ahead.bytes(file, 0, PAGE, () => {
      throw new Error('gone');
    }),
  );
  check(ahead, file, 0);
});

test('what was not used for longest goes first, and memory has a bound', () => {
  const ahead = new ReadAhead();
  const file = new Source((MOST + 1) * WINDOW);
  for (let i = 0; i < MOST; i++) check(ahead, file, i * WINDOW);
  check(ahead, file, 0);
  check(ahead, file, MOST * WINDOW);
  assert.is(file.reads, MOST + 1);
  check(ahead, file, 0);
  assert.is(file.reads, MOST + 1, 'it was used since');
  check(ahead, file, WINDOW);
  assert.is(file.reads, MOST + 2, 'it was not');
});

test('a file that is forgotten is asked again, the others are not', () => {
  const ahead = new ReadAhead();
  const [one, other] = [new Source(2 * WINDOW, 1), new Source(WINDOW, 2)];
  for (const pos of [0, WINDOW]) check(ahead, one, pos);
  check(ahead, other, 0);
  ahead.forget(one);
  for (const pos of [0, WINDOW]) check(ahead, one, pos);
  check(ahead, other, 0);
  assert.equal([one.reads, other.reads], [4, 1]);
});

test('any sequence of reads gives the bytes of the files', () => {
  const place = fc.tuple(fc.nat(3), fc.nat(60));
  fc.assert(
    fc.property(fc.array(place, { minLength: 1, maxLength: 300 }), (places) => {
      const ahead = new ReadAhead();
      const files = [0, 1, 2, 3].map((seed) => new Source(61 * WINDOW - 1234 * seed, seed * 77));
      for (const [which, window] of places) {
        const file = files[which] as Source;
        check(ahead, file, window * WINDOW + ((window * 7) % 12) * PAGE);
      }
    }),
    { numRuns: 15 },
  );
});

test.run();
