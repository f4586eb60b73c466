// Copying an address space for fork(): kernel/fork.c, dup_mmap(), and mm/memory.c, copy_page_range().
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { PTE_ACCESSED, PTE_DIRTY, PTE_MARKER_UFFD_WP, PTE_RW, PTE_UFFD_WP } from '../abi/pte';
import { UFFD_WP } from '../abi/userfault';
import {
  VM_ACCOUNT,
  VM_DONTCOPY,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAYBE_GUARD,
  VM_MAYWRITE,
  VM_SHARED,
  VM_WIPEONFORK,
} from '../abi/vma';
import { accountVm } from './account';
import { anonVmaFork } from './anon-vma';
import { enoughMemory } from './limits';
import { Mm, clearMm, noteRss } from './mm';
import {
  PMD_SHIFT,
  allocSlot,
  findSlot,
  nextMapped,
  ownSlot,
  pteFrame,
  ptePresent,
  pteSpecial,
  setPte,
  storeEntry,
} from './pgtable';
import { dupRmap } from './rmap';
import { shareTable } from './share';
import { flushMm } from './tlb';
import { Vma, dupVma, insertVma } from './vma';

/** The 2 MiB region that the fork under way looked at last, and whether its table is shared now. */
let lastRegion: u64 = 0;
let lastShared: bool = false;

/** is_cow_mapping() */
function isCow(vma: Vma): bool {
  return (vma.flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/** vma_needs_copy(): without an anon_vma every page can be faulted in again, but markers cannot. */
function needsCopy(vma: Vma): bool {
  return vma.anonVma != 0 || (vma.flags & VM_MAYBE_GUARD) != 0;
}

/** Does the child get every entry of this VMA, changed in no way but the write bit and the accessed bit? */
function isCopiedWhole(vma: Vma): bool {
  if (!needsCopy(vma) || !isCow(vma) || vma.flags & (VM_DONTCOPY | VM_WIPEONFORK)) return false;
  // The child's entries lose the marks of a userfaultfd.
  return !(vma.uffd & UFFD_WP);
}

/** Has the part of `vma` in the region [start, end), whose table exists, any entry? */
function hasEntries(parent: Mm, vma: Vma, start: u64, end: u64): bool {
  const last = min(vma.end, end);
  for (let addr = max(vma.start, start); addr < last; addr += PAGE_SIZE) {
    if (load<u64>(findSlot(parent, addr)) != 0) return true;
  }
  return false;
}

/**
 * Do the VMAs in the region that starts at `start`, of which `vma` is one, let it share its table? Those that
 * the child does not get alike must have no entry there.
 */
function mayShare(parent: Mm, vma: Vma, start: u64): bool {
  const end = start + ((<u64>1) << PMD_SHIFT);
  let at: Vma | null = vma;
  while (at != null && at.end > start) {
    if (!isCopiedWhole(at) && hasEntries(parent, at, start, end)) return false;
    at = at.prev;
  }
  at = vma.next;
  while (at != null && at.start < end) {
    if (!isCopiedWhole(at) && hasEntries(parent, at, start, end)) return false;
    at = at.next;
  }
  return true;
}

/** Copies the entries of [start, end) of a VMA; writable ones become read-only on both sides. */
function copyEntries(child: Mm, parent: Mm, vma: Vma, start: u64, end: u64): bool {
  const cow = isCow(vma);
  for (let addr = start; addr < end; addr += PAGE_SIZE) {
    const from = ownSlot(parent, addr);
    let pte = load<u64>(from);
    if (pte == 0) continue;
    const to = allocSlot(child, addr);
    if (to == 0) return false;
    if (ptePresent(pte)) {
      if (cow && pte & PTE_RW) {
        pte &= ~(<u64>PTE_RW);
        storeEntry(from, pte);
      }
      if (!pteSpecial(pte)) dupRmap(child, pteFrame(pte));
      // The child has not stored to the shared page yet.
      if (vma.flags & VM_SHARED) pte &= ~(<u64>PTE_DIRTY);
      // Nor used it: pte_mkold().
      pte &= ~(<u64>(PTE_ACCESSED | PTE_UFFD_WP));
    } else if (pte == PTE_MARKER_UFFD_WP) {
      continue;
    }
    setPte(child, to, addr, pte);
  }
  return true;
}

/** copy_page_range(): region by region of 2 MiB, whose tables are shared where that can be. */
function copyPages(child: Mm, parent: Mm, vma: Vma): bool {
  const end = vma.end;
  let addr = nextMapped(parent, vma.start, end);
  while (addr < end) {
    const region = addr >> PMD_SHIFT;
    const next = min((region + 1) << PMD_SHIFT, end);
    if (region != lastRegion) {
      lastRegion = region;
      lastShared = mayShare(parent, vma, region << PMD_SHIFT);
      if (lastShared && !shareTable(child, parent, addr)) return false;
    }
    if (!lastShared && !copyEntries(child, parent, vma, addr, next)) return false;
    addr = nextMapped(parent, next, end);
  }
  return true;
}

function copyVma(child: Mm, parent: Mm, vma: Vma): bool {
  const length = (vma.end - vma.start) >> PAGE_SHIFT;
  if (vma.flags & VM_ACCOUNT && !enoughMemory(parent, <i64>length)) return false;
  const copy = dupVma(child, vma, vma.start, vma.end, vma.pgoff);
  if (copy == null) return false;
  copy.flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
  copy.anonVma = 0;
  copy.anonChain = 0;
  // dup_userfaultfd(): the child's memory belongs to no userfaultfd.
  copy.uffd = 0;
  if (!(vma.flags & VM_WIPEONFORK)) anonVmaFork(copy, vma);
  insertVma(child, copy);
  accountVm(child, copy.flags, <i64>length);
  // Wiped: neither pages nor markers.
  if (vma.flags & VM_WIPEONFORK) return true;
  return !needsCopy(vma) || copyPages(child, parent, vma);
}

/** Fills the empty `child` with a copy of `parent`, pages shared copy-on-write; false, and empty, without memory. */
export function dupMm(child: Mm, parent: Mm): bool {
  child.mmapBase = parent.mmapBase;
  child.growthLimit = parent.growthLimit;
  lastRegion = u64.MAX_VALUE;
  let whole = true;
  let vma = parent.first;
  while (vma != null && whole) {
    if (!(vma.flags & VM_DONTCOPY)) whole = copyVma(child, parent, vma);
    vma = vma.next;
  }
  noteRss(child);
  // The parent's entries lost their write bits.
  flushMm(parent);
  if (!whole) clearMm(child);
  return whole;
}
