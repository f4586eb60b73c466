// Address space numbers, the part of TLB keys that tells address spaces apart. Numbers are given in turn; at
// the end of a round the TLB is flushed, and only then may those given back during it be given again. So
// an address space that takes a new number leaves all its translations behind, at the cost of none.
import { TASK_SIZE_SHIFT } from '../abi/page';
import { flushTlb } from './tlb';

/** As many as the bits above a user address can count; 0 is nobody's. */
const ASIDS: u32 = 1 << (64 - TASK_SIZE_SHIFT);
const BITMAP_BYTES: usize = 16384;
const MIX_SHIFT: u64 = 21;

/** One bit for each number: held by an address space now; held at any time of this round. */
const held = memory.data(16384, 8);
const spent = memory.data(16384, 8);
let count: u32 = 0;
let last: u32 = 0;

/** The salt (tlb.ts) of a new address space; 0 when all numbers are held. */
export function takeSalt(): u64 {
  if (count == ASIDS - 1) return 0;
  do {
    last++;
    if (last == ASIDS) {
      last = 1;
      memory.copy(spent, held, BITMAP_BYTES);
      flushTlb();
    }
  } while (load<u8>(spent + (last >> 3)) & bitOf(last));
  store<u8>(spent + (last >> 3), load<u8>(spent + (last >> 3)) | bitOf(last));
  store<u8>(held + (last >> 3), load<u8>(held + (last >> 3)) | bitOf(last));
  count++;
  // The low nine bits of a product with an odd number: neighbours in number are far apart.
  return ((<u64>last) << TASK_SIZE_SHIFT) | ((<u64>((last * 0x9d) & 511)) << MIX_SHIFT);
}

export function dropSalt(salt: u64): void {
  const asid = <u32>(salt >> TASK_SIZE_SHIFT);
  store<u8>(held + (asid >> 3), load<u8>(held + (asid >> 3)) & ~bitOf(asid));
  count--;
}

function bitOf(asid: u32): u8 {
  return ((<u32>1) << (asid & 7)) as u8;
}
