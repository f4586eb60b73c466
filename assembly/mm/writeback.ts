// Pages of files whose contents are somewhere else: which of them were written to, and giving up those that
// can be read again. mm/page-writeback.c, mm/truncate.c, mm/vmscan.c.
import { PG_DIRTY } from '../abi/layout';
import { PAGE_SHIFT } from '../abi/page';
import { PTE_DIRTY } from '../abi/pte';
import { mapcount, pageFlags, refcount, setPageFlags } from './frame';
import { Mapping, dropPages, findPage, nextPage } from './mapping';
import { findPte, ownSlot, pteFrame, ptePresent, pteSpecial, setPte } from './pgtable';
import { Vma } from './vma';
import { ZAP_FILE_PAGES, unmapMappingPages } from './zap';

/** Whether the entry that shows page `index` in a VMA knows of a store; `clean` makes it forget. */
function dirtyIn(vma: Vma, index: u64, frame: usize, clean: bool): bool {
  const pages = (vma.end - vma.start) >> PAGE_SHIFT;
  if (index < vma.pgoff || index - vma.pgoff >= pages) return false;
  const addr = vma.start + ((index - vma.pgoff) << PAGE_SHIFT);
  const pte = findPte(vma.mm, addr);
  if (!ptePresent(pte) || pteSpecial(pte) || pteFrame(pte) != frame) return false;
  if (!(pte & PTE_DIRTY)) return false;
  if (clean) {
    const slot = ownSlot(vma.mm, addr);
    setPte(vma.mm, slot, addr, load<u64>(slot) & ~(<u64>PTE_DIRTY));
  }
  return true;
}

/**
 * Whether page `index` was written to since it was last clean; it is clean afterwards with `clean`.
 * @see folio_clear_dirty_for_io(), page_vma_mkclean_one()
 */
export function testDirty(mapping: Mapping, index: u64, clean: bool): bool {
  const frame = findPage(mapping, index);
  if (frame == 0) return false;
  const flags = pageFlags(frame);
  let dirty = (flags & PG_DIRTY) != 0;
  let vma = mapping.vmas;
  while (vma != null) {
    if (dirtyIn(vma, index, frame, clean)) dirty = true;
    vma = vma.mapNext;
  }
  if (clean && dirty) setPageFlags(frame, flags & ~PG_DIRTY);
  return dirty;
}

/** Page `index` leaves cache and mappings, unless it was written to: invalidate_inode_pages2_range(). */
export function invalidatePage(mapping: Mapping, index: u64): void {
  if (testDirty(mapping, index, false)) return;
  unmapMappingPages(mapping, index, index, ZAP_FILE_PAGES);
  dropPages(mapping, index, index);
}

/** Gives up what is clean and nobody maps or holds, and counts it: shrink_folio_list() of the page cache. */
export function reclaimPages(mapping: Mapping): u32 {
  let count: u32 = 0;
  let index = nextPage(mapping, 0);
  while (index != u64.MAX_VALUE) {
    const frame = findPage(mapping, index);
    const held = mapcount(frame) != 0 || refcount(frame) != 1;
    if (!held && !(pageFlags(frame) & PG_DIRTY)) {
      dropPages(mapping, index, index);
      count++;
    }
    index = nextPage(mapping, index + 1);
  }
  return count;
}
