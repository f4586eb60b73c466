// Soft-dirty tracking: which pages were written since somebody last cleared the bits
// (Documentation/admin-guide/mm/soft-dirty.rst; fs/proc/task_mmu.c, clear_soft_dirty()).
//
// Every write through a fault sets PTE_SOFT_DIRTY, and every new mapping counts as written whole
// (Vma.softDirty). A clear takes both away, and the write bits with them, so that the next write faults.
// Kernels without the feature never clear and never show: there the bits mean nothing and cost nothing.
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { PTE_RW, PTE_SOFT_DIRTY } from '../abi/pte';
import { PM_SOFT_DIRTY_SHIFT } from '../abi/layout';
import { VM_PFNMAP } from '../abi/vma';
import { Mm } from './mm';
import { findSlot, nextMapped, ownSlot, ptePresent, storeEntry } from './pgtable';
import { flushRange } from './tlb';
import { Vma, vmaLookup } from './vma';

/** pte_needs_soft_dirty_wp(): the next write is to be noted, so the entry stays read-only. */
export function needsSoftDirtyWp(vma: Vma, pte: u64): bool {
  return !vma.softDirty && !(pte & PTE_SOFT_DIRTY);
}

/** clear_refs_write() with CLEAR_REFS_SOFT_DIRTY, for one VMA. */
export function clearSoftDirty(mm: Mm, vma: Vma): void {
  vma.softDirty = false;
  if (vma.flags & VM_PFNMAP) return;
  const end = vma.end;
  let addr = nextMapped(mm, vma.start, end);
  for (; addr < end; addr = nextMapped(mm, addr + PAGE_SIZE, end)) {
    const slot = ownSlot(mm, addr);
    const pte = load<u64>(slot);
    if (ptePresent(pte)) storeEntry(slot, pte & ~((PTE_SOFT_DIRTY | PTE_RW) as u64));
  }
  flushRange(mm, vma.start, end);
}

/** Adds PM_SOFT_DIRTY to the pagemap entries of `count` pages from `addr` on, which lie at `out`. */
export function markSoftDirty(mm: Mm, addr: u64, count: usize, out: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const at = addr + ((<u64>i) << PAGE_SHIFT);
    const vma = vmaLookup(mm, at);
    if (vma == null) continue;
    const slot = findSlot(mm, at);
    const pte = slot == 0 ? 0 : load<u64>(slot);
    if (!vma.softDirty && !(ptePresent(pte) && pte & PTE_SOFT_DIRTY)) continue;
    const word = out + (i << 3);
    store<u64>(word, load<u64>(word) | ((<u64>1) << PM_SOFT_DIRTY_SHIFT));
  }
}
