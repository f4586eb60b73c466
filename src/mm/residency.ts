import { EBUSY, EINVAL, ENOMEM } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import { TASK_SIZE, pageAlign, type U64 } from './address.js';
import type { Mm, VmaInfo } from './mm.js';
import { pagemapEntries } from './pagemap.js';

export const MS_ASYNC = 1;
export const MS_INVALIDATE = 2;
export const MS_SYNC = 4;

const PM_PRESENT = 1n << 63n;

/** Which pages of one mapping are in memory: in its tables, or in the cache of its file. */
function residentPages(mm: Mm, vma: VmaInfo, start: number, into: Uint8Array): void {
  const entries = pagemapEntries(mm, start, into.length);
  const first = vma.pgoff + (start - vma.start) / PAGE_SIZE;
  for (let i = 0; i < into.length; i++) {
    const present = ((entries[i] ?? 0n) & PM_PRESENT) !== 0n;
    const cached = !present && vma.file?.mapping?.isCached(first + i) === true;
    into[i] = present || cached ? 1 : 0;
  }
}

/**
 * One byte for each page of [addr, addr + length): 1 when it is in memory.
 * @throws {LinuxError} EINVAL: unaligned; ENOMEM: a hole, or outside user memory
 * @see mm/mincore.c
 */
export function mincore(mm: Mm, addr: U64, length: U64): Uint8Array {
  if (BigInt(addr) % BigInt(PAGE_SIZE) !== 0n) fail(EINVAL);
  if (typeof addr === 'bigint' || typeof length === 'bigint') fail(ENOMEM);
  if (addr + length > TASK_SIZE) fail(ENOMEM);
  const end = addr + pageAlign(length);
  const pages = (end - addr) / PAGE_SIZE;
  checkCovered(mm, addr, end);
  const result = new Uint8Array(pages);
  for (let at = addr; at < end;) {
    const vma = mm.findVma(at) as VmaInfo;
    const to = Math.min(vma.end, end);
    const from = (at - addr) / PAGE_SIZE;
    residentPages(mm, vma, at, result.subarray(from, from + (to - at) / PAGE_SIZE));
    at = to;
  }
  return result;
}

function checkCovered(mm: Mm, start: number, end: number): void {
  for (let at = start; at < end;) {
    const vma = mm.findVma(at);
    if (vma === null || vma.start > at) fail(ENOMEM);
    at = vma.end;
  }
}

/**
 * Has nothing to write back here; it is its errors that show.
 * @throws {LinuxError} EINVAL: unaligned, unknown or contradictory flags; ENOMEM: a hole or a wrap; EBUSY:
 * MS_INVALIDATE of a locked mapping
 * @see mm/msync.c
 */
export function msync(mm: Mm, addr: U64, length: U64, flags: number): void {
  if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) fail(EINVAL);
  if (BigInt(addr) % BigInt(PAGE_SIZE) !== 0n) fail(EINVAL);
  if (flags & MS_ASYNC && flags & MS_SYNC) fail(EINVAL);
  if (length === 0) return;
  if (typeof addr === 'bigint' || typeof length === 'bigint') fail(ENOMEM);
  const end = addr + pageAlign(length);
  let hole = false;
  for (let at = addr; at < end;) {
    const vma = mm.findVma(at);
    if (vma === null) fail(ENOMEM);
    if (vma.start > at) hole = true;
    if (vma.start < end && flags & MS_INVALIDATE && vma.flags & vm.VM_LOCKED) fail(EBUSY);
    at = vma.end;
  }
  if (hole) fail(ENOMEM);
}
