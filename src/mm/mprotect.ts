import { EINVAL, ENOMEM } from '../../assembly/abi/errno.js';
import {
  PROT_EXEC,
  PROT_GROWSDOWN,
  PROT_GROWSUP,
  PROT_READ,
  PROT_SEM,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import { VM_GROWSDOWN } from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import { isPageAligned, pageAlign, type U64 } from './address.js';
import { deniesExecGain } from './mdwe.js';
import type { Mm } from './mm.js';
import { applyLimits, NO_LIMITS, type MmLimits } from './limits.js';

/** The key of a change that names none. No key can be allocated here, so any other is refused. */
export const NO_PKEY = -1;
const PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXEC;

/** Where a change that grows starts: PROT_GROWSDOWN reaches down to the start of the mapping. */
function firstAddress(mm: Mm, addr: number, end: number, grows: number): number {
  const vma = mm.findVma(addr);
  if (vma === null) fail(ENOMEM);
  if (grows === PROT_GROWSDOWN) {
    if (vma.start >= end) fail(ENOMEM);
    if (!(vma.flags & VM_GROWSDOWN)) fail(EINVAL);
    return vma.start;
  }
  if (vma.start > addr) fail(ENOMEM);
  // Nothing on x86-64 grows up.
  return fail(EINVAL);
}

/** The end of the range in whole pages. @throws {LinuxError} ENOMEM: the range wraps, or has none */
function rangeEnd(addr: U64, length: U64): number {
  if (typeof addr === 'number' && typeof length === 'number') return addr + pageAlign(length);
  const last = BigInt(addr) + ((BigInt(length) + 4095n) & ~4095n);
  if (last >= 2n ** 64n || last === BigInt(addr)) fail(ENOMEM);
  return Number(last);
}

/**
 * Changes the protection of [addr, addr + length); mappings below one that refuses are changed (K-521).
 * @throws {LinuxError} EINVAL: unaligned, unknown bits, PROT_GROWSDOWN on another kind of mapping;
 * ENOMEM: a hole, the range wraps, over vm.max_map_count; EACCES: the file or PR_SET_MDWE forbids it; EPERM: sealed
 * @see mm/mprotect.c, do_mprotect_pkey()
 */
export function mprotect(
  mm: Mm,
  addr: U64,
  length: U64,
  prot: number,
  limits: MmLimits = NO_LIMITS,
  pkey = NO_PKEY,
): void {
  const grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) fail(EINVAL);
  if (!isPageAligned(addr)) fail(EINVAL);
  if (length === 0) return;
  const end = rangeEnd(addr, length);
  const plain = prot & ~grows;
  if (plain & ~(PROT_ALL | PROT_SEM)) fail(EINVAL);
  if (pkey !== NO_PKEY) fail(EINVAL);
  if (typeof addr === 'bigint') fail(ENOMEM);
  const start = grows === 0 ? addr : firstAddress(mm, addr, end, grows);
  applyLimits(mm, limits);
  const max = limits.maxMapCount;
  const bits = plain & PROT_ALL;
  const readExecutes = limits.readImpliesExec && (plain & PROT_READ) !== 0;
  const { exports } = mm.core;
  const denies = deniesExecGain(mm);
  checked(exports.protectRegion(mm.ptr, start, end, bits, readExecutes, denies, max));
}
