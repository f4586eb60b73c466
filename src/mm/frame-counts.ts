import * as layout from '../../assembly/abi/layout.js';
import type { Core } from '../wasm/core.js';

/** Pages of the machine that are in use, by what for. */
export interface FrameCounts {
  /** Private pages of processes. */
  readonly anon: number;
  /** Cached pages of host files, and those of tmpfs, memfds and shared anonymous memory. */
  readonly file: number;
  readonly shmem: number;
  /** Those of the two that page tables show. */
  readonly mapped: number;
  readonly pageTables: number;
  /** VMAs and other objects of the kernel. */
  readonly slab: number;
}

/**
 * Counts all pages in use, one by one.
 * @see fs/proc/meminfo.c, meminfo_proc_show()
 */
export function countFrames(core: Core): FrameCounts {
  const at = core.exports.countFrames();
  return {
    anon: core.readU32(at + layout.FRAMES_ANON),
    file: core.readU32(at + layout.FRAMES_FILE),
    shmem: core.readU32(at + layout.FRAMES_SHMEM),
    mapped: core.readU32(at + layout.FRAMES_MAPPED),
    pageTables: core.readU32(at + layout.FRAMES_TABLE),
    slab: core.readU32(at + layout.FRAMES_SLAB),
  };
}

/**
 * Pages promised to everybody's private writable memory.
 * @see mm/util.c, vm_memory_committed()
 */
export function committedPages(core: Core): number {
  return core.exports.committedPages();
}
