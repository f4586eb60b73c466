import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  type ByteRange,
  readableStream,
  readChunks,
  writableStream,
} from '../../src/adapters/streams.js';
import { Machine } from '../../src/machine.js';

const test = suite('adapters/streams');
const machine = await Machine.create();
const task = machine.spawn();
const length = 3 * 4096;
const addr = task.mmap({ length });
const bytes = Uint8Array.from({ length }, (_, i) => i * 7 + (i >> 8));
task.store(addr, bytes);
const mem = task.open('/proc/self/mem', 'r+');

/** All of a stream, and how it ended. */
async function drain(
  source: AsyncIterable<Uint8Array>,
): Promise<{ got: Uint8Array; chunks: number[]; error: string | null }> {
  const parts: Uint8Array[] = [];
  let error: string | null = null;
  try {
    for await (const part of source) parts.push(part);
  } catch (problem) {
    error = (problem as { code?: string }).code ?? String(problem);
  }
  return {
    got: new Uint8Array(Buffer.concat(parts)),
    chunks: parts.map((part) => part.length),
    error,
  };
}

const ROWS: readonly [
  what: string,
  from: number,
  to: number | null,
  chunkSize: number,
  chunks: number[],
  error: string | null,
][] = [
  ['nothing', 0, 0, 4096, [], null],
  ['a byte', 5, 6, 4096, [1], null],
  ['chunks and a rest', 1, 4098, 4096, [4096, 1], null],
  ['exactly the mapping', 0, length, 8192, [8192, 4096], null],
  ['up to the hole behind it', 4096, null, 65536, [8192], 'EIO'],
  ['from the hole on', length, null, 4096, [], 'EIO'],
];

for (const [what, from, to, chunkSize, chunks, error] of ROWS) {
  const range: ByteRange = {
    start: addr + BigInt(from),
    ...(to === null ? {} : { end: addr + BigInt(to) }),
    chunkSize,
  };
  const wanted = {
    got: bytes.slice(from, from + chunks.reduce((a, b) => a + b, 0)),
    chunks,
    error,
  };
  test(`readChunks gives ${what}`, async () =>
    assert.equal(await drain(readChunks(mem, range)), wanted));
  test(`readableStream gives ${what}`, async () =>
    assert.equal(await drain(readableStream(mem, range) as never), wanted));
}

test('a BYOB reader gets the bytes in its own buffer, and the end', async () => {
  const reader = readableStream(mem, { start: addr, end: addr + 10n }).getReader({ mode: 'byob' });
  const first = await reader.read(new Uint8Array(8));
  assert.equal([...(first.value ?? [])], [...bytes.subarray(0, 8)]);
  assert.equal(
    [...((await reader.read(new Uint8Array(8))).value ?? [])],
    [...bytes.subarray(8, 10)],
  );
  assert.is((await reader.read(new Uint8Array(8))).done, true);
});

test('a file ends where it ends', async () => {
  task.writeFile('/tmp/short', 'short');
  const { got, error } = await drain(
    readableStream(task.open('/tmp/short'), { start: 1 }) as never,
  );
  assert.is(new TextDecoder().decode(got), 'hort');
  assert.is(error, null);
});

test('what is written goes behind what was, up to a hole', async () => {
  const writer = writableStream(mem, addr + BigInt(length) - 4n).getWriter();
  await writer.write(new Uint8Array([1, 2]));
  await writer.write(new Uint8Array([3, 4]));
  assert.equal([...task.load(addr + BigInt(length) - 4n, 4)], [1, 2, 3, 4]);
  const code = await writer
    .write(new Uint8Array([5]))
    .catch((error: { code?: string }) => error.code);
  assert.is(code, 'EIO');
});

test('a range that is none is refused', () => {
  assert.throws(() => readableStream(mem, { start: 2, end: 1 }), RangeError);
  assert.throws(() => readableStream(mem, { start: 0, chunkSize: 0 }), RangeError);
});

test.run();
