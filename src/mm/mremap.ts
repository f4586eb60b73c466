import { EFAULT, EINVAL, ENOMEM, EPERM } from '../../assembly/abi/errno.js';
import {
  MAP_FIXED,
  MAP_SHARED,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import { isPageAligned, TASK_SIZE, pageAlign, type U64 } from './address.js';
import {
  applyLimits,
  checkEnough,
  checkExpand,
  checkLocked,
  NO_LIMITS,
  type MmLimits,
} from './limits.js';
import { putReleasedFiles } from './map-file.js';
import type { Mm, VmaInfo } from './mm.js';
import { munmap } from './mmap.js';
import { placeMapping } from './placement.js';
import { populate } from './populate.js';

const ALL_FLAGS = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

/** A checked request, lengths in whole pages. */
interface Remap {
  readonly mm: Mm;
  readonly addr: number;
  readonly oldLen: number;
  readonly newLen: number;
  readonly flags: number;
  readonly newAddr: U64;
  readonly limits: MmLimits;
}

/** Is a new address given, or a new mapping certain? */
function impliesMove(flags: number): boolean {
  return (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0;
}

/** check_mremap_params(), the part about the new address. */
function checkNewAddress({ mm, addr, oldLen, newLen, flags, newAddr, limits }: Remap): void {
  if (typeof newAddr === 'bigint' || newAddr > TASK_SIZE - newLen) fail(EINVAL);
  if (newAddr % PAGE_SIZE !== 0) fail(EINVAL);
  if (!(flags & MREMAP_MAYMOVE)) fail(EINVAL);
  if (flags & MREMAP_DONTUNMAP && oldLen !== newLen) fail(EINVAL);
  // The end of the old range may wrap, and then overlaps nothing.
  const oldEnd = BigInt.asUintN(64, BigInt(addr) + BigInt(oldLen));
  if (oldEnd > BigInt(newAddr) && newAddr + newLen > addr) fail(EINVAL);
  if (mm.mapCount + 2 >= limits.maxMapCount - 3) fail(ENOMEM);
}

/** check_prep_vma(): may this mapping be resized or moved so? */
function checkMapping(request: Remap, vma: VmaInfo): void {
  const { mm, addr, oldLen, newLen, flags, limits } = request;
  if (vma.flags & vm.VM_SEALED) fail(EPERM);
  if (newLen <= oldLen && !impliesMove(flags)) return;
  if (oldLen === 0 && !(vma.flags & (vm.VM_SHARED | vm.VM_MAYSHARE))) fail(EINVAL);
  const fixed = vma.flags & (vm.VM_DONTEXPAND | vm.VM_PFNMAP);
  if (flags & MREMAP_DONTUNMAP && fixed) fail(EINVAL);
  if (Math.min(oldLen, newLen) > vma.end - addr) fail(EFAULT);
  if (newLen <= oldLen) return;
  if (oldLen > vma.end - addr) fail(EFAULT);
  if (fixed) fail(EFAULT);
  const pages = (newLen - oldLen) / PAGE_SIZE;
  checkLocked(mm, limits, vma.flags, pages);
  checkExpand(mm, vma.flags, pages);
}

/** vrm_calc_charge(): may what is added to a mapping be promised? */
function checkCharge({ mm, oldLen, newLen, flags }: Remap, vma: VmaInfo): void {
  if (!(vma.flags & vm.VM_ACCOUNT)) return;
  const added = flags & MREMAP_DONTUNMAP ? newLen : newLen - oldLen;
  checkEnough(mm, added / PAGE_SIZE);
}

/** vrm_set_new_addr() and move_vma(): `hint` is the new address itself with MREMAP_FIXED. */
function move(request: Remap, vma: VmaInfo, hint: U64): number {
  const { mm, addr, oldLen, newLen, flags, limits } = request;
  const shared = (vma.flags & vm.VM_MAYSHARE) !== 0;
  const placement = {
    addr: hint,
    flags: (flags & MREMAP_FIXED ? MAP_FIXED : 0) | (shared ? MAP_SHARED : 0),
    offset: BigInt(vma.pgoff) * BigInt(PAGE_SIZE) + BigInt(addr - vma.start),
    ...(vma.file === null
      ? {}
      : { mapFile: vma.file, placesHuge: vma.file.placesHuge?.(shared) === true }),
  };
  const to = placeMapping(mm, placement, newLen, limits);
  if (mm.mapCount >= limits.maxMapCount - 3) fail(ENOMEM);
  // prep_move_vma(): a special mapping moves whole.
  if (vma.special && (vma.start !== addr || vma.end !== addr + oldLen)) fail(EINVAL);
  checkCharge(request, vma);
  const keep = (flags & MREMAP_DONTUNMAP) !== 0;
  const max = limits.maxMapCount;
  const { exports } = mm.core;
  const error = exports.moveRegion(mm.ptr, vma.ptr, addr, oldLen, to, newLen, keep, max);
  putReleasedFiles(mm.core);
  checked(error);
  return to;
}

/** vma_lookup() @throws {LinuxError} EFAULT: nothing is mapped there */
function mappingAt(mm: Mm, addr: number): VmaInfo {
  const vma = mm.findVma(addr);
  return vma === null || vma.start > addr ? fail(EFAULT) : vma;
}

/** mremap_to(): to a new address, which MREMAP_FIXED clears first. */
function moveTo(request: Remap, vma: VmaInfo): number {
  const { mm, addr, oldLen, newLen, flags, newAddr, limits } = request;
  if (flags & MREMAP_FIXED) munmap(mm, newAddr, newLen, limits);
  // What was unmapped may have been part of the same mapping, or with a length that wraps all of it.
  mappingAt(mm, addr);
  if (newLen < oldLen) munmap(mm, addr + newLen, oldLen - newLen, limits);
  const source = mappingAt(mm, addr);
  if (flags & MREMAP_DONTUNMAP) checkExpand(mm, source.flags, oldLen / PAGE_SIZE);
  const to = move({ ...request, oldLen: Math.min(oldLen, newLen) }, source, newAddr);
  if (vma.flags & vm.VM_LOCKED && newLen > oldLen) populate(mm, to + oldLen, to + newLen);
  return to;
}

/** vma_expandable(): does the mapping end where the range does, below a hole large enough? */
function expandsInPlace({ mm, addr, oldLen, newLen }: Remap, vma: VmaInfo): boolean {
  const end = addr + newLen;
  if (oldLen !== vma.end - addr || end > TASK_SIZE) return false;
  const next = mm.findVma(vma.end);
  return next === null || next.start >= end;
}

/** expand_vma(): in place over a hole, else by a move. */
function expand(request: Remap, vma: VmaInfo): number {
  const { mm, addr, oldLen, newLen, flags } = request;
  let at = addr;
  if (expandsInPlace(request, vma)) {
    checkCharge(request, vma);
    mm.core.exports.expandInPlace(mm.ptr, vma.ptr, addr + newLen);
  } else {
    if (!(flags & MREMAP_MAYMOVE)) fail(ENOMEM);
    at = move(request, vma, 0);
  }
  if (vma.flags & vm.VM_LOCKED) populate(mm, at + oldLen, at + newLen);
  return at;
}

/**
 * mremap_to() before 6.17: a range that reaches beyond its mapping is refused, but not before the new place
 * was cleared.
 */
function refuseSeveral({ mm, addr, oldLen, newLen, limits }: Remap, newAddr: number): void {
  const vma = mm.findVma(addr);
  if (vma === null || vma.start > addr) fail(EFAULT);
  if (oldLen <= vma.end - addr) return;
  if (vma.flags & vm.VM_SEALED) fail(EPERM);
  munmap(mm, newAddr, newLen, limits);
  fail(EFAULT);
}

/** vma_multi_allowed(): SysV segments and /dev/zero choose places of their own, and so move alone. */
function movesAlone(vma: VmaInfo): boolean {
  return (vma.flags & vm.VM_CLOSES) !== 0 || vma.file?.mapping === null;
}

/** remap_move(): several mappings of the same size move one by one, holes and all (K-532). */
function moveAll(request: Remap, newAddr: number): number {
  const { mm, addr, oldLen } = request;
  const end = addr + oldLen;
  let target = newAddr;
  let behind = addr;
  while (behind < end) {
    const vma = mm.findVma(behind);
    if (vma === null || vma.start >= end) break;
    const from = Math.max(vma.start, addr);
    if (behind === addr && from > addr) fail(EFAULT);
    // vma_multi_allowed(): of several none may be a userfaultfd's.
    const alone = behind === addr && vma.end >= end;
    if (!alone && (vma.uffd !== 0 || movesAlone(vma))) fail(EFAULT);
    target += from - behind;
    behind = vma.end;
    const length = Math.min(vma.end, end) - from;
    const part = { ...request, addr: from, oldLen: length, newLen: length, newAddr: target };
    checkMapping(part, vma);
    target = moveTo(part, vma) + length;
  }
  return behind === addr ? fail(EFAULT) : newAddr;
}

function remap(request: Remap): number {
  const { mm, addr, oldLen, newLen, flags, newAddr, limits } = request;
  applyLimits(mm, limits);
  if (flags & MREMAP_FIXED && oldLen === newLen) {
    if (!limits.rules.mremapSeveral) refuseSeveral(request, newAddr as number);
    return moveAll(request, newAddr as number);
  }
  const vma = mm.findVma(addr);
  if (vma === null || vma.start > addr) fail(EFAULT);
  checkMapping(request, vma);
  if (impliesMove(flags)) return moveTo(request, vma);
  if (newLen < oldLen) munmap(mm, addr + newLen, oldLen - newLen, limits);
  return newLen > oldLen ? expand(request, vma) : addr;
}

/** PAGE_ALIGN() in 64 bits: a length within a page of the end becomes 0. */
function wrappedPages(length: U64): number {
  if (typeof length === 'number') return pageAlign(length);
  return Number(BigInt.asUintN(64, length + 4095n) & ~4095n);
}

/**
 * Resizes or moves the mapping at `addr`; returns its new address. An old length of 0 shows the pages of
 * a shared mapping a second time.
 * @throws {LinuxError} EINVAL: unaligned, new length 0, unknown or contradictory flags, overlap; EFAULT:
 * no mapping, or it ends too early (K-530); ENOMEM: no room, a limit, no frame; EAGAIN: over
 * RLIMIT_MEMLOCK; EPERM: sealed
 * @see mm/mremap.c, do_mremap()
 */
export function mremap(
  mm: Mm,
  addr: U64,
  oldLen: U64,
  newLen: U64,
  flags: number,
  newAddr: U64,
  limits: MmLimits = NO_LIMITS,
): number {
  if (flags & ~ALL_FLAGS) fail(EINVAL);
  if (!isPageAligned(addr) || newLen === 0) fail(EINVAL);
  const wanted = wrappedPages(newLen);
  if (wanted === 0 || wanted > TASK_SIZE) fail(EINVAL);
  const request: Remap = {
    mm,
    addr: Number(addr),
    oldLen: wrappedPages(oldLen),
    newLen: wanted,
    flags,
    newAddr,
    limits,
  };
  if (impliesMove(flags)) checkNewAddress(request);
  if (typeof addr === 'bigint') fail(EFAULT);
  return remap(request);
}
