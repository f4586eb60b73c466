// What /proc shows of page tables: fs/proc/task_mmu.c.
import {
  PAGE_IS_FILE,
  PAGE_IS_GUARD,
  PAGE_IS_PFNZERO,
  PAGE_IS_PRESENT,
  PAGE_IS_SOFT_DIRTY,
  PAGE_IS_SWAPPED,
  PAGE_IS_WRITTEN,
  PG_ANON,
  PG_DIRTY,
  PM_FILE,
  PM_GUARD_REGION,
  PM_MMAP_EXCLUSIVE,
  PM_PRESENT,
  PM_SWAP,
  PM_UFFD_WP,
  VMA_PAGES_ANON,
  VMA_PAGES_MAPCOUNT_MAX,
  VMA_PAGES_PRIVATE_CLEAN,
  VMA_PAGES_PRIVATE_DIRTY,
  VMA_PAGES_PSS,
  VMA_PAGES_PSS_ANON,
  VMA_PAGES_PSS_DIRTY,
  VMA_PAGES_PSS_FILE,
  VMA_PAGES_PSS_SHMEM,
  VMA_PAGES_REFERENCED,
  VMA_PAGES_RSS,
  VMA_PAGES_SHARED_CLEAN,
  VMA_PAGES_SHARED_DIRTY,
  VMA_PAGES_SIZE,
} from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import {
  PTE_ACCESSED,
  PTE_DEVICE_SHIFT,
  PTE_DIRTY,
  PTE_MARKER_GUARD,
  PTE_MARKER_POISONED,
  PTE_MARKER_UFFD_WP,
  PTE_SOFT_DIRTY,
  PTE_UFFD_WP,
} from '../abi/pte';
import { mapcount, pageFlags, pageOwner } from './frame';
import { MAPPING_HOST, Mapping } from './mapping';
import { Mm, rss } from './mm';
import {
  findPte,
  findSlot,
  missingSpan,
  nextMapped,
  ownSlot,
  pteFrame,
  ptePresent,
  pteSpecial,
  storeEntry,
} from './pgtable';
import { isSharedTable, settleTables } from './share';
import { flushRange } from './tlb';
import { Vma } from './vma';

/** Binary digits of a byte that proportional sizes keep: fs/proc/task_mmu.c. */
const PSS_SHIFT = 12;
/** The frame numbers of markers: swap type 31, and PTE_MARKER_* of Linux, 4, 1 and 2, above it. */
const GUARD_PFN = 0x9f;
const WP_PFN = 0x3f;
const POISON_PFN = 0x5f;
/** No page table, and so nothing that PAGEMAP_SCAN could call written. */
const NO_TABLE: i32 = -1;

const record = memory.data(72, 8);

let runCategory: i32 = NO_TABLE;

export function pagesRecord(): usize {
  return record;
}

/** What is not there looks like a page that is swapped out. */
function markerEntry(pte: u64): u64 {
  if (pte == PTE_MARKER_GUARD) return ((<u64>(PM_SWAP | PM_GUARD_REGION)) << 56) | GUARD_PFN;
  if (pte == PTE_MARKER_POISONED) return ((<u64>PM_SWAP) << 56) | POISON_PFN;
  return ((<u64>(PM_SWAP | PM_UFFD_WP)) << 56) | WP_PFN;
}

/** pte_to_pagemap_entry() */
function pagemapEntry(pte: u64, exclusive: bool): u64 {
  if (!ptePresent(pte)) return pte == 0 ? 0 : markerEntry(pte);
  // The walk of the tables leaves VM_PFNMAP out: walk_page_test().
  if ((pte >> PTE_DEVICE_SHIFT) & 1) return 0;
  const frame = pteFrame(pte);
  let bits: u64 = pte & PTE_UFFD_WP ? PM_PRESENT | PM_UFFD_WP : PM_PRESENT;
  if (!pteSpecial(pte)) {
    if (!(pageFlags(frame) & PG_ANON)) bits |= PM_FILE;
    if (exclusive && mapcount(frame) == 1) bits |= PM_MMAP_EXCLUSIVE;
  }
  return (bits << 56) | ((<u64>frame) >> PAGE_SHIFT);
}

/** Writes the pagemap entries of `count` pages from `addr` on to `out`, frame numbers included. */
export function pagemap(mm: Mm, addr: u64, count: usize, out: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const slot = findSlot(mm, addr + ((<u64>i) << PAGE_SHIFT));
    const entry = slot == 0 ? 0 : pagemapEntry(load<u64>(slot), !isSharedTable(slot));
    store<u64>(out + (i << 3), entry);
  }
}

function add(field: usize): void {
  store<u32>(record + field, load<u32>(record + field) + 1);
}

/** smaps_page_accumulate(): the page's share, by kind. */
function addShare(frame: usize, share: u64, dirty: bool): void {
  const anon = (pageFlags(frame) & PG_ANON) != 0;
  const kind = anon
    ? VMA_PAGES_PSS_ANON
    : changetype<Mapping>(pageOwner(frame)).kind == MAPPING_HOST
      ? VMA_PAGES_PSS_FILE
      : VMA_PAGES_PSS_SHMEM;
  store<u64>(record + kind, load<u64>(record + kind) + share);
  store<u64>(record + VMA_PAGES_PSS, load<u64>(record + VMA_PAGES_PSS) + share);
  if (!dirty) return;
  store<u64>(record + VMA_PAGES_PSS_DIRTY, load<u64>(record + VMA_PAGES_PSS_DIRTY) + share);
}

/** smaps_account() for one present page. */
function accountPage(pte: u64): void {
  const frame = pteFrame(pte);
  const sharers = mapcount(frame);
  const flags = pageFlags(frame);
  const dirty = (pte & PTE_DIRTY) != 0 || (flags & PG_DIRTY) != 0;
  add(VMA_PAGES_RSS);
  if (flags & PG_ANON) add(VMA_PAGES_ANON);
  if (pte & PTE_ACCESSED) add(VMA_PAGES_REFERENCED);
  if (sharers > 1) add(dirty ? VMA_PAGES_SHARED_DIRTY : VMA_PAGES_SHARED_CLEAN);
  else add(dirty ? VMA_PAGES_PRIVATE_DIRTY : VMA_PAGES_PRIVATE_CLEAN);
  if (sharers > load<u32>(record + VMA_PAGES_MAPCOUNT_MAX))
    store<u32>(record + VMA_PAGES_MAPCOUNT_MAX, sharers);
  // As many fractions of a byte as Linux keeps, rounded down page by page.
  addShare(frame, ((<u64>PAGE_SIZE) << PSS_SHIFT) / sharers, dirty);
}

/** Fills the record with the page counts of one VMA, as smaps prints them. */
export function vmaPages(mm: Mm, vma: Vma): void {
  memory.fill(record, 0, VMA_PAGES_SIZE);
  settleTables();
  const end = vma.end;
  let addr = nextMapped(mm, vma.start, end);
  for (; addr < end; addr = nextMapped(mm, addr + PAGE_SIZE, end)) {
    const pte = findPte(mm, addr);
    if (ptePresent(pte) && !pteSpecial(pte)) accountPage(pte);
  }
}

/** pagemap_page_category(): what is not write-protected by a userfaultfd counts as written. */
function pageCategory(pte: u64): i32 {
  if (pte == PTE_MARKER_GUARD) return PAGE_IS_WRITTEN | PAGE_IS_SWAPPED | PAGE_IS_GUARD;
  if (pte == PTE_MARKER_POISONED) return PAGE_IS_WRITTEN | PAGE_IS_SWAPPED;
  if (pte == PTE_MARKER_UFFD_WP) return PAGE_IS_SWAPPED;
  if (!ptePresent(pte)) return PAGE_IS_WRITTEN;
  const present: i32 = PAGE_IS_PRESENT | (pte & PTE_UFFD_WP ? 0 : PAGE_IS_WRITTEN);
  if (pteSpecial(pte)) return present | PAGE_IS_PFNZERO;
  return pageFlags(pteFrame(pte)) & PG_ANON ? present : present | PAGE_IS_FILE;
}

/** pagemap_page_category() of an entry, with PAGE_IS_SOFT_DIRTY where that is kept. */
function categoryOf(slot: usize, softDirty: bool): i32 {
  const pte = load<u64>(slot);
  const category = pageCategory(pte);
  return softDirty && ptePresent(pte) && pte & PTE_SOFT_DIRTY
    ? category | PAGE_IS_SOFT_DIRTY
    : category;
}

/** Where the run of pages from `addr` on ends that have the same category, at most `end`. */
export function categoryRun(mm: Mm, addr: u64, end: u64, softDirty: bool): u64 {
  const first = findSlot(mm, addr);
  runCategory = first == 0 ? NO_TABLE : categoryOf(first, softDirty);
  let next = addr;
  while (next < end) {
    const slot = findSlot(mm, next);
    const category = slot == 0 ? NO_TABLE : categoryOf(slot, softDirty);
    if (category != runCategory) break;
    next += slot == 0 ? missingSpan(mm, next) : PAGE_SIZE;
  }
  return min(next, end);
}

/** The PAGE_IS_* of the run just measured; -1 where no page table is. */
export function categoryOfRun(): i32 {
  return runCategory;
}

/** clear_refs_pte_range(): the next access by the CPU marks a page again. */
export function clearReferenced(mm: Mm, vma: Vma): void {
  const end = vma.end;
  let addr = nextMapped(mm, vma.start, end);
  for (; addr < end; addr = nextMapped(mm, addr + PAGE_SIZE, end)) {
    const slot = ownSlot(mm, addr);
    const pte = load<u64>(slot);
    if (ptePresent(pte) && !pteSpecial(pte)) storeEntry(slot, pte & ~(<u64>PTE_ACCESSED));
  }
  flushRange(mm, vma.start, vma.end);
}

/** reset_mm_hiwater_rss() */
export function resetHiwaterRss(mm: Mm): void {
  mm.hiwaterRss = rss(mm);
}
