// Machines whose programs are hot: what is compiled is told by stats(), is no part of checkpoints and snapshots, and
// hides nothing from watches.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE } from '../../assembly/abi/mman.js';
import type { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';
import { assemble, EBREAK } from '../cpu/hart-fixture.js';
import { bType, iType, sType } from '../cpu/snippet.js';

const test = suite('jit/machine');

const CODE = 0x10000;
const DATA = 0x20000;
const [A0, COUNT, T] = [10, 12, 5];
const addi = (rd: number, a: number, imm: number): number => iType(0x13, 0, rd, a, imm);

/** Counts x12 down and a doubleword of memory up: five instructions a turn. */
const LOOP = [
  iType(0x03, 3, T, A0, 0),
  addi(T, T, 1),
  sType(0x23, 3, A0, T, 0),
  addi(COUNT, COUNT, -1),
  bType(1, COUNT, 0, -16),
  EBREAK,
];
/** More than it takes to find it worth compiling. */
const HOT = 20_000_000;

function makeTask(machine: Machine): Task {
  const task = machine.spawn({ comm: 'hot' });
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  task.mmap({ addr: CODE, length: 4096, prot: 7, flags });
  task.mmap({ addr: DATA, length: 4096, flags });
  task.store(CODE, assemble(LOOP));
  task.cpu.pc = CODE;
  task.cpu.setX(A0, DATA);
  task.cpu.setX(COUNT, 2 ** 40);
  return task;
}

const counted = (task: Task): number => task.load32(DATA);

test('what is hot is compiled, unless the machine is to interpret all', async () => {
  for (const [jit, pages] of [
    [true, 1],
    [false, null],
  ] as const) {
    const machine = await Machine.create({ jit });
    const task = makeTask(machine);
    assert.is(machine.stats().compiledPages, jit ? 0 : null);
    assert.equal(task.cpu.run(HOT), { reason: 'fuel', pc: BigInt(CODE) });
    assert.is(machine.stats().compiledPages, pages);
    assert.equal([counted(task), task.cpu.instret], [HOT / 5, BigInt(HOT)]);
  }
});

test('the option is a boolean', async () => {
  for (const jit of [1, 'yes', null]) {
    try {
      await Machine.create({ jit: jit as unknown as boolean });
      assert.unreachable();
    } catch (error) {
      assert.instance(error, TypeError);
    }
  }
});

test('a watch that is set on hot code is told each access, and then no more', async () => {
  const machine = await Machine.create();
  const task = makeTask(machine);
  task.cpu.run(HOT);
  let [stores, loads] = [0, 0];
  const hit = ({ kind }: { kind: string }): void => {
    if (kind === 'write') stores += 1;
    else loads += 1;
  };
  const watch = task.watch({ start: DATA, length: 8, on: 'access', hit });
  task.cpu.run(5 * 100);
  assert.equal([stores, loads], [100, 100]);
  watch.remove();
  task.cpu.run(5 * 1000);
  assert.equal([stores, loads, counted(task)], [100, 100, HOT / 5 + 1100]);
  const fetches = task.watch({ start: CODE + 4, length: 4, on: 'execute', hit });
  task.cpu.run(5 * 10);
  assert.is(loads, 110);
  fetches.remove();
});

test('a checkpoint that is made and restored while code is hot has its memory and registers', async () => {
  const machine = await Machine.create();
  const task = makeTask(machine);
  task.cpu.run(HOT + 2);
  const checkpoint = machine.checkpoint();
  assert.is(machine.stats().compiledPages, 1);
  const after = (): [number, bigint, bigint] => [counted(task), task.cpu.pc, task.cpu.instret];
  const was = after();
  for (let round = 0; round < 3; round++) {
    task.cpu.run(HOT + 1);
    assert.equal(after(), [2 * (HOT / 5) + 1, BigInt(CODE + 12), BigInt(2 * HOT + 3)]);
    checkpoint.restore();
    assert.equal(after(), was);
  }
  // A store that the region makes is the page's first: it is copied aside.
  task.cpu.run(5);
  checkpoint.restore();
  assert.equal(after(), was);
});

test('a snapshot of a hot machine is that of one that interprets, and goes on from there', async () => {
  const images: Uint8Array[] = [];
  for (const jit of [true, false]) {
    const machine = await Machine.create({ jit, now: () => 0, seed: 1 });
    const task = makeTask(machine);
    task.cpu.run(HOT + 3);
    images.push(machine.snapshot());
  }
  const [compiled, interpreted] = images as [Uint8Array, Uint8Array];
  assert.ok(
    compiled.length === interpreted.length && compiled.every((v, i) => v === interpreted[i]),
  );
  for (const jit of [true, false]) {
    const machine = await Machine.restore(compiled, { jit });
    const task = machine.tasks().find(({ comm }) => comm === 'hot') as Task;
    task.cpu.run(HOT - 3);
    assert.equal([counted(task), task.cpu.instret], [2 * (HOT / 5), BigInt(2 * HOT)]);
    assert.is(machine.stats().compiledPages, jit ? 1 : null);
  }
});

test.run();
