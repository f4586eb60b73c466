import type { U64 } from '../mm/address.js';

/** A 64-bit value as the memory room takes an address: a number where one holds it. */
export function toUserAddr(addr: bigint): U64 {
  return addr <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(addr) : addr;
}

/** The 64-bit value of two 32-bit words, as the memory room takes an address. */
export function joinWords(low: number, high: number): U64 {
  return high < 2 ** 21 ? high * 2 ** 32 + low : (BigInt(high) << 32n) | BigInt(low);
}
