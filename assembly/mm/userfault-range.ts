// Registering ranges with a userfaultfd and write-protecting them: fs/userfaultfd.c,
// userfaultfd_register_range(); mm/userfaultfd.c, mwriteprotect_range() and uffd_wp_range().
import { ENOENT, ENOMEM } from '../abi/errno';
import { PAGE_SIZE } from '../abi/page';
import { PTE_DIRTY, PTE_MARKER_GUARD, PTE_MARKER_POISONED, PTE_MARKER_UFFD_WP } from '../abi/pte';
import { UFFD_MODES, UFFD_NUMBER_SHIFT, UFFD_WP, UFFD_WP_UNPOPULATED } from '../abi/userfault';
import { VM_SHARED } from '../abi/vma';
import { isSoleAnon } from './fault';
import { modifiedVma, vmaModifyUffd } from './merge';
import { Mm } from './mm';
import {
  allocSlot,
  makeDirty,
  nextMapped,
  ownSlot,
  pteFrame,
  ptePresent,
  pteSpecial,
  setPte,
} from './pgtable';
import { markWp, withoutWp } from './userfault';
import { Vma, findVma } from './vma';

/** userfaultfd_wp_use_markers(): can pages of the VMA that are not there be write-protected? */
function usesMarkers(vma: Vma): bool {
  if (!(vma.uffd & UFFD_WP)) return false;
  return vma.mapping != null || (vma.uffd & UFFD_WP_UNPOPULATED) != 0;
}

/** One entry, protected; of what is neither there nor absent nothing changes. */
function protectEntry(mm: Mm, slot: usize, addr: u64, markers: bool): void {
  const pte = load<u64>(slot);
  if (ptePresent(pte)) setPte(mm, slot, addr, markWp(pte));
  else if (pte == 0 && markers) setPte(mm, slot, addr, PTE_MARKER_UFFD_WP);
}

/** One entry, let go; writable at once where a store needs no copy: can_change_pte_writable(). */
function releaseEntry(mm: Mm, vma: Vma, slot: usize, addr: u64): void {
  const pte = load<u64>(slot);
  if (!ptePresent(pte)) {
    if (pte == PTE_MARKER_UFFD_WP) setPte(mm, slot, addr, 0);
    return;
  }
  const free = withoutWp(pte);
  const stays = !pteSpecial(pte) && (free & PTE_DIRTY) != 0;
  const own = (vma.flags & VM_SHARED) != 0 || isSoleAnon(pteFrame(pte));
  setPte(mm, slot, addr, stays && own ? makeDirty(free, vma.flags) : free);
}

/** uffd_wp_range(): protects the pages of [start, end) of one VMA, or lets them go; 0 or -ENOMEM. */
function wpRange(mm: Mm, vma: Vma, start: u64, end: u64, protect: bool): i32 {
  const markers = protect && usesMarkers(vma);
  let addr = markers ? start : nextMapped(mm, start, end);
  while (addr < end) {
    const slot = markers ? allocSlot(mm, addr) : ownSlot(mm, addr);
    if (slot == 0) return -ENOMEM;
    if (protect) protectEntry(mm, slot, addr, markers);
    else releaseEntry(mm, vma, slot, addr);
    addr += PAGE_SIZE;
    if (!markers) addr = nextMapped(mm, addr, end);
  }
  return 0;
}

/** UFFDIO_WRITEPROTECT over [start, end): 0, -ENOENT at the first VMA without write-protection, -ENOMEM. */
export function uffdWriteProtect(mm: Mm, start: u64, end: u64, protect: bool): i32 {
  let error = -ENOENT;
  let vma = findVma(mm, start);
  while (vma != null && vma.start < end) {
    if (!(vma.uffd & UFFD_WP)) return -ENOENT;
    error = wpRange(mm, vma, max(vma.start, start), min(vma.end, end), protect);
    if (error) return error;
    vma = vma.next;
  }
  return error;
}

/** Does a VMA already have what a registration asks for? */
function hasModes(vma: Vma, uffd: u32): bool {
  if (vma.uffd >> UFFD_NUMBER_SHIFT != uffd >> UFFD_NUMBER_SHIFT) return false;
  return (vma.uffd & uffd & UFFD_MODES) == (uffd & UFFD_MODES);
}

/** Gives the VMAs of [start, end) the word `uffd`; with 0 they are watched no more. 0 or -ENOMEM. */
export function uffdRegister(mm: Mm, start: u64, end: u64, uffd: u32, maxMaps: u32): i32 {
  let vma = findVma(mm, start);
  let from = start;
  while (vma != null && vma.start < end) {
    from = max(from, vma.start);
    if (uffd == 0 ? vma.uffd != 0 : !hasModes(vma, uffd)) {
      const to = min(vma.end, end);
      if (uffd == 0 && vma.uffd & UFFD_WP) wpRange(mm, vma, from, to, false);
      const error = vmaModifyUffd(mm, vma, from, to, uffd, maxMaps);
      if (error) return error;
      vma = modifiedVma();
      vma.uffd = uffd;
    }
    from = vma.end;
    vma = vma.next;
  }
  return 0;
}

/** userfaultfd_release_all(): no VMA is watched by the userfaultfd of that number any more. */
export function uffdRelease(mm: Mm, number: u32): void {
  let vma = mm.first;
  while (vma != null) {
    if (vma.uffd >> UFFD_NUMBER_SHIFT == number) {
      uffdRegister(mm, vma.start, vma.end, 0, u32.MAX_VALUE);
      // It may be part of what lies before it by now.
      vma = modifiedVma();
    }
    vma = vma.next;
  }
}
