// Conversions between the formats of numbers, and what else of F and D does not round.
import { FLAG_NV, FLAG_NX, RM_RTZ } from '../abi/cpu';
import {
  FINITE,
  INFINITE,
  QUIET,
  SIGNALING,
  ZERO,
  infinity,
  nanOf,
  quietNan,
  raise,
  round,
  roundsUp,
  shiftJam,
  signBit,
  unpack,
  unpackedExp,
  unpackedSig,
  unpackedSign,
  zero,
} from './softfloat';

const TOP: u64 = (<u64>1) << 63;

/** From one format to the other. */
export function changeFormat(bits: u64, toWide: bool, rm: u32): u64 {
  const kind = unpack(bits, !toWide);
  if (kind >= QUIET) return nanOf(toWide, kind == SIGNALING);
  if (kind == INFINITE) return infinity(unpackedSign, toWide);
  if (kind == ZERO) return zero(unpackedSign, toWide);
  return round(unpackedSign, unpackedExp, unpackedSig, toWide, rm);
}

/** From an integer: `kind` is 0 w, 1 wu, 2 l, 3 lu. */
export function fromInteger(value: u64, kind: u32, wide: bool, rm: u32): u64 {
  if (kind == 0) value = <u64>(<i64>(<i32>value));
  else if (kind == 1) value &= 0xffffffff;
  const negative = (kind & 1) == 0 && <i64>value < 0;
  const size = negative ? 0 - value : value;
  if (size == 0) return 0;
  const shift = clz(size);
  return round(negative ? 1 : 0, 63 - <i32>shift, size << shift, wide, rm);
}

/** The largest magnitude that an integer of this kind has on that side of zero. */
function largest(kind: u32, sign: u64): u64 {
  if (kind & 1) return sign ? 0 : kind == 1 ? 0xffffffff : u64.MAX_VALUE;
  return (kind == 0 ? 0x7fffffff : 0x7fffffffffffffff) + sign;
}

/** A magnitude with its sign as a register holds it. */
function register(size: u64, sign: u64, kind: u32): u64 {
  const value = sign ? 0 - size : size;
  return kind & 2 ? value : <u64>(<i64>(<i32>value));
}

/** To an integer; what does not fit is invalid and becomes the nearest that does, a NaN the largest. */
export function toInteger(bits: u64, kind: u32, wide: bool, rm: u32): u64 {
  const what = unpack(bits, wide);
  if (what == ZERO) return 0;
  const sign = what >= QUIET ? 0 : unpackedSign;
  const most = largest(kind, sign);
  let size: u64 = 0;
  let rest: u64 = 0;
  const fits = what == FINITE && unpackedExp < 64;
  if (fits) {
    const exp = unpackedExp;
    size = exp < 0 ? 0 : unpackedSig >> (<u64>(63 - exp));
    if (exp < 0) rest = shiftJam(unpackedSig, (-1 - exp) as u64);
    else if (exp < 63) rest = unpackedSig << ((exp + 1) as u64);
    if (roundsUp(rm, sign, size, rest, TOP)) size++;
  }
  if (!fits || size > most) {
    raise(FLAG_NV);
    return register(most, sign, kind);
  }
  if (rest != 0) raise(FLAG_NX);
  return register(size, sign, kind);
}

/** The same for the commonest: a double cut to a signed integer. */
export function truncate(bits: u64, kind: u32): u64 {
  const value = reinterpret<f64>(bits);
  const limit = kind == 0 ? 2147483648.0 : 9223372036854775808.0;
  if ((kind & 1) != 0 || !(abs(value) < limit)) return toInteger(bits, kind, true, RM_RTZ);
  const whole = <i64>value;
  if (<f64>whole != value) raise(FLAG_NX);
  return <u64>whole;
}

function isSignaling(bits: u64, wide: bool): bool {
  return unpack(bits, wide) == SIGNALING;
}

/** `bits` as a number that integers compare like: negative ones turned around. */
function ordered(bits: u64, wide: bool): i64 {
  const value = wide ? <i64>bits : <i64>(<i32>bits);
  return value < 0 ? i64.MIN_VALUE - (wide ? value : value << 32) : wide ? value : value << 32;
}

/** feq, flt and fle, which raise invalid for any NaN but feq only for a signaling one: `how` is funct3. */
export function compare(a: u64, b: u64, how: u32, wide: bool): u64 {
  const kindA = unpack(a, wide);
  const kindB = unpack(b, wide);
  if (kindA >= QUIET || kindB >= QUIET) {
    if (how != 2 || kindA == SIGNALING || kindB == SIGNALING) raise(FLAG_NV);
    return 0;
  }
  const x = ordered(a, wide);
  const y = ordered(b, wide);
  return how == 2 ? <u64>(x == y) : how == 1 ? <u64>(x < y) : <u64>(x <= y);
}

/** fmin and fmax: a NaN loses to a number, and -0 is less than +0. */
export function extreme(a: u64, b: u64, greater: bool, wide: bool): u64 {
  if (isSignaling(a, wide) || isSignaling(b, wide)) raise(FLAG_NV);
  const nanA = unpack(a, wide) >= QUIET;
  const nanB = unpack(b, wide) >= QUIET;
  if (nanA) return nanB ? quietNan(wide) : b;
  if (nanB) return a;
  const x = ordered(a, wide);
  const y = ordered(b, wide);
  // Zeros are equal here and differ by their sign.
  const less = x == y ? (a & signBit(wide)) != 0 : x < y;
  return less == greater ? b : a;
}

/** fclass: one bit of ten. */
export function classify(bits: u64, wide: bool): u64 {
  const kind = unpack(bits, wide);
  if (kind == SIGNALING) return 1 << 8;
  if (kind == QUIET) return 1 << 9;
  const negative = unpackedSign != 0;
  if (kind == INFINITE) return negative ? 1 << 0 : 1 << 7;
  if (kind == ZERO) return negative ? 1 << 3 : 1 << 4;
  const smallest: i32 = wide ? -1022 : -126;
  const subnormal = unpackedExp < smallest;
  if (negative) return subnormal ? 1 << 2 : 1 << 1;
  return subnormal ? 1 << 5 : 1 << 6;
}
