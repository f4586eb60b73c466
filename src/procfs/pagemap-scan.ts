import { EFAULT, EINVAL, ENOTTY, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import * as layout from '../../assembly/abi/layout.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { UFFD_WP, UFFD_WP_ASYNC } from '../../assembly/abi/userfault.js';
import { VM_PFNMAP } from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { TASK_SIZE } from '../mm/address.js';
import type { Mm, VmaInfo } from '../mm/mm.js';
import { pageRuns, type PageRun } from '../mm/pagemap.js';
import { copyFromUser, copyToUser, putUserU64 } from '../mm/user.js';
import type { File } from '../vfs/file.js';
import type { U64 } from '../vfs/u64.js';
import { memOf } from './mem-open.js';
import { RegionList } from './page-region.js';

/** _IOWR('f', 16, struct pm_scan_arg) of include/uapi/linux/fs.h. */
const PAGEMAP_SCAN = 0xc0606610;
const ARG_SIZE = 96;
/** Where walk_end is, the one field that is an answer. */
const WALK_END = 32;
const REGION_SIZE = 24;

/** Write-protect what is found, where a userfaultfd allows it; else refuse where none does. */
const PM_SCAN_WP_MATCHING = 1;
const PM_SCAN_CHECK_WPASYNC = 2;
const PM_SCAN_FLAGS = 3n;
const PM_SCAN_CATEGORIES = 0x1ffn;

/** A question about the pages of a range, checked. */
interface ScanRequest {
  readonly flags: number;
  readonly start: number;
  readonly end: number;
  /** Where answers go, and how many fit. */
  readonly vec: number;
  readonly vecLen: number;
  readonly maxPages: number;
  /** PAGE_IS_* that count when absent, that all must count, any of which must, that are shown. */
  readonly inverted: number;
  readonly mask: number;
  readonly anyofMask: number;
  readonly returnMask: number;
}

/*
 * struct pm_scan_arg, u64s:
 *
 *   0 size  1 flags  2 start  3 end  4 walk_end  5 vec  6 vec_len  7 max_pages
 *   8 category_inverted  9 category_mask  10 category_anyof_mask  11 return_mask
 */

/** access_ok() for two ends of a range. */
function accessOk(start: bigint, end: bigint): boolean {
  return start <= end && end <= BigInt(TASK_SIZE);
}

/** Amounts beyond what numbers hold exactly are as good as endless. */
const amount = (value: bigint): number => (value > 2n ** 53n ? Infinity : Number(value));

/**
 * @throws {LinuxError} EINVAL: size, flags, categories, an unaligned start, entries without a place;
 *   EFAULT: a range or a place that is not user memory
 * @see fs/proc/task_mmu.c pagemap_scan_get_args()
 */
function readRequest(bytes: Uint8Array): ScanRequest {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [size = 0n, flags = 0n, start = 0n, end = 0n, , vec = 0n, vecLen = 0n, maxPages = 0n] =
    Array.from({ length: 8 }, (_, i) => view.getBigUint64(i * 8, true));
  const masks = [8, 9, 10, 11].map((i) => view.getBigUint64(i * 8, true));
  if (size !== BigInt(ARG_SIZE) || (flags & ~PM_SCAN_FLAGS) !== 0n) fail(EINVAL);
  if (masks.some((mask) => (mask & ~PM_SCAN_CATEGORIES) !== 0n)) fail(EINVAL);
  if (start % BigInt(PAGE_SIZE) !== 0n) fail(EINVAL);
  if (!accessOk(start, end)) fail(EFAULT);
  if (vec === 0n && vecLen !== 0n) fail(EINVAL);
  if (vec !== 0n && !accessOk(vec, vec + vecLen * BigInt(REGION_SIZE))) fail(EFAULT);
  const [inverted = 0, mask = 0, anyofMask = 0, returnMask = 0] = masks.map(Number);
  return {
    flags: Number(flags),
    start: Number(start),
    end: Math.ceil(Number(end) / PAGE_SIZE) * PAGE_SIZE,
    vec: Number(vec),
    vecLen: Number(vecLen),
    maxPages: maxPages === 0n ? Infinity : amount(maxPages),
    ...{ inverted, mask, anyofMask, returnMask },
  };
}

/** fs/proc/task_mmu.c pagemap_scan_is_interesting_page() */
function isInteresting(request: ScanRequest, category: number): boolean {
  const counted = category ^ request.inverted;
  if ((counted & request.mask) !== request.mask) return false;
  return request.anyofMask === 0 || (counted & request.anyofMask) !== 0;
}

/** Can pages of the mapping be protected so that a store to one only leaves a trace? */
function isWpAllowed(vma: VmaInfo): boolean {
  return (vma.uffd & UFFD_WP) !== 0 && (vma.uffd & UFFD_WP_ASYNC) !== 0;
}

/**
 * Whether the pages of a mapping are looked at.
 * @throws {LinuxError} EPERM: asked for mappings alone whose pages can be protected
 * @see fs/proc/task_mmu.c pagemap_scan_test_walk()
 */
function looksAt(request: ScanRequest, vma: VmaInfo): boolean {
  const wpAllowed = isWpAllowed(vma);
  if (!wpAllowed) {
    if ((request.flags & PM_SCAN_CHECK_WPASYNC) !== 0) fail(EPERM);
    if ((request.flags & PM_SCAN_WP_MATCHING) !== 0) return false;
  }
  if ((vma.flags & VM_PFNMAP) !== 0) return false;
  const wanted = request.mask & layout.PAGE_IS_WPALLOWED;
  const category = (wpAllowed ? layout.PAGE_IS_WPALLOWED : 0) ^ request.inverted;
  return (category & wanted) === wanted;
}

/**
 * PM_SCAN_WP_MATCHING: protects the pages of a run up to `end`. Those that count as written, or all where
 * nobody wants answers; and what has no page table gets one.
 * @throws {LinuxError} ENOMEM
 * @see fs/proc/task_mmu.c make_uffd_wp_pte()
 */
function protect(mm: Mm, request: ScanRequest, run: PageRun, end: number): void {
  if ((request.flags & PM_SCAN_WP_MATCHING) === 0 || end === run.start) return;
  const written = (run.category & layout.PAGE_IS_WRITTEN) !== 0;
  if (run.mapped && request.vec !== 0 && !written) return;
  checked(mm.core.exports.uffdWriteProtect(mm.ptr, run.start, end, true));
}

/** Whether soft-dirty bits are kept. */
interface SoftDirty {
  readonly softDirty: boolean;
}

/** The pages of one mapping; where it had to stop, or null. */
function walkVma(
  mm: Mm,
  request: ScanRequest & SoftDirty,
  vma: VmaInfo,
  from: number,
  list: RegionList,
): number | null {
  const allowed = isWpAllowed(vma) ? layout.PAGE_IS_WPALLOWED : 0;
  // Without a place for answers, what has a page table is protected whatever it is.
  const protectsAll = (request.flags & PM_SCAN_WP_MATCHING) !== 0 && request.vec === 0;
  for (const run of pageRuns(mm, from, Math.min(vma.end, request.end), request.softDirty)) {
    // Where write-protection is possible and no page table is yet, nothing is protected.
    const absent = !run.mapped && (vma.uffd & UFFD_WP) !== 0 ? layout.PAGE_IS_WRITTEN : 0;
    const category = run.category | allowed | absent;
    const matches = isInteresting(request, category);
    if (!matches && !(protectsAll && run.mapped)) continue;
    const stop = matches ? list.add(run.start, run.end, category & request.returnMask) : null;
    protect(mm, request, run, stop ?? run.end);
    if (stop !== null) return stop;
  }
  return null;
}

/** Walks the pages from `start` on; where it had to stop, or null when it came to the end. */
function walk(
  mm: Mm,
  request: ScanRequest & SoftDirty,
  start: number,
  list: RegionList,
): number | null {
  for (let vma = mm.findVma(start); vma !== null; vma = mm.findVma(vma.end)) {
    if (vma.start >= request.end) return null;
    if (!looksAt(request, vma)) continue;
    const from = Math.max(start, vma.start);
    const stop = walkVma(mm, request, vma, from, list);
    if (stop !== null) return stop;
  }
  return null;
}

/**
 * Walks until the end, the pages asked for, or the room for answers; full buffers are stored on the
 * way.
 * @param stopped takes the address that the last full buffer ended at, also when the walk went on
 */
function scan(
  own: Mm,
  mm: Mm,
  request: ScanRequest & SoftDirty,
  stopped: (walkEnd: number) => void,
): number {
  const list = new RegionList(request.vecLen, request.maxPages);
  let stored = 0;
  for (let start = request.start; start < request.end;) {
    const stop = walk(mm, request, start, list);
    if (stop !== null) stopped(stop);
    const bytes = list.take();
    if (bytes.length > 0) copyToUser(own, request.vec + stored, bytes);
    stored += bytes.length;
    if (stop === null || list.isComplete) break;
    start = stop;
  }
  return stored / REGION_SIZE;
}

/**
 * PAGEMAP_SCAN: ranges of pages by what they are.
 * @returns ranges stored
 * @throws {LinuxError} EINVAL: another command, a bad question; EFAULT; EPERM: PM_SCAN_CHECK_WPASYNC;
 *   ENOTTY: a kernel before 6.7; ESRCH: a task that had no memory; ENOMEM: no page table to protect
 *   pages in
 * @see fs/proc/task_mmu.c do_pagemap_scan()
 */
export function pagemapScan(caller: TaskStruct, file: File, cmd: number, arg: U64): number {
  if (!caller.kernel.profile.pagemapScan) fail(ENOTTY);
  if (cmd >>> 0 !== PAGEMAP_SCAN) fail(EINVAL);
  const own = caller.mm ?? fail(EFAULT);
  // A kernel that opens pagemap of a task without memory would fall over here.
  const mm = memOf(file) ?? fail(ESRCH);
  const { softDirty } = caller.kernel.profile;
  const request = { ...readRequest(copyFromUser(own, arg, ARG_SIZE)), softDirty };
  let walkEnd = 0;
  try {
    return scan(own, mm, request, (at) => (walkEnd = at));
  } finally {
    putUserU64(own, Number(arg) + WALK_END, walkEnd === 0 ? request.end : walkEnd);
  }
}
