import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { suite } from 'uvu';

import { CfiError } from '../../src/unwind/cursor.js';
import { evaluate } from '../../src/unwind/expression.js';

const test = suite('unwind/expression');

const registers = Array.from({ length: 17 }, (_, i) => (i === 2 ? null : BigInt(i * 0x100)));
const read = (addr: number, length: number): Uint8Array | null =>
  addr < 0x10000 ? Uint8Array.from({ length }, (_, i) => (addr + i) & 0xff) : null;
const run = (code: number[], initial: bigint[] = []): bigint =>
  evaluate(Uint8Array.from(code), { read, registers }, initial);

const lit = (n: number): number => 0x30 + n;
const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);

const rows: [string, number[], bigint][] = [
  ['DW_OP_addr', [0x03, 1, 2, 0, 0, 0, 0, 0, 0], 0x201n],
  ['DW_OP_deref', [lit(16), 0x06], 0x1716151413121110n],
  ['DW_OP_deref_size', [lit(16), 0x94, 2], 0x1110n],
  ['DW_OP_const1u', [0x08, 0xff], 0xffn],
  ['DW_OP_const1s', [0x09, 0xff], u64(-1n)],
  ['DW_OP_const2u', [0x0a, 0xff, 0xff], 0xffffn],
  ['DW_OP_const2s', [0x0b, 0xff, 0xff], u64(-1n)],
  ['DW_OP_const4s', [0x0d, 0xfe, 0xff, 0xff, 0xff], u64(-2n)],
  ['DW_OP_const8u', [0x0e, 1, 0, 0, 0, 0, 0, 0, 0x80], 0x8000000000000001n],
  ['DW_OP_constu', [0x10, 0x80, 0x01], 128n],
  ['DW_OP_consts', [0x11, 0x7f], u64(-1n)],
  ['DW_OP_dup', [lit(3), 0x12, 0x22], 6n],
  ['DW_OP_drop', [lit(3), lit(4), 0x13], 3n],
  ['DW_OP_over', [lit(3), lit(4), 0x14], 3n],
  ['DW_OP_pick', [lit(3), lit(4), lit(5), 0x15, 2], 3n],
  ['DW_OP_swap', [lit(3), lit(4), 0x16, 0x1c], 1n],
  ['DW_OP_rot', [lit(1), lit(2), lit(3), 0x17], 2n],
  ['DW_OP_abs', [0x09, 0xfd, 0x19], 3n],
  ['DW_OP_and', [lit(12), lit(10), 0x1a], 8n],
  ['DW_OP_div', [0x09, 0xf8, lit(2), 0x1b], u64(-4n)],
  ['DW_OP_minus', [lit(2), lit(3), 0x1c], u64(-1n)],
  ['DW_OP_mod', [lit(17), lit(5), 0x1d], 2n],
  ['DW_OP_mul', [lit(17), lit(5), 0x1e], 85n],
  ['DW_OP_neg', [lit(1), 0x1f], u64(-1n)],
  ['DW_OP_not', [lit(0), 0x20], u64(-1n)],
  ['DW_OP_or', [lit(12), lit(10), 0x21], 14n],
  ['DW_OP_plus', [lit(12), lit(10), 0x22], 22n],
  ['DW_OP_plus_uconst', [lit(1), 0x23, 0x80, 0x01], 129n],
  ['DW_OP_shl', [lit(3), lit(4), 0x24], 48n],
  ['DW_OP_shl by 64', [lit(3), 0x08, 64, 0x24], 0n],
  ['DW_OP_shr', [0x09, 0xff, 0x08, 60, 0x25], 15n],
  ['DW_OP_shra', [0x09, 0xf0, lit(2), 0x26], u64(-4n)],
  ['DW_OP_xor', [lit(12), lit(10), 0x27], 6n],
  ['DW_OP_bra taken', [lit(1), 0x28, 1, 0, lit(7), lit(9)], 9n],
  ['DW_OP_bra not taken', [lit(5), lit(0), 0x28, 1, 0, lit(7)], 7n],
  ['DW_OP_eq', [lit(3), lit(3), 0x29], 1n],
  ['DW_OP_ge is signed', [0x09, 0xff, lit(0), 0x2a], 0n],
  ['DW_OP_gt', [lit(3), lit(2), 0x2b], 1n],
  ['DW_OP_le', [lit(3), lit(2), 0x2c], 0n],
  ['DW_OP_lt is signed', [0x09, 0xff, lit(0), 0x2d], 1n],
  ['DW_OP_ne', [lit(3), lit(2), 0x2e], 1n],
  ['DW_OP_skip', [lit(5), 0x2f, 1, 0, lit(7)], 5n],
  ['DW_OP_breg7', [0x77, 0x08], 0x708n],
  ['DW_OP_breg7 below', [0x77, 0x78], 0x6f8n],
  ['DW_OP_bregx', [0x92, 6, 0x08], 0x608n],
  ['DW_OP_nop', [lit(5), 0x96], 5n],
  // .plt: CFA = rsp + 8 + ((rip & 15) >= 11) * 8, as ld writes it
  ['a PLT', [0x77, 8, 0x80, 0, lit(15), 0x1a, lit(11), 0x2a, lit(3), 0x24, 0x22], 0x708n],
];
for (const [name, code, expected] of rows) {
  test(name, () => assert.is(run(code), expected));
}

test('the CFA is on the stack first', () => assert.is(run([0x23, 8], [0x100n]), 0x108n));

const wrong: [string, number[]][] = [
  ['an unknown operation', [lit(1), lit(1), 0xe0]],
  ['an empty expression', []],
  ['too few operands', [lit(1), 0x22]],
  ['a missing operand', [0x08]],
  ['an unknown register', [0x72, 0]],
  ['a register beyond all', [0x92, 60, 0]],
  ['unreadable memory', [0x0c, 0, 0, 0x10, 0, 0x06]],
  ['a load of 3 bytes', [lit(1), 0x94, 3]],
  ['a division by zero', [lit(1), lit(0), 0x1b]],
  ['an endless loop', [0x2f, 0xfd, 0xff]],
  ['a jump away', [0x2f, 0x00, 0x80]],
  ['a stack without end', [lit(1), 0x12, 0x2f, 0xfc, 0xff]],
];
for (const [name, code] of wrong) {
  test(`${name} is a CfiError`, () => {
    assert.throws(
      () => run(code),
      (error: unknown) => error instanceof CfiError,
    );
  });
}

test('random expressions end, with a number or a CfiError', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(255), { maxLength: 40 }), (code) => {
      try {
        assert.is(typeof run(code, [0x100n]), 'bigint');
      } catch (error) {
        assert.instance(error, CfiError);
      }
    }),
    { numRuns: 20000 },
  );
});

test.run();
