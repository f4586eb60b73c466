// The VMAs of one mm: an AVL tree by address, threaded in order, each node augmented with the largest
// hole below it, so that lookups, neighbours and placement all cost O(log n).
//
//            [ 0x5000 ]                 maxGap of a node: the largest hole that ends at
//           /          \                the start of a VMA of its subtree
//      [ 0x1000 ]   [ 0x9000 ]
//        prev <-> next runs through all of them by address
import { VM_MAYWRITE, VM_SHARED } from '../abi/vma';
import { Mapping, VmFile, putVmFile } from './mapping';
import { Mm } from './mm';
import { SLAB_VMA, allocObject, freeObject } from './slab';

@unmanaged
export class Vma {
  /** First byte, and the first byte after: multiples of the page size. */
  start: u64;
  end: u64;
  /** Page index of `start` in the file; for private anonymous memory its address at creation. */
  pgoff: u64;
  /** Largest hole that ends at the start of a VMA of this subtree, in bytes. */
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
  /** Of the subtree, at least 1; shares a word with the two above. */
  height: u16;
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
export function joinMapping(vma: Vma): void {
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

function heightOf(vma: Vma | null): i32 {
  return vma == null ? 0 : <i32>vma.height;
}

function gapOf(vma: Vma | null): u64 {
  return vma == null ? 0 : vma.maxGap;
}

function ownGap(vma: Vma): u64 {
  const prev = vma.prev;
  return vma.start - (prev == null ? 0 : prev.end);
}

function update(vma: Vma): void {
  vma.height = <u16>(max(heightOf(vma.left), heightOf(vma.right)) + 1);
  vma.maxGap = max(ownGap(vma), max(gapOf(vma.left), gapOf(vma.right)));
}

function rotateRight(vma: Vma): Vma {
  const top = <Vma>vma.left;
  vma.left = top.right;
  top.right = vma;
  update(vma);
  update(top);
  return top;
}

function rotateLeft(vma: Vma): Vma {
  const top = <Vma>vma.right;
  vma.right = top.left;
  top.left = vma;
  update(vma);
  update(top);
  return top;
}

function balance(vma: Vma): Vma {
  update(vma);
  const tilt = heightOf(vma.left) - heightOf(vma.right);
  if (tilt > 1) {
    const left = <Vma>vma.left;
    if (heightOf(left.left) < heightOf(left.right)) vma.left = rotateLeft(left);
    return rotateRight(vma);
  }
  if (tilt < -1) {
    const right = <Vma>vma.right;
    if (heightOf(right.right) < heightOf(right.left)) vma.right = rotateRight(right);
    return rotateLeft(vma);
  }
  return vma;
}

function insertBelow(node: Vma | null, vma: Vma): Vma {
  if (node == null) {
    update(vma);
    return vma;
  }
  if (vma.start < node.start) node.left = insertBelow(node.left, vma);
  else node.right = insertBelow(node.right, vma);
  return balance(node);
}

function removeFirst(node: Vma): Vma | null {
  const left = node.left;
  if (left == null) return node.right;
  node.left = removeFirst(left);
  return balance(node);
}

function removeBelow(node: Vma, vma: Vma): Vma | null {
  if (node == vma) {
    const right = node.right;
    if (right == null) return node.left;
    let heir = right;
    while (heir.left != null) heir = <Vma>heir.left;
    heir.right = removeFirst(right);
    heir.left = node.left;
    return balance(heir);
  }
  if (vma.start < node.start) node.left = removeBelow(<Vma>node.left, vma);
  else node.right = removeBelow(<Vma>node.right, vma);
  return balance(node);
}

function refreshBelow(node: Vma, vma: Vma): void {
  if (node != vma) refreshBelow(<Vma>(vma.start < node.start ? node.left : node.right), vma);
  update(node);
}

/** Recomputes the gaps that depend on the bounds of `vma`, after they changed in place. */
export function boundsChanged(mm: Mm, vma: Vma): void {
  const root = <Vma>mm.root;
  refreshBelow(root, vma);
  const next = vma.next;
  if (next != null) refreshBelow(root, next);
}

/** Links a VMA whose range is free. */
export function insertVma(mm: Mm, vma: Vma): void {
  const next = findVma(mm, vma.start);
  const prev = next == null ? mm.last : next.prev;
  vma.prev = prev;
  vma.next = next;
  vma.left = null;
  vma.right = null;
  if (prev != null) prev.next = vma;
  else mm.first = vma;
  if (next != null) next.prev = vma;
  else mm.last = vma;
  mm.root = insertBelow(mm.root, vma);
  if (next != null) refreshBelow(<Vma>mm.root, next);
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
  mm.root = removeBelow(<Vma>mm.root, vma);
  if (next != null) refreshBelow(<Vma>mm.root, next);
  if (mm.cached == vma) mm.cached = null;
  mm.mapCount--;
}

/** The first VMA that ends above `addr`: mm/mmap.c, find_vma(). */
export function findVma(mm: Mm, addr: u64): Vma | null {
  const cached = mm.cached;
  if (cached != null && addr >= cached.start && addr < cached.end) return cached;
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
