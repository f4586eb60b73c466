// Whoever watches changes nothing: the recorded traces once more, with every byte of every memory watched.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Machine } from '../../src/machine.js';
import { TASK_SIZE } from '../../src/mm/address.js';
import type { Mm } from '../../src/mm/mm.js';
import { liveObjects } from '../../src/mm/registry.js';
import { addWatch } from '../../src/mm/watch.js';
import { parseTrace } from '../../src/trace/parse.js';
import { type MakeMachine, replayOnEither } from '../../src/trace/replay.js';
import { committedTraces, readTrace } from './committed.js';

/** What all traces together cause at least, of each kind and path. */
const ENOUGH_HITS = 500;
const PATHS = ['cpu', 'mem', 'process_vm', 'ptrace', 'syscall'];

const test = suite('linux/watched');
const hits = new Map<string, number>();

function watchAll(mm: Mm): void {
  const hit = ({ by, kind }: { by: string; kind: string }): void => {
    const name = `${by} ${kind}`;
    hits.set(name, (hits.get(name) ?? 0) + 1);
  };
  addWatch(mm, { start: 0, end: TASK_SIZE, kinds: 7, hit });
}

/** A machine each of whose memories is watched from its first moment. */
const make: MakeMachine = async (profile) => {
  const machine = await Machine.create({ profile });
  const { mms } = liveObjects(machine.kernel.core);
  const add = mms.add.bind(mms);
  mms.add = (mm) => {
    watchAll(mm);
    return add(mm);
  };
  return machine;
};

for (const name of committedTraces()) {
  test(`every step of ${name} is answered as before`, async () => {
    const mismatches: string[] = [];
    const result = await replayOnEither(
      parseTrace(await readTrace(name), name),
      make,
      (mismatch) => {
        const { line, step, expected, got } = mismatch;
        mismatches.push(`${name}:${line}: ${step}\n  expected ${expected}\n  got      ${got}`);
      },
    );
    assert.is(mismatches.slice(0, 5).join('\n'), '');
    assert.is(result.matched, result.total);
  });
}

for (const path of PATHS) {
  for (const kind of ['read', 'write']) {
    test(`a ${kind} by ${path} was seen ${ENOUGH_HITS} times at least`, () => {
      const count = hits.get(`${path} ${kind}`) ?? 0;
      assert.ok(count >= ENOUGH_HITS, `${count} times`);
    });
  }
}

test.run();
