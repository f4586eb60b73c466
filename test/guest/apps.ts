// Rows of larger programs, those that tools/riscv64-root.mjs unpacks with --apps. What they print is in the row: qemu's
// user mode shows its own /proc, and under proot some of them do not run.
import type { uvu } from 'uvu';
import * as assert from 'uvu/assert';

import { asGuest, type InRoot, missingApps } from './sysroot.js';

/** A script of bash, and what it prints. */
export interface AppRow {
  readonly name: string;
  readonly script: string;
  /** Standard output, or what it must match. */
  readonly prints: string | RegExp;
  /** What is no property of the program: times, process ids. It becomes `#`. */
  readonly hide?: RegExp;
  readonly status?: number;
}

/** What these find in their environment beside what every command does. */
const BEFORE = 'export LC_ALL=C.UTF-8 TERM=xterm PATH=/usr/bin:/usr/sbin; exec 2>&1; ';

/** Defines a test of each row; without the programs they are skipped, and say so. */
export function expectRows(
  test: uvu.Test<Record<string, unknown>>,
  suiteName: string,
  rows: readonly AppRow[],
  options?: InRoot,
): void {
  const why = missingApps();
  if (why !== null) console.log(`SKIPPED ${suiteName}: ${why}`);
  for (const row of rows) {
    if (why === null) test(row.name, () => expectRow(row, options));
    else test.skip(row.name);
  }
}

async function expectRow(row: AppRow, options?: InRoot): Promise<void> {
  const argv = ['bash', '-c', BEFORE + row.script];
  const { stdout, stderr, status } = await asGuest({ name: row.name, argv }, options);
  const told = row.hide === undefined ? stdout : stdout.replace(row.hide, '#');
  if (typeof row.prints === 'string') assert.is(told, row.prints);
  else assert.match(told, row.prints);
  assert.is(stderr, '');
  assert.is(status, row.status ?? 0, told);
}
