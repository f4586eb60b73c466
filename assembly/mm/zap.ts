// Taking pages out of page tables: mm/memory.c, zap_page_range(), and the freeing of empty tables.
import { PG_ANON, PG_DIRTY } from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { PTE_DIRTY, PTE_MARKER_GUARD, PTE_MARKER_UFFD_WP, PTE_RW, PTE_UFFD_WP } from '../abi/pte';
import { UFFD_WP } from '../abi/userfault';
import { mapcount, pageFlags, putFrame, refcount, setMapcount, setPageFlags } from './frame';
import { Mm } from './mm';
import {
  LEVEL_BITS,
  PGD_SHIFT,
  PMD_SHIFT,
  forgetWalk,
  ownSlot,
  pteFrame,
  ptePresent,
  pteSpecial,
  storeEntry,
} from './pgtable';
import { removeRmap } from './rmap';
import { dropTable } from './share';
import { flushRange } from './tlb';
import { Vma } from './vma';
import { Mapping } from './mapping';

/** Everything goes, guard markers too: munmap(). */
export const ZAP_UNMAP: u32 = 0;
/** Guard markers stay: madvise(MADV_DONTNEED), truncation. */
export const ZAP_PAGES: u32 = 1;
/** Private copies of file pages stay as well: even_cows of unmap_mapping_range() is off. */
export const ZAP_FILE_PAGES: u32 = 2;

/** Beside the last two: what was write-protected for a userfaultfd leaves a marker that says so. */
const ZAP_KEEP_WP: u32 = 4;

let zapMode = ZAP_UNMAP;
let keepsWp = false;
/** Tables that lie in [floor, ceiling) whole go when they are empty: free_pgtables(). */
let floor: u64 = 0;
let ceiling: u64 = 0;
/** Did the zap under way change any entry? */
let zapped: bool = false;

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
    if (keepsWp && pte & PTE_UFFD_WP) {
      storeEntry(slot, PTE_MARKER_UFFD_WP);
      zapped = true;
      return false;
    }
  } else if (zapMode != ZAP_UNMAP && keepsMarker(pte)) {
    return false;
  }
  storeEntry(slot, 0);
  zapped = true;
  return true;
}

/** mm/memory.c, zap_nonpresent_ptes(): which markers outlive a zap that unmaps nothing. */
function keepsMarker(pte: u64): bool {
  if (pte == PTE_MARKER_UFFD_WP) return keepsWp;
  return pte == PTE_MARKER_GUARD || zapMode == ZAP_FILE_PAGES;
}

/** mm/memory.c, pte_install_uffd_wp_if_needed(): files keep their protection, what is anonymous loses it. */
export function zapModeIn(vma: Vma, mode: u32): u32 {
  return vma.uffd & UFFD_WP && vma.mapping != null ? mode | ZAP_KEEP_WP : mode;
}

/** Does what the table of one entry covers belong to nobody else? */
function mayFree(addr: u64, shift: u64): bool {
  // What is dropped and stays mapped gives back tables of the lowest level alone.
  if (zapMode != ZAP_UNMAP && shift != PMD_SHIFT) return false;
  const base = (addr >> shift) << shift;
  return base >= floor && base + ((<u64>1) << shift) <= ceiling;
}

/** Zaps the part [start, end) of one last-level table, which may be shared; true when it is gone. */
function zapLastLevel(mm: Mm, entry: usize, start: u64, end: u64): bool {
  const frees = mayFree(start, PMD_SHIFT);
  let table = pteFrame(load<u64>(entry));
  if (!(load<u32>(entry) & PTE_RW)) {
    const whole = frees && end - start == (<u64>1) << PMD_SHIFT && zapMode == ZAP_UNMAP;
    if (whole && refcount(table) > 1) {
      dropTable(mm, table);
      zapped = true;
      return true;
    }
    if (!whole) table = ownSlot(mm, start) & ~(PAGE_SIZE - 1);
  }
  let used = mapcount(table);
  let slot = table + ((<usize>((start >> PAGE_SHIFT) & 511)) << 3);
  const last = slot + ((<usize>((end - start) >> PAGE_SHIFT)) << 3);
  for (; slot < last && used != 0; slot += 8) {
    if (zapEntry(mm, slot)) used--;
  }
  setMapcount(table, used);
  if (used != 0 || !frees) return false;
  putFrame(table);
  return true;
}

/** Zaps [start, end) below one table whose entries span 1 << shift bytes; returns its entries in use. */
function zapTable(mm: Mm, table: usize, shift: u64, start: u64, end: u64): u32 {
  let used = mapcount(table);
  let addr = start;
  while (addr < end && used != 0) {
    const entry = table + ((<usize>((addr >> shift) & 511)) << 3);
    const next = min(((addr >> shift) + 1) << shift, end);
    const child = pteFrame(load<u64>(entry));
    if (child != 0) {
      let gone: bool;
      if (shift == PMD_SHIFT) {
        gone = zapLastLevel(mm, entry, addr, next);
      } else {
        gone = zapTable(mm, child, shift - LEVEL_BITS, addr, next) == 0 && mayFree(addr, shift);
        if (gone) putFrame(child);
      }
      if (gone) {
        storeEntry(entry, 0);
        mm.tables--;
        used--;
      }
    }
    addr = next;
  }
  setMapcount(table, used);
  return used;
}

/** Unmaps the pages of [start, end) that `mode` (ZAP_*) does not spare; tables stay. */
export function zapRange(mm: Mm, start: u64, end: u64, mode: u32): void {
  zapAndFree(mm, start, end, mode, 0, 0);
}

/**
 * The same, and what it leaves empty of the tables between `lowest` and `highest`, the mappings that stay
 * on both sides, is freed.
 */
export function zapAndFree(
  mm: Mm,
  start: u64,
  end: u64,
  mode: u32,
  lowest: u64,
  highest: u64,
): void {
  if (start >= end) return;
  zapMode = mode & ~ZAP_KEEP_WP;
  keepsWp = (mode & ZAP_KEEP_WP) != 0;
  floor = lowest;
  ceiling = highest;
  zapped = false;
  zapTable(mm, mm.pgd, PGD_SHIFT, start, end);
  forgetWalk(mm);
  // What was never touched is in no TLB.
  if (zapped) flushRange(mm, start, end);
}

/** The part of pages [first, last] of a file that a VMA shows, zapped there. */
function zapInVma(vma: Vma, first: u64, last: u64, mode: u32): void {
  const pages = (vma.end - vma.start) >> PAGE_SHIFT;
  if (first >= vma.pgoff + pages || last < vma.pgoff) return;
  const from = max(first, vma.pgoff) - vma.pgoff;
  const to = min(last - vma.pgoff, pages - 1) + 1;
  const start = vma.start + (from << PAGE_SHIFT);
  zapRange(vma.mm, start, vma.start + (to << PAGE_SHIFT), zapModeIn(vma, mode));
}

/** mm/memory.c, unmap_mapping_pages(): unmaps pages first..last of a file from everyone. */
export function unmapMappingPages(mapping: Mapping, first: u64, last: u64, mode: u32): void {
  let vma = mapping.vmas;
  while (vma != null) {
    zapInVma(vma, first, last, mode);
    vma = vma.mapNext;
  }
}
