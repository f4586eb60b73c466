// Memory is made to run out at every allocation of every call in turn. The call must fail as Linux's
// does, leave a machine without a fault and a leak, and succeed once there is memory again.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Task } from '../../src/api/task.js';
import { LinuxError } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { checkFree, Scene, type Step } from './exhaustion-scene.js';
import { MAPPING_CALLS } from './exhaustion-calls.js';
import { FILE_CALLS, PROCESS_CALLS } from './exhaustion-files.js';

const test = suite('syscall/exhaustion');
const machine = await Machine.create({ memory: 2 ** 25, yama: 0 });
const { core } = machine.kernel;
const root = machine.spawn({ comm: 'root' });
machine.addFile('/bin/program', new Uint8Array(2 * 4096).fill(7), 0o755);
const atRest = machine.stats().framesInUse;

/** What a step comes to: a number, or the name of the error, thrown or returned. */
function outcome(act: () => unknown): unknown {
  try {
    const result = act();
    if (typeof result !== 'number' && typeof result !== 'bigint') return result;
    const value = Number(result);
    return value < 0 && value >= -4095 ? new LinuxError(-value).code : value;
  } catch (error) {
    if (error instanceof LinuxError) return error.code;
    throw error;
  }
}

/** One try with so many allocations left; gives what it came to, and after memory is back. */
function tryWith(step: Step, budget: number): { first: unknown; again: unknown } {
  const scene = new Scene(machine, root);
  const act = step.prepare(scene);
  scene.fillObjects();
  core.exports.setAllocBudget(budget);
  let first: unknown;
  try {
    first = outcome(act);
  } finally {
    core.exports.setAllocBudget(-1);
  }
  assert.equal(machine.check(), [], `after failing at allocation ${budget}`);
  const again = step.fails.includes(first as never) ? outcome(act) : first;
  assert.equal(machine.check(), [], `repeated after failing at allocation ${budget}`);
  scene.end();
  return { first, again };
}

for (const step of [...MAPPING_CALLS, ...FILE_CALLS, ...PROCESS_CALLS]) {
  test(`${step.name}: memory runs out at any allocation`, () => {
    let failures = 0;
    for (let budget = 0, failed = true; failed; budget++) {
      const { first, again } = tryWith(step, budget);
      failed = step.fails.includes(first as never);
      assert.ok(budget < 64, 'it ends');
      if (failed) failures += 1;
      else assert.type(first, 'number', `${String(first)} at allocation ${budget}`);
      assert.type(again, 'number', `${String(again)} when repeated after allocation ${budget}`);
      checkFree(machine, atRest, `at allocation ${budget}`);
    }
    assert.is(failures > 0, step.fails.length > 0, `${failures} failures`);
  });
}

test('fork, among as many memories as fill a page of them', () => {
  for (let others = 0; others < 40; others++) {
    const scene = new Scene(machine, root);
    for (let i = 0; i < others; i++) scene.other.fork();
    for (let budget = 0, failed = true; failed; budget++) {
      core.exports.setAllocBudget(budget);
      failed = outcome(() => scene.call('fork')) === 'ENOMEM';
      core.exports.setAllocBudget(-1);
    }
    assert.equal(machine.check(), []);
    scene.end();
    checkFree(machine, atRest, `beside ${others}`);
  }
});

/** Ways to use up a machine, each until it is refused. */
const FILLERS: [name: string, fill: (task: Task, turn: number) => unknown][] = [
  ['processes', (task) => Number(task.syscall('fork'))],
  ['mappings', (task, turn) => task.mmap({ length: PAGE_SIZE, prot: turn & 1 })],
  ['pages', (task) => task.store(task.mmap({ length: PAGE_SIZE }), Uint8Array.of(1))],
  ['a file', (task) => task.file(0).write(new Uint8Array(PAGE_SIZE).fill(1))],
];

for (const [name, fill] of FILLERS) {
  test(`a machine of 4 MiB is filled with ${name}, and is as before when they are gone`, async () => {
    const small = await Machine.create({
      memory: 2 ** 22,
      sysctl: { 'vm.max_map_count': 10 ** 6 },
    });
    const parent = small.spawn();
    const before = small.stats().framesInUse;
    for (let round = 0; round < 2; round++) {
      const task = small.spawn({ parent });
      task.memfdCreate('f');
      let result: unknown = 0;
      for (let i = 0; i < 100000 && result !== 'ENOMEM'; i++) result = outcome(() => fill(task, i));
      assert.is(result, 'ENOMEM');
      assert.ok(small.stats().framesInUse > before + 500, 'most of it is in use');
      assert.equal(small.check(), []);
      for (const each of small.tasks()) if (each !== parent && each.pid > 1) each.exit();
      while (parent.wait() !== null && parent.struct.children.length > 0);
      assert.equal(small.check(), []);
      assert.is(small.stats().framesInUse, before, `in round ${round}`);
    }
  });
}

test.run();
