// madvise(): the advice that changes what memory holds or how it is inherited; mm/madvise.c.
import { EFAULT, ENOMEM } from '../abi/errno';
import { FAULT_NEED_PAGE, FAULT_OK, FAULT_OOM, NEED_PAGE } from '../abi/fault';
import { PG_DIRTY } from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { PTE_ACCESSED, PTE_DIRTY, PTE_MARKER_GUARD } from '../abi/pte';
import { accountVm } from './account';
import { anonVmaPrepare } from './anon-vma';
import { handleMmFault, isSoleAnon } from './fault';
import { pageFlags, setPageFlags } from './frame';
import { modifiedVma, vmaModify } from './merge';
import { Mm } from './mm';
import { allocSlot, findSlot, pteFrame, ptePresent, pteSpecial, setPte } from './pgtable';
import { setVmaFlags } from './region';
import { Vma, findVma } from './vma';
import { ZAP_PAGES, zapRange } from './zap';

/** MADV_DONTNEED inside one VMA: the pages go, guard markers stay. */
export function dropRange(mm: Mm, start: u64, end: u64): void {
  zapRange(mm, start, end, ZAP_PAGES);
}

/** MADV_FREE: pages that nobody shares become clean and old; their contents stay until memory is short. */
export function cleanRange(mm: Mm, start: u64, end: u64): void {
  for (let addr = start; addr < end; addr += PAGE_SIZE) {
    const slot = findSlot(mm, addr);
    if (slot == 0) continue;
    const pte = load<u64>(slot);
    if (!ptePresent(pte) || pteSpecial(pte) || !isSoleAnon(pteFrame(pte))) continue;
    const frame = pteFrame(pte);
    setPageFlags(frame, pageFlags(frame) & ~PG_DIRTY);
    setPte(mm, slot, addr, pte & ~((PTE_DIRTY | PTE_ACCESSED) as u64));
  }
}

/** Sets and clears flags on [start, end) of one VMA, splitting or merging it; 0 or -ENOMEM. */
export function changeFlags(
  mm: Mm,
  vma: Vma,
  start: u64,
  end: u64,
  set: u32,
  clear: u32,
  maxMaps: u32,
): i32 {
  const old = vma.flags;
  const flags = (old & ~clear) | set;
  if (flags == old) return 0;
  const error = vmaModify(mm, vma, start, end, flags, maxMaps);
  if (error) return error;
  setVmaFlags(modifiedVma(), flags);
  const pages = <i64>((end - start) >> PAGE_SHIFT);
  accountVm(mm, old, -pages);
  accountVm(mm, flags, pages);
  return 0;
}

/** MADV_GUARD_INSTALL inside one VMA: the pages go and markers take their places; 0 or -ENOMEM. */
export function installGuard(mm: Mm, vma: Vma, start: u64, end: u64): i32 {
  // Linux wants an anon_vma so that a fork copies the markers.
  anonVmaPrepare(vma);
  zapRange(mm, start, end, ZAP_PAGES);
  for (let addr = start; addr < end; addr += PAGE_SIZE) {
    const slot = allocSlot(mm, addr);
    if (slot == 0) return -ENOMEM;
    setPte(mm, slot, addr, PTE_MARKER_GUARD);
  }
  return 0;
}

/** MADV_GUARD_REMOVE: markers go, pages stay. */
export function removeGuard(mm: Mm, start: u64, end: u64): void {
  for (let addr = start; addr < end; addr += PAGE_SIZE) {
    const slot = findSlot(mm, addr);
    if (slot != 0 && load<u64>(slot) == PTE_MARKER_GUARD) setPte(mm, slot, addr, 0);
  }
}

/** Faults in every page of [start, end), which VMAs cover without holes; 0 or a negative errno. */
export function populateRange(mm: Mm, start: u64, end: u64, write: bool): i32 {
  for (let addr = start; addr < end; addr += PAGE_SIZE) {
    const vma = findVma(mm, addr);
    if (vma == null || vma.start > addr) return -ENOMEM;
    const fault = handleMmFault(mm, vma, addr, write);
    if (fault == FAULT_OK) continue;
    return fault == FAULT_OOM ? -ENOMEM : fault == FAULT_NEED_PAGE ? -NEED_PAGE : -EFAULT;
  }
  return 0;
}
