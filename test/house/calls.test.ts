import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { implementedSyscalls, Machine } from '../../src/index.js';
import { listFiles, readText } from './tree.js';

/** The page whose tables say of every call and every file of /proc what pins it. */
const PAGE = 'docs/linux.md';

/** A row of one of the two tables: what it is about, what differs, and what pins it. */
interface Row {
  readonly name: string;
  readonly pins: string;
}

/** The rows below a heading, up to the next. */
function rowsBelow(heading: string): Row[] {
  const page = readText(PAGE);
  const start = page.indexOf(`\n${heading}\n`);
  if (start < 0) return [];
  const end = page.indexOf('\n#', start + heading.length);
  const lines = page.slice(start, end < 0 ? undefined : end).split('\n');
  return lines.flatMap((line) => {
    const [, name, , pins] = /^\| `([^`]+)` *\|(.*)\|([^|]*)\|$/.exec(line) ?? [];
    return name === undefined || pins === undefined ? [] : [{ name, pins }];
  });
}

const files = listFiles();
const traces = files.filter((path) => path.startsWith('test/linux/traces/'));

/** The text of a test, with what belongs to it: `syscall/exhaustion` has its calls in files beside it. */
function textOf(test: string): string {
  const own = files.filter((path) => new RegExp(`^test/${test}[.-][a-z.-]*ts$`).test(path));
  return own.map(readText).join('\n');
}

/** What is wrong with what a row names: a test that is not there or does not make the call, or a trace. */
function wrongPins({ name, pins }: Row, says: (text: string) => boolean): string[] {
  const tests = [...pins.matchAll(/`([^`]+)`/g)].map(([, test]) => test ?? '');
  const recorded = /traces: ([a-z, -]+)/.exec(pins)?.[1]?.trim().split(', ') ?? [];
  const found = [
    ...tests
      .filter((test) => !says(textOf(test)))
      .map((test) => `${name}: ${test} says nothing of it`),
    ...recorded
      .filter((each) => !traces.some((path) => path.startsWith(`test/linux/traces/${each}-`)))
      .map((each) => `${name}: there is no trace of ${each}`),
  ];
  return tests.length + recorded.length === 0 ? [`${name} is pinned by nothing`] : found;
}

/** Names without a row, rows without a name, and those there twice. */
function compare(names: readonly string[], rows: readonly Row[]): string[] {
  const listed = rows.map(({ name }) => name);
  return [
    ...names.filter((name) => !listed.includes(name)).map((name) => `${name} has no row`),
    ...listed.filter((name) => !names.includes(name)).map((name) => `there is no ${name}`),
    ...listed.filter((name, i) => listed.indexOf(name) !== i).map((name) => `${name} comes twice`),
  ];
}

const test = suite('house/calls');

test('every system call has a row that says what pins it, and that does make it', () => {
  const rows = rowsBelow('### Calls');
  const wrong = rows.flatMap((row) => {
    const word = new RegExp(`\\b${row.name}\\b`);
    return wrongPins(row, (text) => word.test(text));
  });
  assert.equal([...compare(implementedSyscalls(), rows), ...wrong], []);
});

test('so has every file of /proc and of /proc/PID', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  const own = [...task.readdir('/proc/self'), ...task.readdir('/proc/thread-self')];
  const root = task.readdir('/proc').filter((name) => !/^\d+$/.test(name));
  const wanted = [
    ...new Set(own.map((name) => `PID/${name}`)),
    ...root.map((name) => `/proc/${name}`),
  ];
  const rows = rowsBelow('### Files of /proc');
  const wrong = rows.flatMap((row) => {
    const name = row.name.split('/').pop() ?? '';
    const word = new RegExp(`\\b${name}\\b`);
    return wrongPins(row, (text) => word.test(text));
  });
  assert.equal([...compare(wanted, rows), ...wrong], []);
});

/** A handler whose registers its length does not tell: one behind `...`, or one with a default. */
const HIDES =
  /^\s+\w+(?:: |)\(task(?:: TaskStruct)?[^()]*(?:\.\.\.|=[^>=])[^()]*\)(?:: \w+)? (?:=>|\{)/m;

test('every handler declares the registers that it looks at, as dispatch.ts counts them', () => {
  const calls = files.filter((path) => /^src\/syscall\/[\w-]+\.ts$/.test(path));
  assert.ok(calls.length > 50);
  assert.equal(
    calls.filter((path) => HIDES.test(readText(path))),
    [],
  );
});

test('a handler that hides registers is found', () => {
  for (const line of ['  prctl: (task, option, ...args) =>', '  brk(task, addr = 0) {']) {
    assert.ok(HIDES.test(line), line);
  }
  assert.not(HIDES.test('  brk: (task, addr) => sysBrk(task, addr),'));
});

test.run();
