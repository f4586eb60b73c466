import type { U64 } from '../mm/address.js';

/** A 64-bit value as the memory room takes an address: a number where one holds it. */
export function toUserAddr(addr: bigint): U64 {
  return addr <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(addr) : addr;
}
