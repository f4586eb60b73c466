import { EACCES, EAGAIN, EINVAL, ENOMEM, EPERM } from '../../assembly/abi/errno.js';
import * as mman from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import type { MapFile } from './map-file.js';
import type { Mm, VmaInfo } from './mm.js';
import type { MmLimits } from './limits.js';

const VM_SPECIAL = vm.VM_IO | vm.VM_DONTEXPAND | vm.VM_PFNMAP | vm.VM_MIXEDMAP;
const SHARED_MAYWRITE = vm.VM_SHARED | vm.VM_MAYWRITE;

/** What a huge page covers, in bytes. */
const PMD_SIZE = 2 ** 21;

/** One stretch of one mapping. */
export interface Advised {
  readonly mm: Mm;
  readonly vma: VmaInfo;
  readonly start: number;
  readonly end: number;
  readonly limits: MmLimits;
  /** May who advises change when pages of a file are in memory? */
  readonly mayReclaim: (file: MapFile) => boolean;
}

function refuse(vma: VmaInfo, flags: number): void {
  if (vma.flags & flags) fail(EINVAL);
}

/** Sets and clears flags, splitting and merging mappings as needed. */
function change({ mm, vma, start, end, limits }: Advised, set: number, clear: number): void {
  const max = limits.maxMapCount;
  const error = mm.core.exports.changeFlags(mm.ptr, vma.ptr, start, end, set, clear, max);
  // madvise(2) says so of kernel memory that is short, and of vm.max_map_count.
  if (error === -ENOMEM) fail(EAGAIN);
  checked(error);
}

/** The pages may go when memory is short, which it never is here: they stay, clean. */
function free({ mm, vma, start, end }: Advised): void {
  refuse(vma, vm.VM_PFNMAP | vm.VM_LOCKED);
  if (!vma.anonymous) fail(EINVAL);
  mm.core.exports.cleanRange(mm.ptr, start, end);
}

function remove({ vma, start, end }: Advised): void {
  refuse(vma, vm.VM_LOCKED);
  if (vma.file === null) fail(EINVAL);
  if ((vma.flags & SHARED_MAYWRITE) !== SHARED_MAYWRITE) fail(EACCES);
  const offset = vma.pgoff * PAGE_SIZE + (start - vma.start);
  vma.file.punchHole(offset, offset + (end - start));
}

function wipeOnFork(part: Advised): void {
  if (part.vma.file !== null || part.vma.flags & vm.VM_SHARED) fail(EINVAL);
  change(part, vm.VM_WIPEONFORK, 0);
}

/** ksm_madvise(): only private memory of the usual kind is marked, and the rest left alone. */
function mergeable(part: Advised): void {
  const never = VM_SPECIAL | vm.VM_SHARED | vm.VM_MAYSHARE | vm.VM_DROPPABLE;
  if (!(part.vma.flags & never)) change(part, vm.VM_MERGEABLE, 0);
}

/** is_valid_guard_vma(): before 6.15 only anonymous memory was guarded. */
function refuseGuard({ vma, limits }: Advised, refused: number): void {
  refuse(vma, refused);
  if (limits.rules.guardRegions !== 'all' && !vma.anonymous) fail(EINVAL);
}

function installGuard(part: Advised): void {
  const { mm, vma, start, end } = part;
  refuseGuard(part, VM_SPECIAL | vm.VM_LOCKED);
  checked(mm.core.exports.installGuard(mm.ptr, vma.ptr, start, end));
}

function removeGuard(part: Advised): void {
  const { mm, start, end } = part;
  refuseGuard(part, VM_SPECIAL);
  mm.core.exports.removeGuard(mm.ptr, start, end);
}

/**
 * Asks for huge pages in place of small ones, of which there are none to be had. Ranges without a whole
 * unit of 2 MiB succeed where the mapping has one.
 * @see mm/khugepaged.c, madvise_collapse()
 */
function collapse({ vma, start, end }: Advised): void {
  refuse(vma, VM_SPECIAL | vm.VM_NOHUGEPAGE);
  const units = (from: number, to: number): number =>
    Math.floor(to / PMD_SIZE) - Math.ceil(from / PMD_SIZE);
  if (units(vma.start, vma.end) < 1) fail(EINVAL);
  if (units(start, end) >= 1) fail(ENOMEM);
}

/** Refused where pages cannot be reclaimed, and otherwise a hint without effect. */
function cold({ vma }: Advised): void {
  refuse(vma, vm.VM_LOCKED | vm.VM_PFNMAP);
}

/** Who may not write a file takes only private copies of it out of memory. */
function pageOut({ mm, vma, start, end, mayReclaim }: Advised): void {
  refuse(vma, vm.VM_LOCKED | vm.VM_PFNMAP);
  const anonOnly = !vma.anonymous && (vma.file === null || !mayReclaim(vma.file));
  if (anonOnly && vma.flags & vm.VM_MAYSHARE) return;
  mm.core.exports.pageOut(mm.ptr, vma.ptr, start, end, anonOnly);
}

/** A change of flags that mappings with any of `refused` do not allow. */
function flags(set: number, clear: number, refused = 0): (part: Advised) => void {
  return (part) => {
    refuse(part.vma, refused);
    change(part, set, clear);
  };
}

const READAHEAD = vm.VM_RAND_READ | vm.VM_SEQ_READ;

/**
 * What each advice does to one stretch of one mapping; MADV_DONTNEED and MADV_DONTNEED_LOCKED are the core's.
 * @see mm/madvise.c, madvise_vma_behavior()
 */
export const ADVICE: ReadonlyMap<number, (part: Advised) => void> = new Map([
  [mman.MADV_NORMAL, flags(0, READAHEAD)],
  [mman.MADV_SEQUENTIAL, flags(vm.VM_SEQ_READ, vm.VM_RAND_READ)],
  [mman.MADV_RANDOM, flags(vm.VM_RAND_READ, vm.VM_SEQ_READ)],
  [mman.MADV_WILLNEED, () => undefined],
  [mman.MADV_FREE, free],
  [mman.MADV_REMOVE, remove],
  [mman.MADV_DONTFORK, flags(vm.VM_DONTCOPY, 0)],
  [mman.MADV_DOFORK, flags(0, vm.VM_DONTCOPY, vm.VM_IO)],
  [mman.MADV_MERGEABLE, mergeable],
  [mman.MADV_UNMERGEABLE, flags(0, vm.VM_MERGEABLE)],
  [mman.MADV_HUGEPAGE, flags(vm.VM_HUGEPAGE, vm.VM_NOHUGEPAGE)],
  [mman.MADV_NOHUGEPAGE, flags(vm.VM_NOHUGEPAGE, vm.VM_HUGEPAGE)],
  [mman.MADV_DONTDUMP, flags(vm.VM_DONTDUMP, 0)],
  [mman.MADV_DODUMP, flags(0, vm.VM_DONTDUMP, VM_SPECIAL | vm.VM_DROPPABLE)],
  [mman.MADV_WIPEONFORK, wipeOnFork],
  [mman.MADV_KEEPONFORK, flags(0, vm.VM_WIPEONFORK, vm.VM_DROPPABLE)],
  [mman.MADV_COLD, cold],
  [mman.MADV_PAGEOUT, pageOut],
  [mman.MADV_COLLAPSE, collapse],
  [mman.MADV_GUARD_INSTALL, installGuard],
  [mman.MADV_GUARD_REMOVE, removeGuard],
]);

const DISCARDS: ReadonlySet<number> = new Set([
  mman.MADV_FREE,
  mman.MADV_REMOVE,
  mman.MADV_DONTFORK,
  mman.MADV_WIPEONFORK,
  mman.MADV_GUARD_INSTALL,
]);

/**
 * Sealed private memory keeps its contents, unless whoever asks could overwrite them anyway (K-543); what
 * is a file's may go.
 * @throws {LinuxError} EPERM
 * @see mm/vma.c, can_modify_vma_madv()
 */
export function checkSealed(vma: VmaInfo, advice: number): void {
  if (!(vma.flags & vm.VM_SEALED) || !DISCARDS.has(advice)) return;
  if (vma.anonymous && !(vma.flags & vm.VM_WRITE)) fail(EPERM);
}
