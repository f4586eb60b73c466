import type { U64 } from '../mm/address.js';

export type { U64 } from '../mm/address.js';

const TWO_63 = 1n << 63n;

/** The shortest form of a 64-bit value: its two's complement read as unsigned. */
export function toU64(value: bigint): U64 {
  // Most values are small and positive; rounding never brings a larger one down to a safe integer.
  const short = Number(value);
  if (short >= 0 && short <= Number.MAX_SAFE_INTEGER) return short;
  const unsigned = BigInt.asUintN(64, value);
  return unsigned <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(unsigned) : unsigned;
}

/** `value + count` modulo 2^64. */
export function addU64(value: U64, count: number): U64 {
  if (typeof value === 'number') {
    const sum = value + count;
    if (sum <= Number.MAX_SAFE_INTEGER) return sum;
  }
  return toU64(BigInt(value) + BigInt(count));
}

/** Whether the value is negative as a loff_t: 2^63 and above. */
export function isNegative(value: U64): boolean {
  return typeof value === 'bigint' && value >= TWO_63;
}

/** The value as a signed 64-bit integer. */
export function toSigned(value: U64): bigint {
  return BigInt.asIntN(64, BigInt(value));
}
