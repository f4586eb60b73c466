import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  type Cpu,
  Machine,
  MAP_FIXED,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  type Task,
} from '../../src/index.js';
import { assemble, EBREAK, ECALL } from '../cpu/hart-fixture.js';
import { iType, sType } from '../cpu/snippet.js';

const test = suite('api/cpu');
const machine = await Machine.create();
const atRest = machine.stats().framesInUse;

const CODE = 0x10000;
const RWX = 7;
const li = (rd: number, value: number): number => iType(0x13, 0, rd, 0, value);
const O_RDWR_CREAT = 0o102;

function makeTask(words: readonly number[]): Task {
  const task = machine.spawn({ comm: 'guest', uid: 0 });
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  task.mmap({ addr: CODE, length: 8192, prot: RWX, flags });
  task.store(CODE, assemble(words));
  task.cpu.pc = CODE;
  return task;
}

/** Serves system calls until something else stops the CPU. */
function serve(task: Task): string {
  const { cpu } = task;
  while (!task.exited) {
    const stop = cpu.run(1000);
    if (stop.reason !== 'ecall') return stop.reason;
    const args = [10, 11, 12, 13, 14, 15].map((register) => cpu.x(register));
    const result = machine.syscall(task, Number(cpu.x(17)), args, 'riscv64');
    if (!task.exited) cpu.setX(10, result);
  }
  return 'exited';
}

test('a program makes the system calls of its machine', () => {
  const AT_FDCWD = -100;
  const task = makeTask([
    ...[
      li(10, AT_FDCWD),
      iType(0x13, 0, 11, 20, 0),
      li(12, O_RDWR_CREAT),
      li(13, 0o600),
      li(17, 56),
    ],
    ECALL,
    ...[iType(0x13, 0, 11, 20, 8), li(12, 5), li(17, 64)],
    ECALL,
    ...[iType(0x13, 0, 10, 10, 0), li(17, 93)],
    ECALL,
  ]);
  task.store(CODE + 4096, new TextEncoder().encode('/tmp/a\0\0hello'));
  task.cpu.setX(20, CODE + 4096);
  assert.is(serve(task), 'exited');
  const reader = machine.spawn({ uid: 0 });
  assert.is(reader.readText('/tmp/a'), 'hello');
  reader.unlink('/tmp/a');
});

test('a fault tells signal, code, address and pc, and the task can mend it', () => {
  const task = makeTask([li(5, 7), sType(0x23, 3, 10, 5, 0), EBREAK]);
  task.cpu.setX(10, 0x20000);
  assert.equal(task.cpu.run(100), {
    reason: 'fault',
    signal: 'SIGSEGV',
    code: 'SEGV_MAPERR',
    address: 0x20000n,
    pc: BigInt(CODE + 4),
  });
  task.mmap({ addr: 0x20000, length: 4096, flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED });
  assert.equal(task.cpu.run(100), { reason: 'ebreak', pc: BigInt(CODE + 8) });
  assert.is(task.load64(0x20000), 7n);
  task.exit(0);
});

test('code written through /proc/PID/mem between two runs is what runs', () => {
  const task = makeTask([li(10, 1), EBREAK]);
  const mem = machine.spawn({ uid: 0 }).open(`/proc/${task.pid}/mem`, 'r+');
  for (const value of [1, 2, 3]) {
    mem.pwrite(assemble([li(10, value)]), CODE);
    task.cpu.pc = CODE;
    assert.is(task.cpu.run(10).reason, 'ebreak');
    assert.is(task.cpu.x(10), BigInt(value));
  }
  task.exit(0);
});

const MISUSE: [name: string, act: (cpu: Cpu) => unknown, error: typeof RangeError][] = [
  ['a register that does not exist', (cpu) => cpu.x(32), RangeError],
  ['a register of no integer', (cpu) => cpu.setX(1.5, 0), RangeError],
  ['a value that is no integer', (cpu) => cpu.setX(1, 0.5), RangeError],
  ['fuel below nothing', (cpu) => cpu.run(-1), RangeError],
  ['an fcsr of more than 8 bits', (cpu) => (cpu.fcsr = 256), RangeError],
  ['registers of something else', (cpu) => cpu.copyFrom({} as Cpu), TypeError],
];

test('misuse is told apart from what Linux refuses', () => {
  const task = makeTask([EBREAK]);
  for (const [name, act, error] of MISUSE) {
    assert.throws(
      () => act(task.cpu),
      (thrown: unknown) => thrown instanceof error,
      name,
    );
  }
  task.exit(0);
  assert.throws(
    () => task.cpu.run(1),
    (thrown: unknown) => thrown instanceof TypeError,
  );
});

test('what a CPU stores, and the code that it runs, go back with a checkpoint', () => {
  // Answers 1, and stores that answer into the page that it runs in.
  const task = makeTask([iType(0x17, 0, 5, 0, 0), li(10, 1), sType(0x23, 0, 5, 10, 2000), EBREAK]);
  const { cpu } = task;
  const answer = (): [string, bigint, number] => {
    cpu.pc = CODE;
    const { reason } = cpu.run(10);
    return [reason, cpu.x(10), task.load8(CODE + 2000)];
  };
  const before = machine.checkpoint();
  assert.equal(answer(), ['ebreak', 1n, 1]);
  const between = machine.checkpoint();
  task.store(CODE + 4, assemble([li(10, 2)]));
  assert.equal(answer(), ['ebreak', 2n, 2]);
  between.restore();
  assert.is(task.load8(CODE + 2000), 1);
  assert.equal(answer(), ['ebreak', 1n, 1]);
  before.restore();
  assert.is(task.load8(CODE + 2000), 0);
  assert.equal(machine.check(), []);
  assert.equal(answer(), ['ebreak', 1n, 1]);
  before.dispose();
  between.dispose();
  assert.equal(answer(), ['ebreak', 1n, 1]);
  task.exit(0);
});

test('memory stays whole, and every frame comes back', () => {
  assert.equal(machine.check(), []);
  for (const task of machine.tasks()) if (task.pid !== 1 && !task.exited) task.exit(0);
  assert.is(machine.stats().framesInUse, atRest);
});

test.run();
