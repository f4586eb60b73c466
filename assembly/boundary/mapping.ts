// Mappings: making, moving, protecting and describing them.
import * as limits from '../mm/limits';
import * as advise from '../mm/madvise';
import * as mapping from '../mm/mmap';
import * as reclaim from '../mm/pageout';
import * as filling from '../mm/populate';
import * as placement from '../mm/place';
import * as region from '../mm/region';
import * as remap from '../mm/remap';
import { VmFile } from '../mm/mapping';
import { Mm } from '../mm/mm';
import { Vma, findVma } from '../mm/vma';

/** A value below 2^63 as an integer: the signed conversion is one instruction on x86-64. */
function whole(value: f64): u64 {
  return <u64>(<i64>value);
}

export function mapRegion(
  mm: usize,
  start: f64,
  end: f64,
  flags: u32,
  file: usize,
  pgoff: f64,
  name: u32,
  maxMaps: u32,
): i32 {
  return region.mapRegion(
    changetype<Mm>(mm),
    <u64>start,
    <u64>end,
    flags,
    changetype<VmFile | null>(file),
    <u64>pgoff,
    name,
    maxMaps,
  );
}

/**
 * mmap() of private anonymous memory in one call: the address, plus 1 when files wait for their release, or
 * a negative errno, -NEED_RAWIO among them.
 */
export function mmapAnonymous(
  mm: usize,
  hint: f64,
  length: f64,
  flags: u32,
  how: u32,
  aligns: bool,
  minAddr: f64,
  maxMaps: u32,
): f64 {
  return <f64>(
    mapping.mmapAnonymous(
      changetype<Mm>(mm),
      whole(hint),
      whole(length),
      flags,
      how,
      aligns,
      whole(minAddr),
      maxMaps,
    )
  );
}

/** munmap() with its checks; 0, 1 when files wait for their release, or a negative errno. */
export function munmap(mm: usize, addr: f64, length: f64, maxMaps: u32): i32 {
  return mapping.munmap(changetype<Mm>(mm), whole(addr), whole(length), maxMaps);
}

/** Cuts the VMAs at both ends of [start, end) and asks the limits; the final flags or a negative errno. */
export function setupRegion(
  mm: usize,
  start: f64,
  end: f64,
  flags: u32,
  sharedZero: bool,
  maxMaps: u32,
): i32 {
  return mapping.setupRegion(changetype<Mm>(mm), <u64>start, <u64>end, flags, sharedZero, maxMaps);
}

/** The task's RLIMIT_AS and RLIMIT_DATA, soft and hard, in bytes. */
export function setSpaceLimits(as: f64, soft: f64, hard: f64): void {
  limits.setSpaceLimits(limits.limitPages(as), limits.limitPages(soft), limits.limitPages(hard));
}

/** The machine's limits on promised memory, in bytes: of one request, and of all. */
export function setCommitLimits(single: f64, all: f64): void {
  limits.setCommitLimits(limits.limitPages(single), all < 0 ? 0 : limits.limitPages(all));
}

/** Pages promised to all address spaces. */
export function committedPages(): f64 {
  return <f64>limits.committedPages();
}

export function mayExpandVm(mm: usize, flags: u32, pages: f64): bool {
  return limits.mayExpandVm(changetype<Mm>(mm), flags, <i64>pages);
}

export function enoughMemory(mm: usize, pages: f64): bool {
  return limits.enoughMemory(changetype<Mm>(mm), <i64>pages);
}

export function unmapRegion(mm: usize, start: f64, end: f64, maxMaps: u32): i32 {
  return region.unmapRegion(changetype<Mm>(mm), <u64>start, <u64>end, maxMaps);
}

export function protectRegion(
  mm: usize,
  start: f64,
  end: f64,
  prot: u32,
  readExecutes: bool,
  deniesExec: bool,
  maxMaps: u32,
): i32 {
  region.setExecRules(readExecutes, deniesExec);
  return region.protectRegion(changetype<Mm>(mm), <u64>start, <u64>end, prot, maxMaps);
}

/** Grows a VMA over the hole above it, up to `end`. */
export function expandInPlace(mm: usize, vma: usize, end: f64): void {
  remap.expandInPlace(changetype<Mm>(mm), changetype<Vma>(vma), <u64>end);
}

/** Moves part of a VMA to a free range; 0 or a negative errno. */
export function moveRegion(
  mm: usize,
  vma: usize,
  from: f64,
  oldLen: f64,
  to: f64,
  newLen: f64,
  keep: bool,
  maxMaps: u32,
): i32 {
  return remap.moveRegion(
    changetype<Mm>(mm),
    changetype<Vma>(vma),
    <u64>from,
    <u64>oldLen,
    <u64>to,
    <u64>newLen,
    keep,
    maxMaps,
  );
}

/**
 * The address for a new mapping of whole pages, or a negative errno; `within` is its offset in 2 MiB where
 * it is placed for huge pages, -1 where not.
 */
export function getUnmappedArea(mm: usize, hint: f64, len: f64, how: u32, within: i32): f64 {
  return <f64>placement.getUnmappedArea(changetype<Mm>(mm), <u64>hint, <u64>len, how, within);
}

/** The VMA that ends first above `addr`, or 0. */
export function vmaFind(mm: usize, addr: f64): usize {
  return changetype<usize>(findVma(changetype<Mm>(mm), <u64>addr));
}

/** MADV_DONTNEED; 0 or a negative errno, -EINVAL at a mapping with any of the `refused` flags. */
export function dontNeed(mm: usize, start: f64, end: f64, refused: u32): i32 {
  return advise.dontNeed(changetype<Mm>(mm), <u64>start, <u64>end, refused);
}

export function changeFlags(
  mm: usize,
  vma: usize,
  start: f64,
  end: f64,
  set: u32,
  clear: u32,
  maxMaps: u32,
): i32 {
  return advise.changeFlags(
    changetype<Mm>(mm),
    changetype<Vma>(vma),
    <u64>start,
    <u64>end,
    set,
    clear,
    maxMaps,
  );
}

export function installGuard(mm: usize, vma: usize, start: f64, end: f64): i32 {
  return advise.installGuard(changetype<Mm>(mm), changetype<Vma>(vma), <u64>start, <u64>end);
}

/** MADV_FREE inside one VMA: its private pages become clean. */
export function cleanRange(mm: usize, start: f64, end: f64): void {
  advise.cleanRange(changetype<Mm>(mm), <u64>start, <u64>end);
}

/** MADV_PAGEOUT inside one VMA; `anonOnly`: of its private pages alone. */
export function pageOut(mm: usize, vma: usize, start: f64, end: f64, anonOnly: bool): void {
  reclaim.pageOut(changetype<Mm>(mm), changetype<Vma>(vma), <u64>start, <u64>end, anonOnly);
}

export function removeGuard(mm: usize, start: f64, end: f64): void {
  advise.removeGuard(changetype<Mm>(mm), <u64>start, <u64>end);
}

export function populateRange(mm: usize, start: f64, end: f64, write: bool): i32 {
  return filling.populateRange(changetype<Mm>(mm), <u64>start, <u64>end, write);
}
