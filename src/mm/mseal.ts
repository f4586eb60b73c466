import { EINVAL, ENOMEM } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { VM_SEALED } from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import { pageAlign, type U64 } from './address.js';
import type { Mm } from './mm.js';
import type { MmLimits } from './limits.js';

/** range_contains_unmapped() */
function isMappedThroughout(mm: Mm, start: number, end: number): boolean {
  for (let at = start; at < end;) {
    const vma = mm.findVma(at);
    if (vma === null || vma.start > at) return false;
    at = vma.end;
  }
  return true;
}

/**
 * Seals the mappings of [addr, addr + length) against unmapping, moving and changes of protection; length
 * is rounded up.
 * @throws {LinuxError} EINVAL: unaligned, flags, or the range wraps; ENOMEM: a hole, and nothing is sealed;
 * ENOMEM: over vm.max_map_count
 * @see mm/mseal.c, do_mseal()
 */
export function mseal(mm: Mm, addr: U64, length: U64, flags: U64, limits: MmLimits): void {
  if (flags !== 0 || BigInt(addr) % BigInt(PAGE_SIZE) !== 0n) fail(EINVAL);
  const end = BigInt.asUintN(64, BigInt(addr) + BigInt(length) + 4095n);
  if (end < BigInt(addr) || BigInt(length) + 4095n >= 1n << 64n) fail(EINVAL);
  if (length === 0) return;
  if (typeof addr === 'bigint' || typeof length === 'bigint') fail(ENOMEM);
  const last = addr + pageAlign(length);
  if (!isMappedThroughout(mm, addr, last)) fail(ENOMEM);
  for (let at = addr; at < last;) {
    const vma = mm.findVma(at);
    if (vma === null) return;
    const to = Math.min(vma.end, last);
    const max = limits.maxMapCount;
    checked(mm.core.exports.changeFlags(mm.ptr, vma.ptr, at, to, VM_SEALED, 0, max));
    at = to;
  }
}
