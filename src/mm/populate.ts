import { EFAULT } from '../../assembly/abi/errno.js';
import { NEED_PAGE } from '../../assembly/abi/fault.js';
import * as vm from '../../assembly/abi/vma.js';
import type { Mm, VmaInfo } from './mm.js';
import { loaded } from './need-page.js';

/**
 * Faults in the pages of [start, end), one call of the core for each stretch; 0, or the negative errno
 * that stopped it.
 * @see mm/gup.c, faultin_page_range()
 */
export function populateRange(mm: Mm, start: number, end: number, write: boolean): number {
  const { exports } = mm.core;
  let error = exports.populateRange(mm.ptr, start, end, write);
  while (error === -NEED_PAGE && loaded(mm)) {
    error = exports.populateRange(mm.ptr, start, end, write);
  }
  return error;
}

/** populate_vma_page_range() for a part of one mapping; 0 or a negative errno. */
export function populateVma(mm: Mm, vma: VmaInfo, start: number, end: number): number {
  if (vma.flags & vm.VM_LOCKONFAULT) return 0;
  if (!(vma.flags & (vm.VM_READ | vm.VM_WRITE | vm.VM_EXEC))) return -EFAULT;
  if (vma.flags & vm.VM_SECRETMEM) return -EFAULT;
  // Private writable pages get their copies now; others would only become dirty for nothing.
  const write = (vma.flags & (vm.VM_WRITE | vm.VM_SHARED)) === vm.VM_WRITE;
  return populateRange(mm, start, end, write);
}

/**
 * Fills new or locked mappings as MAP_POPULATE does; what cannot be faulted in is left alone.
 * @see mm/gup.c, __mm_populate()
 */
export function populate(mm: Mm, start: number, end: number): void {
  for (let vma = mm.findVma(start); vma !== null && vma.start < end; vma = mm.findVma(vma.end)) {
    if (vma.flags & (vm.VM_IO | vm.VM_PFNMAP)) continue;
    populateVma(mm, vma, Math.max(start, vma.start), Math.min(end, vma.end));
  }
}
