import type { U64 } from '../mm/address.js';

export type { U64 } from '../mm/address.js';

const TWO_63 = 1n << 63n;

/** One value on its way from bigint to number: through memory it makes no other bigint. */
const quad = new BigUint64Array(1);
const words = new Uint32Array(quad.buffer);

/** The shortest form of a 64-bit value: its two's complement read as unsigned. */
export function toU64(value: bigint): U64 {
  quad[0] = value;
  const high = words[1] as number;
  return high < 2 ** 21 ? high * 2 ** 32 + (words[0] as number) : (quad[0] as bigint);
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
