// What /proc shows of the pages of an address space.
import * as meminfo from '../mm/meminfo';
import * as readable from '../mm/readable';
import * as report from '../mm/report';
import * as soft from '../mm/soft-dirty';
import { Mm } from '../mm/mm';
import { Vma } from '../mm/vma';

/** Page-table entries of `count` pages as pagemap shows them, into `out`. */
export function pagemap(mm: usize, addr: f64, count: usize, out: usize): void {
  report.pagemap(changetype<Mm>(mm), <u64>addr, count, out);
}

/** Page counts of a VMA; returns the place of the record (abi/layout.ts, VMA_PAGES_*). */
export function vmaPages(mm: usize, vma: usize): usize {
  report.vmaPages(changetype<Mm>(mm), changetype<Vma>(vma));
  return report.pagesRecord();
}

/** Where the run of pages from `addr` on that PAGEMAP_SCAN sees alike ends, at most `end`. */
export function categoryRun(mm: usize, addr: f64, end: f64, softDirty: bool): f64 {
  return <f64>report.categoryRun(changetype<Mm>(mm), <u64>addr, <u64>end, softDirty);
}

/** The PAGE_IS_* of the last run; -1 where no page table is. */
export function categoryOfRun(): i32 {
  return report.categoryOfRun();
}

/** The pages of a VMA count as not referenced until they are used again. */
export function clearReferenced(mm: usize, vma: usize): void {
  report.clearReferenced(changetype<Mm>(mm), changetype<Vma>(vma));
}

/** Adds the soft-dirty bit to entries that pagemap() has just put to `out`. */
export function markSoftDirty(mm: usize, addr: f64, count: usize, out: usize): void {
  soft.markSoftDirty(changetype<Mm>(mm), <u64>addr, count, out);
}

/** From now on writes to the pages of a VMA are noted. */
export function clearSoftDirty(mm: usize, vma: usize): void {
  soft.clearSoftDirty(changetype<Mm>(mm), changetype<Vma>(vma));
}

/** The highest resident set so far is that of now. */
export function resetHiwaterRss(mm: usize): void {
  report.resetHiwaterRss(changetype<Mm>(mm));
}

/** The first page of [addr, end) that can be read or, not `wanted`, cannot; or `end`. Nothing changes. */
export function readableEdge(
  mm: usize,
  addr: f64,
  end: f64,
  cpu: bool,
  gupFlags: u32,
  wanted: bool,
): f64 {
  const edge = readable.readableEdge(
    changetype<Mm>(mm),
    <u64>addr,
    <u64>end,
    cpu,
    gupFlags,
    wanted,
  );
  return <f64>edge;
}

/** Frames in use by kind; returns the place of the record (abi/layout.ts, FRAMES_*). */
export function countFrames(): usize {
  return meminfo.countFrames();
}
