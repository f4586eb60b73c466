import * as layout from '../../assembly/abi/layout.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { TASK_SIZE } from './address.js';
import type { Mm, VmaInfo } from './mm.js';

/** Entries that fit the core's bounce buffer. */
const BATCH = PAGE_SIZE / 8;

/**
 * The entries of /proc/PID/pagemap for `count` pages from `addr` on, frame numbers included; fewer where
 * user memory ends. They are what the walk finds, and change nothing.
 * @param softDirty whether bit 55 says what was written since soft-dirty bits were cleared
 * @see fs/proc/task_mmu.c, pte_to_pagemap_entry()
 */
export function pagemapEntries(
  mm: Mm,
  addr: number,
  count: number,
  softDirty = false,
): BigUint64Array {
  const pages = Math.max(0, Math.min(count, Math.ceil((TASK_SIZE - addr) / PAGE_SIZE)));
  const entries = new BigUint64Array(pages);
  const bytes = new Uint8Array(entries.buffer);
  const { core } = mm;
  for (let done = 0; done < pages && mm.alive; done += BATCH) {
    const batch = Math.min(BATCH, pages - done);
    const at = addr + done * PAGE_SIZE;
    core.exports.pagemap(mm.ptr, at, batch, core.bounce);
    if (softDirty) core.exports.markSoftDirty(mm.ptr, at, batch, core.bounce);
    core.copyOut(core.bounce, bytes, done * 8, batch * 8);
  }
  return entries;
}

/** Pages of one mapping by kind, and their proportional sizes in 1/4096 of a byte. */
export interface VmaPages {
  readonly rss: number;
  readonly sharedClean: number;
  readonly sharedDirty: number;
  readonly privateClean: number;
  readonly privateDirty: number;
  readonly referenced: number;
  readonly anonymous: number;
  /** Page-table entries that map the page which most map. */
  readonly mapcountMax: number;
  readonly pss: number;
  readonly pssDirty: number;
  readonly pssAnon: number;
  readonly pssFile: number;
  readonly pssShmem: number;
}

/**
 * Counts the pages of a mapping as /proc/PID/smaps does.
 * @see fs/proc/task_mmu.c, smaps_account()
 */
export function vmaStats(mm: Mm, vma: VmaInfo): VmaPages {
  const { core } = mm;
  const at = core.exports.vmaPages(mm.ptr, vma.ptr);
  return {
    rss: core.readU32(at + layout.VMA_PAGES_RSS),
    sharedClean: core.readU32(at + layout.VMA_PAGES_SHARED_CLEAN),
    sharedDirty: core.readU32(at + layout.VMA_PAGES_SHARED_DIRTY),
    privateClean: core.readU32(at + layout.VMA_PAGES_PRIVATE_CLEAN),
    privateDirty: core.readU32(at + layout.VMA_PAGES_PRIVATE_DIRTY),
    referenced: core.readU32(at + layout.VMA_PAGES_REFERENCED),
    anonymous: core.readU32(at + layout.VMA_PAGES_ANON),
    mapcountMax: core.readU32(at + layout.VMA_PAGES_MAPCOUNT_MAX),
    pss: core.readU64(at + layout.VMA_PAGES_PSS),
    pssDirty: core.readU64(at + layout.VMA_PAGES_PSS_DIRTY),
    pssAnon: core.readU64(at + layout.VMA_PAGES_PSS_ANON),
    pssFile: core.readU64(at + layout.VMA_PAGES_PSS_FILE),
    pssShmem: core.readU64(at + layout.VMA_PAGES_PSS_SHMEM),
  };
}

/** Neighbouring pages that PAGEMAP_SCAN sees alike. */
export interface PageRun {
  readonly start: number;
  readonly end: number;
  /** PAGE_IS_* */
  readonly category: number;
  /** False where no page table is, so that nothing can be said to be written. */
  readonly mapped: boolean;
}

/**
 * The pages of a range in runs of the same category.
 * @param softDirty whether PAGE_IS_SOFT_DIRTY is told
 * @see fs/proc/task_mmu.c, pagemap_page_category(), pagemap_scan_pte_hole()
 */
export function* pageRuns(
  mm: Mm,
  start: number,
  end: number,
  softDirty = false,
): Generator<PageRun, void, void> {
  const { exports } = mm.core;
  for (let at = start; at < end;) {
    const next = exports.categoryRun(mm.ptr, at, end, softDirty);
    const category = exports.categoryOfRun();
    yield { start: at, end: next, category: Math.max(category, 0), mapped: category >= 0 };
    at = next;
  }
}

/**
 * Forgets that the pages of a mapping were used, until the CPU uses them again.
 * @see fs/proc/task_mmu.c, clear_refs_pte_range()
 */
export function clearReferenced(mm: Mm, vma: VmaInfo): void {
  mm.core.exports.clearReferenced(mm.ptr, vma.ptr);
}

/**
 * Forgets that the pages of a mapping, or all of it, were written: from now on writes are noted anew.
 * @see fs/proc/task_mmu.c, clear_soft_dirty()
 */
export function clearSoftDirty(mm: Mm, vma: VmaInfo): void {
  mm.core.exports.clearSoftDirty(mm.ptr, vma.ptr);
}

/**
 * Takes the resident set of now for the highest so far.
 * @see include/linux/mm.h, reset_mm_hiwater_rss()
 */
export function resetHiwaterRss(mm: Mm): void {
  mm.core.exports.resetHiwaterRss(mm.ptr);
}
