// Mappings: making, moving, protecting and describing them.
import * as limits from '../mm/limits';
import * as advise from '../mm/madvise';
import * as reclaim from '../mm/pageout';
import * as filling from '../mm/populate';
import * as placement from '../mm/place';
import * as region from '../mm/region';
import * as remap from '../mm/remap';
import { VmFile } from '../mm/mapping';
import { Mm } from '../mm/mm';
import { Vma, findVma } from '../mm/vma';

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

/** Cuts the VMAs at both ends of [start, end), before it is mapped over; 0 or a negative errno. */
export function cutRange(mm: usize, start: f64, end: f64, maxMaps: u32): i32 {
  return region.cutRange(changetype<Mm>(mm), <u64>start, <u64>end, maxMaps);
}

/** Pages of the VMAs between `start` and `end`, which were cut there, that have one of `flags` (all: 0). */
export function pagesWithin(mm: usize, start: f64, end: f64, flags: u32): f64 {
  return <f64>region.pagesWithin(changetype<Mm>(mm), <u64>start, <u64>end, flags);
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

/** The highest address for a new mapping between two, or a negative errno. */
export function unmappedArea(mm: usize, len: f64, low: f64, high: f64): f64 {
  return <f64>placement.unmappedAreaTopdown(changetype<Mm>(mm), <u64>len, <u64>low, <u64>high);
}

/** The lowest, with `low` above 0. */
export function unmappedAreaBottomup(mm: usize, len: f64, low: f64, high: f64): f64 {
  return <f64>placement.unmappedAreaBottomup(changetype<Mm>(mm), <u64>len, <u64>low, <u64>high);
}

export function mmapBase(mm: usize): f64 {
  return <f64>changetype<Mm>(mm).mmapBase;
}

export function isFree(mm: usize, addr: f64, len: f64): bool {
  return placement.isFree(changetype<Mm>(mm), <u64>addr, <u64>len);
}

/** The VMA that ends first above `addr`, or 0. */
export function vmaFind(mm: usize, addr: f64): usize {
  return changetype<usize>(findVma(changetype<Mm>(mm), <u64>addr));
}

export function dropRange(mm: usize, start: f64, end: f64): void {
  advise.dropRange(changetype<Mm>(mm), <u64>start, <u64>end);
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
