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
  hold(last);
  return saltOf(last);
}

export function dropSalt(salt: u64): void {
  const asid = <u32>(salt >> TASK_SIZE_SHIFT);
  store<u8>(held + (asid >> 3), load<u8>(held + (asid >> 3)) & ~bitOf(asid));
  count--;
}

export function lastAsid(): u32 {
  return last;
}

/** Takes all numbers back, and all translations under them; the next one given is that behind `from`. */
export function resetAsids(from: u32): void {
  memory.fill(held, 0, BITMAP_BYTES);
  memory.fill(spent, 0, BITMAP_BYTES);
  count = 0;
  last = from & (ASIDS - 1);
  flushTlb();
}

/** The salt of an address space from before resetAsids(): its own, unless that is nobody's or another's. */
export function keepSalt(salt: u64): u64 {
  const asid = <u32>(salt >> TASK_SIZE_SHIFT);
  if (asid == 0 || load<u8>(held + (asid >> 3)) & bitOf(asid)) return takeSalt();
  hold(asid);
  return saltOf(asid);
}

function hold(asid: u32): void {
  store<u8>(spent + (asid >> 3), load<u8>(spent + (asid >> 3)) | bitOf(asid));
  store<u8>(held + (asid >> 3), load<u8>(held + (asid >> 3)) | bitOf(asid));
  count++;
}

/** The low nine bits of a product with an odd number: neighbours in number are far apart. */
function saltOf(asid: u32): u64 {
  return ((<u64>asid) << TASK_SIZE_SHIFT) | ((<u64>((asid * 0x9d) & 511)) << MIX_SHIFT);
}

function bitOf(asid: u32): u8 {
  return ((<u32>1) << (asid & 7)) as u8;
}
