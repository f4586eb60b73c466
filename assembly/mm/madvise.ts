// madvise(): the advice that changes what memory holds or how it is inherited; mm/madvise.c.
import { EINVAL, ENOMEM, EPERM } from '../abi/errno';
import { PG_ANON, PG_DIRTY, PG_LAZYFREE } from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { PTE_ACCESSED, PTE_DIRTY, PTE_MARKER_GUARD, PTE_MARKER_POISONED } from '../abi/pte';
import { VM_MAYBE_GUARD, VM_SEALED, VM_WRITE } from '../abi/vma';
import { accountVm } from './account';
import { anonVmaPrepare } from './anon-vma';
import { mapcount, pageFlags, setPageFlags } from './frame';
import { setModifiedFlags, vmaModify } from './merge';
import { Mm } from './mm';
import {
  allocSlot,
  findSlot,
  nextMapped,
  ownSlot,
  pteFrame,
  ptePresent,
  pteSpecial,
  setPte,
} from './pgtable';
import { Vma, findVma } from './vma';
import { ZAP_PAGES, zapAndFree, zapModeIn, zapRange } from './zap';

/** can_modify_vma_madv(): sealed private memory keeps what nobody may write over (K-543). */
function keepsContents(vma: Vma): bool {
  if ((vma.flags & (VM_SEALED | VM_WRITE)) != VM_SEALED) return false;
  return vma.mapping == null && vma.name == 0;
}

/**
 * MADV_DONTNEED over [start, end), mapping by mapping: the pages go, guard markers stay. -EINVAL at one with
 * any of the `refused` flags, -EPERM at a sealed one, -ENOMEM for holes when all else is done (K-541).
 */
export function dontNeed(mm: Mm, start: u64, end: u64, refused: u32): i32 {
  let hole = false;
  let addr = start;
  while (addr < end) {
    const vma = findVma(mm, addr);
    if (vma == null) return -ENOMEM;
    if (vma.start > addr) {
      hole = true;
      addr = vma.start;
      if (addr >= end) break;
    }
    if (keepsContents(vma)) return -EPERM;
    if (vma.flags & refused) return -EINVAL;
    const to = min(vma.end, end);
    // CONFIG_PT_RECLAIM: tables of which all is dropped and all was empty go too.
    zapAndFree(mm, addr, to, zapModeIn(vma, ZAP_PAGES), addr, to);
    addr = to;
  }
  return hole ? -ENOMEM : 0;
}

/** MADV_FREE: private pages become clean and old; their contents stay until memory is short. */
export function cleanRange(mm: Mm, start: u64, end: u64): void {
  let addr = nextMapped(mm, start, end);
  for (; addr < end; addr = nextMapped(mm, addr + PAGE_SIZE, end)) {
    const slot = ownSlot(mm, addr);
    const pte = load<u64>(slot);
    // madvise_free_pte_range(): poison is given up like a page.
    if (pte == PTE_MARKER_POISONED) setPte(mm, slot, addr, 0);
    if (!ptePresent(pte) || pteSpecial(pte)) continue;
    const frame = pteFrame(pte);
    if (!(pageFlags(frame) & PG_ANON)) continue;
    // What was written from outside, and others show too, stays dirty.
    if (pageFlags(frame) & PG_DIRTY && mapcount(frame) != 1) continue;
    setPageFlags(frame, (pageFlags(frame) & ~PG_DIRTY) | PG_LAZYFREE);
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
  setModifiedFlags(flags);
  const pages = <i64>((end - start) >> PAGE_SHIFT);
  accountVm(mm, old, -pages);
  accountVm(mm, flags, pages);
  return 0;
}

/** MADV_GUARD_INSTALL inside one VMA: the pages go and markers take their places; 0 or -ENOMEM. */
export function installGuard(mm: Mm, vma: Vma, start: u64, end: u64): i32 {
  // Anonymous memory is no longer untouched.
  if (vma.mapping == null) anonVmaPrepare(vma);
  // So that a fork copies the markers.
  vma.flags |= VM_MAYBE_GUARD;
  zapRange(mm, start, end, zapModeIn(vma, ZAP_PAGES));
  for (let addr = start; addr < end; addr += PAGE_SIZE) {
    const slot = allocSlot(mm, addr);
    if (slot == 0) return -ENOMEM;
    setPte(mm, slot, addr, PTE_MARKER_GUARD);
  }
  return 0;
}

/** MADV_GUARD_REMOVE: markers go, pages stay. */
export function removeGuard(mm: Mm, start: u64, end: u64): void {
  let addr = nextMapped(mm, start, end);
  for (; addr < end; addr = nextMapped(mm, addr + PAGE_SIZE, end)) {
    const slot = findSlot(mm, addr);
    if (load<u64>(slot) == PTE_MARKER_GUARD) setPte(mm, ownSlot(mm, addr), addr, 0);
  }
}
