import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/machine.js';
import { parseTrace } from '../../src/trace/parse.js';
import { type Mismatch, TraceReplay } from '../../src/trace/replay.js';
import type { Trace } from '../../src/trace/trace.js';
import { committedTraces, readTrace } from '../linux/committed.js';

/** What a machine goes through between the checkpoint and the way back, at most. */
const DETOUR = 2000;
/** Steps performed again on each copy, at most: what a copy lacks shows soon. */
const TAIL = 4000;

const test = suite('snapshot/traces');

/** A place in a trace, other for each name, the same in every run; SNAPSHOT_SEED moves them. */
function placeIn(trace: Trace, name: string): number {
  let hash = Number(process.env['SNAPSHOT_SEED'] ?? 1);
  for (const unit of name) hash = (Math.imul(hash, 31) + unit.charCodeAt(0)) >>> 0;
  return hash % trace.steps.length;
}

function shown(found: readonly Mismatch[]): string {
  const lines = found.slice(0, 3).map(({ file, line, step, expected, got }) => {
    return `${file}:${line}: ${step}\n  expected ${expected}\n  got      ${got}`;
  });
  return lines.join('\n');
}

/** Traces of kernels without a page of zeros are answered differently by a machine with one. */
async function startAt(trace: Trace, end: number): Promise<[Machine, TraceReplay]> {
  for (const zeroPage of [true, false]) {
    const machine = await Machine.create({ profile: { zeroPage } });
    const replay = new TraceReplay(trace, machine);
    if (replay.run(end).length > 0) continue;
    const probe = await Machine.create({ profile: { zeroPage } });
    if (new TraceReplay(trace, probe).run().length === 0) return [machine, replay];
  }
  throw new Error(`${trace.file} is not answered as recorded`);
}

async function check(name: string): Promise<void> {
  const trace = parseTrace(await readTrace(name), name);
  const place = placeIn(trace, name);
  const [machine, replay] = await startAt(trace, place);
  const end = Math.min(place + TAIL, trace.steps.length);

  const checkpoint = machine.checkpoint();
  assert.is(shown(replay.copyOn(machine).run(Math.min(place + DETOUR, end))), '');
  checkpoint.restore();
  assert.equal(machine.check(), [], `${name}: back at step ${place}`);

  const copy = await Machine.restore(machine.snapshot());
  assert.equal(copy.check(), [], `${name}: restored at step ${place}`);
  assert.is(shown(replay.copyOn(copy).run(end)), '', 'on a machine out of bytes');
  assert.equal(copy.check(), []);

  assert.is(shown(replay.copyOn(machine).run(end)), '', 'on the machine that went back');
  checkpoint.dispose();
  assert.is(machine.stats().checkpointFrames, 0);
  assert.equal(machine.check(), []);
}

for (const name of committedTraces()) {
  test(`${name} goes on where it was, after a way back and out of bytes`, () => check(name));
}

test.run();
