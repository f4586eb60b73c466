// Faulting in pages before they are touched: mm/gup.c, populate_vma_page_range().
import { EHWPOISON, ENOMEM } from '../abi/errno';
import { FAULT_OK, FAULT_SIGBUS } from '../abi/fault';
import { PG_DIRTY } from '../abi/layout';
import { PAGE_SIZE } from '../abi/page';
import { PTE_DIRTY, PTE_MARKER_POISONED, PTE_UFFD_WP } from '../abi/pte';
import { VM_SHARED, VM_WRITE } from '../abi/vma';
import { handleMmFault } from './fault';
import { pageFlags, setPageFlags } from './frame';
import { Mm } from './mm';
import { findPte, findSlot, pteFrame, ptePresent, pteSpecial, pteWritable } from './pgtable';
import { faultStop } from './userfault';
import { Vma, findVma } from './vma';

/**
 * follow_page_pte() with FOLL_TOUCH and FOLL_WRITE: a page that a store would reach without a fault
 * becomes dirty itself, its entry does not. False where a fault is needed.
 */
function touchForWrite(mm: Mm, vma: Vma, addr: u64): bool {
  const pte = findPte(mm, addr);
  if (!ptePresent(pte) || pteSpecial(pte)) return false;
  // Linux maps the pages of shared memory writable when they are read.
  const shared = (vma.flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE);
  if (!pteWritable(pte) && (!shared || pte & PTE_UFFD_WP)) return false;
  const frame = pteFrame(pte);
  if (!(pte & PTE_DIRTY)) setPageFlags(frame, pageFlags(frame) | PG_DIRTY);
  return true;
}

/** Faults in every page of [start, end), which VMAs cover without holes; 0 or a negative errno. */
export function populateRange(mm: Mm, start: u64, end: u64, write: bool): i32 {
  for (let addr = start; addr < end; addr += PAGE_SIZE) {
    const vma = findVma(mm, addr);
    if (vma == null || vma.start > addr) return -ENOMEM;
    if (write && touchForWrite(mm, vma, addr)) continue;
    const fault = handleMmFault(mm, vma, addr, write);
    if (fault == FAULT_OK) continue;
    // VM_FAULT_HWPOISON, which FOLL_HWPOISON tells apart.
    if (fault == FAULT_SIGBUS && load<u64>(findSlot(mm, addr)) == PTE_MARKER_POISONED) {
      return -EHWPOISON;
    }
    return -faultStop(fault);
  }
  return 0;
}
