// The identity of anonymous memory, as far as merging shows it: mm/rmap.c, anon_vma_prepare(), and
// mm/vma.c, find_mergeable_anon_vma().
import { PAGE_SHIFT } from '../abi/page';
import { UFFD_MODES } from '../abi/userfault';
import { VM_EXEC, VM_READ, VM_STICKY, VM_WRITE } from '../abi/vma';
import { Vma } from './vma';

const VM_ACCESS_FLAGS: u32 = VM_READ | VM_WRITE | VM_EXEC;

let lastAnonVma: u32 = 0;

/** The last id given, which an image of the machine carries. */
export function lastAnonVmaId(): u32 {
  return lastAnonVma;
}

export function setLastAnonVmaId(id: u32): void {
  lastAnonVma = id;
}

function newAnonVma(): u32 {
  return ++lastAnonVma;
}

/** anon_vma_compatible(): neighbours that continue each other and differ by no flag that keeps them apart. */
function compatible(a: Vma, b: Vma): bool {
  return (
    a.end == b.start &&
    a.file == b.file &&
    ((a.flags ^ b.flags) & ~(VM_ACCESS_FLAGS | VM_STICKY)) == 0 &&
    // VM_UFFD_* are flags too.
    ((a.uffd ^ b.uffd) & UFFD_MODES) == 0 &&
    b.pgoff == a.pgoff + ((b.start - a.start) >> PAGE_SHIFT)
  );
}

/** reusable_anon_vma(): the anon_vma of `old` if a and b could merge but for protection; or 0. */
function reusable(old: Vma, a: Vma, b: Vma): u32 {
  return old.anonVma != 0 && old.anonChain == 1 && compatible(a, b) ? old.anonVma : 0;
}

/** Gives the VMA an anon_vma before its first anonymous page, a neighbour's where that can be. */
export function anonVmaPrepare(vma: Vma): void {
  if (vma.anonVma != 0) return;
  const next = vma.next;
  const prev = vma.prev;
  let id: u32 = next == null ? 0 : reusable(next, vma, next);
  if (id == 0 && prev != null) id = reusable(prev, prev, vma);
  vma.anonVma = id == 0 ? newAnonVma() : id;
  vma.anonChain = 1;
}

/** A child's copy of a VMA: a new anon_vma at the end of a longer chain; mm/rmap.c, anon_vma_fork(). */
export function anonVmaFork(child: Vma, parent: Vma): void {
  if (parent.anonVma == 0) return;
  child.anonVma = newAnonVma();
  child.anonChain = parent.anonChain + 1;
}
