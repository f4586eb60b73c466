import { ENOMEM } from '../../assembly/abi/errno.js';
import { MAP_FIXED, PROT_READ, PROT_WRITE } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { LinuxError, checked, fail } from '../errno.js';
import { pageAlign, type U64 } from './address.js';
import { putReleasedFiles } from './map-file.js';
import type { Mm } from './mm.js';
import {
  applyLimits,
  checkEnough,
  checkExpand,
  checkLocked,
  NO_LIMITS,
  type MmLimits,
} from './limits.js';
import { placeMapping } from './placement.js';
import { populate } from './populate.js';

/** VM_DATA_DEFAULT_FLAGS without execution, accounted for: what the heap is made of. */
const HEAP_FLAGS =
  PROT_READ | PROT_WRITE | vm.VM_MAYREAD | vm.VM_MAYWRITE | vm.VM_MAYEXEC | vm.VM_ACCOUNT;

/** Bytes that a growing stack keeps below it, and the heap keeps away from. */
const STACK_GUARD_GAP = 256 * PAGE_SIZE;

/** Grows the heap from page `from` to page `to`: check_brk_limits() and do_brk_flags(). */
function grow(mm: Mm, from: number, to: number, limits: MmLimits): void {
  const pages = (to - from) / PAGE_SIZE;
  applyLimits(mm, limits);
  placeMapping(mm, { addr: from, flags: MAP_FIXED }, to - from, limits);
  checkLocked(mm, limits, mm.defFlags, pages);
  const next = mm.findVma(from);
  // The page above stays free, and so does the guard gap of a stack: find_vma() and vm_start_gap().
  const gap = next !== null && next.flags & vm.VM_GROWSDOWN ? STACK_GUARD_GAP : 0;
  if (next !== null && next.start - gap < to + PAGE_SIZE) fail(ENOMEM);
  const implied = limits.readImpliesExec ? vm.VM_EXEC : 0;
  const flags = HEAP_FLAGS | implied | mm.defFlags;
  checkExpand(mm, flags, pages);
  if (mm.mapCount > limits.maxMapCount) fail(ENOMEM);
  checkEnough(mm, pages);
  const { exports } = mm.core;
  checked(exports.mapRegion(mm.ptr, from, to, flags, 0, from / PAGE_SIZE, 0, limits.maxMapCount));
}

/** Gives the pages from `to` to `from` back, if the heap is still there. */
function shrink(mm: Mm, to: number, from: number, limits: MmLimits): void {
  const heap = mm.findVma(to);
  if (heap === null || heap.start >= from) fail(ENOMEM);
  const error = mm.core.exports.unmapRegion(mm.ptr, to, from, limits.maxMapCount);
  putReleasedFiles(mm.core);
  checked(error);
}

/**
 * Moves the end of the heap to `addr`; returns where it is then, which is where it was when the move is
 * refused: brk never fails with an errno (K-540).
 * @see mm/mmap.c, SYSCALL_DEFINE1(brk)
 */
export function brk(mm: Mm, addr: U64, limits: MmLimits = NO_LIMITS): number {
  if (typeof addr === 'bigint' || addr < mm.startBrk) return mm.brk;
  const dataSize = addr - mm.startBrk + (mm.endData - mm.startData);
  if (dataSize > limits.data) return mm.brk;
  const from = pageAlign(mm.brk);
  const to = pageAlign(addr);
  try {
    if (to > from) grow(mm, from, to, limits);
    else if (to < from) shrink(mm, to, from, limits);
  } catch (error) {
    if (error instanceof LinuxError) return mm.brk;
    throw error;
  }
  mm.brk = addr;
  if (to > from && mm.defFlags & vm.VM_LOCKED) populate(mm, from, to);
  return addr;
}
