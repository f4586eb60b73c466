// The processors whose calls leave the return address in a register.
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { stepByCfi } from '../../src/unwind/cfi-step.js';
import type { Fde } from '../../src/unwind/eh-frame.js';
import type { UnwindMachine } from '../../src/unwind/machines.js';
import { unwindMachineOf } from '../../src/unwind/machines.js';
import { parseMaps } from '../../src/unwind/maps.js';
import type { StackTrace } from '../../src/unwind/unwind.js';
import { unwind } from '../../src/unwind/unwind.js';

const test = suite('unwind/machines');

function machineOf(size: number): UnwindMachine {
  const machine = unwindMachineOf(size);
  if (machine === null) throw new Error(`no machine has ${size} bytes`);
  return machine;
}
const ARM = machineOf(272);
const RISCV = machineOf(256);

const maps = parseMaps(
  '00001000-00002000 r-xp 00000000 00:00 0 /p\n00008000-00009000 rw-p 00000000 00:00 0\n',
);

/** A core's registers: the word at place i is i. */
const wordsOf = (size: number): Uint8Array =>
  new Uint8Array(BigUint64Array.from({ length: size / 8 }, (_, i) => BigInt(i)).buffer);

test('the size of the registers tells the processor', () => {
  const names = [216, 272, 256].map((size) => unwindMachineOf(size)?.name);
  assert.equal(names, ['x86-64', 'aarch64', 'riscv64']);
  assert.is(unwindMachineOf(200), null);
});

test('registers go by their DWARF numbers', () => {
  const arm = ARM.registers(wordsOf(272));
  assert.is(arm.length, 33);
  assert.equal([arm[29], arm[30], arm[31], arm[32]], [29n, 30n, 31n, 32n]);
  const riscv = RISCV.registers(wordsOf(256));
  assert.is(riscv.length, 33);
  // struct user_regs_struct: pc, ra, sp …, and s0 is x8.
  assert.equal([riscv[0], riscv[1], riscv[2], riscv[8], riscv[32]], [0n, 1n, 2n, 8n, 0n]);
});

function traceOf(
  machine: UnwindMachine,
  words: Record<number, number>,
  values: Record<'pc' | 'sp' | 'fp' | 'link', number>,
): StackTrace {
  const read = (addr: number, length: number): Uint8Array | null => {
    const word = words[addr];
    if (word === undefined || length > 8) return null;
    return new Uint8Array(BigUint64Array.of(BigInt(word)).buffer).slice(0, length);
  };
  const registers = Array<bigint | null>(machine.count).fill(null);
  registers[machine.pc] = BigInt(values.pc);
  registers[machine.sp] = BigInt(values.sp);
  registers[machine.fp] = BigInt(values.fp);
  registers[machine.link ?? 0] = BigInt(values.link);
  return unwind(registers, { read, maps, machine });
}

/** Each processor's frame: where the caller's frame pointer and the return address are. */
const frames: [UnwindMachine, Record<number, number>, bigint][] = [
  [ARM, { 0x8100: 0x8200, 0x8108: 0x1200 }, 0x8110n],
  [RISCV, { 0x80f0: 0x8200, 0x80f8: 0x1200 }, 0x8100n],
];
for (const [machine, words, sp] of frames) {
  test(`${machine.name}: frame pointers are followed`, () => {
    const trace = traceOf(machine, words, { pc: 0x1100, sp: 0x8080, fp: 0x8100, link: 0 });
    assert.equal(
      trace.frames.map((frame) => [frame.pc, frame.sp]),
      [
        [0x1100n, 0x8080n],
        [0x1200n, sp],
      ],
    );
  });

  test(`${machine.name}: a call through a null pointer leaves its return address in a register`, () => {
    const trace = traceOf(machine, {}, { pc: 0, sp: 0x8080, fp: 0, link: 0x1200 });
    assert.equal(
      trace.frames.map((frame) => [frame.pc, frame.sp]),
      [
        [0n, 0x8080n],
        [0x1200n, 0x8080n],
      ],
    );
  });
}

/** A function whose CIE says CFA = sp, and nothing of the return address. */
function leaf({ sp, link }: UnwindMachine, instructions: number[] = []): Fde {
  const cie = {
    codeAlign: 4n,
    dataAlign: -8n,
    returnColumn: link ?? 0,
    signalFrame: false,
    encoding: 0,
    sized: true,
    instructions: Uint8Array.of(0x0c, sp, 0),
  };
  return { cie, start: 0x1000n, end: 0x2000n, instructions: Uint8Array.from(instructions) };
}

for (const machine of [ARM, RISCV]) {
  const registers = Array.from({ length: machine.count }, (_, i) => BigInt(0x1000 + i));
  const link = machine.link ?? 0;
  const at = (instructions: number[], values = registers) =>
    stepByCfi(leaf(machine, instructions), 0x1004n, values, () => null, machine);

  test(`${machine.name}: a function that calls none returns to the link register`, () => {
    const caller = at([]);
    assert.is(caller?.[machine.pc], registers[link]);
    assert.is(caller?.[machine.sp], registers[machine.sp]);
  });

  test(`${machine.name}: an undefined return address is the outermost frame`, () => {
    assert.is(at([0x07, link]), null);
  });
}

test('aarch64: a signed return address loses its signature', () => {
  const registers = Array.from({ length: ARM.count }, () => 0n);
  registers[30] = 0x00b5_5500_0000_0734n;
  const caller = stepByCfi(leaf(ARM, [0x2d]), 0x1004n, registers, () => null, ARM);
  assert.is(caller?.[32], 0x5500_0000_0734n);
});

test.run();
