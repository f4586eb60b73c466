// What a test file's output says: uvu's counts, the tests left out, and whether it ended well.

/** The outcome of one test file. */
export interface Report {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Lines starting with `SKIPPED`: what was left out, and why. */
  readonly skips: readonly string[];
  /** Lines starting with `NOTE`: what a reader of the whole run wants to know. */
  readonly notes: readonly string[];
  /** Why the file failed beside the tests that did; null when there is nothing to add. */
  readonly problem: string | null;
}

/** Reads one of uvu's closing lines, such as `  Passed:    12`; null when it never came. */
function readCount(output: string, label: string): number | null {
  const digits = new RegExp(`^  ${label}:\\s+(\\d+)$`, 'm').exec(output)?.[1];
  return digits === undefined ? null : Number(digits);
}

/**
 * Reads the output of a finished test file; `exit` is its exit status or the signal that ended it.
 * A file that died, tested nothing or left with an error fails, whatever its tests say.
 */
export function readReport(output: string, exit: number | string | null): Report {
  const total = readCount(output, 'Total') ?? 0;
  const passed = readCount(output, 'Passed') ?? 0;
  const left = readCount(output, 'Skipped');
  const lines = output.split('\n');
  const skips = lines.filter((line) => line.startsWith('SKIPPED'));
  const notes = lines.filter((line) => line.startsWith('NOTE'));
  const skipped = Math.max(left ?? 0, skips.length);
  const problem = findProblem(left !== null, total + skipped, total - passed, exit);
  const failed = Math.max(total - passed, problem === null ? 0 : 1);
  return { passed, failed, skipped, skips, notes, problem };
}

function findProblem(
  finished: boolean,
  tests: number,
  failed: number,
  exit: number | string | null,
): string | null {
  if (typeof exit === 'string') return `killed by ${exit}`;
  if (!finished) return `died with status ${exit}`;
  if (tests === 0) return 'has no tests';
  // uvu swallows what a before() hook throws: the tests are then missing from the count.
  if (failed > 0 && exit === 0) return 'a hook failed before the tests ran';
  if (failed === 0 && exit !== 0) return `left with status ${exit}`;
  return null;
}

/** Adds reports up, and words the sum as the last line of a run. */
export function sumReports(reports: readonly Report[]): { failed: number; line: string } {
  const add = (field: 'passed' | 'failed' | 'skipped'): number =>
    reports.reduce((sum, report) => sum + report[field], 0);
  const failed = add('failed');
  const skipped = add('skipped');
  const tail = skipped > 0 ? `, ${skipped} skipped` : '';
  return { failed, line: `${add('passed')} passed, ${failed} failed${tail}` };
}
