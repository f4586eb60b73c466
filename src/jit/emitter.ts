// A function's body as it is written: instructions of wasm, labels by what they stand for, and the registers
// of the hart in locals. Locals are numbered once for all; those of registers that are not used cost nothing.
import { HART_F, HART_PC, HART_SINK } from '../../assembly/abi/cpu.js';
import type { Loop } from './flow.js';
import * as wasm from './wasm.js';

/** The parameters of a region: fuel, address of its page, salt of the address space, its entry, the space. */
export const LEFT = 0;
export const PAGE = 1;
export const SALT = 2;
export const ENTRY = 3;
export const MM = 4;
export const REGION: wasm.Signature = {
  params: [wasm.I32, wasm.I64, wasm.I64, wasm.I32, wasm.I32],
  result: wasm.I32,
};
/** Scratch. */
export const AT = 5;
export const VALUE = 6;
export const PC = 7;
export const ADDR = 8;
export const KEY = 9;
export const NUMBER = 10;
const FIRST_X = 11;
const FIRST_F = FIRST_X + 32;
/** Groups of locals behind the parameters: how many, of which type. */
const LOCALS = [
  [2, wasm.I32],
  [3, wasm.I64],
  [1, wasm.F64],
  [32, wasm.I64],
  [32, wasm.F64],
] as const;

/** What can be branched to: a block or loop that comes, the loop around, a way out, or nothing of interest. */
type Label =
  | { readonly kind: 'item'; readonly first: number; readonly last: number }
  | { readonly kind: 'loop'; readonly loop: Loop }
  | { readonly kind: 'exit' | 'leave' | 'other' };

/** The offset in the page in the low bits, the fuel to be given back above. */
const REFUND_SHIFT = 13;
const OFFSET_MASK = 2 ** REFUND_SHIFT - 1;

export class Emitter {
  readonly labels: Label[] = [];
  private readonly body = new wasm.Bytes();
  private readonly hart: number;
  /**
   * Whether each write to a register goes to memory as well, so that entering and leaving cost nothing. Otherwise
   * registers are loaded when the region is entered and stored when it is left.
   */
  readonly through: boolean;
  /** Registers whose locals hold their values here, where writes go through. */
  private known = new Set<number>();
  private readonly used = new Set<number>();
  private readonly written = new Set<number>();

  /** @param hart where the register file lies in linear memory */
  constructor(hart: number, through: boolean) {
    this.hart = hart;
    this.through = through;
  }

  /** Opcodes that take nothing but operands. */
  op(...opcodes: number[]): void {
    for (const opcode of opcodes) this.body.byte(opcode);
  }

  get(local: number): void {
    this.body.byte(wasm.LOCAL_GET);
    this.body.unsigned(local);
  }

  set(local: number): void {
    this.body.byte(wasm.LOCAL_SET);
    this.body.unsigned(local);
  }

  tee(local: number): void {
    this.body.byte(wasm.LOCAL_TEE);
    this.body.unsigned(local);
  }

  i32(value: number): void {
    this.body.byte(wasm.I32_CONST);
    this.body.signed(value | 0);
  }

  i64(value: number): void {
    this.body.byte(wasm.I64_CONST);
    this.body.signed(value);
  }

  f64(value: number): void {
    this.body.byte(wasm.F64_CONST);
    this.body.double(value);
  }

  /** A load or store: the address is on the stack, and for a store the value behind it. */
  access(opcode: number, offset = 0): void {
    this.body.append(Uint8Array.of(opcode, 0));
    this.body.unsigned(offset);
  }

  call(index: number): void {
    this.body.byte(wasm.CALL);
    this.body.unsigned(index);
  }

  open(opcode: number, label: Label = { kind: 'other' }, type: number = wasm.VOID): void {
    this.body.append(Uint8Array.of(opcode, type));
    this.labels.push(label);
  }

  close(): void {
    this.body.byte(wasm.END);
    this.labels.pop();
  }

  /** How many labels an open one lies outside of. */
  depth(index: number): number {
    return this.labels.length - 1 - index;
  }

  branch(opcode: number, index: number): void {
    this.body.byte(opcode);
    this.body.unsigned(this.depth(index));
  }

  /** Depths by what is on the stack; the last for all else. */
  table(indexes: readonly number[]): void {
    this.body.byte(wasm.BR_TABLE);
    this.body.unsigned(indexes.length - 1);
    for (const index of indexes) this.body.unsigned(this.depth(index));
  }

  labelOf(kind: Label['kind']): number {
    return this.labels.findIndex((label) => label.kind === kind);
  }

  private local(place: number): number {
    this.used.add(place);
    return place < HART_F ? FIRST_X + (place >> 3) : FIRST_F + ((place - HART_F) >> 3);
  }

  /** Reads the register at a place of the file. */
  read(place: number): void {
    if (place === 0) return this.i64(0);
    this.touch(place);
    this.get(this.local(place));
  }

  /** Has its local hold the value of a register: before some way only reads it. */
  touch(place: number): void {
    if (!this.through || place === 0 || this.known.has(place)) return;
    this.load(place);
    this.known.add(place);
  }

  /** What is known where ways meet: the registers given alone. */
  meet(known: Iterable<number>): void {
    this.known = new Set(known);
  }

  /** Has the register at a place be what is on the stack. */
  write(place: number): void {
    if (place === HART_SINK) return this.op(wasm.DROP);
    this.written.add(place);
    this.set(this.local(place));
    this.known.add(place);
    if (this.through) this.store(place);
  }

  /** Stores a register where the core looks for it. */
  spill(place: number): void {
    if (place !== 0 && !this.through) this.store(place);
  }

  private store(place: number): void {
    this.i32(0);
    this.get(this.local(place));
    this.access(place < HART_F ? wasm.I64_STORE : wasm.F64_STORE, this.hart + place);
  }

  /** Takes one that the core has changed. */
  reload(place: number): void {
    if (place === HART_SINK) return;
    this.written.add(place);
    this.known.add(place);
    this.load(place);
  }

  private load(place: number): void {
    this.i32(0);
    this.access(place < HART_F ? wasm.I64_LOAD : wasm.F64_LOAD, this.hart + place);
    this.set(this.local(place));
  }

  /** A word of the register file. */
  field(at: number): void {
    this.i32(0);
    this.access(wasm.I32_LOAD, this.hart + at);
  }

  /** Leaves to the interpreter at an offset of the page, with what was paid for and is not done. */
  leave(offset: number, refund: number): void {
    this.i32(offset | (refund << REFUND_SHIFT));
    this.branch(wasm.BR, this.labelOf('leave'));
  }

  /** Leaves to the address in PC. */
  exit(): void {
    this.branch(wasm.BR, this.labelOf('exit'));
  }

  /** The body of a function that is no region. @param locals counts and types */
  plain(locals: readonly number[], write: () => void): Uint8Array {
    this.body.append(Uint8Array.of(locals.length >> 1, ...locals));
    write();
    this.op(wasm.END);
    return this.body.view;
  }

  /** The whole body: registers into locals, what `write` writes, and back. */
  function(write: () => void): Uint8Array {
    this.open(wasm.BLOCK, { kind: 'exit' });
    this.open(wasm.BLOCK, { kind: 'leave' }, wasm.I32);
    write();
    this.op(wasm.UNREACHABLE);
    this.close();
    this.tee(VALUE);
    this.i32(OFFSET_MASK);
    this.op(wasm.I32_AND, wasm.I64_EXTEND_I32_U);
    this.get(PAGE);
    this.op(wasm.I64_ADD);
    this.set(PC);
    this.get(VALUE);
    this.i32(REFUND_SHIFT);
    this.op(wasm.I32_SHR_U);
    this.get(LEFT);
    this.op(wasm.I32_ADD);
    this.set(LEFT);
    this.close();
    for (const place of this.written) this.spill(place);
    this.i32(0);
    this.get(PC);
    this.access(wasm.I64_STORE, this.hart + HART_PC);
    this.get(LEFT);
    this.op(wasm.END);
    const after = this.body.view.slice();
    this.body.length = 0;
    this.body.unsigned(LOCALS.length);
    for (const [count, type] of LOCALS) this.op(count, type);
    if (!this.through) for (const place of this.used) this.load(place);
    this.body.append(after);
    return this.body.view;
  }
}
