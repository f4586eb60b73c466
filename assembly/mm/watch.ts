// The pages of an address space that the host watches, as stretches in a frame of the mm: three lists, for
// loads, stores and fetches of instructions, each a count and then pairs of first byte and end, rising and
// apart. Which bytes are watched, and who wants to hear of it, only the host knows.
//
// The TLB never holds a watched page, so that whatever the CPU does with one comes to translateSlow(), which
// stops with FAULT_WATCH before anything has happened. The host then does the access, watches passed over
// (user.ts, passWatches()), and goes on behind it. Of a page whose fetches are watched the decoded block is not
// remembered: each instruction stops a hart, and the host has it executed alone (passFetches()).
import { ENOMEM } from '../abi/errno';
import { PAGE_SIZE } from '../abi/page';
import { WATCH_LISTS, WATCH_STRETCHES } from '../abi/watch';
import { allocZeroedFrame, putFrame } from './frame';
import { Mm } from './mm';
import { PMD_SHIFT } from './pgtable';
import { flushMm } from './tlb';

export const WATCH_LOADS: u32 = 0;
export const WATCH_STORES: u32 = 1;
export const WATCH_FETCHES: u32 = 2;

/** A count of 8 bytes, then 16 for each stretch. */
const LIST_BYTES: usize = 8 + 16 * WATCH_STRETCHES;

/** Does a stretch of the list touch [start, end)? */
function touches(mm: Mm, start: u64, end: u64, which: u32): bool {
  const list = mm.watches + <usize>which * LIST_BYTES;
  let low: usize = 0;
  let high = <usize>load<u32>(list);
  // The first stretch that ends above `start`.
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u64>(list + (middle << 4), 16) <= start) low = middle + 1;
    else high = middle;
  }
  return low < <usize>load<u32>(list) && load<u64>(list + (low << 4), 8) < end;
}

/** Is the page of `addr` on a list? */
export function isWatched(mm: Mm, addr: u64, which: u32): bool {
  if (mm.watches == 0) return false;
  return touches(mm, addr, addr + 1, which);
}

/** Is any page of the 2 MiB around `addr` on a list? */
export function watchesRegion(mm: Mm, addr: u64, which: u32): bool {
  const start = (addr >> PMD_SHIFT) << PMD_SHIFT;
  return touches(mm, start, start + ((<u64>1) << PMD_SHIFT), which);
}

/** Empties the lists, which are to be filled anew; 0, or -ENOMEM with nothing changed. */
export function clearWatches(mm: Mm): i32 {
  if (mm.watches == 0) {
    mm.watches = allocZeroedFrame();
    if (mm.watches == 0) return -ENOMEM;
  } else {
    memory.fill(mm.watches, 0, PAGE_SIZE);
  }
  flushMm(mm);
  return 0;
}

/** Appends a stretch of whole pages, above those of its list, which has room (WATCH_STRETCHES). */
export function addWatch(mm: Mm, which: u32, start: u64, end: u64): void {
  const list = mm.watches + <usize>(which % WATCH_LISTS) * LIST_BYTES;
  const count = <usize>load<u32>(list);
  store<u64>(list + (count << 4), start, 8);
  store<u64>(list + (count << 4), end, 16);
  store<u32>(list, <u32>count + 1);
}

/** Watches nothing any more. */
export function dropWatches(mm: Mm): void {
  if (mm.watches == 0) return;
  putFrame(mm.watches);
  mm.watches = 0;
}
