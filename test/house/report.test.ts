import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { readReport, sumReports } from '../report.js';

const uvu = (total: number, passed: number, skipped: number): string =>
  ` room/file  (${passed} / ${total})\n\n  Total:     ${total}\n  Passed:    ${passed}\n` +
  `  Skipped:   ${skipped}\n  Duration:  1.25ms\n\n`;

const test = suite('house/report');

const ROWS: readonly [
  name: string,
  output: string,
  exit: number | string | null,
  counts: [passed: number, failed: number, skipped: number],
  problem: string | null,
][] = [
  ['a file whose tests pass passes', uvu(3, 3, 0), 0, [3, 0, 0], null],
  ['failed tests are counted', uvu(3, 1, 0), 1, [1, 2, 0], null],
  ['a file that dies before its end fails', 'Error: boom\n', 1, [0, 1, 0], 'died with status 1'],
  ['a file that says nothing fails', '', 0, [0, 1, 0], 'died with status 0'],
  ['a file without tests fails', uvu(0, 0, 0), 0, [0, 1, 0], 'has no tests'],
  ['a file that is killed fails', uvu(2, 2, 0), 'SIGKILL', [2, 1, 0], 'killed by SIGKILL'],
  ['a file that leaves with an error fails', uvu(2, 2, 0), 7, [2, 1, 0], 'left with status 7'],
  [
    'tests lost to a broken hook fail',
    uvu(2, 0, 0),
    0,
    [0, 2, 0],
    'a hook failed before the tests ran',
  ],
  ['a skipped test is not a failure', uvu(0, 0, 1), 0, [0, 0, 1], null],
  ['a SKIPPED line counts once', `SKIPPED x: no y\n${uvu(1, 1, 1)}`, 0, [1, 0, 1], null],
];

for (const [name, output, exit, [passed, failed, skipped], problem] of ROWS) {
  test(name, () => {
    const report = readReport(output, exit);
    assert.equal([report.passed, report.failed, report.skipped], [passed, failed, skipped]);
    assert.is(report.problem, problem);
  });
}

test('the lines that name what was skipped are kept', () => {
  const report = readReport(`SKIPPED gdb: not installed\nsome text\n${uvu(1, 1, 0)}`, 0);
  assert.equal(report.skips, ['SKIPPED gdb: not installed']);
  assert.equal(readReport('NOTE 3 of 4\nNo\n', 0).notes, ['NOTE 3 of 4']);
});

test('the last line has the sums, and names skips only when there are any', () => {
  const clean = readReport(uvu(3, 3, 0), 0);
  assert.is(sumReports([clean, clean]).line, '6 passed, 0 failed');
  const mixed = readReport(uvu(3, 2, 1), 1);
  assert.equal(sumReports([clean, mixed]), { failed: 1, line: '5 passed, 1 failed, 1 skipped' });
});

test.run();
