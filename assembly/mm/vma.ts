// The VMAs of one mm: a tree by address (vma-tree.ts), threaded in order by prev and next.
import { VM_MAYWRITE, VM_SHARED } from '../abi/vma';
import { Mapping, VmFile, putVmFile } from './mapping';
import { Mm } from './mm';
import { SLAB_VMA, allocObject, freeObject } from './slab';
import { insertInTree, raiseGap, removeFromTree } from './vma-tree';

@unmanaged
export class Vma {
  /** First byte, and the first byte after: multiples of the page size. */
  start: u64;
  end: u64;
  /** Page index of `start` in the file; for private anonymous memory its address at creation. */
  pgoff: u64;
  /** Bytes; no hole that ends at the start of a VMA of this subtree is larger (vma-tree.ts). */
  maxGap: u64;
  /** VM_* */
  flags: u32;
  /** Identity of the anon_vma, 0 before the first anonymous page. */
  anonVma: u32;
  /** Length of anon_vma_chain: above 1, the VMA came from a fork and merges with less. */
  anonChain: u32;
  /** 1 and up: a special mapping that /proc names ([vdso] and the like). */
  name: u8;
  /** VM_SOFTDIRTY: all of it counts as written since soft-dirty bits were cleared. */
  softDirty: bool;
  /** Its rank in the tree (vma-tree.ts); shares a word with the two above. */
  rank: u16;
  file: VmFile | null;
  mapping: Mapping | null;
  mm: Mm;
  left: Vma | null;
  right: Vma | null;
  prev: Vma | null;
  next: Vma | null;
  /** The userfaultfd it is registered with and how (abi/userfault.ts); 0 for none. */
  uffd: u32;
  /** Neighbours among the VMAs of `mapping`. */
  mapPrev: Vma | null;
  mapNext: Vma | null;
  /** Above it in the tree; null at the root. */
  parent: Vma | null;
}

export function newVma(mm: Mm): Vma | null {
  const vma = changetype<Vma>(allocObject(SLAB_VMA, offsetof<Vma>()));
  if (vma == null) return null;
  vma.mm = mm;
  return vma;
}

/** vm_area_dup(): a VMA in no tree, of [start, end) and otherwise like `vma`; null without memory. */
export function dupVma(mm: Mm, vma: Vma, start: u64, end: u64, pgoff: u64): Vma | null {
  const copy = newVma(mm);
  if (copy == null) return null;
  copy.start = start;
  copy.end = end;
  copy.pgoff = pgoff;
  copy.flags = vma.flags;
  copy.anonVma = vma.anonVma;
  copy.anonChain = vma.anonChain;
  copy.name = vma.name;
  copy.uffd = vma.uffd;
  copy.softDirty = vma.softDirty;
  copy.mapping = vma.mapping;
  const file = vma.file;
  copy.file = file;
  if (file != null) file.refs++;
  return copy;
}

/** Frees a VMA that is in no tree; what it holds of its file is put. */
export function freeVma(vma: Vma): void {
  const file = vma.file;
  if (file != null) putVmFile(file);
  freeObject(SLAB_VMA, changetype<usize>(vma));
}

function countsAsWriter(vma: Vma): bool {
  return (vma.flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE);
}

/** Adds the VMA to its mapping's list; undone by leaveMapping. */
function joinMapping(vma: Vma): void {
  const mapping = vma.mapping;
  if (mapping == null) return;
  vma.mapPrev = null;
  vma.mapNext = mapping.vmas;
  const first = mapping.vmas;
  if (first != null) first.mapPrev = vma;
  mapping.vmas = vma;
  if (countsAsWriter(vma)) mapping.writable++;
}

export function leaveMapping(vma: Vma): void {
  const mapping = vma.mapping;
  if (mapping == null) return;
  const prev = vma.mapPrev;
  const next = vma.mapNext;
  if (prev != null) prev.mapNext = next;
  else mapping.vmas = next;
  if (next != null) next.mapPrev = prev;
  if (countsAsWriter(vma)) mapping.writable--;
}

/** Changes the flags of a linked VMA, which may count among the writers of its file. */
export function setVmaFlags(vma: Vma, flags: u32): void {
  leaveMapping(vma);
  vma.flags = flags;
  joinMapping(vma);
}

/** Recomputes the gaps that depend on the bounds of `vma`, after they changed in place. */
export function boundsChanged(vma: Vma): void {
  raiseGap(vma);
  raiseGap(vma.next);
}

/** Links a VMA whose range is free. */
export function insertVma(mm: Mm, vma: Vma): void {
  insertBefore(mm, vma, findVma(mm, vma.start));
}

/** The same where the first VMA behind it is known. */
export function insertBefore(mm: Mm, vma: Vma, next: Vma | null): void {
  const prev = next == null ? mm.last : next.prev;
  vma.prev = prev;
  vma.next = next;
  if (prev != null) prev.next = vma;
  else mm.first = vma;
  if (next != null) next.prev = vma;
  else mm.last = vma;
  insertInTree(mm, vma);
  mm.cached = vma;
  mm.mapCount++;
  joinMapping(vma);
}

/** Takes a VMA out of the tree and of its mapping's list; it is not freed. */
export function removeVma(mm: Mm, vma: Vma): void {
  leaveMapping(vma);
  const prev = vma.prev;
  const next = vma.next;
  if (prev != null) prev.next = next;
  else mm.first = next;
  if (next != null) next.prev = prev;
  else mm.last = prev;
  removeFromTree(mm, vma);
  if (mm.cached == vma) mm.cached = next;
  mm.mapCount--;
}

/** The first VMA that ends above `addr`: mm/mmap.c, find_vma(). */
export function findVma(mm: Mm, addr: u64): Vma | null {
  const cached = mm.cached;
  // In it, or in the hole below it: what is done to a range asks for its start several times.
  if (cached != null && addr < cached.end) {
    if (addr >= cached.start) return cached;
    const prev = cached.prev;
    if (prev == null || addr >= prev.end) return cached;
  }
  const last = mm.last;
  // Above them all, where a fork puts one after the other.
  if (last == null || addr >= last.end) return null;
  let node = mm.root;
  let found: Vma | null = null;
  while (node != null) {
    if (addr < node.end) {
      found = node;
      if (addr >= node.start) break;
      node = node.left;
    } else {
      node = node.right;
    }
  }
  if (found != null) mm.cached = found;
  return found;
}

/** The VMA that holds `addr`, or null: vma_lookup(). */
export function vmaLookup(mm: Mm, addr: u64): Vma | null {
  const vma = findVma(mm, addr);
  return vma != null && vma.start <= addr ? vma : null;
}
