import { suite } from 'uvu';

import { Machine } from '../../src/machine.js';
import type { Task } from '../../src/api/task.js';
import { Guest } from '../syscall/guest.js';
import { assertLines, expectedLines, runProgram, whyNoProgram } from '../linux/programs.js';

const PROGRAM = 'proc-format';

/** A number with the spaces before it, not in the middle of a word. */
const NUMBER = /( *)(?<![A-Za-z0-9_])([0-9a-f]*[0-9][0-9a-f]*)(?![A-Za-z])/g;
const OF_CPU = /^((?:Speculat|Cpus_|Mems_)[^:]*):.*/;

/** What the program makes of a line. */
function masked(line: string): string {
  return line.replace(OF_CPU, '$1').replace(NUMBER, (all, spaces: string) => {
    return spaces.length > 1 ? `#${all.length}` : `${spaces}#`;
  });
}

/** The lines of a file as the program shows them. */
function shown(task: Task, path: string): string[] {
  const lines = task.readText(path).replace(/\n$/, '').split('\n');
  const show = path.endsWith('limits')
    ? (line: string) => `${line.slice(0, 26)}|${line.slice(68)}`
    : masked;
  return [`== ${path}`, ...lines.map(show)];
}

const test = suite('procfs/format');

test('files in /proc are laid out as Linux lays them out', async () => {
  const machine = await Machine.create();
  const task = machine.spawn({ comm: 'format', argv: ['/usr/bin/format'] });
  const guest = new Guest(machine, task);
  guest.call('dup2', guest.call('memfd_create', 'x', 0), 100);
  const expected = expectedLines(PROGRAM);
  const paths = expected.filter((line) => line.startsWith('== ')).map((line) => line.slice(3));
  assertLines(
    paths.flatMap((path) => shown(task, path)),
    expected,
  );
});

const reason = whyNoProgram();
if (reason !== null) {
  console.log(`SKIPPED procfs/format on Linux: ${reason}`);
} else {
  test('the kernel underneath lays them out so too', () => {
    assertLines(runProgram(PROGRAM), expectedLines(PROGRAM));
  });
}

test.run();
