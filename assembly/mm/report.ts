// What /proc shows of page tables: fs/proc/task_mmu.c.
import {
  PG_ANON,
  PG_DIRTY,
  PM_FILE,
  PM_GUARD_REGION,
  PM_MMAP_EXCLUSIVE,
  PM_PRESENT,
  VMA_PAGES_ANON,
  VMA_PAGES_PRIVATE_CLEAN,
  VMA_PAGES_PRIVATE_DIRTY,
  VMA_PAGES_PSS,
  VMA_PAGES_REFERENCED,
  VMA_PAGES_RSS,
  VMA_PAGES_SHARED_CLEAN,
  VMA_PAGES_SHARED_DIRTY,
} from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { PTE_ACCESSED, PTE_DIRTY, PTE_MARKER_GUARD } from '../abi/pte';
import { mapcount, pageFlags } from './frame';
import { Mm } from './mm';
import { findSlot, pteFrame, ptePresent, pteSpecial } from './pgtable';
import { Vma } from './vma';

/** Binary digits of a byte that proportional sizes keep: fs/proc/task_mmu.c. */
const PSS_SHIFT = 12;

const record = memory.data(40, 8);

export function pagesRecord(): usize {
  return record;
}

/** pte_to_pagemap_entry() */
function pagemapEntry(pte: u64): u64 {
  if (pte == PTE_MARKER_GUARD) return (<u64>PM_GUARD_REGION) << 56;
  if (!ptePresent(pte)) return 0;
  const frame = pteFrame(pte);
  let bits: u64 = PM_PRESENT;
  if (!pteSpecial(pte)) {
    if (!(pageFlags(frame) & PG_ANON)) bits |= PM_FILE;
    if (mapcount(frame) == 1) bits |= PM_MMAP_EXCLUSIVE;
  }
  return (bits << 56) | ((<u64>frame) >> PAGE_SHIFT);
}

/** Writes the pagemap entries of `count` pages from `addr` on to `out`, frame numbers included. */
export function pagemap(mm: Mm, addr: u64, count: usize, out: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const slot = findSlot(mm, addr + ((<u64>i) << PAGE_SHIFT));
    store<u64>(out + (i << 3), slot == 0 ? 0 : pagemapEntry(load<u64>(slot)));
  }
}

function add(field: usize): void {
  store<u32>(record + field, load<u32>(record + field) + 1);
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
  const pss = load<f64>(record + VMA_PAGES_PSS);
  // As many fractions of a byte as Linux keeps (PSS_SHIFT), rounded down page by page.
  const share = ((<u64>PAGE_SIZE) << PSS_SHIFT) / sharers;
  store<f64>(record + VMA_PAGES_PSS, pss + <f64>share / <f64>(1 << PSS_SHIFT));
}

/** Fills the record with the page counts of one VMA, as smaps prints them. */
export function vmaPages(mm: Mm, vma: Vma): void {
  memory.fill(record, 0, 40);
  for (let addr = vma.start; addr < vma.end; addr += PAGE_SIZE) {
    const slot = findSlot(mm, addr);
    if (slot == 0) {
      addr = (addr | ((1 << 21) - 1)) - (PAGE_SIZE - 1);
      continue;
    }
    const pte = load<u64>(slot);
    if (ptePresent(pte) && !pteSpecial(pte)) accountPage(pte);
  }
}
