// One instruction that does not jump, as wasm: what assembly/cpu/run.ts does in its arm.
import { HART_SINK } from '../../assembly/abi/cpu.js';
import * as op from '../../assembly/abi/uop.js';
import type { Insn } from './code-page.js';
import { ADDR, AT, type Emitter, KEY, MM, PAGE, SALT, VALUE } from './emitter.js';
import { floatInsn, type FloatPlaces } from './float.js';
import { emitLookup } from './lookup.js';
import * as wasm from './wasm.js';

/** Where things lie in linear memory, and the numbers of imported functions. */
export interface Places extends FloatPlaces {
  readonly hart: number;
  readonly loadRanges: number;
  readonly storeRanges: number;
  readonly place: number;
  /** Of the module's own: LOOKUP. */
  readonly lookup: number;
  readonly mulh: number;
}

/** rd = a op b, of doublewords and of words. */
const REGISTERS = new Map<number, number>([
  [op.UOP_ADD, wasm.I64_ADD],
  [op.UOP_SUB, wasm.I64_SUB],
  [op.UOP_AND, wasm.I64_AND],
  [op.UOP_OR, wasm.I64_OR],
  [op.UOP_XOR, wasm.I64_XOR],
  [op.UOP_SLL, wasm.I64_SHL],
  [op.UOP_SRL, wasm.I64_SHR_U],
  [op.UOP_SRA, wasm.I64_SHR_S],
  [op.UOP_MUL, wasm.I64_MUL],
]);
const WORDS = new Map<number, number>([
  [op.UOP_ADDW, wasm.I32_ADD],
  [op.UOP_SUBW, wasm.I32_SUB],
  [op.UOP_SLLW, wasm.I32_SHL],
  [op.UOP_SRLW, wasm.I32_SHR_U],
  [op.UOP_SRAW, wasm.I32_SHR_S],
  [op.UOP_MULW, wasm.I32_MUL],
]);
/** rd = a op immediate. */
const IMMEDIATES = new Map<number, number>([
  [op.UOP_ADDI, wasm.I64_ADD],
  [op.UOP_ANDI, wasm.I64_AND],
  [op.UOP_ORI, wasm.I64_OR],
  [op.UOP_XORI, wasm.I64_XOR],
  [op.UOP_SLLI, wasm.I64_SHL],
  [op.UOP_SRLI, wasm.I64_SHR_U],
  [op.UOP_SRAI, wasm.I64_SHR_S],
]);
const WORD_IMMEDIATES = new Map<number, number>([
  [op.UOP_ADDIW, wasm.I32_ADD],
  [op.UOP_SLLIW, wasm.I32_SHL],
  [op.UOP_SRLIW, wasm.I32_SHR_U],
  [op.UOP_SRAIW, wasm.I32_SHR_S],
]);
/** Opcode and bytes. */
const LOADS = new Map<number, readonly [number, number]>([
  [op.UOP_LB, [wasm.I64_LOAD8_S, 1]],
  [op.UOP_LBU, [wasm.I64_LOAD8_U, 1]],
  [op.UOP_LH, [wasm.I64_LOAD16_S, 2]],
  [op.UOP_LHU, [wasm.I64_LOAD16_U, 2]],
  [op.UOP_LW, [wasm.I64_LOAD32_S, 4]],
  [op.UOP_LWU, [wasm.I64_LOAD32_U, 4]],
  [op.UOP_LD, [wasm.I64_LOAD, 8]],
  [op.UOP_FLW, [wasm.I64_LOAD32_U, 4]],
  [op.UOP_FLD, [wasm.F64_LOAD, 8]],
]);
const STORES = new Map<number, readonly [number, number]>([
  [op.UOP_SB, [wasm.I64_STORE8, 1]],
  [op.UOP_SH, [wasm.I64_STORE16, 2]],
  [op.UOP_SW, [wasm.I64_STORE32, 4]],
  [op.UOP_SD, [wasm.I64_STORE, 8]],
  [op.UOP_FSW, [wasm.I64_STORE32, 4]],
  [op.UOP_FSD, [wasm.F64_STORE, 8]],
]);
/** Division: opcode, what a zero divisor gives (null: the dividend), whether words, whether it can overflow. */
const DIVISIONS = new Map<number, readonly [number, number | null, boolean, boolean]>([
  [op.UOP_DIV, [wasm.I64_DIV_S, -1, false, true]],
  [op.UOP_DIVU, [wasm.I64_DIV_U, -1, false, false]],
  [op.UOP_REM, [wasm.I64_REM_S, null, false, false]],
  [op.UOP_REMU, [wasm.I64_REM_U, null, false, false]],
  [op.UOP_DIVW, [wasm.I32_DIV_S, -1, true, true]],
  [op.UOP_DIVUW, [wasm.I32_DIV_U, -1, true, false]],
  [op.UOP_REMW, [wasm.I32_REM_S, null, true, false]],
  [op.UOP_REMUW, [wasm.I32_REM_U, null, true, false]],
]);

const NAN_BOX = -(2 ** 32);

export class Translator {
  private readonly out: Emitter;
  private readonly places: Places;

  constructor(out: Emitter, places: Places) {
    this.out = out;
    this.places = places;
  }

  /** @param unpaid instructions that are left of the block, this one included */
  insn(insn: Insn, unpaid: number): void {
    const { number } = insn;
    const load = LOADS.get(number);
    if (load !== undefined) return this.load(insn, load, unpaid);
    const store = STORES.get(number);
    if (store !== undefined) return this.store(insn, store, unpaid);
    if (number >= op.UOP_FADD_D) return floatInsn(this.out, insn, this.places, unpaid);
    if (insn.target !== HART_SINK) this.integer(insn);
  }

  /** Puts the address behind a jump into its link register. */
  link({ offset, target }: Insn, bytes: number): void {
    if (target === HART_SINK) return;
    this.out.get(PAGE);
    this.out.i64(offset + bytes);
    this.out.op(wasm.I64_ADD);
    this.out.write(target);
  }

  private integer(insn: Insn): void {
    const { out } = this;
    const { number, imm, a, b } = insn;
    const both = REGISTERS.get(number);
    const one = IMMEDIATES.get(number);
    if (both !== undefined) {
      out.read(a);
      out.read(b);
      out.op(both);
    } else if (one !== undefined) {
      out.read(a);
      out.i64(imm);
      out.op(one);
    } else if (number >= op.UOP_DIV && number <= op.UOP_REMUW && number !== op.UOP_MULW) {
      this.divide(insn);
    } else if (!this.word(insn)) {
      this.other(insn);
    }
    out.write(insn.target);
  }

  /** Instructions of 32 bits, whose result is sign-extended. */
  private word({ number, imm, a, b }: Insn): boolean {
    const { out } = this;
    const both = WORDS.get(number);
    const one = WORD_IMMEDIATES.get(number);
    if (both === undefined && one === undefined) return false;
    out.read(a);
    out.op(wasm.I32_WRAP_I64);
    if (both !== undefined) {
      out.read(b);
      out.op(wasm.I32_WRAP_I64);
    } else {
      out.i32(imm);
    }
    out.op(both ?? (one as number), wasm.I64_EXTEND_I32_S);
    return true;
  }

  private other({ number, imm, offset, a, b }: Insn): void {
    const { out } = this;
    switch (number) {
      case op.UOP_LI:
        return out.i64(imm);
      case op.UOP_MV:
        return out.read(a);
      case op.UOP_AUIPC:
        out.get(PAGE);
        out.i64(offset + imm);
        return out.op(wasm.I64_ADD);
      case op.UOP_SLT:
      case op.UOP_SLTU:
      case op.UOP_SLTI:
      case op.UOP_SLTIU:
        out.read(a);
        if (number >= op.UOP_SLT) out.read(b);
        else out.i64(imm);
        out.op(number === op.UOP_SLT || number === op.UOP_SLTI ? wasm.I64_LT_S : wasm.I64_LT_U);
        return out.op(wasm.I64_EXTEND_I32_U);
      case op.UOP_MULH:
      case op.UOP_MULHSU:
      case op.UOP_MULHU:
        out.i32(number - op.UOP_MULH);
        out.read(a);
        out.read(b);
        return out.call(this.places.mulh);
      default:
        throw new Error(`no region has micro-operation ${number}`);
    }
  }

  /** Division never traps: assembly/cpu/muldiv.ts. */
  private divide({ number, a, b }: Insn): void {
    const { out } = this;
    const [opcode, byZero, isWord, overflows] = DIVISIONS.get(number) as NonNullable<
      ReturnType<typeof DIVISIONS.get>
    >;
    const type = isWord ? wasm.I32 : wasm.I64;
    const operand = (place: number): void => {
      out.read(place);
      if (isWord) out.op(wasm.I32_WRAP_I64);
    };
    const constant = (value: number): void => (isWord ? out.i32(value) : out.i64(value));
    this.out.touch(a);
    const isEqual = isWord ? wasm.I32_EQ : wasm.I64_EQ;
    operand(b);
    out.op(isWord ? wasm.I32_EQZ : wasm.I64_EQZ);
    out.open(wasm.IF, { kind: 'other' }, type);
    if (byZero === null) operand(a);
    else constant(byZero);
    out.op(wasm.ELSE);
    if (overflows) {
      operand(b);
      constant(-1);
      out.op(isEqual);
      out.open(wasm.IF, { kind: 'other' }, type);
      constant(0);
      operand(a);
      out.op(isWord ? wasm.I32_SUB : wasm.I64_SUB, wasm.ELSE);
    }
    operand(a);
    operand(b);
    out.op(opcode);
    if (overflows) out.close();
    out.close();
    if (isWord) out.op(wasm.I64_EXTEND_I32_S);
  }

  private load(insn: Insn, [opcode, size]: readonly [number, number], unpaid: number): void {
    const { out } = this;
    this.place(insn, size, false, unpaid);
    out.access(opcode);
    if (insn.number === op.UOP_FLW) {
      out.i64(NAN_BOX);
      out.op(wasm.I64_OR, wasm.F64_REINTERPRET_I64);
    }
    out.write(insn.target);
  }

  private store(insn: Insn, [opcode, size]: readonly [number, number], unpaid: number): void {
    const { out } = this;
    this.place(insn, size, true, unpaid);
    out.read(insn.b);
    if (insn.number === op.UOP_FSW) out.op(wasm.I64_REINTERPRET_F64);
    out.access(opcode);
  }

  /** The place of a load or store in linear memory; one that has none is left to the interpreter. */
  private place({ a, imm, offset }: Insn, size: number, write: boolean, unpaid: number): void {
    const { out, places } = this;
    const ranges = write ? places.storeRanges : places.loadRanges;
    out.read(a);
    if (imm !== 0) {
      out.i64(imm);
      out.op(wasm.I64_ADD);
    }
    if (out.through) {
      // Where regions are left all the time, less to compile is worth a call.
      out.get(SALT);
      out.get(MM);
      out.i32(ranges);
      out.i32(size);
      out.i32(write ? 1 : 0);
      out.call(places.lookup);
      return this.checkPlace(offset, unpaid);
    }
    out.set(ADDR);
    emitLookup(out, { addr: ADDR, salt: SALT, key: KEY, at: AT }, ranges, () => {
      out.get(MM);
      out.get(ADDR);
      out.i32(size);
      out.i32(write ? 1 : 0);
      out.call(places.place);
      this.checkPlace(offset, unpaid);
    });
  }

  private checkPlace(offset: number, unpaid: number): void {
    const { out } = this;
    out.tee(VALUE);
    out.op(wasm.I32_EQZ);
    out.open(wasm.IF);
    out.leave(offset, unpaid);
    out.close();
    out.get(VALUE);
  }
}
