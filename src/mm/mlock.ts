import { EAGAIN, EINVAL, ENOMEM } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import { TASK_SIZE, type U64 } from './address.js';
import type { Mm, VmaInfo } from './mm.js';
import { checkMayLock, type MmLimits } from './limits.js';
import { populate, populateVma } from './populate.js';

export const MCL_CURRENT = 1;
export const MCL_FUTURE = 2;
export const MCL_ONFAULT = 4;
const MCL_ALL = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;

const LOCK_FLAGS = vm.VM_LOCKED | vm.VM_LOCKONFAULT;
/** Mappings that mlock passes over: mlock_fixup(). */
const NEVER_LOCKED =
  vm.VM_IO | vm.VM_DONTEXPAND | vm.VM_PFNMAP | vm.VM_MIXEDMAP | vm.VM_SECRETMEM | vm.VM_DROPPABLE;

/** The page range of an mlock request, in 64-bit arithmetic: a length may round up to nothing. */
interface LockRange {
  readonly start: U64;
  /** Bytes, whole pages. */
  readonly length: number;
  readonly wraps: boolean;
}

function lockRange(addr: U64, length: U64): LockRange {
  const wide = BigInt(addr);
  const offset = wide & 4095n;
  const start = wide - offset;
  const sum = BigInt.asUintN(64, BigInt(length) + offset + 4095n) & ~4095n;
  const wraps = start + sum >= 1n << 64n;
  return { start: typeof addr === 'number' ? Number(start) : start, length: Number(sum), wraps };
}

/** mlock_fixup(): replaces the lock flags of a part of a mapping; 0 or a negative errno. */
function lockPart(
  mm: Mm,
  vma: VmaInfo,
  start: number,
  end: number,
  flags: number,
  limits: MmLimits,
): number {
  const clear = LOCK_FLAGS & ~flags;
  const max = limits.maxMapCount;
  return mm.core.exports.changeFlags(mm.ptr, vma.ptr, start, end, flags, clear, max);
}

/** apply_vma_lock_flags(): every mapping of the range in turn, up to the first hole. */
function applyFlags(mm: Mm, range: LockRange, flags: number, limits: MmLimits): void {
  if (range.wraps) fail(EINVAL);
  if (range.length === 0) return;
  if (typeof range.start === 'bigint') fail(ENOMEM);
  const { start } = range;
  const end = start + range.length;
  for (let at = start; at < end;) {
    const vma = mm.findVma(at);
    if (vma === null || vma.start > at) fail(ENOMEM);
    const to = Math.min(vma.end, end);
    if (!(vma.flags & NEVER_LOCKED)) checked(lockPart(mm, vma, at, to, flags, limits));
    at = to;
  }
}

/** Pages of the range that are locked already: count_mm_mlocked_page_nr(). */
function lockedPages(mm: Mm, range: LockRange): number {
  if (range.wraps || typeof range.start === 'bigint') return 0;
  const { start } = range;
  const end = start + range.length;
  let pages = 0;
  for (let vma = mm.findVma(start); vma !== null && vma.start < end; vma = mm.findVma(vma.end)) {
    if (!(vma.flags & vm.VM_LOCKED)) continue;
    pages += (Math.min(vma.end, end) - Math.max(vma.start, start)) / PAGE_SIZE;
  }
  return pages;
}

/** __mm_populate() of what was locked; its errors as mlock(2) has them. */
function faultIn(mm: Mm, start: number, end: number): void {
  if (start === end) return;
  for (let vma = mm.findVma(start); vma !== null && vma.start < end; vma = mm.findVma(vma.end)) {
    if (vma.flags & (vm.VM_IO | vm.VM_PFNMAP)) continue;
    const error = populateVma(mm, vma, Math.max(start, vma.start), Math.min(vma.end, end));
    if (error < 0) fail(error === -ENOMEM ? EAGAIN : ENOMEM);
  }
}

/** Would `pages` locked pages be within RLIMIT_MEMLOCK, or does the limit not count? */
function mayLock(limits: MmLimits, pages: number): boolean {
  return pages <= Math.floor(limits.memlock / PAGE_SIZE) || limits.capIpcLock;
}

/**
 * Locks the pages of [addr, addr + length); `onFault` leaves absent ones for later.
 * @throws {LinuxError} EPERM: RLIMIT_MEMLOCK is 0; ENOMEM: over it, a hole, pages that cannot be had
 * (K-546, the mapping stays locked); EINVAL: the range wraps; EAGAIN: no frame
 * @see mm/mlock.c, do_mlock()
 */
export function mlock(mm: Mm, addr: U64, length: U64, onFault: boolean, limits: MmLimits): void {
  checkMayLock(limits);
  const range = lockRange(addr, length);
  const more = range.length / PAGE_SIZE - lockedPages(mm, range);
  if (!mayLock(limits, mm.lockedVm + more)) fail(ENOMEM);
  applyFlags(mm, range, vm.VM_LOCKED | (onFault ? vm.VM_LOCKONFAULT : 0), limits);
  const start = Number(range.start);
  faultIn(mm, start, start + range.length);
}

/**
 * Unlocks the pages of [addr, addr + length).
 * @throws {LinuxError} ENOMEM: a hole; EINVAL: the range wraps
 * @see mm/mlock.c, SYSCALL_DEFINE2(munlock)
 */
export function munlock(mm: Mm, addr: U64, length: U64, limits: MmLimits): void {
  applyFlags(mm, lockRange(addr, length), 0, limits);
}

/** apply_mlockall_flags(): what cannot be split or merged keeps its flags. */
function applyToAll(mm: Mm, flags: number, limits: MmLimits): void {
  for (let vma = mm.findVma(0); vma !== null; vma = mm.findVma(vma.end)) {
    if (!(vma.flags & NEVER_LOCKED)) lockPart(mm, vma, vma.start, vma.end, flags, limits);
  }
}

/**
 * Locks all mappings, those of the future, or both.
 * @param flags MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT
 * @throws {LinuxError} EINVAL: no flags, unknown ones, or MCL_ONFAULT alone; EPERM: RLIMIT_MEMLOCK is 0;
 * ENOMEM: all mappings together are over it
 * @see mm/mlock.c, SYSCALL_DEFINE1(mlockall)
 */
export function mlockall(mm: Mm, flags: number, limits: MmLimits): void {
  if (flags === 0 || flags === MCL_ONFAULT || flags & ~MCL_ALL) fail(EINVAL);
  checkMayLock(limits);
  const current = (flags & MCL_CURRENT) !== 0;
  if (current && !mayLock(limits, mm.counters().totalVm)) fail(ENOMEM);
  const lock = vm.VM_LOCKED | (flags & MCL_ONFAULT ? vm.VM_LOCKONFAULT : 0);
  mm.defFlags = flags & MCL_FUTURE ? lock : 0;
  if (!current) return;
  applyToAll(mm, lock, limits);
  populate(mm, 0, TASK_SIZE);
}

/**
 * Unlocks all mappings and those of the future.
 * @see mm/mlock.c, SYSCALL_DEFINE0(munlockall)
 */
export function munlockall(mm: Mm, limits: MmLimits): void {
  mm.defFlags = 0;
  applyToAll(mm, 0, limits);
}
