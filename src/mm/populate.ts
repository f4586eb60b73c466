import { NEED_PAGE } from '../../assembly/abi/fault.js';
import * as vm from '../../assembly/abi/vma.js';
import type { Mm } from './mm.js';
import { loaded } from './user.js';

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

/**
 * Fills new or locked mappings as MAP_POPULATE does: private writable ones for writing; what cannot be
 * faulted in is left alone.
 * @see mm/gup.c, populate_vma_page_range()
 */
export function populate(mm: Mm, start: number, end: number): void {
  for (let vma = mm.findVma(start); vma !== null && vma.start < end; vma = mm.findVma(vma.end)) {
    if (!(vma.flags & (vm.VM_READ | vm.VM_WRITE | vm.VM_EXEC))) return;
    if (vma.flags & (vm.VM_IO | vm.VM_PFNMAP)) return;
    const write = (vma.flags & (vm.VM_WRITE | vm.VM_SHARED)) === vm.VM_WRITE;
    const from = Math.max(start, vma.start);
    if (populateRange(mm, from, Math.min(end, vma.end), write) < 0) return;
  }
}
