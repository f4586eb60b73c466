// Instructions of F and D: operands and results in the registers, rounding modes, NaN boxes.
import { HART_FCSR, RM_DYN, RM_RMM, RM_RTZ } from '../abi/cpu';
import * as op from '../abi/uop';
import * as convert from './convert';
import * as float from './float';
import { quietNan, signBit } from './softfloat';
import { fPlace, hart, Uop, xPlace, xTarget } from './uop';

const BOX: u64 = 0xffffffff00000000;
const BAD_MODE: u32 = 8;

/** The rounding mode of an instruction; BAD_MODE when frm holds none. */
function modeOf(rm: u32): u32 {
  if (rm == RM_DYN) rm = load<u32>(hart, HART_FCSR) >> 5;
  return rm > <u32>RM_RMM ? BAD_MODE : rm;
}

/** A single out of its box; what is in none is a NaN. */
function unbox(bits: u64): u64 {
  return bits >= BOX ? bits & 0xffffffff : quietNan(false);
}

/** fadd to fmadd; false when the rounding mode is none. */
export function arithmetic(up: usize): bool {
  const how = load<u32>(up, 8);
  const rm = modeOf(how & 7);
  if (rm == BAD_MODE) return false;
  // Without the mark of a region (abi/jit.ts).
  const number = <u32>load<u8>(up);
  if (number >= <u32>op.UOP_FADD_S) single(up, number, how >> 3, rm);
  else double(up, number, how >> 3, rm);
  return true;
}

function double(up: usize, number: u32, negations: u32, rm: u32): void {
  const a = Uop.a(up);
  const b = Uop.b(up);
  switch (number) {
    case op.UOP_FADD_D:
      Uop.set(up, float.addD(a, b, rm));
      return;
    case op.UOP_FSUB_D:
      Uop.set(up, float.addD(a, b ^ signBit(true), rm));
      return;
    case op.UOP_FMUL_D:
      Uop.set(up, float.mulD(a, b, rm));
      return;
    case op.UOP_FDIV_D:
      Uop.set(up, float.divD(a, b, rm));
      return;
    default:
      Uop.set(up, float.fuseD(a, b, Uop.c(up), negations, rm));
  }
}

function single(up: usize, number: u32, negations: u32, rm: u32): void {
  const a = unbox(Uop.a(up));
  const b = unbox(Uop.b(up));
  let value: u64 = 0;
  switch (number) {
    case op.UOP_FADD_S:
      value = float.addS(a, b, rm);
      break;
    case op.UOP_FSUB_S:
      value = float.addS(a, b ^ signBit(false), rm);
      break;
    case op.UOP_FMUL_S:
      value = float.mulS(a, b, rm);
      break;
    case op.UOP_FDIV_S:
      value = float.divS(a, b, rm);
      break;
    default:
      value = float.fuseS(a, b, unbox(Uop.c(up)), negations, rm);
  }
  Uop.set(up, BOX | value);
}

function readF(number: u32, wide: bool): u64 {
  const bits = load<u64>(fPlace(number), hart);
  return wide ? bits : unbox(bits);
}

function writeF(number: u32, bits: u64, wide: bool): bool {
  store<u64>(fPlace(number), wide ? bits : BOX | (bits & 0xffffffff), hart);
  return true;
}

function writeX(number: u32, value: u64): bool {
  store<u64>(xTarget(number), value, hart);
  return true;
}

/** Everything else of F and D; false when it is illegal. */
export function floatOther(up: usize): bool {
  const insn = load<u32>(up, 8);
  const wide = (insn & 0x02000000) != 0;
  // The four-bit format has two that are not here: half and quad.
  if (insn & 0x04000000) return false;
  const rd = (insn >> 7) & 31;
  const f3 = (insn >> 12) & 7;
  const rs1 = (insn >> 15) & 31;
  const rs2 = (insn >> 20) & 31;
  switch (insn >> 27) {
    case 4:
      return f3 < 3 && writeF(rd, withSign(readF(rs1, wide), readF(rs2, wide), f3, wide), wide);
    case 5:
      return (
        f3 < 2 &&
        writeF(rd, convert.extreme(readF(rs1, wide), readF(rs2, wide), f3 == 1, wide), wide)
      );
    case 8:
      return changeFormat(rd, rs1, rs2, f3, wide);
    case 11:
      return root(rd, rs1, rs2, f3, wide);
    case 20:
      return f3 < 3 && writeX(rd, convert.compare(readF(rs1, wide), readF(rs2, wide), f3, wide));
    case 24:
      return toInteger(rd, rs1, rs2, f3, wide);
    case 26:
      return fromInteger(rd, rs1, rs2, f3, wide);
    case 28:
      return moveToX(rd, rs1, rs2, f3, wide);
    case 30:
      return f3 == 0 && rs2 == 0 && writeF(rd, load<u64>(xPlace(rs1), hart), wide);
    default:
      return false;
  }
}

/** fsgnj, fsgnjn, fsgnjx. */
function withSign(a: u64, b: u64, how: u32, wide: bool): u64 {
  const sign = signBit(wide);
  if (how == 2) return a ^ (b & sign);
  return (a & ~sign) | ((how == 1 ? ~b : b) & sign);
}

function changeFormat(rd: u32, rs1: u32, from: u32, f3: u32, wide: bool): bool {
  const rm = modeOf(f3);
  if (rm == BAD_MODE || from != (wide ? 0 : 1)) return false;
  return writeF(rd, convert.changeFormat(readF(rs1, !wide), wide, rm), wide);
}

function root(rd: u32, rs1: u32, rs2: u32, f3: u32, wide: bool): bool {
  const rm = modeOf(f3);
  if (rm == BAD_MODE || rs2 != 0) return false;
  const bits = readF(rs1, wide);
  return writeF(rd, wide ? float.sqrtD(bits, rm) : float.sqrtS(bits, rm), wide);
}

function toInteger(rd: u32, rs1: u32, kind: u32, f3: u32, wide: bool): bool {
  const rm = modeOf(f3);
  if (rm == BAD_MODE || kind > 3) return false;
  const bits = readF(rs1, wide);
  if (wide && rm == RM_RTZ) return writeX(rd, convert.truncate(bits, kind));
  return writeX(rd, convert.toInteger(bits, kind, wide, rm));
}

function fromInteger(rd: u32, rs1: u32, kind: u32, f3: u32, wide: bool): bool {
  const rm = modeOf(f3);
  if (rm == BAD_MODE || kind > 3) return false;
  const value = load<u64>(xPlace(rs1), hart);
  // A double holds every word.
  if (wide && kind == 0) return writeF(rd, reinterpret<u64>(<f64>(<i32>value)), true);
  return writeF(rd, convert.fromInteger(value, kind, wide, rm), wide);
}

function moveToX(rd: u32, rs1: u32, rs2: u32, f3: u32, wide: bool): bool {
  if (rs2 != 0 || f3 > 1) return false;
  if (f3 == 1) return writeX(rd, convert.classify(readF(rs1, wide), wide));
  const bits = load<u64>(fPlace(rs1), hart);
  return writeX(rd, wide ? bits : <u64>(<i64>(<i32>bits)));
}
