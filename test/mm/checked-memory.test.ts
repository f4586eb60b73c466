import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/index.js';
import { CheckedMemory } from '../../src/mm/checked-memory.js';
import { checksum } from '../../src/mm/checksum.js';

const test = suite('mm/checked-memory');
const PAGE = 4096;
const { core } = (await Machine.create()).kernel;
const checked = await CheckedMemory.create(64 * PAGE);
const { buffer } = checked;

test('the buffer is of the size asked for and begins a page', () => {
  assert.equal([buffer.length, buffer.byteOffset % PAGE], [64 * PAGE, 0]);
});

for (const [from, to] of [
  [0, 1],
  [0, 64],
  [1, 2],
  [16, 48],
  [63, 64],
] as const) {
  test(`pages ${from} to ${to} have the checksum that a copy of them has`, () => {
    for (let i = 0; i < buffer.length; i++) buffer[i] = (i * 31 + (i >>> 9)) & 0xff;
    const pages = buffer.subarray(from * PAGE, to * PAGE);
    const sum = checked.checksum(pages);
    assert.is(sum, checksum(core, pages.slice()));
    pages[pages.length - 1] = (pages.at(-1) ?? 0) ^ 1;
    assert.is.not(checked.checksum(pages), sum);
  });
}

test.run();
