import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM } from '../../assembly/abi/errno.js';
import {
  MAP_FIXED,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import { TASK_SIZE, pageAlign, type U64 } from './address.js';
import { putReleasedFiles } from './map-file.js';
import type { Mm, VmaInfo } from './mm.js';
import { checkExpand, munmap, NO_LIMITS, type MmLimits } from './mmap.js';
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
  if (flags & MREMAP_FIXED && addr + oldLen > newAddr && newAddr + newLen > addr) fail(EINVAL);
  if (mm.counters().mapCount + 2 >= limits.maxMapCount - 3) fail(ENOMEM);
}

/** check_prep_vma(): may this mapping be resized or moved so? */
function checkMapping(request: Remap, vma: VmaInfo): void {
  const { mm, addr, oldLen, newLen, flags, limits } = request;
  if (vma.flags & vm.VM_SEALED) fail(EPERM);
  const shrinks = newLen < oldLen;
  if (newLen <= oldLen && !impliesMove(flags)) return;
  if (oldLen === 0 && !(vma.flags & (vm.VM_SHARED | vm.VM_MAYSHARE))) fail(EINVAL);
  const fixed = vma.flags & (vm.VM_DONTEXPAND | vm.VM_PFNMAP);
  if (flags & MREMAP_DONTUNMAP && fixed) fail(EINVAL);
  if ((shrinks ? newLen : oldLen) > vma.end - addr) fail(EFAULT);
  if (newLen <= oldLen) return;
  if (fixed) fail(EFAULT);
  const pages = (newLen - oldLen) / PAGE_SIZE;
  if (vma.flags & vm.VM_LOCKED && !limits.capIpcLock) {
    if ((mm.counters().lockedVm + pages) * PAGE_SIZE > limits.memlock) fail(EAGAIN);
  }
  checkExpand(mm, limits, vma.flags, pages);
}

/** move_vma() with the search for a place, and the removal of what is there. */
function move(request: Remap, vma: VmaInfo): number {
  const { mm, addr, oldLen, newLen, flags, newAddr, limits } = request;
  if (flags & MREMAP_FIXED) munmap(mm, newAddr, newLen, limits);
  const source = mm.findVma(addr);
  if (source === null || source.start > addr) fail(EFAULT);
  const hint = impliesMove(flags) ? newAddr : 0;
  const mapFile = vma.file === null ? undefined : vma.file;
  const place = flags & MREMAP_FIXED ? MAP_FIXED : 0;
  const to = placeMapping(mm, { addr: hint, flags: place, mapFile }, newLen, limits);
  const { exports } = mm.core;
  const keep = (flags & MREMAP_DONTUNMAP) !== 0;
  const max = limits.maxMapCount;
  const error = exports.moveRegion(mm.ptr, source.ptr, addr, oldLen, to, newLen, keep, max);
  putReleasedFiles(mm.core);
  checked(error);
  if (vma.flags & vm.VM_LOCKED && newLen > oldLen) populate(mm, to + oldLen, to + newLen);
  return to;
}

/** expand_vma(): in place over a hole, else by a move. */
function expand(request: Remap, vma: VmaInfo): number {
  const { mm, addr, oldLen, newLen, flags } = request;
  const end = addr + newLen;
  if (oldLen === vma.end - addr && end <= TASK_SIZE) {
    const next = mm.findVma(vma.end);
    if (next === null || next.start >= end) {
      mm.core.exports.expandInPlace(mm.ptr, vma.ptr, end);
      if (vma.flags & vm.VM_LOCKED) populate(mm, addr + oldLen, end);
      return addr;
    }
  }
  if (!(flags & MREMAP_MAYMOVE)) fail(ENOMEM);
  return move(request, vma);
}

/** remap_move(): several mappings of the same size move one by one, holes and all (K-532). */
function moveAll(request: Remap, newAddr: number): number {
  const { mm, addr, oldLen } = request;
  const end = addr + oldLen;
  let first = true;
  for (let at = addr; at < end;) {
    const vma = mm.findVma(at);
    if (vma === null || vma.start >= end) break;
    if (first && vma.start > at) fail(EFAULT);
    const from = Math.max(vma.start, at);
    const to = Math.min(vma.end, end);
    const length = to - from;
    const target = newAddr + (from - addr);
    const part = { ...request, addr: from, oldLen: length, newLen: length, newAddr: target };
    checkMapping(part, vma);
    move(part, vma);
    first = false;
    at = to;
  }
  if (first) fail(EFAULT);
  return newAddr;
}

function remap(request: Remap): number {
  const { mm, addr, oldLen, newLen, flags, newAddr, limits } = request;
  const vma = mm.findVma(addr);
  if (vma === null || vma.start > addr) fail(EFAULT);
  if (flags & MREMAP_FIXED && oldLen === newLen) return moveAll(request, newAddr as number);
  checkMapping(request, vma);
  if (impliesMove(flags)) {
    if (newLen >= oldLen) return move(request, vma);
    munmap(mm, addr + newLen, oldLen - newLen, limits);
    return move({ ...request, oldLen: newLen }, vma);
  }
  if (newLen < oldLen) munmap(mm, addr + newLen, oldLen - newLen, limits);
  if (newLen <= oldLen) return addr;
  return expand(request, vma);
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
  if (BigInt(addr) % BigInt(PAGE_SIZE) !== 0n || newLen === 0) fail(EINVAL);
  if (typeof newLen === 'bigint' || pageAlign(newLen) > TASK_SIZE) fail(EINVAL);
  if (typeof oldLen === 'bigint' || typeof addr === 'bigint') fail(EFAULT);
  const request: Remap = {
    mm,
    addr,
    oldLen: pageAlign(oldLen),
    newLen: pageAlign(newLen),
    flags,
    newAddr,
    limits,
  };
  if (impliesMove(flags)) checkNewAddress(request);
  return remap(request);
}
