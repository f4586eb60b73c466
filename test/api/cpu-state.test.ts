// The registers of the built-in hart belong to its task: to its children, and to what a machine goes back to.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/machine.js';
import type { Task } from '../../src/api/task.js';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE } from '../../assembly/abi/mman.js';
import { assemble, EBREAK, ECALL } from '../cpu/hart-fixture.js';
import { Random } from '../cpu/random.js';
import { iType, jType, makeSnippet, rType, sType } from '../cpu/snippet.js';

const test = suite('api/cpu-state');
const machine = await Machine.create();
const atRest = machine.stats().framesInUse;

const CODE = 0x10000;
const DATA = 0x11000;
const STACK = 0x123450n;
const TLS = 0x54321000n;
const li = (rd: number, value: number): number => iType(0x13, 0, rd, 0, value);
const [SP, TP, A0, A1] = [2, 4, 10, 11] as const;

function makeTask(words: readonly number[]): Task {
  const task = machine.spawn({ comm: 'guest', uid: 0 });
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  task.mmap({ addr: CODE, length: 8192, prot: 7, flags });
  task.store(CODE, assemble(words));
  task.cpu.pc = CODE;
  return task;
}

function childOf(task: Task, made: number | bigint): Task {
  assert.ok(made > 0, String(made));
  const child = machine.tasks().find(({ tid }) => tid === Number(made));
  if (child === undefined) throw new Error('there is no such child');
  assert.is(child === task, false);
  return child;
}

/** x1 to x31, f0 to f31, pc, fcsr and instret. */
function registers({ cpu }: Task): (bigint | number)[] {
  const all = Array.from({ length: 32 }, (_, i) => [cpu.x(i), cpu.f(i)]).flat();
  return [...all, cpu.pc, cpu.fcsr, cpu.instret];
}

function fill({ cpu }: Task, from: number): void {
  for (let i = 0; i < 32; i++) {
    cpu.setX(i, from + i);
    cpu.setF(i, 2 * from + i);
  }
  cpu.fcsr = 0x23;
}

test('a forked child goes on where its parent stands, with 0 in a0 and its own memory', () => {
  const task = makeTask([sType(0x23, 3, A1, A0, 0), EBREAK]);
  fill(task, 5);
  task.cpu.setX(A1, DATA);
  const child = task.fork();
  const wanted = registers(task);
  wanted[2 * A0] = 0n;
  assert.equal(registers(child), wanted);
  for (const one of [task, child]) assert.is(one.cpu.run(10).reason, 'ebreak');
  assert.equal([task.load64(DATA), child.load64(DATA)], [15n, 0n]);
  child.cpu.setX(5, 1);
  assert.is(task.cpu.x(5), 10n);
  child.exit();
  task.exit();
});

test('a child of a task whose CPU nobody asked for has registers of zeros', () => {
  const task = machine.spawn();
  const child = task.fork();
  assert.equal([child.cpu.pc, child.cpu.x(A0)], [0n, 0n]);
  child.exit();
  task.exit();
});

const CLONE_VM = 0x100;
const CLONE_SETTLS = 0x80000;
const SIGCHLD = 17;
const THREAD = CLONE_VM | 0x200 | 0x400 | 0x800 | 0x10000;
const OLD_SP = 7n;
const OLD_TP = 9n;
/** Flags, stack and tls of a clone, and the child's x2 and x4. */
const CLONES: [name: string, flags: number, stack: bigint, sp: bigint, tp: bigint][] = [
  ['as a fork', SIGCHLD, 0n, OLD_SP, OLD_TP],
  ['with a stack', CLONE_VM | SIGCHLD, STACK, STACK, OLD_TP],
  ['with a thread pointer', CLONE_SETTLS | SIGCHLD, 0n, OLD_SP, TLS],
  ['as a thread', THREAD | CLONE_SETTLS, STACK, STACK, TLS],
];

for (const [name, flags, stack, sp, tp] of CLONES) {
  test(`a clone ${name} starts with the registers that its arguments tell`, () => {
    const task = makeTask([ECALL]);
    task.cpu.setX(SP, OLD_SP);
    task.cpu.setX(TP, OLD_TP);
    task.cpu.setX(A0, flags);
    assert.is(task.cpu.run(10).reason, 'ecall');
    const made = task.syscallOn('riscv64', 'clone', flags, stack, 0, TLS, 0);
    const child = childOf(task, made);
    const { cpu } = child;
    assert.equal([cpu.x(SP), cpu.x(TP), cpu.x(A0), cpu.pc], [sp, tp, 0n, BigInt(CODE + 4)]);
    assert.equal([task.cpu.x(SP), task.cpu.x(TP), task.cpu.x(A0)], [OLD_SP, OLD_TP, BigInt(flags)]);
    if (child.pid !== task.pid) child.exit();
    task.exit();
  });

  test(`a clone3 ${name} does, too`, () => {
    const task = makeTask([]);
    task.cpu.setX(SP, OLD_SP);
    task.cpu.setX(TP, OLD_TP);
    const args = new BigUint64Array(8);
    args[0] = BigInt(flags & ~0xff);
    args[4] = BigInt(flags & 0xff);
    if (stack !== 0n) [args[5], args[6]] = [stack - 0x100n, 0x100n];
    args[7] = TLS;
    task.store(DATA, new Uint8Array(args.buffer));
    const child = childOf(task, task.syscallOn('riscv64', 'clone3', DATA, 64));
    assert.equal([child.cpu.x(SP), child.cpu.x(TP), child.cpu.x(A0)], [sp, tp, 0n]);
    if (child.pid !== task.pid) child.exit();
    task.exit();
  });
}

test('a reservation is not inherited', () => {
  const task = makeTask([
    rType(0x2f, 3, 2 << 2, 5, A1, 0),
    ECALL,
    rType(0x2f, 3, 3 << 2, 6, A1, 5),
  ]);
  task.cpu.setX(A1, DATA);
  assert.is(task.cpu.run(10).reason, 'ecall');
  const child = task.fork();
  for (const one of [task, child]) one.cpu.run(1);
  assert.equal([task.cpu.x(6), child.cpu.x(6)], [0n, 1n]);
  child.exit();
  task.exit();
});

test('registers go back with a checkpoint, and there are none where there was no CPU', () => {
  const task = makeTask([iType(0x13, 0, A0, A0, 1), jType(0, -4)]);
  const other = machine.spawn();
  fill(task, 3);
  const before = registers(task);
  const { cpu } = task;
  const checkpoint = machine.checkpoint();
  for (let i = 0; i < 2; i++) {
    assert.is(cpu.run(1000).reason, 'fuel');
    assert.is(cpu.x(A0), 513n);
    other.cpu.setX(5, 7);
    const child = task.fork();
    checkpoint.restore();
    assert.throws(() => child.cpu.run(1), TypeError);
    assert.equal(registers(task), before);
    assert.is(task.cpu === cpu, true);
    assert.is(other.cpu.x(5), 0n);
  }
  checkpoint.dispose();
  other.exit();
  task.exit();
});

test('a machine out of a snapshot runs on in the middle of a program, with its reservation', async () => {
  const loop = [rType(0x2f, 3, 2 << 2, 5, A1, 0), li(7, 1), rType(0x2f, 3, 3 << 2, 6, A1, 7)];
  const task = makeTask([...loop, EBREAK]);
  fill(task, 100);
  task.cpu.setX(A1, DATA);
  assert.is(task.cpu.run(1).reason, 'fuel');
  const bytes = machine.snapshot();
  const second = await Machine.restore(bytes);
  const copy = second.tasks().find(({ pid }) => pid === task.pid) as Task;
  assert.equal(registers(copy), registers(task));
  for (const one of [task, copy]) {
    assert.is(one.cpu.run(10).reason, 'ebreak');
    assert.equal([one.cpu.x(6), one.load64(DATA)], [0n, 1n]);
  }
  assert.equal(registers(copy), registers(task));
  assert.equal(second.snapshot().length, machine.snapshot().length);
  task.exit();
});

/** Runs to the ebreak; all that can be seen of it then. */
function finish(task: Task): string {
  let stop = task.cpu.run(1000);
  while (stop.reason === 'fuel') stop = task.cpu.run(1000);
  const memory = Buffer.from(task.load(DATA, 4096)).toString('hex');
  return [stop.reason, ...registers(task), memory].join();
}

test('a random program that is stopped, kept and restored anywhere ends as it would have', async () => {
  const seed = Number(process.env['PROCMEM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  for (let i = 0; i < 12; i++) {
    const r = new Random(seed + i);
    const again = `PROCMEM_SEED=${seed + i}`;
    const task = makeTask([]);
    const code = makeSnippet(r, 80);
    task.store(CODE, code);
    task.store(CODE + code.length, assemble([EBREAK]));
    for (let n = 1; n < 32; n++) task.cpu.setX(n, r.double());
    for (let n = 0; n < 32; n++) task.cpu.setF(n, r.double());
    task.cpu.setX(30, DATA + 2048);
    task.cpu.run(r.below(80));
    const checkpoint = machine.checkpoint();
    const copy = i % 3 === 0 ? await Machine.restore(machine.snapshot()) : null;
    const ended = finish(task);
    assert.ok(ended.startsWith('ebreak'), again);
    checkpoint.restore();
    assert.is(finish(task), ended, again);
    const twin = copy?.tasks().find(({ pid }) => pid === task.pid);
    if (twin !== undefined) assert.is(finish(twin), ended, again);
    checkpoint.dispose();
    task.exit();
  }
});

test('memory stays whole, and every frame comes back', () => {
  assert.equal(machine.check(), []);
  for (const task of machine.tasks()) if (task.pid !== 1 && !task.exited) task.exit(0);
  assert.is(machine.stats().framesInUse, atRest);
});

test.run();
