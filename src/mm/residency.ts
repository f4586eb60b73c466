import { EBUSY, EINVAL, ENOMEM } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import { pageAlign, type U64 } from './address.js';
import type { MapFile } from './map-file.js';
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

/** mincore() fills its vector so many pages at a time; what comes before a hole is stored. */
const MINCORE_CHUNK = 4096;

/**
 * One byte for each page of [addr, addr + length), 1 when it is in memory, given to `store` a stretch at a
 * time with its offset in the vector. Of a file that the caller may not write it is always 1.
 * @throws {LinuxError} ENOMEM: a hole, after what lies before it was stored; whatever `store` throws
 * @see mm/mincore.c, SYSCALL_DEFINE3(mincore) and do_mincore()
 */
export function mincore(
  mm: Mm,
  addr: number,
  length: number,
  store: (offset: number, bytes: Uint8Array) => void,
  mayWrite: (file: MapFile) => boolean = () => true,
): void {
  const end = addr + pageAlign(length);
  for (let at = addr; at < end;) {
    const vma = mm.findVma(at);
    if (vma === null || vma.start > at) fail(ENOMEM);
    const to = Math.min(vma.end, end, at + MINCORE_CHUNK * PAGE_SIZE);
    const bytes = new Uint8Array((to - at) / PAGE_SIZE);
    const mayAsk = vma.anonymous || (vma.file !== null && mayWrite(vma.file));
    if (mayAsk) residentPages(mm, vma, at, bytes);
    else bytes.fill(1);
    store((at - addr) / PAGE_SIZE, bytes);
    at = to;
  }
}

/** The rounded end of an msync range; the start itself where there is nothing to do. */
function msyncEnd(addr: U64, length: U64): U64 {
  const rounded = BigInt.asUintN(64, (BigInt(length) + 4095n) & ~4095n);
  const end = BigInt.asUintN(64, BigInt(addr) + rounded);
  if (end < BigInt(addr)) fail(ENOMEM);
  return end === BigInt(addr) ? addr : Number(end);
}

/**
 * Has nothing to write back here; it is its errors that show.
 * @throws {LinuxError} EINVAL: unaligned, unknown or contradictory flags; ENOMEM: a hole or a wrap; EBUSY:
 * MS_INVALIDATE of a locked mapping; EINVAL: MS_SYNC of a shared file that cannot be synced
 * @see mm/msync.c
 */
export function msync(mm: Mm, addr: U64, length: U64, flags: number): void {
  if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) fail(EINVAL);
  if (BigInt(addr) % BigInt(PAGE_SIZE) !== 0n) fail(EINVAL);
  if (flags & MS_ASYNC && flags & MS_SYNC) fail(EINVAL);
  const end = msyncEnd(addr, length);
  if (end === addr) return;
  if (typeof addr === 'bigint') fail(ENOMEM);
  let hole = false;
  for (let at = addr; at < end;) {
    const vma = mm.findVma(at);
    if (vma === null || vma.start >= end) fail(ENOMEM);
    if (vma.start > at && flags === MS_ASYNC) fail(ENOMEM);
    if (vma.start > at) hole = true;
    if (flags & MS_INVALIDATE && vma.flags & vm.VM_LOCKED) fail(EBUSY);
    const shared = vma.file !== null && (vma.flags & vm.VM_SHARED) !== 0;
    if (flags & MS_SYNC && shared && !vma.file.syncs) fail(EINVAL);
    at = vma.end;
  }
  if (hole) fail(ENOMEM);
}
