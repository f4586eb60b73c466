// IEEE 754 in integers, for both formats and all rounding modes: what float.ts falls back to, and what it
// must agree with. A finite number is unpacked to
//
//   sign   0 or 1
//   exp    exponent of the topmost bit
//   sig    significand, its topmost bit at bit 63
//
// and results come to round() in the same form, with bit 0 set when anything below it was lost. NaNs are
// always the canonical one. Tininess is detected after rounding, as RISC-V wants it.
import { FLAG_DZ, FLAG_NV, FLAG_NX, FLAG_OF, FLAG_UF, HART_FCSR } from '../abi/cpu';
import { RM_RDN, RM_RMM, RM_RNE, RM_RTZ, RM_RUP } from '../abi/cpu';
import { mulhu } from './muldiv';
import { hart } from './uop';

/** What unpack() finds. */
export const ZERO: u32 = 0;
export const FINITE: u32 = 1;
export const INFINITE: u32 = 2;
export const QUIET: u32 = 3;
export const SIGNALING: u32 = 4;

const TOP: u64 = (<u64>1) << 63;

export let unpackedSign: u64 = 0;
export let unpackedExp: i32 = 0;
export let unpackedSig: u64 = 0;

export function raise(flags: u32): void {
  store<u32>(hart, load<u32>(hart, HART_FCSR) | flags, HART_FCSR);
}

function fractionBits(wide: bool): u64 {
  return wide ? 52 : 23;
}

function bias(wide: bool): i32 {
  return wide ? 1023 : 127;
}

export function signBit(wide: bool): u64 {
  return wide ? TOP : (<u64>1) << 31;
}

export function quietNan(wide: bool): u64 {
  return wide ? 0x7ff8000000000000 : 0x7fc00000;
}

export function infinity(sign: u64, wide: bool): u64 {
  return wide ? (sign << 63) | 0x7ff0000000000000 : (sign << 31) | 0x7f800000;
}

export function zero(sign: u64, wide: bool): u64 {
  return wide ? sign << 63 : sign << 31;
}

/** NaN as the result of an invalid operation. */
export function invalid(wide: bool): u64 {
  raise(FLAG_NV);
  return quietNan(wide);
}

/** NaN because an operand is one. */
export function nanOf(wide: bool, signaling: bool): u64 {
  return signaling ? invalid(wide) : quietNan(wide);
}

/** Takes a number apart; what it is. */
export function unpack(bits: u64, wide: bool): u32 {
  const width = fractionBits(wide);
  const fraction = bits & (((<u64>1) << width) - 1);
  const field = <i32>((bits >> width) & (wide ? 2047 : 255));
  unpackedSign = (bits >> (wide ? 63 : 31)) & 1;
  if (field == (wide ? 2047 : 255)) {
    if (fraction == 0) return INFINITE;
    return fraction >> (width - 1) ? QUIET : SIGNALING;
  }
  if (field == 0) {
    if (fraction == 0) return ZERO;
    const shift = clz(fraction);
    unpackedSig = fraction << shift;
    unpackedExp = 64 - <i32>shift - bias(wide) - <i32>width;
    return FINITE;
  }
  unpackedSig = (fraction << (63 - width)) | TOP;
  unpackedExp = field - bias(wide);
  return FINITE;
}

/** Shifts right; what is lost shows in bit 0. */
export function shiftJam(value: u64, by: u64): u64 {
  if (by == 0) return value;
  if (by >= 64) return value != 0 ? 1 : 0;
  return (value >> by) | (value << (64 - by) != 0 ? 1 : 0);
}

/** Whether `rest` of the bits below the last one kept rounds the magnitude up. */
export function roundsUp(rm: u32, sign: u64, last: u64, rest: u64, half: u64): bool {
  if (rm == RM_RNE) return rest > half || (rest == half && (last & 1) != 0);
  if (rm == RM_RMM) return rest >= half;
  if (rm == RM_RTZ) return false;
  return rest != 0 && (rm == RM_RUP ? sign == 0 : sign != 0);
}

function overflow(sign: u64, wide: bool, rm: u32): u64 {
  raise(FLAG_OF | FLAG_NX);
  const away =
    rm == RM_RNE || rm == RM_RMM || (rm == RM_RUP ? sign == 0 : rm == RM_RDN && sign != 0);
  // The largest finite number is the one before infinity.
  return away ? infinity(sign, wide) : infinity(sign, wide) - 1;
}

/** The number of the format for an exact one, with its flags. */
export function round(sign: u64, exp: i32, sig: u64, wide: bool, rm: u32): u64 {
  const width = fractionBits(wide);
  const drop = 63 - width;
  const mask = ((<u64>1) << drop) - 1;
  const half = (<u64>1) << (drop - 1);
  let field = exp + bias(wide);
  let tiny = false;
  if (field <= 0) {
    // What would round up to the smallest normal number, had the exponent no end, is not tiny.
    const carries = sig >> drop == u64.MAX_VALUE >> drop;
    tiny = field < 0 || !carries || !roundsUp(rm, sign, sig >> drop, sig & mask, half);
    sig = shiftJam(sig, <u64>(1 - field));
    field = 1;
  }
  const rest = sig & mask;
  let kept = sig >> drop;
  if (rest != 0) raise(tiny ? FLAG_UF | FLAG_NX : FLAG_NX);
  if (roundsUp(rm, sign, kept, rest, half)) kept++;
  // The hidden bit adds one to the exponent; so does a carry out of the significand.
  const bits = ((<u64>(field - 1)) << width) + kept;
  if (bits >= infinity(0, wide)) return overflow(sign, wide, rm);
  return zero(sign, wide) | bits;
}

/** Rounds a 128-bit significand of which the topmost bit, at `exp`, may be any. */
function roundWide(sign: u64, exp: i32, high: u64, low: u64, wide: bool, rm: u32): u64 {
  if (high == 0) {
    if (low == 0) return zero(rm == RM_RDN ? 1 : 0, wide);
    high = low;
    low = 0;
    exp -= 64;
  }
  const shift = clz(high);
  if (shift != 0) {
    high = (high << shift) | (low >> (64 - shift));
    low <<= shift;
  }
  return round(sign, exp - <i32>shift, high | (low != 0 ? 1 : 0), wide, rm);
}

export function add(a: u64, b: u64, wide: bool, rm: u32): u64 {
  const kindB = unpack(b, wide);
  const signB = unpackedSign;
  const expB = unpackedExp;
  const sigB = unpackedSig;
  const kindA = unpack(a, wide);
  const signA = unpackedSign;
  if (kindA >= QUIET || kindB >= QUIET) {
    return nanOf(wide, kindA == SIGNALING || kindB == SIGNALING);
  }
  if (kindA == INFINITE) return kindB == INFINITE && signA != signB ? invalid(wide) : a;
  if (kindB == INFINITE) return b;
  if (kindA == ZERO && kindB == ZERO) {
    return zero(signA == signB ? signA : rm == RM_RDN ? 1 : 0, wide);
  }
  if (kindA == ZERO) return b;
  if (kindB == ZERO) return a;
  return sum(signA, unpackedExp, unpackedSig, 0, signB, expB, sigB, 0, wide, rm);
}

/** Shifts 128 bits right into jamHigh and jamLow. */
let jamHigh: u64 = 0;
let jamLow: u64 = 0;

function jam(high: u64, low: u64, by: u64): void {
  if (by == 0) {
    jamHigh = high;
    jamLow = low;
  } else if (by < 64) {
    jamHigh = high >> by;
    jamLow = (low >> by) | (high << (64 - by)) | (low << (64 - by) != 0 ? 1 : 0);
  } else {
    jamHigh = 0;
    jamLow = shiftJam(high, by - 64) | (low != 0 ? 1 : 0);
  }
}

/** Two finite numbers, each with a significand of 128 bits whose topmost bit is set. */
function sum(
  signA: u64,
  expA: i32,
  highA: u64,
  lowA: u64,
  signB: u64,
  expB: i32,
  highB: u64,
  lowB: u64,
  wide: bool,
  rm: u32,
): u64 {
  if (expA < expB) return sum(signB, expB, highB, lowB, signA, expA, highA, lowA, wide, rm);
  // One bit of headroom for the carry; of 128 the operands leave twenty or more free below.
  jam(highB, lowB, <u64>(expA - expB) + 1);
  const bh = jamHigh;
  const bl = jamLow;
  jam(highA, lowA, 1);
  const ah = jamHigh;
  const al = jamLow;
  if (signA == signB) {
    const low = al + bl;
    return roundWide(signA, expA + 1, ah + bh + (low < al ? 1 : 0), low, wide, rm);
  }
  const less = ah < bh || (ah == bh && al < bl);
  const high = less ? bh - ah - (bl < al ? 1 : 0) : ah - bh - (al < bl ? 1 : 0);
  const low = less ? bl - al : al - bl;
  return roundWide(less ? signB : signA, expA + 1, high, low, wide, rm);
}

export function multiply(a: u64, b: u64, wide: bool, rm: u32): u64 {
  const kindB = unpack(b, wide);
  const expB = unpackedExp;
  const sigB = unpackedSig;
  const kindA = unpack(a, wide);
  const sign = ((a ^ b) & signBit(wide)) == 0 ? 0 : 1;
  if (kindA >= QUIET || kindB >= QUIET) {
    return nanOf(wide, kindA == SIGNALING || kindB == SIGNALING);
  }
  if (kindA == INFINITE || kindB == INFINITE) {
    return kindA == ZERO || kindB == ZERO ? invalid(wide) : infinity(sign, wide);
  }
  if (kindA == ZERO || kindB == ZERO) return zero(sign, wide);
  const high = mulhu(unpackedSig, sigB);
  return roundWide(sign, unpackedExp + expB + 1, high, unpackedSig * sigB, wide, rm);
}

export function divide(a: u64, b: u64, wide: bool, rm: u32): u64 {
  const kindB = unpack(b, wide);
  const expB = unpackedExp;
  const sigB = unpackedSig;
  const kindA = unpack(a, wide);
  const sign = ((a ^ b) & signBit(wide)) == 0 ? 0 : 1;
  if (kindA >= QUIET || kindB >= QUIET) {
    return nanOf(wide, kindA == SIGNALING || kindB == SIGNALING);
  }
  if (kindA == INFINITE) return kindB == INFINITE ? invalid(wide) : infinity(sign, wide);
  if (kindB == INFINITE) return zero(sign, wide);
  if (kindB == ZERO) {
    if (kindA == ZERO) return invalid(wide);
    raise(FLAG_DZ);
    return infinity(sign, wide);
  }
  if (kindA == ZERO) return zero(sign, wide);
  // Operands have at most 53 bits: with one to spare the remainder never overflows.
  const divisor = sigB >> 1;
  let rest = unpackedSig >> 1;
  let quotient: u64 = 0;
  for (let i = 0; i < 64; i++) {
    quotient <<= 1;
    if (rest >= divisor) {
      rest -= divisor;
      quotient |= 1;
    }
    rest <<= 1;
  }
  return roundWide(sign, unpackedExp - expB, quotient, rest, wide, rm);
}

export function squareRoot(a: u64, wide: bool, rm: u32): u64 {
  const kind = unpack(a, wide);
  if (kind >= QUIET) return nanOf(wide, kind == SIGNALING);
  if (kind == ZERO) return a;
  if (unpackedSign != 0) return invalid(wide);
  if (kind == INFINITE) return a;
  // The exponent is made even; then two bits of the operand, at first its integer part, for each of the root.
  const odd = (unpackedExp & 1) as u64;
  let bits = odd ? unpackedSig : unpackedSig >> 1;
  let rest: u64 = 0;
  let root: u64 = 0;
  for (let i = 0; i < 58; i++) {
    rest = (rest << 2) | (bits >> 62);
    bits <<= 2;
    root <<= 1;
    const trial = (root << 1) | 1;
    if (rest >= trial) {
      rest -= trial;
      root |= 1;
    }
  }
  return round(0, (unpackedExp - <i32>odd) >> 1, (root << 6) | (rest != 0 ? 1 : 0), wide, rm);
}

/** a * b + c, rounded once; bit 0 of `negations` negates c, bit 1 the product. */
export function fuse(a: u64, b: u64, c: u64, negations: u32, wide: bool, rm: u32): u64 {
  if (negations & 1) c ^= signBit(wide);
  if (negations & 2) a ^= signBit(wide);
  const kindC = unpack(c, wide);
  const signC = unpackedSign;
  const expC = unpackedExp;
  const sigC = unpackedSig;
  const kindB = unpack(b, wide);
  const expB = unpackedExp;
  const sigB = unpackedSig;
  const kindA = unpack(a, wide);
  const sign: u64 = ((a ^ b) & signBit(wide)) == 0 ? 0 : 1;
  const infinite = kindA == INFINITE || kindB == INFINITE;
  if (kindA < QUIET && kindB < QUIET && infinite && (kindA == ZERO || kindB == ZERO)) {
    return invalid(wide);
  }
  if (kindA >= QUIET || kindB >= QUIET || kindC >= QUIET) {
    return nanOf(wide, kindA == SIGNALING || kindB == SIGNALING || kindC == SIGNALING);
  }
  if (infinite) return kindC == INFINITE && signC != sign ? invalid(wide) : infinity(sign, wide);
  if (kindC == INFINITE) return c;
  if (kindA == ZERO || kindB == ZERO) {
    if (kindC != ZERO) return c;
    return zero(sign == signC ? sign : rm == RM_RDN ? 1 : 0, wide);
  }
  let high = mulhu(unpackedSig, sigB);
  let low = unpackedSig * sigB;
  let exp = unpackedExp + expB + 1;
  if (high < TOP) {
    high = (high << 1) | (low >> 63);
    low <<= 1;
    exp--;
  }
  if (kindC == ZERO) return roundWide(sign, exp, high, low, wide, rm);
  return sum(sign, exp, high, low, signC, expC, sigC, 0, wide, rm);
}
