// Mappings: making, moving, protecting and describing them.
import * as advise from '../mm/madvise';
import * as placement from '../mm/place';
import * as region from '../mm/region';
import * as remap from '../mm/remap';
import * as report from '../mm/report';
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

export function unmapRegion(mm: usize, start: f64, end: f64, maxMaps: u32): i32 {
  return region.unmapRegion(changetype<Mm>(mm), <u64>start, <u64>end, maxMaps);
}

export function protectRegion(mm: usize, start: f64, end: f64, prot: u32, maxMaps: u32): i32 {
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

/** The address for a new mapping, or a negative errno. */
export function unmappedArea(mm: usize, len: f64, low: f64, high: f64, align: f64): f64 {
  return <f64>(
    placement.unmappedAreaTopdown(changetype<Mm>(mm), <u64>len, <u64>low, <u64>high, <u64>align)
  );
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

export function removeGuard(mm: usize, start: f64, end: f64): void {
  advise.removeGuard(changetype<Mm>(mm), <u64>start, <u64>end);
}

export function populateRange(mm: usize, start: f64, end: f64, write: bool): i32 {
  return advise.populateRange(changetype<Mm>(mm), <u64>start, <u64>end, write);
}

/** Page-table entries of `count` pages as pagemap shows them, into `out`. */
export function pagemap(mm: usize, addr: f64, count: usize, out: usize): void {
  report.pagemap(changetype<Mm>(mm), <u64>addr, count, out);
}

/** Page counts of a VMA; returns the place of the record (abi/layout.ts, VMA_PAGES_*). */
export function vmaPages(mm: usize, vma: usize): usize {
  report.vmaPages(changetype<Mm>(mm), changetype<Vma>(vma));
  return report.pagesRecord();
}
