import { Cursor, CfiError } from './cursor.js';
import type { ReadMemory } from './memory.js';
import { readWord } from './memory.js';
import type { Registers } from './registers.js';

/** Operations executed at most: PLT expressions need a dozen, none in a real program needs 1000. */
const MAX_STEPS = 1000;
const MAX_STACK = 64;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const i64 = (value: bigint): bigint => BigInt.asIntN(64, value);

/** What an expression may look at. */
export interface ExpressionContext {
  readonly read: ReadMemory;
  readonly registers: Registers;
}

/**
 * Evaluates a DWARF expression of call-frame information.
 *
 * @param initial what is on the stack before: the CFA, or nothing
 * @throws {CfiError} an operation is unknown, its operand is missing, or memory is unreadable
 * @see DWARF 4, section 2.5
 */
export function evaluate(
  code: Uint8Array,
  context: ExpressionContext,
  initial: readonly bigint[],
): bigint {
  const cursor = new Cursor(code, 0n);
  const stack = new Stack(initial);
  for (let steps = 0; !cursor.atEnd; steps++) {
    if (steps === MAX_STEPS) throw new CfiError('an expression does not end');
    operate(cursor.u8(), cursor, stack, context);
  }
  return stack.pop();
}

class Stack {
  readonly #values: bigint[];

  constructor(initial: readonly bigint[]) {
    this.#values = [...initial];
  }

  push(value: bigint): void {
    if (this.#values.length >= MAX_STACK) throw new CfiError('an expression overflows its stack');
    this.#values.push(u64(value));
  }

  pop(): bigint {
    const value = this.#values.pop();
    if (value === undefined) throw new CfiError('an expression finds its stack empty');
    return value;
  }

  /** The value `depth` below the top. */
  pick(depth: number): bigint {
    const value = this.#values.at(-1 - depth);
    if (value === undefined) throw new CfiError('an expression picks below its stack');
    return value;
  }
}

function operate(op: number, cursor: Cursor, stack: Stack, context: ExpressionContext): void {
  if (op >= 0x30 && op <= 0x4f) return stack.push(BigInt(op - 0x30)); // DW_OP_lit0-31
  if (op >= 0x70 && op <= 0x8f) return stack.push(register(context, op - 0x70) + cursor.sleb());
  if (op === 0x92) return stack.push(register(context, cursor.count()) + cursor.sleb());
  if (op >= 0x08 && op <= 0x11) return stack.push(constant(op, cursor));
  if (op >= 0x12 && op <= 0x17) return shuffle(op, cursor, stack);
  if (op === 0x28 || op === 0x2f) return branch(op, cursor, stack);
  switch (op) {
    case 0x03: // DW_OP_addr
      return stack.push(cursor.u64());
    case 0x06: // DW_OP_deref
      return stack.push(load(context, stack.pop(), 8));
    case 0x94: // DW_OP_deref_size
      return stack.push(load(context, stack.pop(), cursor.u8()));
    case 0x96: // DW_OP_nop
      return;
    case 0x23: // DW_OP_plus_uconst
      return stack.push(stack.pop() + cursor.uleb());
    case 0x19: // DW_OP_abs
      return stack.push(absolute(i64(stack.pop())));
    case 0x1f: // DW_OP_neg
      return stack.push(-stack.pop());
    case 0x20: // DW_OP_not
      return stack.push(~stack.pop());
    default: {
      const right = stack.pop();
      return stack.push(combine(op, stack.pop(), right));
    }
  }
}

function constant(op: number, cursor: Cursor): bigint {
  if (op === 0x10) return cursor.uleb();
  if (op === 0x11) return cursor.sleb();
  // const1u const1s const2u const2s const4u const4s const8u const8s
  return cursor.fixed(1 << ((op - 0x08) >> 1), (op & 1) === 1);
}

function shuffle(op: number, cursor: Cursor, stack: Stack): void {
  if (op === 0x12) return stack.push(stack.pick(0)); // DW_OP_dup
  if (op === 0x14) return stack.push(stack.pick(1)); // DW_OP_over
  if (op === 0x15) return stack.push(stack.pick(cursor.u8()));
  const top = stack.pop();
  if (op === 0x13) return; // DW_OP_drop
  const second = stack.pop();
  if (op === 0x16) {
    stack.push(top); // DW_OP_swap
    return stack.push(second);
  }
  const third = stack.pop(); // DW_OP_rot: the top goes below the other two
  stack.push(top);
  stack.push(third);
  stack.push(second);
}

function branch(op: number, cursor: Cursor, stack: Stack): void {
  const distance = Number(cursor.fixed(2, true));
  if (op === 0x28 && stack.pop() === 0n) return; // DW_OP_bra falls through on zero
  const target = cursor.position + distance;
  if (target < 0 || target > cursor.bytes.length) throw new CfiError('an expression jumps away');
  cursor.position = target;
}

function combine(op: number, left: bigint, right: bigint): bigint {
  switch (op) {
    case 0x1a:
      return left & right;
    case 0x1b:
      return i64(left) / nonZero(i64(right));
    case 0x1c:
      return left - right;
    case 0x1d:
      return left % nonZero(right);
    case 0x1e:
      return left * right;
    case 0x21:
      return left | right;
    case 0x22:
      return left + right;
    case 0x24:
      return right > 63n ? 0n : left << right;
    case 0x25:
      return right > 63n ? 0n : left >> right;
    case 0x26:
      return i64(left) >> (right > 63n ? 63n : right);
    case 0x27:
      return left ^ right;
    case 0x29:
      return BigInt(left === right);
    case 0x2a:
      return BigInt(i64(left) >= i64(right));
    case 0x2b:
      return BigInt(i64(left) > i64(right));
    case 0x2c:
      return BigInt(i64(left) <= i64(right));
    case 0x2d:
      return BigInt(i64(left) < i64(right));
    case 0x2e:
      return BigInt(left !== right);
    default:
      throw new CfiError(`expression operation 0x${op.toString(16)} is unknown`);
  }
}

function register(context: ExpressionContext, number: number): bigint {
  const value = context.registers[number];
  if (value === undefined || value === null) throw new CfiError(`register ${number} is not known`);
  return value;
}

function load(context: ExpressionContext, addr: bigint, bytes: number): bigint {
  if (bytes !== 1 && bytes !== 2 && bytes !== 4 && bytes !== 8) {
    throw new CfiError(`an expression loads ${bytes} bytes`);
  }
  const value = readWord(context.read, addr, bytes);
  if (value === null) throw new CfiError('an expression reads unreadable memory');
  return value;
}

function nonZero(value: bigint): bigint {
  if (value === 0n) throw new CfiError('an expression divides by zero');
  return value;
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
