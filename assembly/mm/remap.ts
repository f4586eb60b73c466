// Moving and resizing mappings: mm/mremap.c. The host has checked the arguments and found the place.
import { ENOMEM } from '../abi/errno';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { PTE_SOFT_DIRTY } from '../abi/pte';
import { VM_LOCKED, VM_LOCKONFAULT } from '../abi/vma';
import { accountVm } from './account';
import { mergeCopiedRange, setBounds } from './merge';
import { Mm } from './mm';
import { allocSlot, nextMapped, ownSlot, ptePresent, setPte } from './pgtable';
import { unmapRegion } from './region';
import { withoutWp } from './userfault';
import { Vma, dupVma, insertVma, setVmaFlags, vmaLookup } from './vma';

/**
 * move_page_tables(): the entries move, the pages stay where they are, without a userfaultfd's marks if
 * `clearWp`; false without memory.
 */
function moveEntries(mm: Mm, from: u64, to: u64, length: u64, clearWp: bool): bool {
  const end = from + length;
  let addr = nextMapped(mm, from, end);
  for (; addr < end; addr = nextMapped(mm, addr + PAGE_SIZE, end)) {
    const slot = ownSlot(mm, addr);
    const pte = load<u64>(slot);
    if (pte == 0) continue;
    const target = allocSlot(mm, addr - from + to);
    if (target == 0) return false;
    // move_soft_dirty_pte(): what moved counts as written.
    const moved = ptePresent(pte) ? pte | PTE_SOFT_DIRTY : pte;
    setPte(mm, target, addr - from + to, clearWp ? withoutWp(moved) : moved);
    setPte(mm, slot, addr, 0);
  }
  return true;
}

/** vma_merge_extend(): the VMA grows over the hole above it, into a neighbour that fits. */
export function expandInPlace(mm: Mm, vma: Vma, end: u64): void {
  accountVm(mm, vma.flags, <i64>((end - vma.end) >> PAGE_SHIFT));
  const pgoff = vma.pgoff + ((vma.end - vma.start) >> PAGE_SHIFT);
  if (mergeCopiedRange(mm, vma, vma.end, end, pgoff) == null) setBounds(mm, vma, vma.start, end);
}

/** copy_vma(): a mapping like `vma` at [to, to + length), part of a neighbour where it fits; or null. */
function copyVma(mm: Mm, vma: Vma, from: u64, to: u64, length: u64): Vma | null {
  let pgoff = vma.pgoff + ((from - vma.start) >> PAGE_SHIFT);
  // Untouched anonymous memory forgets where it was: it may merge with what is there.
  if (vma.mapping == null && vma.anonVma == 0) pgoff = to >> PAGE_SHIFT;
  const merged = mergeCopiedRange(mm, vma, to, to + length, pgoff);
  if (merged != null) return merged;
  const copy = dupVma(mm, vma, to, to + length, pgoff);
  if (copy == null) return null;
  insertVma(mm, copy);
  return copy;
}

/** dontunmap_complete(): the old mapping stays, unlocked and without its pages. */
function keepSource(mm: Mm, copy: Vma, from: u64, length: u64): void {
  // The copy may have merged with the old mapping: ask again where that is.
  const old = vmaLookup(mm, from);
  if (old == null) return;
  setVmaFlags(old, old.flags & ~(VM_LOCKED | VM_LOCKONFAULT));
  // Nothing anonymous is left in a mapping that moved whole.
  if (old != copy && old.start == from && old.end == from + length) {
    old.anonVma = 0;
    old.anonChain = 0;
  }
}

/**
 * move_vma(): moves the `oldLen` bytes at `from`, inside `vma`, to the free range of `newLen` bytes at
 * `to`; with `keep` (MREMAP_DONTUNMAP) the old mapping stays, empty. With oldLen 0 the pages of a shared
 * mapping show at both places. 0 or a negative errno.
 */
export function moveRegion(
  mm: Mm,
  vma: Vma,
  from: u64,
  oldLen: u64,
  to: u64,
  newLen: u64,
  keep: bool,
  maxMaps: u32,
): i32 {
  const flags = vma.flags;
  const watched = vma.uffd != 0;
  const hiwater = mm.hiwaterVm;
  const copy = copyVma(mm, vma, from, to, newLen);
  if (copy == null) return -ENOMEM;
  accountVm(mm, flags, <i64>(newLen >> PAGE_SHIFT));
  let error = 0;
  const moved = moveEntries(mm, from, to, oldLen, watched);
  // mremap_userfaultfd_prep(): nobody watches the new place, nor what it merged with.
  if (moved && watched) copy.uffd = 0;
  if (!moved) {
    // Back where they were: the tables on that side still exist.
    moveEntries(mm, to, from, oldLen, false);
    unmapRegion(mm, to, to + newLen, maxMaps);
    error = -ENOMEM;
  } else if (keep) {
    keepSource(mm, copy, from, oldLen);
  } else if (oldLen != 0) {
    // Without memory for a split the old mapping stays, empty: unmap_source_vma().
    unmapRegion(mm, from, from + oldLen, maxMaps);
  }
  // While both stood, the sum was higher than the process ever asked for.
  mm.hiwaterVm = max(hiwater, mm.totalVm);
  return error;
}
