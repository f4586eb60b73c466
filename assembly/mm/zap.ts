// Taking pages out of page tables: mm/memory.c, zap_page_range(), and the freeing of empty tables.
import { PG_ANON, PG_DIRTY } from '../abi/layout';
import { PAGE_SHIFT } from '../abi/page';
import { PTE_DIRTY } from '../abi/pte';
import { mapcount, pageFlags, putFrame, setMapcount, setPageFlags } from './frame';
import { Mm } from './mm';
import { LEVEL_BITS, PGD_SHIFT, forgetWalk, pteFrame, ptePresent, pteSpecial } from './pgtable';
import { removeRmap } from './rmap';
import { flushRange } from './tlb';
import { Vma } from './vma';
import { Mapping } from './mapping';

/** Everything goes, guard markers too: munmap(). */
export const ZAP_UNMAP: u32 = 0;
/** Guard markers stay: madvise(MADV_DONTNEED), truncation. */
export const ZAP_PAGES: u32 = 1;
/** Private copies of file pages stay as well: even_cows of unmap_mapping_range() is off. */
export const ZAP_FILE_PAGES: u32 = 2;

let zapMode = ZAP_UNMAP;

/** Empties one entry unless the mode spares it; true when it has become empty. */
function zapEntry(mm: Mm, slot: usize): bool {
  const pte = load<u64>(slot);
  if (pte == 0) return false;
  if (ptePresent(pte)) {
    const frame = pteFrame(pte);
    if (!pteSpecial(pte)) {
      const flags = pageFlags(frame);
      if (zapMode == ZAP_FILE_PAGES && flags & PG_ANON) return false;
      // What the entry knew of a store through it is the page's to remember.
      if (pte & PTE_DIRTY && !(flags & PG_ANON)) setPageFlags(frame, flags | PG_DIRTY);
      removeRmap(mm, frame);
    }
  } else if (zapMode != ZAP_UNMAP) {
    return false;
  }
  store<u64>(slot, 0);
  return true;
}

/** Zaps [start, end) below one table whose entries span 1 << shift bytes; returns its entries in use. */
function zapTable(mm: Mm, table: usize, shift: u64, start: u64, end: u64): u32 {
  let used = mapcount(table);
  let addr = start;
  while (addr < end && used != 0) {
    const slot = table + ((<usize>((addr >> shift) & 511)) << 3);
    const next = min(((addr >> shift) + 1) << shift, end);
    if (shift == PAGE_SHIFT) {
      if (zapEntry(mm, slot)) used--;
    } else {
      const child = pteFrame(load<u64>(slot));
      const below: u64 = shift == 21 ? 12 : shift - LEVEL_BITS;
      if (child != 0 && zapTable(mm, child, below, addr, next) == 0) {
        store<u64>(slot, 0);
        putFrame(child);
        mm.tables--;
        used--;
      }
    }
    addr = next;
  }
  setMapcount(table, used);
  return used;
}

/** Unmaps the pages of [start, end) that `mode` (ZAP_*) does not spare; tables left empty are freed. */
export function zapRange(mm: Mm, start: u64, end: u64, mode: u32): void {
  if (start >= end) return;
  forgetWalk(mm);
  zapMode = mode;
  zapTable(mm, mm.pgd, PGD_SHIFT, start, end);
  flushRange(mm, start, end);
}

/** The part of pages [first, last] of a file that a VMA shows, zapped there. */
function zapInVma(vma: Vma, first: u64, last: u64, mode: u32): void {
  const pages = (vma.end - vma.start) >> PAGE_SHIFT;
  if (first >= vma.pgoff + pages || last < vma.pgoff) return;
  const from = max(first, vma.pgoff) - vma.pgoff;
  const to = min(last - vma.pgoff, pages - 1) + 1;
  zapRange(vma.mm, vma.start + (from << PAGE_SHIFT), vma.start + (to << PAGE_SHIFT), mode);
}

/** mm/memory.c, unmap_mapping_pages(): unmaps pages first..last of a file from everyone. */
export function unmapMappingPages(mapping: Mapping, first: u64, last: u64, mode: u32): void {
  let vma = mapping.vmas;
  while (vma != null) {
    zapInVma(vma, first, last, mode);
    vma = vma.mapNext;
  }
}
