import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Machine } from '../../src/machine.js';
import { parseTrace } from '../../src/trace/parse.js';
import { type MakeMachine, replayOnEither } from '../../src/trace/replay.js';
import { committedTraces, readTrace } from './committed.js';

/** What the committed traces have in all, at least. */
const ENOUGH_STEPS = 300_000;

const test = suite('linux/traces');
let steps = 0;

async function replayFile(name: string): Promise<void> {
  const text = await readTrace(name);
  const mismatches: string[] = [];
  const make: MakeMachine = (profile) => Machine.create({ profile });
  const result = await replayOnEither(parseTrace(text, name), make, (mismatch) => {
    const { line, step, expected, got } = mismatch;
    mismatches.push(`${name}:${line}: ${step}\n  expected ${expected}\n  got      ${got}`);
  });
  steps += result.total;
  assert.is(mismatches.slice(0, 5).join('\n'), '');
  assert.is(result.matched, result.total);
  assert.equal(result.violations, []);
}

for (const name of committedTraces()) {
  test(`every step of ${name} is answered as the kernel answered it`, () => replayFile(name));
}

test(`there are at least ${ENOUGH_STEPS} steps`, () => {
  assert.ok(steps >= ENOUGH_STEPS, `${steps} steps`);
});

test.run();
