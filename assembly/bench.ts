// The loops that bench/load.ts times. Compiled with the core for that bench only: the core that the
// package has does not reach this file.
import { LoadStore } from './cpu/load-store';
import { Mm } from './mm/mm';

/** xorshift32: the next place to load from costs next to nothing to find. */
function nextPlace(state: u32): u32 {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^ (state << 5);
}

/** Sums `count` random 8-byte loads in the `mask + 1` bytes at `addr` of an address space. */
export function sumLoads(mm: usize, addr: f64, mask: u32, count: u32): u64 {
  const base = <u64>addr;
  let state: u32 = 1;
  let sum: u64 = 0;
  while (count-- > 0) {
    state = nextPlace(state);
    sum += LoadStore.load64(changetype<Mm>(mm), base + (state & mask & ~7), 0);
  }
  return sum;
}

/** The same loads of linear memory from 0 on, without translation. */
export function sumRawLoads(mask: u32, count: u32): u64 {
  let state: u32 = 1;
  let sum: u64 = 0;
  while (count-- > 0) {
    state = nextPlace(state);
    sum += load<u64>(state & mask & ~7);
  }
  return sum;
}
