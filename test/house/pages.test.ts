import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { describeFindings, type Finding, listFiles, readText } from './tree.js';

/** A line of a page, numbered from 1. */
interface Line {
  readonly at: string;
  readonly text: string;
}

/** The lines of a page that are no code. */
function proseOf(path: string, page: string): Line[] {
  let code = false;
  return page.split('\n').flatMap((text, i) => {
    const fence = /^ *```/.test(text);
    if (fence) code = !code;
    return code || fence ? [] : [{ at: `${path}:${i + 1}`, text }];
  });
}

const cellsOf = (row: string): string[] => row.split(/(?<!\\)\|/).slice(1, -1);

/** Rows with more or fewer cells than the head of their table, and tables without a line below the head. */
function findCrooked(lines: readonly Line[]): Finding[] {
  let width = 0;
  return lines.flatMap(({ at, text }, i) => {
    if (!text.startsWith('|')) {
      width = 0;
      return [];
    }
    const cells = cellsOf(text).length;
    const isHead = width === 0;
    if (isHead) width = cells;
    const below = lines[i + 1]?.text ?? '';
    if (isHead && !/^(\| *:?-+:? *)+\|$/.test(below)) return [{ at, what: 'a row without a head' }];
    return cells === width ? [] : [{ at, what: `${cells} cells where the head has ${width}` }];
  });
}

/** Cells that are padded: each has one space around it, so that a change of one row is a change of one line. */
function findPadded(lines: readonly Line[]): Finding[] {
  return lines.flatMap(({ at, text }) => {
    if (!text.startsWith('|')) return [];
    const isTight = (cell: string): boolean => /^ (\S|\S.*\S) $/.test(cell);
    const isRule = /^[| :-]*-{4,}[| :-]*$/.test(text);
    return cellsOf(text).every(isTight) && !isRule ? [] : [{ at, what: 'padded cells' }];
  });
}

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  const kept = heading.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '');
  return kept.replaceAll(' ', '-');
}

/** Links within the page that lead to no heading of it. */
function findLost(lines: readonly Line[]): Finding[] {
  const headings = lines.flatMap(({ text }) => /^#+ (.*)$/.exec(text)?.[1] ?? []);
  const anchors = new Set(headings.map(anchorOf));
  return lines.flatMap(({ at, text }) =>
    [...text.matchAll(/\]\(#([^)]*)\)/g)]
      .filter(([, anchor = '']) => !anchors.has(anchor))
      .map(([, anchor]) => ({ at, what: `#${anchor} leads nowhere` })),
  );
}

const pages = listFiles().filter((path) => path.endsWith('.md'));
const unformatted = readText('.prettierignore').split('\n');
const every = (find: (lines: readonly Line[]) => Finding[], paths = pages): string =>
  describeFindings(paths.flatMap((path) => find(proseOf(path, readText(path)))));

const test = suite('house/pages');

test('every row of a table has as many cells as the head', () => {
  assert.is(every(findCrooked), '');
});

test('tables that prettier leaves alone are not padded', () => {
  const compact = pages.filter((path) => unformatted.includes(path));
  assert.ok(compact.includes('docs/linux.md'));
  assert.is(every(findPadded, compact), '');
});

test('links within a page lead to its headings', () => {
  assert.is(every(findLost), '');
});

test('the number of traces is that of the files', () => {
  const said = /in (\d+) files/.exec(readText('test/linux/README.md'))?.[1];
  const traces = listFiles().filter((path) => path.startsWith('test/linux/traces/'));
  assert.is(Number(said), traces.length);
});

const sample = (...lines: string[]): Line[] => proseOf('p.md', lines.join('\n'));

test('a row that is too long, too short or without a head is found', () => {
  const lines = sample('| a | b |', '| - | - |', '| 1 |', '| 1 \\| 2 | 3 |', '', '| 1 | 2 |');
  assert.equal(
    findCrooked(lines).map(({ at }) => at),
    ['p.md:3', 'p.md:6'],
  );
});

test('padding is found, and code is no table', () => {
  const lines = sample('| a  | b |', '| ---- | --- |', '| a | - |', '```', '|  code', '```');
  assert.equal(
    findPadded(lines).map(({ at }) => at),
    ['p.md:1', 'p.md:2'],
  );
});

test('a link to a heading that is not there is found', () => {
  const lines = sample('# Files of /proc', '[a](#files-of-proc) [b](#files-of-sys)');
  assert.equal(findLost(lines), [{ at: 'p.md:2', what: '#files-of-sys leads nowhere' }]);
});

test.run();
