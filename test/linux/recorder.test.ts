import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildExecutor, whyNoRecording } from './build.js';
import { GENERATORS } from './generators/table.js';
import { record, type Recording } from './recording.js';
import type { CallStep, Step } from './step.js';

const SEED = 20;
const STEPS = 120;
const HEX = /^(?:[0-9a-f]{2})*$/;

const test = suite('linux/recorder');

/** The answer that each kind of step must have been given. */
const CHECKS: readonly (readonly [string, (step: Step) => boolean])[] = [
  [
    'call',
    (step) =>
      'call' in step && (step.ret !== undefined) !== (step.errno !== undefined) && outsMatch(step),
  ],
  [
    'peek',
    (step) =>
      'peek' in step && (step.data?.length === 2 * step.peek[1]) !== (step.fault !== undefined),
  ],
  ['poke', (step) => 'poke' in step && HEX.test(step.poke[1])],
  ['fork', (step) => 'fork' in step],
  ['thread', (step) => 'thread' in step],
  ['exit', (step) => 'exit' in step && Number.isInteger(step.exit)],
  [
    'maps',
    (step) =>
      'maps' in step &&
      step.maps.every((line) => /^[0-9a-f]+-[0-9a-f]+ [rwxps-]{4} [0-9a-f]+$/.test(line)),
  ],
  [
    'smaps',
    (step) => 'smaps' in step && step.smaps.every((entry) => Object.keys(entry).length === 11),
  ],
  ['pagemap', (step) => 'pagemap' in step && step.bits?.length === 2 * step.pagemap[1]],
];

/** One hex string for each `{"out":N}`, of N bytes. */
function outsMatch({ args, out = [] }: CallStep): boolean {
  const sizes = [...JSON.stringify(args).matchAll(/\{"out":(\d+)\}/g)].map((match) =>
    Number(match[1]),
  );
  return (
    sizes.length === out.length &&
    sizes.every((size, i) => out[i]!.length === 2 * size && HEX.test(out[i]!))
  );
}

function isWellFormed(step: Step): boolean {
  const checks = CHECKS.filter(([kind]) => kind in step);
  return checks.length === 1 && checks[0]![1](step);
}

function checkTrace(recording: Recording, tasks: readonly string[]): void {
  const lines = recording.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const header = lines[0];
  assert.is(header.trace, 1);
  assert.equal(header.tasks, tasks);
  assert.match(header.caps, /^[0-9a-f]+$/);
  assert.is(lines.length - 1, recording.steps);
  assert.ok(recording.steps >= STEPS);
  for (const step of lines.slice(1)) assert.ok(isWellFormed(step), JSON.stringify(step));
}

const reason = whyNoRecording();
if (reason !== null) {
  console.log(`SKIPPED linux/recorder: ${reason}`);
} else {
  for (const generator of GENERATORS) {
    test(`${generator.name} records a well-formed trace, the same for the same seed`, async () => {
      const executor = buildExecutor();
      const recording = await record(executor, generator, SEED, STEPS);
      checkTrace(recording, generator.tasks);
      const again = await record(executor, generator, SEED, STEPS);
      assert.is(again.text, recording.text);
    });
  }
}

test.run();
