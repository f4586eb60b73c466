// `npm run bench:plot [-- FILE…]`: draws docs/throughput.svg, and writes the table of targets into
// docs/performance.md, from bench/results.jsonl. FILEs, each written by `npm run bench -- --json FILE`,
// take the place of what is in bench/results.jsonl: several runs, on several Nodes, become medians.
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { drawThroughput } from './chart.js';
import { parseResults } from './results.js';
import { replaceTargets } from './targets.js';

const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const RESULTS = fileOf('bench/results.jsonl');
const CHART = fileOf('docs/throughput.svg');
const DOCUMENT = fileOf('docs/performance.md');

async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const files = positionals.length === 0 ? [RESULTS] : positionals;
  const lines = files.map((file) => readFileSync(file, 'utf8')).join('');
  const results = parseResults(lines);
  const chart = await drawThroughput(results);
  writeFileSync(RESULTS, lines);
  writeFileSync(CHART, chart);
  writeFileSync(DOCUMENT, replaceTargets(readFileSync(DOCUMENT, 'utf8'), results));
  console.log(`${results.length} results: docs/throughput.svg and docs/performance.md are new`);
}

main().catch((error: unknown) => {
  console.error(error instanceof RangeError || error instanceof TypeError ? error.message : error);
  process.exitCode = 2;
});
