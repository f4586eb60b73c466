import { EAGAIN, EINVAL, ENOMEM, EPERM } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import { pageAlign, pageFloor, type U64 } from './address.js';
import type { Mm } from './mm.js';
import type { MmLimits } from './mmap.js';
import { populateRange } from './populate.js';

const LOCK_FLAGS = vm.VM_LOCKED | vm.VM_LOCKONFAULT;
/** Mappings that mlock passes over: mlock_fixup(). */
const NEVER_LOCKED =
  vm.VM_IO |
  vm.VM_DONTEXPAND |
  vm.VM_PFNMAP |
  vm.VM_MIXEDMAP |
  vm.VM_HUGETLB |
  vm.VM_SECRETMEM |
  vm.VM_DROPPABLE;

/** The page range of an mlock request. */
function lockRange(addr: U64, length: U64): { start: number; end: number } {
  const sum = BigInt.asUintN(64, BigInt(addr) + BigInt(length));
  if (sum < BigInt(addr)) fail(EINVAL);
  if (typeof addr === 'bigint' || typeof length === 'bigint') fail(ENOMEM);
  const start = pageFloor(addr);
  return { start, end: start + pageAlign(length + (addr - start)) };
}

/** apply_vma_lock_flags(): every mapping of the range in turn, up to the first hole. */
function applyFlags(mm: Mm, start: number, end: number, flags: number, limits: MmLimits): void {
  const { exports } = mm.core;
  for (let at = start; at < end;) {
    const vma = mm.findVma(at);
    if (vma === null || vma.start > at) fail(ENOMEM);
    const to = Math.min(vma.end, end);
    if (!(vma.flags & NEVER_LOCKED)) {
      const clear = LOCK_FLAGS & ~flags;
      const max = limits.maxMapCount;
      checked(exports.changeFlags(mm.ptr, vma.ptr, at, to, flags, clear, max));
    }
    at = to;
  }
}

/** Pages of the range that are locked already: count_mm_mlocked_page_nr(). */
function lockedPages(mm: Mm, start: number, end: number): number {
  let pages = 0;
  for (let vma = mm.findVma(start); vma !== null && vma.start < end; vma = mm.findVma(vma.end)) {
    if (!(vma.flags & vm.VM_LOCKED)) continue;
    pages += (Math.min(vma.end, end) - Math.max(vma.start, start)) / PAGE_SIZE;
  }
  return pages;
}

/** __mm_populate() of what was locked; its errors as mlock(2) has them. */
function faultIn(mm: Mm, start: number, end: number): void {
  for (let at = start; at < end;) {
    const vma = mm.findVma(at);
    if (vma === null || vma.start >= end) return;
    const from = Math.max(at, vma.start);
    const to = Math.min(vma.end, end);
    at = to;
    if (vma.flags & (vm.VM_IO | vm.VM_PFNMAP)) continue;
    if (!(vma.flags & (vm.VM_READ | vm.VM_WRITE | vm.VM_EXEC))) fail(ENOMEM);
    const write = (vma.flags & (vm.VM_WRITE | vm.VM_SHARED)) === vm.VM_WRITE;
    const error = populateRange(mm, from, to, write);
    if (error < 0) fail(error === -ENOMEM ? EAGAIN : ENOMEM);
  }
}

/**
 * Locks the pages of [addr, addr + length); `onFault` leaves absent ones for later.
 * @throws {LinuxError} EPERM: RLIMIT_MEMLOCK is 0; ENOMEM: over it, a hole, pages that cannot be had
 * (K-546, the mapping stays locked); EINVAL: the range wraps; EAGAIN: no frame
 * @see mm/mlock.c, do_mlock()
 */
export function mlock(mm: Mm, addr: U64, length: U64, onFault: boolean, limits: MmLimits): void {
  if (limits.memlock === 0 && !limits.capIpcLock) fail(EPERM);
  const { start, end } = lockRange(addr, length);
  const pages = (end - start) / PAGE_SIZE;
  const more = pages - lockedPages(mm, start, end);
  const total = (mm.counters().lockedVm + more) * PAGE_SIZE;
  if (!limits.capIpcLock && total > limits.memlock) fail(ENOMEM);
  const flags = vm.VM_LOCKED | (onFault ? vm.VM_LOCKONFAULT : 0);
  applyFlags(mm, start, end, flags, limits);
  if (!onFault) faultIn(mm, start, end);
}

/**
 * Unlocks the pages of [addr, addr + length).
 * @throws {LinuxError} ENOMEM: a hole; EINVAL: the range wraps
 * @see mm/mlock.c, SYSCALL_DEFINE2(munlock)
 */
export function munlock(mm: Mm, addr: U64, length: U64, limits: MmLimits): void {
  const { start, end } = lockRange(addr, length);
  applyFlags(mm, start, end, 0, limits);
}
