// Random snippets of RV64GC with their memory and code watched, and with nothing watched: they must end the same, and what was told
// must be what a plain model makes of each instruction, which it takes apart itself.
// PROCMEM_SEED=N repeats a run; PROCMEM_MODEL_RUNS=N makes N snippets in place of the usual number.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE } from '../../assembly/abi/mman.js';
import type { WatchEvent } from '../../src/api/task-hooks.js';
import type { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';
import { assemble, EBREAK } from '../cpu/hart-fixture.js';
import { Random } from '../cpu/random.js';
import { makeSnippet, REACH } from '../cpu/snippet.js';

const test = suite('api/cpu-watch-model');
const machine = await Machine.create();
const atRest = machine.stats().framesInUse;
const seed = Number(process.env['PROCMEM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env['PROCMEM_MODEL_RUNS'] ?? 150);

const PAGE = 4096;
/** Snippets begin near the end of a page, so that some instructions lie on two. */
const CODE = 0x10000;
const START = CODE + PAGE - 62;
const DATA = 0x20000;
/** Where x30 points: the border of two pages. */
const MIDDLE = DATA + PAGE;

function makeTask(r: Random, code: Uint8Array): Task {
  const task = machine.spawn({ comm: 'guest' });
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  task.mmap({ addr: CODE, length: 2 * PAGE, prot: 7, flags });
  task.mmap({ addr: DATA, length: 2 * PAGE, flags });
  task.store(
    DATA,
    Uint8Array.from({ length: 2 * PAGE }, () => r.below(256)),
  );
  task.store(START, code);
  task.store(START + code.length, assemble([EBREAK]));
  const { cpu } = task;
  cpu.pc = START;
  for (let i = 1; i < 32; i++) cpu.setX(i, r.double() >> BigInt(r.below(64)));
  for (let i = 0; i < 32; i++) cpu.setF(i, r.double());
  cpu.setX(30, MIDDLE);
  return task;
}

interface Access {
  readonly kinds: readonly ('read' | 'write')[];
  readonly addr: number;
  readonly size: number;
}

/** Offset of a compressed load or store of words or doublewords by popular registers. */
const shortOffset = (c: number, wide: boolean): number =>
  ((c >> 7) & 0x38) | (wide ? (c << 1) & 0xc0 : ((c >> 4) & 4) | ((c << 1) & 0x40));

/** The same from the stack pointer: c.lwsp, c.ldsp; c.swsp, c.sdsp. */
const loadSpOffset = (c: number, wide: boolean): number =>
  wide
    ? ((c >> 7) & 0x20) | ((c >> 2) & 0x18) | ((c << 4) & 0x1c0)
    : ((c >> 7) & 0x20) | ((c >> 2) & 0x1c) | ((c << 4) & 0xc0);
const storeSpOffset = (c: number, wide: boolean): number =>
  wide ? ((c >> 7) & 0x38) | ((c >> 1) & 0x1c0) : ((c >> 7) & 0x3c) | ((c >> 1) & 0xc0);

/** What a compressed instruction accesses: funct3 2, 6 words; 1, 3, 5, 7 doublewords; from 5 on stores. */
function shortAccess(c: number, x: (n: number) => number): Access | null {
  const f3 = c >> 13;
  const quadrant = c & 3;
  if (quadrant === 1 || f3 === 0 || f3 === 4) return null;
  const wide = (f3 & 1) === 1;
  const kinds = [f3 < 4 ? 'read' : 'write'] as const;
  const size = wide ? 8 : 4;
  if (quadrant === 0) {
    return { kinds, size, addr: x(8 + ((c >> 7) & 7)) + shortOffset(c, wide) };
  }
  return { kinds, size, addr: x(2) + (f3 < 4 ? loadSpOffset : storeSpOffset)(c, wide) };
}

/** The model: one hart's reservation, and what its next instruction accesses. */
class Model {
  reserved: { addr: number; value: bigint } | null = null;
  readonly task: Task;

  constructor(task: Task) {
    this.task = task;
  }

  access(insn: number): Access | null {
    const x = (n: number): number => Number(BigInt.asIntN(53, this.task.cpu.x(n)));
    if ((insn & 3) !== 3) return shortAccess(insn & 0xffff, x);
    const base = x((insn >> 15) & 31);
    const size = 1 << ((insn >> 12) & 3);
    switch (insn & 0x7f) {
      case 0x03:
      case 0x07:
        return { kinds: ['read'], size, addr: base + (insn >> 20) };
      case 0x23:
      case 0x27:
        return { kinds: ['write'], size, addr: base + ((insn >> 25) * 32 + ((insn >> 7) & 31)) };
      case 0x2f:
        return this.atomic(insn >>> 27, base, size);
      default:
        return null;
    }
  }

  private atomic(funct5: number, addr: number, size: number): Access | null {
    const bytes = Buffer.from(this.task.load(addr, size));
    const value = size === 8 ? bytes.readBigUInt64LE() : BigInt(bytes.readUInt32LE());
    if (funct5 === 2) {
      this.reserved = { addr, value };
      return { kinds: ['read'], addr, size };
    }
    if (funct5 !== 3) return { kinds: ['read', 'write'], addr, size };
    const holds = this.reserved?.addr === addr && this.reserved.value === value;
    this.reserved = null;
    return holds ? { kinds: ['write'], addr, size } : null;
  }
}

function told(kind: string, addr: number, before: Uint8Array, after: Uint8Array): string {
  return `${kind} ${addr.toString(16)} ${Buffer.from(before).toString('hex')}>${Buffer.from(after).toString('hex')}`;
}

/** Runs the snippet an instruction at a time, and tells what watches would have been told. */
function expected(task: Task): string[] {
  const log: string[] = [];
  const model = new Model(task);
  const { cpu } = task;
  while (true) {
    const pc = Number(cpu.pc);
    const low = task.load16(pc);
    const length = (low & 3) === 3 ? 4 : 2;
    const access = model.access(length === 4 ? task.load32(pc) : low);
    const before = access === null ? null : task.load(access.addr, access.size);
    const stop = cpu.run(1);
    if (stop.reason === 'ebreak') return log;
    assert.is(stop.reason, 'fuel');
    for (const kind of access?.kinds ?? []) {
      const { addr, size } = access as Access;
      const bytes = before as Uint8Array;
      log.push(told(kind, addr, bytes, kind === 'read' ? bytes : task.load(addr, size)));
    }
    const code = task.load(pc, length);
    log.push(told('execute', pc, code, code));
  }
}

function state(task: Task): string[] {
  const { cpu } = task;
  const registers = Array.from({ length: 32 }, (_, i) => `${cpu.x(i)} ${cpu.f(i)}`);
  const memory = Buffer.from(task.load(DATA, 2 * PAGE)).toString('hex');
  return [...registers, `${cpu.pc} ${cpu.fcsr} ${cpu.instret}`, memory];
}

test('snippets end the same when memory is watched, and each access is told of once', () => {
  let events = 0;
  for (let i = 0; i < RUNS; i++) {
    const r = new Random(seed + i);
    const code = makeSnippet(r, 60);
    const from = r.word();
    const plain = makeTask(new Random(from), code);
    const watched = makeTask(new Random(from), code);
    const log: string[] = [];
    const hit = ({ kind, address, before, after }: WatchEvent): void =>
      void log.push(told(kind, Number(address), before, after));
    const on = r.pick(['access', 'access', 'read', 'write'] as const);
    const fetches = r.below(3) > 0;
    watched.watch({ start: MIDDLE - REACH - 8, length: 2 * REACH + 16, on, hit });
    if (fetches) watched.watch({ start: CODE, length: 2 * PAGE, on: 'execute', hit });
    const wanted = expected(plain).filter((line) => {
      const [kind = ''] = line.split(' ');
      return kind === 'execute' ? fetches : on === 'access' || kind === on;
    });
    let stop = watched.cpu.run(1 + r.below(40));
    while (stop.reason === 'fuel') stop = watched.cpu.run(1 + r.below(40));
    const again = `PROCMEM_SEED=${seed + i} PROCMEM_MODEL_RUNS=1`;
    assert.is(stop.reason, 'ebreak', again);
    assert.equal(log, wanted, again);
    const heard = log.length;
    assert.equal(state(watched), state(plain), again);
    events += heard;
    if (i % 10 === 0) assert.equal(machine.check(), [], again);
    plain.exit();
    watched.exit();
  }
  assert.ok(events > 10 * RUNS, `${events} events`);
});

test('memory stays whole, and every frame comes back', () => {
  assert.equal(machine.check(), []);
  for (const task of machine.tasks()) if (task.pid !== 1 && !task.exited) task.exit(0);
  assert.is(machine.stats().framesInUse, atRest);
});

test.run();
