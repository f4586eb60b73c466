import * as layout from '../../assembly/abi/layout.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { TASK_SIZE } from './address.js';
import type { Mm, VmaInfo } from './mm.js';

/** Entries that fit the core's bounce buffer. */
const BATCH = PAGE_SIZE / 8;

/**
 * The entries of /proc/PID/pagemap for `count` pages from `addr` on, frame numbers included; fewer where
 * user memory ends. They are what the walk finds, and change nothing.
 * @see fs/proc/task_mmu.c, pte_to_pagemap_entry()
 */
export function pagemapEntries(mm: Mm, addr: number, count: number): BigUint64Array {
  const pages = Math.max(0, Math.min(count, Math.ceil((TASK_SIZE - addr) / PAGE_SIZE)));
  const entries = new BigUint64Array(pages);
  const bytes = new Uint8Array(entries.buffer);
  const { core } = mm;
  for (let done = 0; done < pages && mm.alive; done += BATCH) {
    const batch = Math.min(BATCH, pages - done);
    core.exports.pagemap(mm.ptr, addr + done * PAGE_SIZE, batch, core.bounce);
    core.copyOut(core.bounce, bytes, done * 8, batch * 8);
  }
  return entries;
}

/** Pages of one mapping by kind; `pss` in bytes. */
export interface VmaPages {
  readonly rss: number;
  readonly pss: number;
  readonly sharedClean: number;
  readonly sharedDirty: number;
  readonly privateClean: number;
  readonly privateDirty: number;
  readonly referenced: number;
  readonly anonymous: number;
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
    pss: core.readF64(at + layout.VMA_PAGES_PSS),
    sharedClean: core.readU32(at + layout.VMA_PAGES_SHARED_CLEAN),
    sharedDirty: core.readU32(at + layout.VMA_PAGES_SHARED_DIRTY),
    privateClean: core.readU32(at + layout.VMA_PAGES_PRIVATE_CLEAN),
    privateDirty: core.readU32(at + layout.VMA_PAGES_PRIVATE_DIRTY),
    referenced: core.readU32(at + layout.VMA_PAGES_REFERENCED),
    anonymous: core.readU32(at + layout.VMA_PAGES_ANON),
  };
}
