// madvise(MADV_PAGEOUT) on a machine without swap: mm/madvise.c, madvise_cold_or_pageout_pte_range(),
// and mm/vmscan.c, shrink_folio_list().
import { PG_ANON, PG_DIRTY, PG_LAZYFREE } from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { PTE_DIRTY, PTE_MARKER_UFFD_WP, PTE_UFFD_WP } from '../abi/pte';
import { VM_DROPPABLE } from '../abi/vma';
import { mapcount, pageFlags, setPageFlags } from './frame';
import { dropPages } from './mapping';
import { Mm } from './mm';
import { nextMapped, ownSlot, pteFrame, ptePresent, pteSpecial, setPte } from './pgtable';
import { removeRmap } from './rmap';
import { Vma } from './vma';

/**
 * Anonymous pages have nowhere to go, but for those of droppable mappings, and those that MADV_FREE gave up and
 * nobody wrote to since.
 */
function isDiscardable(vma: Vma, frame: usize, pte: u64): bool {
  if (vma.flags & VM_DROPPABLE) return true;
  const flags = pageFlags(frame);
  if (!(flags & PG_LAZYFREE)) return false;
  if (!(flags & PG_DIRTY) && !(pte & PTE_DIRTY)) return true;
  setPageFlags(frame, flags & ~PG_LAZYFREE);
  return false;
}

/** A page of a file leaves the tables, and the cache as well when it is clean. */
function unmapFilePage(mm: Mm, vma: Vma, addr: u64, frame: usize, pte: u64): void {
  const flags = pageFlags(frame);
  const dirty = (flags & PG_DIRTY) != 0 || (pte & PTE_DIRTY) != 0;
  if (dirty) setPageFlags(frame, flags | PG_DIRTY);
  removeRmap(mm, frame);
  const mapping = vma.mapping;
  if (dirty || mapping == null) return;
  const index = vma.pgoff + ((addr - vma.start) >> PAGE_SHIFT);
  dropPages(mapping, index, index);
}

/** Reclaims the pages of [start, end) of one VMA that nobody else maps; `anonOnly` spares the file's. */
export function pageOut(mm: Mm, vma: Vma, start: u64, end: u64, anonOnly: bool): void {
  let addr = nextMapped(mm, start, end);
  for (; addr < end; addr = nextMapped(mm, addr + PAGE_SIZE, end)) {
    const slot = ownSlot(mm, addr);
    const pte = load<u64>(slot);
    if (!ptePresent(pte) || pteSpecial(pte)) continue;
    const frame = pteFrame(pte);
    if (mapcount(frame) != 1) continue;
    const anon = (pageFlags(frame) & PG_ANON) != 0;
    if (anon ? !isDiscardable(vma, frame, pte) : anonOnly) continue;
    setPte(mm, slot, addr, !anon && pte & PTE_UFFD_WP ? PTE_MARKER_UFFD_WP : 0);
    if (anon) removeRmap(mm, frame);
    else unmapFilePage(mm, vma, addr, frame, pte);
  }
}
