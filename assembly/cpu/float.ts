// Addition to fused multiply-add, fast: wasm's own operations where they round as asked (to nearest, ties to
// even) and the result is comfortably normal, so that inexact is the only flag that can be; whether it is
// inexact is told by the exact error of the operation (Dekker, Knuth, TwoSum and TwoProduct). The rest is
// softfloat.ts's. Operands and results are bits; a single lies in the low half, its NaN box is the caller's.
import { FLAG_NX, HART_FCSR, RM_RNE } from '../abi/cpu';
import * as soft from './softfloat';
import { hart } from './uop';

/** Twice the smallest normal number, and the distance from there to infinity. */
const NORMAL: u64 = 0x0020000000000000;
const NORMALS: u64 = 0x7ff0000000000000 - NORMAL;
const NORMAL_S: u32 = 0x01000000;
const NORMALS_S: u32 = 0x7f800000 - NORMAL_S;
const EXPONENT: u64 = 0x7ff0000000000000;
const FRACTION: u64 = 0x000fffffffffffff;
const HIDDEN: u64 = 0x0010000000000000;
/** 2^27 + 1, by which Veltkamp cuts a double in halves. */
const SPLITTER: f64 = 134217729.0;

export class Fast {
  @inline
  static isNormal(bits: u64): bool {
    return (bits & 0x7fffffffffffffff) - NORMAL < NORMALS;
  }

  @inline
  static isNormalS(bits: u32): bool {
    return (bits & 0x7fffffff) - NORMAL_S < NORMALS_S;
  }

  /** Nothing is left to find out: inexact has been raised, and stays. */
  @inline
  static knowsInexact(): bool {
    return (load<u32>(hart, HART_FCSR) & FLAG_NX) != 0;
  }

  @inline
  static bits(value: f64): u64 {
    return reinterpret<u64>(value);
  }

  @inline
  static double(bits: u64): f64 {
    return reinterpret<f64>(bits);
  }

  @inline
  static single(bits: u64): f32 {
    return reinterpret<f32>(<u32>bits);
  }

  @inline
  static note(inexact: bool): void {
    if (inexact) soft.raise(FLAG_NX);
  }
}

/** More zeros than there can be: of a number that is not normal. */
const UNKNOWN: u64 = 1000;

/** The zeros below the lowest one of a significand. */
function trailing(bits: u64): u64 {
  if ((bits & EXPONENT) == 0) return UNKNOWN;
  return ctz((bits & FRACTION) | HIDDEN);
}

/** Whether a product of two significands fits 53 bits: 0 no, 1 yes, 2 perhaps. */
function fits(a: u64, b: u64): u32 {
  const zeros = trailing(a) + trailing(b);
  return zeros >= UNKNOWN ? 2 : zeros > 52 ? 1 : zeros < 52 ? 0 : 2;
}

export function addD(a: u64, b: u64, rm: u32): u64 {
  const x = Fast.double(a);
  const y = Fast.double(b);
  const r = x + y;
  const bits = Fast.bits(r);
  if (rm != RM_RNE || !Fast.isNormal(bits)) return soft.add(a, b, true, rm);
  if (Fast.knowsInexact()) return bits;
  const part = r - x;
  Fast.note(x - (r - part) + (y - part) != 0);
  return bits;
}

export function mulD(a: u64, b: u64, rm: u32): u64 {
  const bits = Fast.bits(Fast.double(a) * Fast.double(b));
  if (rm != RM_RNE || !Fast.isNormal(bits)) return soft.multiply(a, b, true, rm);
  if (Fast.knowsInexact()) return bits;
  const fit = fits(a, b);
  if (fit == 2) return soft.multiply(a, b, true, rm);
  Fast.note(fit == 0);
  return bits;
}

export function divD(a: u64, b: u64, rm: u32): u64 {
  const r = Fast.double(a) / Fast.double(b);
  const bits = Fast.bits(r);
  if (rm != RM_RNE || !Fast.isNormal(bits)) return soft.divide(a, b, true, rm);
  if (Fast.knowsInexact()) return bits;
  // The quotient is exact when, times the divisor, it fits and gives the dividend.
  const fit = (a & EXPONENT) == 0 ? 2 : fits(bits, b);
  if (fit == 2) return soft.divide(a, b, true, rm);
  Fast.note(fit == 0 || r * Fast.double(b) != Fast.double(a));
  return bits;
}

export function sqrtD(a: u64, rm: u32): u64 {
  const r = sqrt(Fast.double(a));
  const bits = Fast.bits(r);
  const usable = rm == RM_RNE && Fast.isNormal(bits) && (a & EXPONENT) != 0;
  if (!usable) return soft.squareRoot(a, true, rm);
  if (Fast.knowsInexact()) return bits;
  const fit = fits(bits, bits);
  if (fit == 2) return soft.squareRoot(a, true, rm);
  Fast.note(fit == 0 || r * r != Fast.double(a));
  return bits;
}

/** Exponents between which the parts of a fused operation are normal, and products far from the ends. */
function isMiddling(bits: u64): bool {
  return ((bits >> 52) & 2047) - 623 <= 800;
}

/**
 * Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to
 * odd": the exact sum in three parts, the two lower ones added with the last bit set when anything is lost.
 */
export function fuseD(a: u64, b: u64, c: u64, negations: u32, rm: u32): u64 {
  if (rm != RM_RNE || !isMiddling(a) || !isMiddling(b) || !isMiddling(c)) {
    return soft.fuse(a, b, c, negations, true, rm);
  }
  const x = negations & 2 ? -Fast.double(a) : Fast.double(a);
  const y = Fast.double(b);
  const z = negations & 1 ? -Fast.double(c) : Fast.double(c);
  const uh = x * y;
  const xp = x * SPLITTER;
  const xh = xp - (xp - x);
  const xl = x - xh;
  const yp = y * SPLITTER;
  const yh = yp - (yp - y);
  const yl = y - yh;
  const ul = xl * yl - (uh - xh * yh - xl * yh - xh * yl);
  const th = z + ul;
  const tp = th - z;
  const tl = z - (th - tp) + (ul - tp);
  const vh = uh + th;
  const vp = vh - uh;
  const vl = uh - (vh - vp) + (th - vp);
  const s = tl + vl;
  const sp = s - tl;
  const lost = tl - (s - sp) + (vl - sp);
  const low = toOdd(s, lost);
  const r = vh + low;
  const bits = Fast.bits(r);
  if (!Fast.isNormal(bits)) return soft.fuse(a, b, c, negations, true, rm);
  if (Fast.knowsInexact()) return bits;
  const rp = r - vh;
  Fast.note(lost != 0 || vh - (r - rp) + (low - rp) != 0);
  return bits;
}

/** A rounded sum and what it lost: of the two numbers around the exact one, the odd one. */
function toOdd(sum: f64, lost: f64): f64 {
  if (lost == 0) return sum;
  const bits = Fast.bits(sum);
  if (bits & 1) return sum;
  return Fast.double(lost > 0 == sum > 0 ? bits + 1 : bits - 1);
}

export function addS(a: u64, b: u64, rm: u32): u64 {
  const x = Fast.single(a);
  const y = Fast.single(b);
  const r: f32 = x + y;
  const bits = reinterpret<u32>(r);
  if (rm != RM_RNE || !Fast.isNormalS(bits)) return soft.add(a, b, false, rm);
  if (Fast.knowsInexact()) return bits;
  const part: f32 = r - x;
  Fast.note(x - (r - part) + (y - part) != 0);
  return bits;
}

// A double holds the product of two singles exactly.

export function mulS(a: u64, b: u64, rm: u32): u64 {
  const exact = <f64>Fast.single(a) * <f64>Fast.single(b);
  const r = <f32>exact;
  const bits = reinterpret<u32>(r);
  if (rm != RM_RNE || !Fast.isNormalS(bits)) return soft.multiply(a, b, false, rm);
  Fast.note(<f64>r != exact);
  return bits;
}

export function divS(a: u64, b: u64, rm: u32): u64 {
  const y = Fast.single(b);
  const r: f32 = Fast.single(a) / y;
  const bits = reinterpret<u32>(r);
  if (rm != RM_RNE || !Fast.isNormalS(bits)) return soft.divide(a, b, false, rm);
  Fast.note(<f64>r * <f64>y != <f64>Fast.single(a));
  return bits;
}

export function sqrtS(a: u64, rm: u32): u64 {
  const x = Fast.single(a);
  const r: f32 = sqrt<f32>(x);
  const bits = reinterpret<u32>(r);
  if (rm != RM_RNE || !Fast.isNormalS(bits)) return soft.squareRoot(a, false, rm);
  Fast.note(<f64>r * <f64>r != <f64>x);
  return bits;
}

export function fuseS(a: u64, b: u64, c: u64, negations: u32, rm: u32): u64 {
  if (rm != RM_RNE) return soft.fuse(a, b, c, negations, false, rm);
  const p = <f64>Fast.single(a) * <f64>Fast.single(b);
  const product = negations & 2 ? -p : p;
  const addend = negations & 1 ? -(<f64>Fast.single(c)) : <f64>Fast.single(c);
  const s = product + addend;
  const part = s - product;
  const lost = product - (s - part) + (addend - part);
  const odd = toOdd(s, lost);
  const r = <f32>odd;
  const bits = reinterpret<u32>(r);
  if (!Fast.isNormalS(bits)) return soft.fuse(a, b, c, negations, false, rm);
  Fast.note(lost != 0 || <f64>r != odd);
  return bits;
}
