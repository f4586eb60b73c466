// The benches run in browsers too, and write the lines that they write in Node.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { ROOT } from '../house/tree.js';
import { BROWSERS, whyNoBrowser } from './browsers.js';

const test = suite('browser/bench');

/** Suites that are soon over, and the cases and baselines of each. */
const CASES: readonly [name: string, baselines: readonly string[]][] = [
  ['fault/zero', []],
  ['fault/cow', []],
  ['mmap/100', []],
  ['mmap/65536', ['mmap/100']],
  ['start', []],
];

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = join(ROOT, 'dist', 'bench', 'main.js');
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
}

for (const browser of BROWSERS) {
  const reason = whyNoBrowser(browser);
  if (reason !== null) {
    console.log(`SKIPPED browser/bench in ${browser}: ${reason}`);
    test.skip(`the benches run in ${browser}`);
    continue;
  }
  test(`the benches run in ${browser}`, () => {
    const dir = mkdtempSync(join(tmpdir(), 'procmem-bench-'));
    try {
      const json = join(dir, 'bench.json');
      const only = ['--only', 'fault,mmap,start', '--quick', '--json', json];
      const { status, stdout, stderr } = bench('--browser', browser, ...only);
      assert.is(status, 0, stderr);
      const lines = readFileSync(json, 'utf8').trimEnd().split('\n');
      const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.equal(
        rows.map((row) => [row['case'], Object.keys(row['vs'] as object)]),
        CASES,
      );
      for (const row of rows) {
        assert.ok((row['ns'] as number) > 0);
        assert.match(row['browser'] as string, new RegExp(`^${browser} \\d+\\.`));
        assert.ok(stdout.includes(row['case'] as string));
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
}

test('a browser that is none, and a suite that stays in Node, are named', () => {
  const none = bench('--browser', 'lynx');
  assert.equal([none.status, none.stderr], [2, '--browser: chromium or firefox\n']);
  const stays = bench('--browser', 'chromium', '--only', 'cpu');
  assert.is(stays.status, 2);
  assert.match(stays.stderr, /no bench is called 'cpu'/);
});

test.run();
