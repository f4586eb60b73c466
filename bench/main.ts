// `npm run bench [-- --json FILE] [--only SUITE,…] [--quick]`: runs the benches and prints a table
// for each; with --json, also one JSON object a line for every case.
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';

import { measure, type Row, type Setting, type Suite } from './bench.js';
import { checkpointSuite, restoreSuite, snapshotSuite } from './checkpoint.js';
import { copySuite } from './copy.js';
import { cpuSuite } from './cpu.js';
import { faultSuite } from './fault.js';
import { floorSuite } from './floor.js';
import { forkSuite, forkTouchSuite } from './fork.js';
import { Kernel } from './kernel.js';
import { loadSuite } from './load.js';
import { memorySuite } from './memory.js';
import { mmapSuite } from './mmap.js';
import { readFragSuite, readSuite } from './read.js';
import { startSuite } from './start.js';
import { formatJson, formatTable } from './table.js';
import { tasksSuite } from './tasks.js';
import { writeSuite } from './write.js';

const SUITES: readonly Suite[] = [
  readSuite,
  readFragSuite,
  writeSuite,
  copySuite,
  floorSuite,
  loadSuite,
  forkSuite,
  forkTouchSuite,
  faultSuite,
  checkpointSuite,
  restoreSuite,
  snapshotSuite,
  mmapSuite,
  tasksSuite,
  memorySuite,
  startSuite,
  cpuSuite,
];

async function runSuite(suite: Suite, setting: Setting): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const subject of suite.cases(setting)) {
    rows.push(await measure(subject, setting));
    setting.kernel.endHelpers();
  }
  return rows;
}

function chooseSuites(only: string | undefined): readonly Suite[] {
  if (only === undefined) return SUITES;
  const names = only.split(',');
  const unknown = names.find((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    const known = SUITES.map((suite) => suite.name).join(', ');
    throw new RangeError(`--only: no bench is called '${unknown}'; there are ${known}`);
  }
  return SUITES.filter((suite) => names.includes(suite.name));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const setting: Setting = { quick: values.quick, kernel: new Kernel() };
  const rows: Row[] = [];
  for (const suite of chooseSuites(values.only)) {
    const measured = await runSuite(suite, setting);
    console.log(`${formatTable(suite, measured)}\n`);
    rows.push(...measured);
    // After each suite: what was measured is kept when a later one fails.
    if (values.json !== undefined) writeFileSync(values.json, rows.map(formatJson).join(''));
  }
  setting.kernel.close();
}

main().catch((error: unknown) => {
  console.error(error instanceof RangeError || error instanceof TypeError ? error.message : error);
  process.exitCode = 2;
});
