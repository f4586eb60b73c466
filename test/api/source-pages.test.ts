import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { LOST_PAGES, SourcePages } from '../../src/api/source-pages.js';
import { BytesSource } from '../../src/elf/source.js';

const test = suite('api/source-pages');
const PAGE = 4096;
const source = new BytesSource(
  'source',
  new Uint8Array(4 * PAGE).map((_, i) => 1 + (i >>> 12)),
);

/** What a page begins and ends with, or the error. */
function page(pages: SourcePages, index: number): readonly number[] | string {
  const bytes = new Uint8Array(PAGE);
  try {
    pages.fill(index, bytes);
  } catch (error) {
    return (error as Error & { code?: string }).code ?? String(error);
  }
  return [bytes[0]!, bytes[PAGE - 1]!];
}

test('each page comes from the extent that has it', () => {
  const extents = [
    { offset: 0, start: PAGE, length: PAGE },
    { offset: PAGE, start: 2 * PAGE, length: 2 * PAGE },
    { offset: 3 * PAGE, start: 9 * PAGE, length: 100 },
  ];
  const rows: [index: number, zeros: readonly number[], lost: readonly number[] | string][] = [
    [0, [0, 0], 'EIO'],
    [1, [1, 1], [1, 1]],
    [2, [2, 2], [2, 2]],
    [3, [3, 3], [3, 3]],
    [4, [0, 0], 'EIO'],
    [9, [4, 0], [4, 0]],
    [10, [0, 0], 'EIO'],
  ];
  for (const [index, zeros, lost] of rows) {
    assert.equal(page(new SourcePages(source, extents, 'zeros'), index), zeros, `page ${index}`);
    assert.equal(page(new SourcePages(source, extents), index), lost, `page ${index}`);
  }
});

test('a source that ends too early has lost the page, unless gaps are zeros', () => {
  const extents = [{ offset: 3 * PAGE, start: 0, length: 2 * PAGE }];
  assert.equal(page(new SourcePages(source, extents), 0), [4, 4]);
  assert.is(page(new SourcePages(source, extents), 1), 'EIO');
  assert.equal(page(new SourcePages(source, extents, 'zeros'), 1), [0, 0]);
});

test('lost pages are lost', () => {
  assert.is(page(LOST_PAGES, 0), 'EIO');
});

test.run();
