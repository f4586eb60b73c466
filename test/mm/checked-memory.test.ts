import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/index.js';
import { CheckedMemory } from '../../src/mm/checked-memory.js';
import { checksum } from '../../src/mm/checksum.js';

const test = suite('mm/checked-memory');
const PAGE = 4096;
const { core } = (await Machine.create()).kernel;
const checked = await CheckedMemory.create(3, 64 * PAGE);

test('buffers are of the size asked for, begin a page and do not overlap', () => {
  assert.equal(
    checked.buffers.map(({ length, byteOffset }) => [length, byteOffset % PAGE]),
    Array.from({ length: 3 }, () => [64 * PAGE, 0]),
  );
  for (const [i, buffer] of checked.buffers.entries()) buffer.fill(i + 1);
  for (const [i, buffer] of checked.buffers.entries()) assert.ok(buffer.every((b) => b === i + 1));
});

for (const [from, to] of [
  [0, 1],
  [0, 64],
  [1, 2],
  [16, 48],
  [63, 64],
] as const) {
  test(`pages ${from} to ${to} have the checksum that a copy of them has`, () => {
    for (const buffer of checked.buffers) {
      for (let i = 0; i < buffer.length; i++) buffer[i] = (i * 31 + (i >>> 9)) & 0xff;
      const pages = buffer.subarray(from * PAGE, to * PAGE);
      const sum = checked.checksum(pages);
      assert.is(sum, checksum(core, pages.slice()));
      pages[pages.length - 1] = (pages.at(-1) ?? 0) ^ 1;
      assert.is.not(checked.checksum(pages), sum);
    }
  });
}

test.run();
