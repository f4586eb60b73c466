import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { runCfaProgram } from '../../src/unwind/cfa-program.js';
import { stepByCfi } from '../../src/unwind/cfi-step.js';
import { CfiError } from '../../src/unwind/cursor.js';
import type { Fde } from '../../src/unwind/eh-frame.js';
import type { ReadMemory } from '../../src/unwind/memory.js';
import { RBP, RIP, RSP } from '../../src/unwind/registers.js';

const test = suite('unwind/cfi');

/** A function at 0x1000 whose CIE says CFA = rsp + 8, return address at CFA - 8. */
function functionOf(instructions: number[], initial = [0x0c, 7, 8, 0x90, 1]): Fde {
  const cie = {
    codeAlign: 1n,
    dataAlign: -8n,
    returnColumn: RIP,
    signalFrame: false,
    encoding: 0,
    sized: true,
    instructions: Uint8Array.from(initial),
  };
  return { cie, start: 0x1000n, end: 0x2000n, instructions: Uint8Array.from(instructions) };
}

const cfaAt = (instructions: number[], pc: bigint): unknown =>
  runCfaProgram(functionOf(instructions), pc).cfa;
const ruleOf = (instructions: number[], column: number): unknown =>
  runCfaProgram(functionOf(instructions), 0x1fffn).registers.get(column);

const byRegister = (register: number, offset: bigint) => ({ kind: 'register', register, offset });

const advances: [string, number[]][] = [
  ['DW_CFA_advance_loc', [0x41]],
  ['DW_CFA_set_loc', [0x01, 0x01, 0x10, 0, 0, 0, 0, 0, 0]],
  ['DW_CFA_advance_loc1', [0x02, 1]],
  ['DW_CFA_advance_loc2', [0x03, 1, 0]],
  ['DW_CFA_advance_loc4', [0x04, 1, 0, 0, 0]],
];
for (const [name, advance] of advances) {
  test(`${name}: a row begins at its address, not before`, () => {
    const program = [...advance, 0x0e, 16];
    assert.equal(cfaAt(program, 0x1000n), byRegister(RSP, 8n));
    assert.equal(cfaAt(program, 0x1001n), byRegister(RSP, 16n));
    assert.equal(cfaAt(program, 0x1fffn), byRegister(RSP, 16n));
  });
}

const cfaRows: [string, number[], unknown][] = [
  ['DW_CFA_def_cfa', [0x0c, 6, 16], byRegister(RBP, 16n)],
  ['DW_CFA_def_cfa_register', [0x0d, 6], byRegister(RBP, 8n)],
  ['DW_CFA_def_cfa_offset', [0x0e, 0x80, 0x01], byRegister(RSP, 128n)],
  ['DW_CFA_def_cfa_sf', [0x12, 6, 0x7e], byRegister(RBP, 16n)],
  ['DW_CFA_def_cfa_offset_sf', [0x13, 0x7d], byRegister(RSP, 24n)],
  ['DW_CFA_def_cfa_expression', [0x0f, 1, 0x30], { kind: 'expression', code: Uint8Array.of(0x30) }],
  ['remember and restore', [0x0a, 0x0e, 64, 0x0b], byRegister(RSP, 8n)],
  ['DW_CFA_nop and DW_CFA_GNU_args_size', [0, 0x2e, 4], byRegister(RSP, 8n)],
];
for (const [name, program, expected] of cfaRows) {
  test(`${name} sets the CFA`, () => assert.equal(cfaAt(program, 0x1fffn), expected));
}

const code = Uint8Array.of(0x31);
const ruleRows: [string, number[], unknown][] = [
  ['DW_CFA_offset', [0x83, 2], { kind: 'offset', offset: -16n }],
  ['DW_CFA_offset_extended', [0x05, 3, 2], { kind: 'offset', offset: -16n }],
  ['DW_CFA_offset_extended_sf', [0x11, 3, 0x7e], { kind: 'offset', offset: 16n }],
  ['DW_CFA_GNU_negative_offset_extended', [0x2f, 3, 2], { kind: 'offset', offset: 16n }],
  ['DW_CFA_val_offset', [0x14, 3, 2], { kind: 'valOffset', offset: -16n }],
  ['DW_CFA_val_offset_sf', [0x15, 3, 0x7e], { kind: 'valOffset', offset: 16n }],
  ['DW_CFA_register', [0x09, 3, 12], { kind: 'register', register: 12 }],
  ['DW_CFA_undefined', [0x07, 3], { kind: 'undefined' }],
  ['DW_CFA_same_value', [0x08, 3], { kind: 'same' }],
  ['DW_CFA_expression', [0x10, 3, 1, 0x31], { kind: 'expression', code }],
  ['DW_CFA_val_expression', [0x16, 3, 1, 0x31], { kind: 'valExpression', code }],
  ['DW_CFA_restore', [0x83, 2, 0xc3], undefined],
  ['DW_CFA_restore_extended', [0x83, 2, 0x06, 3], undefined],
];
for (const [name, program, expected] of ruleRows) {
  test(`${name} sets a register's rule`, () => assert.equal(ruleOf(program, 3), expected));
}

test('restore goes back to the rule of the CIE', () => {
  assert.equal(ruleOf([0x07, 16, 0xd0], 16), { kind: 'offset', offset: -8n });
});

const malformed: [string, number[]][] = [
  ['an unknown instruction', [0x3f]],
  ['a missing operand', [0x0e]],
  ['a number that never ends', [0x0e, ...Array<number>(11).fill(0x80)]],
  ['a register that does not exist', [0x07, 0x80, 0x7f]],
  ['a restore without a remember', [0x0b]],
  ['an endless remember', Array<number>(100).fill(0x0a)],
  ['an offset of an expression', [0x0f, 1, 0x30, 0x0e, 8]],
  ['an expression longer than the program', [0x0f, 9, 0x30]],
];
for (const [name, program] of malformed) {
  test(`${name} is a CfiError`, () => {
    assert.throws(
      () => cfaAt(program, 0x1fffn),
      (error: unknown) => error instanceof CfiError,
    );
  });
}

/** Memory whose word at each address is the address plus one. */
const read: ReadMemory = (addr, length) => {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(addr + 1), true);
  return bytes;
};
const registers = Array.from({ length: 17 }, (_, i) => BigInt(i * 0x100));
const step = (program: number[]) => stepByCfi(functionOf(program), 0x1fffn, registers, read);

test('a call pops its return address', () => {
  const caller = step([]);
  assert.is(caller?.[RSP], 0x708n);
  assert.is(caller?.[RIP], 0x701n);
  assert.is(caller?.[RBP], 0x600n);
});

const stepRows: [string, number[], number, bigint | null][] = [
  ['offset: M[CFA + N]', [0x86, 2], RBP, 0x6f9n],
  ['valOffset: CFA + N', [0x14, 6, 2], RBP, 0x6f8n],
  ['register: R', [0x09, 6, 12], RBP, 0xc00n],
  ['undefined: unknown', [0x07, 6], RBP, null],
  ['same: reg', [0x08, 6], RBP, 0x600n],
  ['expression: M[E(CFA)]', [0x10, 6, 2, 0x23, 0x10], RBP, 0x719n],
  ['valExpression: E(CFA)', [0x16, 6, 2, 0x23, 0x10], RBP, 0x718n],
  ['CFA by expression', [0x0f, 2, 0x76, 0x08], RSP, 0x608n],
];
for (const [name, program, column, expected] of stepRows) {
  test(name, () => assert.is(step(program)?.[column], expected));
}

test('an undefined return address is the outermost frame', () => assert.is(step([0x07, 16]), null));

test('a saved register that cannot be read is a CfiError', () => {
  const unreadable = () => stepByCfi(functionOf([]), 0x1000n, registers, () => null);
  assert.throws(unreadable, (error: unknown) => error instanceof CfiError);
});

test.run();
