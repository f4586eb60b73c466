// `npm run bench [-- --json FILE] [--only SUITE,…] [--quick] [--browser chromium|firefox]`: runs the benches
// and prints a table for each; with --json, also one JSON object a line for every case.
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { type Row, runSuite, type Setting, type Suite } from './bench.js';
import { benchInBrowser } from './browser/run.js';
import { cpuSuite } from './cpu.js';
import { Kernel } from './kernel.js';
import { liveSuites } from './live.js';
import { memorySuite } from './memory.js';
import { commandSuite, guestSuite } from './process.js';
import { BROWSER_SUITES } from './suites.js';
import { formatJson, formatTable } from './table.js';

/** Those that look at the engine or start programs stay in Node. */
const SUITES: readonly Suite[] = [
  ...BROWSER_SUITES,
  memorySuite,
  cpuSuite,
  commandSuite,
  guestSuite,
  ...liveSuites,
];

function chooseSuites(only: string | undefined, all: readonly Suite[]): readonly Suite[] {
  if (only === undefined) return all;
  const names = only.split(',');
  const unknown = names.find((name) => !all.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    const known = all.map((suite) => suite.name).join(', ');
    throw new RangeError(`--only: no bench is called '${unknown}'; there are ${known}`);
  }
  return all.filter((suite) => names.includes(suite.name));
}

/** Runs the suites, and prints and writes each when it is done: what was measured is kept when a later one fails. */
async function report(
  suites: readonly Suite[],
  run: (suite: Suite) => Promise<Row[]>,
  engine: Readonly<Record<string, string>>,
  json: string | undefined,
): Promise<void> {
  const rows: Row[] = [];
  for (const suite of suites) {
    const measured = await run(suite);
    console.log(`${formatTable(suite, measured)}\n`);
    rows.push(...measured);
    const lines = rows.map((row) => formatJson(row, engine)).join('');
    if (json !== undefined) writeFileSync(json, lines);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      browser: { type: 'string' },
      json: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const { browser, json, only, quick } = values;
  if (browser !== undefined) {
    const suites = chooseSuites(only, BROWSER_SUITES);
    await benchInBrowser(browser, quick, (run, engine) => report(suites, run, engine, json));
    return;
  }
  const setting: Setting = { quick, kernel: new Kernel() };
  const engine = { node: process.versions.node };
  await report(chooseSuites(only, SUITES), (suite) => runSuite(suite, setting), engine, json);
  setting.kernel.close();
}

main().catch((error: unknown) => {
  console.error(error instanceof RangeError || error instanceof TypeError ? error.message : error);
  process.exitCode = 2;
});
