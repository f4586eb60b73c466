// Faulting in pages before they are touched: mm/gup.c, populate_vma_page_range().
import { ENOMEM } from '../abi/errno';
import { FAULT_OK } from '../abi/fault';
import { PAGE_SIZE } from '../abi/page';
import { handleMmFault } from './fault';
import { Mm } from './mm';
import { faultStop } from './userfault';
import { findVma } from './vma';

/** Faults in every page of [start, end), which VMAs cover without holes; 0 or a negative errno. */
export function populateRange(mm: Mm, start: u64, end: u64, write: bool): i32 {
  for (let addr = start; addr < end; addr += PAGE_SIZE) {
    const vma = findVma(mm, addr);
    if (vma == null || vma.start > addr) return -ENOMEM;
    const fault = handleMmFault(mm, vma, addr, write);
    if (fault == FAULT_OK) continue;
    return -faultStop(fault);
  }
  return 0;
}
