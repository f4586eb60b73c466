// Copying an address space for fork(): kernel/fork.c, dup_mmap(), and mm/memory.c, copy_page_range().
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { PTE_ACCESSED, PTE_DIRTY, PTE_RW } from '../abi/pte';
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
import { Mm, clearMm } from './mm';
import {
  allocSlot,
  findSlot,
  nextMapped,
  pteFrame,
  ptePresent,
  pteSpecial,
  setPte,
} from './pgtable';
import { dupRmap } from './rmap';
import { flushMm } from './tlb';
import { Vma, dupVma, insertVma } from './vma';

/** Copies the entries of a VMA that has private pages; writable ones become read-only on both sides. */
function copyPages(child: Mm, parent: Mm, vma: Vma): bool {
  const cow = (vma.flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
  const end = vma.end;
  let addr = nextMapped(parent, vma.start, end);
  for (; addr < end; addr = nextMapped(parent, addr + PAGE_SIZE, end)) {
    const from = findSlot(parent, addr);
    let pte = load<u64>(from);
    if (pte == 0) continue;
    const to = allocSlot(child, addr);
    if (to == 0) return false;
    if (ptePresent(pte)) {
      if (cow && pte & PTE_RW) {
        pte &= ~(<u64>PTE_RW);
        store<u64>(from, pte);
      }
      if (!pteSpecial(pte)) dupRmap(child, pteFrame(pte));
      // The child has not stored to the shared page yet.
      if (vma.flags & VM_SHARED) pte &= ~(<u64>PTE_DIRTY);
      // Nor used it: pte_mkold().
      pte &= ~(<u64>PTE_ACCESSED);
    }
    setPte(child, to, addr, pte);
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
  if (!(vma.flags & VM_WIPEONFORK)) anonVmaFork(copy, vma);
  insertVma(child, copy);
  accountVm(child, copy.flags, <i64>length);
  // Wiped: neither pages nor markers.
  if (vma.flags & VM_WIPEONFORK) return true;
  // vma_needs_copy(): without an anon_vma every page can be faulted in again, but markers cannot.
  if (copy.anonVma == 0 && !(vma.flags & VM_MAYBE_GUARD)) return true;
  return copyPages(child, parent, vma);
}

/** Fills the empty `child` with a copy of `parent`, pages shared copy-on-write; false, and empty, without memory. */
export function dupMm(child: Mm, parent: Mm): bool {
  child.mmapBase = parent.mmapBase;
  child.growthLimit = parent.growthLimit;
  let whole = true;
  let vma = parent.first;
  while (vma != null && whole) {
    if (!(vma.flags & VM_DONTCOPY)) whole = copyVma(child, parent, vma);
    vma = vma.next;
  }
  // The parent's entries lost their write bits.
  flushMm(parent);
  if (!whole) clearMm(child);
  return whole;
}
