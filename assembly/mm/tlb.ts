// The software TLB of the emulation core: direct-mapped, shared by all address spaces. An entry:
//
//   +0   tag     page number << 29 | mm >> 3: 35 bits of page number, 29 of the mm's place
//   +8   read    frame that loads use
//   +12  write   the same frame when stores may use it, otherwise 0
//
// Every change of a page-table entry goes through pgtable.ts, which calls flushPage or flushRange.
import { TLB_ENTRIES } from '../abi/layout';
import { PAGE_SHIFT } from '../abi/page';
import { Mm } from './mm';

const ENTRY_SHIFT: usize = 4;
/** Above this many pages one clearing of the table is cheaper than looking at each entry. */
const FLUSH_EACH_MAX: u64 = 32;

const tlb = memory.data(16384, 16);

export function tlbTag(mm: Mm, addr: u64): u64 {
  return ((addr >> PAGE_SHIFT) << 29) | (<u64>(changetype<usize>(mm) >> 3));
}

export function tlbEntry(addr: u64): usize {
  return tlb + ((<usize>((addr >> PAGE_SHIFT) & (TLB_ENTRIES - 1))) << ENTRY_SHIFT);
}

export function fillTlb(mm: Mm, addr: u64, frame: usize, writable: bool): void {
  const entry = tlbEntry(addr);
  store<u64>(entry, tlbTag(mm, addr));
  store<u32>(entry, <u32>frame, 8);
  store<u32>(entry, writable ? <u32>frame : 0, 12);
}

/** Forgets the translation of one page. */
export function flushPage(mm: Mm, addr: u64): void {
  const entry = tlbEntry(addr);
  if (load<u64>(entry) == tlbTag(mm, addr)) store<u64>(entry, 0);
}

/** Forgets all translations of all address spaces. */
export function flushTlb(): void {
  memory.fill(tlb, 0, (<usize>TLB_ENTRIES) << ENTRY_SHIFT);
}

/** Forgets the translations of [start, end). */
export function flushRange(mm: Mm, start: u64, end: u64): void {
  if ((end - start) >> PAGE_SHIFT > FLUSH_EACH_MAX) {
    flushTlb();
    return;
  }
  for (let addr = start; addr < end; addr += 1 << PAGE_SHIFT) flushPage(mm, addr);
}

/** Where the table lies, for a check from outside. */
export function tlbTable(): usize {
  return tlb;
}
