// Floating point in a region: wasm's own operation where rounding is to nearest, inexact has been raised already
// and the result is comfortably normal, as in assembly/cpu/float.ts; what changes no flag; and a call of the core
// for the rest, its operands where the interpreter has them.
import { FLAG_NX, HART_F, HART_FCSR, HART_SINK, HART_X } from '../../assembly/abi/cpu.js';
import * as op from '../../assembly/abi/uop.js';
import type { Insn } from './code-page.js';
import { type Emitter, NUMBER } from './emitter.js';
import * as wasm from './wasm.js';

/** The numbers of imported functions. */
export interface FloatPlaces {
  readonly arithmetic: number;
  readonly float: number;
}

/** Twice the smallest normal double, and what is above all finite ones. */
const NORMAL = 2 ** -1021;

/** Emits an instruction of F or D. */
export function floatInsn(out: Emitter, insn: Insn, places: FloatPlaces, unpaid: number): void {
  const { number } = insn;
  if (number <= op.UOP_FDIV_D) return doubles(out, insn, places, unpaid);
  if (number < op.UOP_FLOAT) return called(out, insn, places.arithmetic, insn.target, unpaid);
  const raw = rawInsn(insn);
  if (quiet(out, raw)) return;
  const call = (): void => called(out, { ...insn, ...raw }, places.float, raw.target, unpaid);
  if (raw.wide && raw.kind === COMPARE && raw.f3 < 3) compare(out, raw, call);
  else call();
}

/** fle.d, flt.d, feq.d: of two numbers; where one is none a flag may be raised. */
function compare(out: Emitter, { a, b, f3, target }: Raw, call: () => void): void {
  for (const place of [a, b]) {
    out.read(place);
    out.read(place);
    out.op(wasm.F64_EQ);
  }
  out.op(wasm.I32_AND);
  out.open(wasm.IF);
  out.read(a);
  out.read(b);
  out.op(COMPARISONS[f3] as number, wasm.I64_EXTEND_I32_U);
  out.write(target);
  out.op(wasm.ELSE);
  call();
  out.close();
}

/** By funct3. */
const COMPARISONS: readonly number[] = [wasm.F64_LE, wasm.F64_LT, wasm.F64_EQ];

/** Calls the core for an instruction; one that is illegal is the interpreter's. */
function called(out: Emitter, insn: Insn, call: number, target: number, unpaid: number): void {
  for (const place of operandsOf(insn)) out.spill(place);
  out.i32(insn.up);
  out.call(call);
  out.op(wasm.I32_EQZ);
  out.open(wasm.IF);
  out.leave(insn.offset, unpaid);
  out.close();
  out.reload(target);
}

function operandsOf({ number, a, b, c }: Insn): number[] {
  return number === op.UOP_FMADD_D || number === op.UOP_FMADD_S ? [a, b, c] : [a, b];
}

/** The places of the registers that an instruction reads, and perhaps one more. */
export function readsOf(insn: Insn): number[] {
  return operandsOf(insn.number === op.UOP_FLOAT ? { ...insn, ...rawInsn(insn) } : insn);
}

/** fadd.d to fdiv.d; `c` is what of fcsr must be the flag NX alone. */
function doubles(out: Emitter, insn: Insn, places: FloatPlaces, unpaid: number): void {
  out.read(insn.a);
  out.read(insn.b);
  out.op(wasm.F64_ADD + (insn.number - op.UOP_FADD_D));
  out.tee(NUMBER);
  out.op(wasm.F64_ABS);
  out.f64(NORMAL);
  out.op(wasm.F64_GE);
  out.get(NUMBER);
  out.op(wasm.F64_ABS);
  out.f64(Infinity);
  out.op(wasm.F64_LT, wasm.I32_AND);
  out.field(HART_FCSR);
  out.i32(insn.c);
  out.op(wasm.I32_AND);
  out.i32(FLAG_NX);
  out.op(wasm.I32_EQ, wasm.I32_AND);
  out.open(wasm.IF);
  out.get(NUMBER);
  out.write(insn.target);
  out.op(wasm.ELSE);
  called(out, insn, places.arithmetic, insn.target, unpaid);
  out.close();
}

/** The fields of an instruction that is executed from its own bits, and its registers. */
interface Raw {
  readonly wide: boolean;
  readonly kind: number;
  readonly f3: number;
  readonly rs2: number;
  readonly target: number;
  readonly a: number;
  readonly b: number;
}

const COMPARE = 20;
const TO_INTEGER = 24;
const FROM_INTEGER = 26;
const MOVE_TO_X = 28;
const MOVE_FROM_X = 30;
const SIGN = 4;

const xPlace = (register: number): number => HART_X + 8 * register;
const fPlace = (register: number): number => HART_F + 8 * register;

function rawInsn({ imm }: Insn): Raw {
  const kind = imm >>> 27;
  const rd = (imm >>> 7) & 31;
  const rs1 = (imm >>> 15) & 31;
  const rs2 = (imm >>> 20) & 31;
  const toX = kind === COMPARE || kind === TO_INTEGER || kind === MOVE_TO_X;
  const fromX = kind === FROM_INTEGER || kind === MOVE_FROM_X;
  return {
    wide: ((imm >>> 25) & 3) === 1,
    kind,
    f3: (imm >>> 12) & 7,
    rs2,
    target: toX ? (rd === 0 ? HART_SINK : xPlace(rd)) : fPlace(rd),
    a: fromX ? xPlace(rs1) : fPlace(rs1),
    b: fPlace(rs2),
  };
}

/** What can raise no flag, in wasm's own operations; false for all else. */
function quiet(out: Emitter, raw: Raw): boolean {
  const { wide, kind, f3, rs2, target, a, b } = raw;
  if (!wide) return false;
  if (kind === SIGN && f3 === 2 && a === b) {
    out.read(a);
    out.op(wasm.F64_ABS);
  } else if (kind === SIGN && f3 < 2) {
    out.read(a);
    out.read(b);
    if (f3 === 1) out.op(wasm.F64_NEG);
    out.op(wasm.F64_COPYSIGN);
  } else if (kind === MOVE_TO_X && f3 === 0 && rs2 === 0) {
    out.read(a);
    out.op(wasm.I64_REINTERPRET_F64);
  } else if (kind === MOVE_FROM_X && f3 === 0 && rs2 === 0) {
    out.read(a);
    out.op(wasm.F64_REINTERPRET_I64);
  } else if (kind === FROM_INTEGER && rs2 === 0 && f3 < 5) {
    out.read(a);
    out.op(wasm.I32_WRAP_I64, wasm.F64_CONVERT_I32_S);
  } else {
    return false;
  }
  out.write(target);
  return true;
}
