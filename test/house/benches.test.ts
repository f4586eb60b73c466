// What is shown of the benches is what was measured: the chart and the table of targets are drawn again
// from bench/results.jsonl, and must be those that are there.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { drawThroughput } from '../../bench/chart.js';
import { parseResults, type Result, spreadOfNs, spreadOfRatio } from '../../bench/results.js';
import { formatTargets, replaceTargets } from '../../bench/targets.js';
import { readText } from './tree.js';

const test = suite('house/benches');

const stored = (): Result[] => parseResults(readText('bench/results.jsonl'));
const row = (ns: number, memcpy: number, node = '20.0.0', name = 'read/65536'): Result => ({
  case: name,
  ns,
  vs: { memcpy },
  node,
});

test('the chart is the one of the stored results', async () => {
  assert.is(await drawThroughput(stored()), readText('docs/throughput.svg'));
});

test('the table of targets is the one of the stored results', () => {
  const document = readText('docs/performance.md');
  assert.is(replaceTargets(document, stored()), document);
});

test('several runs are a median and its ends, each Node for itself', () => {
  const runs = [row(10, 0.5), row(30, 0.9), row(20, 0.7), row(1000, 9, '26.0.0')];
  const spread = { median: 20, least: 10, most: 30 };
  assert.equal(spreadOfNs(runs, '20.0.0', 'read/65536'), spread);
  assert.is(spreadOfRatio(runs, '20.0.0', 'read/65536', 'memcpy')?.median, 0.7);
  assert.is(spreadOfRatio(runs, '20.0.0', 'read/65536', 'kernel'), null);
  assert.is(spreadOfNs(runs, '20.0.0', 'read/8'), null);
});

/** A cell of the table for one run of read/65536, which is to reach 0.8 × memcpy. */
const CELLS: [memcpy: number, cell: string][] = [
  [0.8, '**0.8**'],
  [0.799, '_0.799_'],
  [1.234, '**1.23**'],
];

for (const [memcpy, cell] of CELLS) {
  test(`${memcpy} × memcpy is shown as ${cell}`, () => {
    const line = formatTargets([row(10, memcpy)])
      .split('\n')
      .find((text) => text.includes('read/65536') && text.includes('memcpy'));
    assert.is(line?.split('|')[3]?.trim(), cell);
  });
}

test('a baseline that was not measured has no line in the chart', async () => {
  const runs = [row(10, 0.5), row(5, 0.2, '20.0.0', 'read/8')];
  const chart = await drawThroughput(runs);
  assert.match(chart, '>memcpy<');
  assert.match(chart, '>procmem<');
  for (const absent of ['Linux', 'gVisor', 'v86']) assert.not.match(chart, `>${absent}`);
});

test('the oldest Node is drawn, and its version stays whole', async () => {
  const runs = [row(10, 0.5, '26.5.0'), row(10, 0.5, '20.20.2'), row(9, 0.5, '9.10.11', 'start')];
  assert.match(await drawThroughput(runs), 'Node 20.20.2,');
});

/** What is no file of results, and what is said of it. */
const REFUSED: [text: string, message: string][] = [
  ['nonsense\n', 'no line of a bench: nonsense'],
  ['{"case":"read/8","ns":"1","vs":{},"node":"20"}\n', 'no line of a bench'],
  ['{"case":"read/8","ns":1,"vs":{"memcpy":null},"node":"20"}\n', 'no line of a bench'],
  ['null\n', 'no line of a bench'],
];

for (const [text, message] of REFUSED) {
  test(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(
      () => parseResults(text),
      (error: unknown) => error instanceof TypeError && error.message.includes(message),
    );
  });
}

test('no read among the results is an error, and so is a document without a table', async () => {
  const message = await drawThroughput([row(1, 1, '20.0.0', 'start')]).catch(String);
  assert.is(message, 'RangeError: no read/SIZE among the results');
  assert.throws(() => replaceTargets('# nothing\n', []), /no comment `targets:`/);
});

test.run();
