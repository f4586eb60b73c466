// Merging and splitting of VMAs as /proc/PID/maps shows it: mm/vma.c.
import { EINVAL, ENOMEM } from '../abi/errno';
import { PAGE_SHIFT } from '../abi/page';
import { VM_CLOSES, VM_DONTEXPAND, VM_IO, VM_MIXEDMAP, VM_PFNMAP, VM_STICKY } from '../abi/vma';
import { VmFile } from './mapping';
import { Mm } from './mm';
import {
  Vma,
  boundsChanged,
  dupVma,
  findVma,
  freeVma,
  insertVma,
  removeVma,
  setVmaFlags,
} from './vma';

/** VM_SPECIAL: such mappings never merge. */
const VM_SPECIAL: u32 = VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP;

/** What a range must have in common with a neighbour, set by its caller: struct vma_merge_struct. */
let mergeStart: u64 = 0;
let mergeEnd: u64 = 0;
let mergePgoff: u64 = 0;
let mergeFlags: u32 = 0;
let mergeFile: VmFile | null = null;
let mergeAnonVma: u32 = 0;
let mergeAnonChain: u32 = 0;
let mergeUffd: u32 = 0;

/** vma_had_uncowed_parents() */
function cameFromFork(anonVma: u32, chain: u32): bool {
  return anonVma != 0 && chain > 1;
}

/** is_mergeable_anon_vma() for the range and a neighbour. */
function anonVmaFits(neighbour: Vma): bool {
  if (neighbour.anonVma == 0 && mergeAnonVma != 0) {
    return !cameFromFork(mergeAnonVma, mergeAnonChain);
  }
  if (neighbour.anonVma != 0 && mergeAnonVma == 0) {
    return !cameFromFork(neighbour.anonVma, neighbour.anonChain);
  }
  return neighbour.anonVma == mergeAnonVma;
}

/** is_mergeable_vma() */
function alike(neighbour: Vma): bool {
  return (
    ((neighbour.flags ^ mergeFlags) & ~VM_STICKY) == 0 &&
    neighbour.file == mergeFile &&
    neighbour.name == 0 &&
    neighbour.uffd == mergeUffd &&
    (mergeFile != null || neighbour.mapping == null) &&
    anonVmaFits(neighbour)
  );
}

function pages(start: u64, end: u64): u64 {
  return (end - start) >> PAGE_SHIFT;
}

function fitsAfter(prev: Vma | null): bool {
  if (prev == null || prev.end != mergeStart) return false;
  return prev.pgoff + pages(prev.start, prev.end) == mergePgoff && alike(prev);
}

function fitsBefore(next: Vma | null): bool {
  if (next == null || next.start != mergeEnd) return false;
  return mergePgoff + pages(mergeStart, mergeEnd) == next.pgoff && alike(next);
}

/** are_anon_vmas_compatible() and can_merge_remove_vma(): may the two neighbours become one? */
function mayJoin(prev: Vma, next: Vma): bool {
  if (next.flags & VM_CLOSES) return false;
  return prev.anonVma == 0 || next.anonVma == 0 || prev.anonVma == next.anonVma;
}

/** dup_anon_vma() */
function inheritAnonVma(to: Vma, anonVma: u32, chain: u32): void {
  if (to.anonVma != 0 || anonVma == 0) return;
  to.anonVma = anonVma;
  to.anonChain = chain;
}

export function setBounds(mm: Mm, vma: Vma, start: u64, end: u64): void {
  if (start < vma.start) vma.pgoff -= pages(start, vma.start);
  else vma.pgoff += pages(vma.start, start);
  vma.start = start;
  vma.end = end;
  boundsChanged(vma);
}

function drop(mm: Mm, vma: Vma): void {
  removeVma(mm, vma);
  freeVma(vma);
}

/** The first VMA behind the range of the last mergeNewRange() that gave null. */
let behind: Vma | null = null;

export function vmaBehind(): Vma | null {
  return behind;
}

/** Lets the neighbours of the free range in merge* take it over; null when none can. */
function mergeFreeRange(mm: Mm): Vma | null {
  const next = findVma(mm, mergeStart);
  behind = next;
  if (mergeFlags & VM_SPECIAL) return null;
  const prev = next == null ? mm.last : next.prev;
  const left = fitsAfter(prev);
  const right = fitsBefore(next) && (!left || mayJoin(<Vma>prev, <Vma>next));
  if (!left && !right) return null;
  const keep = left ? <Vma>prev : <Vma>next;
  inheritAnonVma(keep, mergeAnonVma, mergeAnonChain);
  keep.flags |= mergeFlags & VM_STICKY;
  const end = right ? (<Vma>next).end : mergeEnd;
  if (left && right) {
    inheritAnonVma(keep, (<Vma>next).anonVma, (<Vma>next).anonChain);
    keep.flags |= (<Vma>next).flags & VM_STICKY;
    drop(mm, <Vma>next);
  }
  setBounds(mm, keep, left ? keep.start : mergeStart, end);
  return keep;
}

/**
 * vma_merge_new_range(): lets a neighbour take over the free range [start, end); null when neither can.
 */
export function mergeNewRange(
  mm: Mm,
  start: u64,
  end: u64,
  pgoff: u64,
  flags: u32,
  file: VmFile | null,
): Vma | null {
  mergeStart = start;
  mergeEnd = end;
  mergePgoff = pgoff;
  mergeFlags = flags;
  mergeFile = file;
  mergeAnonVma = 0;
  mergeAnonChain = 0;
  mergeUffd = 0;
  return mergeFreeRange(mm);
}

/** vma_merge_copied_range(): the same for a range that gets what `vma` holds. */
export function mergeCopiedRange(mm: Mm, vma: Vma, start: u64, end: u64, pgoff: u64): Vma | null {
  if (vma.name != 0) return null;
  mergeStart = start;
  mergeEnd = end;
  mergePgoff = pgoff;
  mergeFlags = vma.flags;
  mergeFile = vma.file;
  mergeAnonVma = vma.anonVma;
  mergeAnonChain = vma.anonChain;
  mergeUffd = vma.uffd;
  return mergeFreeRange(mm);
}

/**
 * vma_merge_existing_range(): the part [start, end) of `vma`, about to get `flags`, joins a neighbour
 * that has them. Returns the VMA that holds it then, null when nothing merges.
 */
function mergeExisting(mm: Mm, vma: Vma, start: u64, end: u64, flags: u32, uffd: u32): Vma | null {
  if ((flags | vma.flags) & VM_SPECIAL || vma.name != 0) return null;
  const leftSide = start == vma.start;
  const rightSide = end == vma.end;
  if (!leftSide && !rightSide) return null;
  // A merge of the whole would make it go.
  if (leftSide && rightSide && flags & VM_CLOSES) return null;
  mergeStart = start;
  mergeEnd = end;
  mergePgoff = vma.pgoff + pages(vma.start, start);
  mergeFlags = flags;
  mergeFile = vma.file;
  mergeAnonVma = vma.anonVma;
  mergeAnonChain = vma.anonChain;
  mergeUffd = uffd;
  const prev = vma.prev;
  const next = vma.next;
  const left = leftSide && fitsAfter(prev);
  const right = rightSide && fitsBefore(next) && (!left || mayJoin(<Vma>prev, <Vma>next));
  if (!left && !right) return null;
  const into = left ? <Vma>prev : <Vma>next;
  const from = left ? into.start : start;
  const to = right ? (<Vma>next).end : end;
  inheritAnonVma(into, vma.anonVma, vma.anonChain);
  into.flags |= flags & VM_STICKY;
  if (left && right) {
    inheritAnonVma(into, (<Vma>next).anonVma, (<Vma>next).anonChain);
    into.flags |= (<Vma>next).flags & VM_STICKY;
    drop(mm, <Vma>next);
  }
  if (leftSide && rightSide) drop(mm, vma);
  else if (leftSide) setBounds(mm, vma, end, vma.end);
  else setBounds(mm, vma, vma.start, start);
  setBounds(mm, into, from, to);
  return into;
}

/** __split_vma(): cuts at `addr` and returns the upper part; null with splitError(). */
export function splitVma(mm: Mm, vma: Vma, addr: u64): Vma | null {
  if (vma.name != 0) return null;
  const upper = dupVma(mm, vma, addr, vma.end, vma.pgoff + pages(vma.start, addr));
  if (upper == null) return null;
  setBounds(mm, vma, vma.start, addr);
  insertVma(mm, upper);
  return upper;
}

/** Why splitVma() gave null: special_mapping_split(), or no memory. */
export function splitError(vma: Vma): i32 {
  return vma.name != 0 ? -EINVAL : -ENOMEM;
}

/** The VMA that holds exactly the range of the last vmaModify(). */
let modified: Vma | null = null;

export function modifiedVma(): Vma {
  return <Vma>modified;
}

/** Gives the VMA of the last vmaModify() its flags; what is sticky stays. */
export function setModifiedFlags(flags: u32): void {
  const vma = <Vma>modified;
  setVmaFlags(vma, flags | (vma.flags & VM_STICKY));
}

/**
 * vma_modify_flags(): makes [start, end) of `vma` a VMA of its own, or part of a neighbour that already
 * has `flags`. The caller then sets the flags of modifiedVma(). 0, -ENOMEM, or -EINVAL of a special one.
 */
export function vmaModify(mm: Mm, vma: Vma, start: u64, end: u64, flags: u32, maxMaps: u32): i32 {
  return modify(mm, vma, start, end, flags, vma.uffd, maxMaps);
}

/** vma_modify_flags_uffd(): the same for a range that is about to be registered with a userfaultfd, or not. */
export function vmaModifyUffd(
  mm: Mm,
  vma: Vma,
  start: u64,
  end: u64,
  uffd: u32,
  maxMaps: u32,
): i32 {
  return modify(mm, vma, start, end, vma.flags, uffd, maxMaps);
}

function modify(mm: Mm, vma: Vma, start: u64, end: u64, flags: u32, uffd: u32, maxMaps: u32): i32 {
  const merged = mergeExisting(mm, vma, start, end, flags, uffd);
  if (merged != null) {
    modified = merged;
    return 0;
  }
  let part = vma;
  if (part.start < start) {
    if (mm.mapCount >= maxMaps) return -ENOMEM;
    const upper = splitVma(mm, part, start);
    if (upper == null) return splitError(part);
    part = upper;
  }
  if (part.end > end) {
    if (mm.mapCount >= maxMaps) return -ENOMEM;
    if (splitVma(mm, part, end) == null) return splitError(part);
  }
  modified = part;
  return 0;
}
