// No call may cost more the more mappings there are, nor may a file that lists them be read in more
// steps than it has lines: what crosses to the core is counted, as times would tell more of the
// machine than of the code. What one call costs inside the core, `npm run bench -- --only mmap` shows.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { Machine } from '../../src/machine.js';
import type { Task } from '../../src/api/task.js';
import { Core } from '../../src/wasm/core.js';
import { BASE } from './fixture.js';

const test = suite('mm/many-vmas');
const FEW = 1000;
const MANY = 10000;
const { readU32, readU64 } = Core.prototype;

/** Reads of linear memory and calls of the core that `act` makes. */
function stepsOf(machine: Machine, act: () => void): number {
  const { core } = machine.kernel;
  const { exports } = core;
  let steps = 0;
  const counting = new Proxy(exports, {
    get(target, name) {
      steps += 1;
      return Reflect.get(target, name) as unknown;
    },
  });
  Object.defineProperty(core, 'exports', { value: counting, configurable: true });
  for (const [name, read] of Object.entries({ readU32, readU64 })) {
    Object.defineProperty(Core.prototype, name, {
      configurable: true,
      value(this: Core, at: number) {
        steps += 1;
        return read.call(this, at);
      },
    });
  }
  try {
    act();
  } finally {
    Object.defineProperty(core, 'exports', { value: exports, configurable: true });
    Object.assign(Core.prototype, { readU32, readU64 });
  }
  return steps;
}

/** A task with `count` mappings that do not merge: every other page may not be written. */
async function taskOf(count: number): Promise<{ machine: Machine; task: Task }> {
  const machine = await Machine.create({ sysctl: { 'vm.max_map_count': 2 * MANY } });
  const task = machine.spawn();
  task.mmap({ addr: BASE, length: count * PAGE_SIZE, flags: 0x32 });
  for (let i = 0; i < count; i += 2) task.mprotect(BASE + i * PAGE_SIZE, PAGE_SIZE, 1);
  return { machine, task };
}

function readPieces(task: Task, file: string, size: number): void {
  const open = task.open(`/proc/self/${file}`);
  const into = new Uint8Array(size);
  while (open.read(into) > 0);
  open.close();
}

/** One call in the middle: among ten times the mappings the same. */
const CALLS: [name: string, act: (task: Task, middle: number) => void][] = [
  ['mmap', (task, at) => task.mmap({ addr: at, length: PAGE_SIZE, flags: 0x32 })],
  ['mmap where there is room', (task) => task.mmap({ length: PAGE_SIZE })],
  ['munmap', (task, at) => task.munmap(at, PAGE_SIZE)],
  ['mprotect', (task, at) => task.mprotect(at, PAGE_SIZE, 1)],
  ['madvise', (task, at) => task.syscall('madvise', at, PAGE_SIZE, 10)],
  ['mremap', (task, at) => task.syscall('mremap', at, PAGE_SIZE, 3 * PAGE_SIZE, 1, 0)],
  ['a store', (task, at) => task.store8(at + PAGE_SIZE, 1)],
  ['fork and exit', (task) => task.fork().exit()],
  ['exit', (task) => task.exit()],
];

for (const [name, act] of CALLS) {
  test(`${name} takes as many steps among ${MANY} mappings as among ${FEW}`, async () => {
    const steps: number[] = [];
    for (const count of [FEW, MANY]) {
      const { machine, task } = await taskOf(count);
      steps.push(stepsOf(machine, () => act(task, BASE + (count / 2) * PAGE_SIZE)));
      assert.equal(machine.check(), []);
    }
    const [few, many] = steps as [number, number];
    assert.ok(few > 0 && many <= few + 4, `${many} steps, and ${few} among few`);
  });
}

for (const [file, size] of [
  ['maps', 2 ** 20],
  ['maps', 4096],
  ['maps', 100],
  ['smaps', 4096],
  ['smaps_rollup', 4096],
  ['numa_maps', 4096],
] as const) {
  test(`${file} in pieces of ${size} bytes takes ten times the steps for ten times the mappings`, async () => {
    const steps: number[] = [];
    for (const count of [FEW, MANY]) {
      const { machine, task } = await taskOf(count);
      steps.push(stepsOf(machine, () => readPieces(task, file, size)));
    }
    const [few, many] = steps as [number, number];
    assert.ok(few > FEW && many <= 11 * few, `${many} steps, and ${few} of a tenth`);
  });
}

test('60 GB reserved cost no more than what is touched of them', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  const before = machine.stats().framesInUse;
  const size = 60 * 2 ** 30;
  const addr = Number(task.mmap({ length: size, flags: 0x4022 }));
  for (let i = 0; i < 60; i++) task.store8(addr + i * 2 ** 30, 1);
  // A page, a table of pages and a table of those for each, and what the first touch needs above.
  const used = machine.stats().framesInUse - before;
  assert.ok(used <= 60 * 3 + 3, `${used} frames`);
  const steps = stepsOf(machine, () => {
    readPieces(task, 'smaps', 4096);
    const child = task.fork();
    child.munmap(addr + 2 ** 30, 2 ** 30);
    child.exit();
    task.mprotect(addr, size, 1);
    task.syscall('madvise', addr, size, 4);
    task.munmap(addr, size);
  });
  assert.ok(steps < 2000, `${steps} steps`);
  assert.equal(machine.check(), []);
});

test.run();
