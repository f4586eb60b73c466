import { EINVAL, ENOMEM } from '../../assembly/abi/errno.js';
import {
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
} from '../../assembly/abi/mman.js';
import * as vm from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import { isPageAligned, pageAlign, type U64 } from './address.js';
import { ADVICE, checkSealed, type Advised } from './advice.js';
import type { MapFile } from './map-file.js';
import type { Mm } from './mm.js';
import { NO_LIMITS, type MmLimits } from './limits.js';
import { populateRange } from './populate.js';

/** Faults pages in for reading or writing: MADV_POPULATE_READ and _WRITE. */
function advisePopulate(mm: Mm, start: number, end: number, write: boolean): void {
  const wanted = write ? vm.VM_WRITE : vm.VM_READ;
  for (let addr = start; addr < end;) {
    const vma = mm.findVma(addr);
    if (vma === null || vma.start > addr) fail(ENOMEM);
    const never = vm.VM_IO | vm.VM_PFNMAP | vm.VM_SECRETMEM;
    if (vma.flags & never || !(vma.flags & wanted)) fail(EINVAL);
    const to = Math.min(vma.end, end);
    checked(populateRange(mm, addr, to, write));
    addr = to;
  }
}

/** Mappings whose pages MADV_DONTNEED does not drop, and MADV_DONTNEED_LOCKED. */
const KEPT = vm.VM_LOCKED | vm.VM_PFNMAP;
const FIXED = vm.VM_PFNMAP;

/** Who advises: its limits, and which files it may have taken out of memory. */
type Adviser = Pick<Advised, 'limits' | 'mayReclaim'>;

/** Applies one advice mapping by mapping; holes are reported at the end, errors at once. */
function adviseRange(mm: Mm, start: number, end: number, advice: number, adviser: Adviser): void {
  const act = ADVICE.get(advice);
  const { limits, mayReclaim } = adviser;
  let hole = false;
  for (let addr = start; addr < end;) {
    const vma = mm.findVma(addr);
    if (vma === null) fail(ENOMEM);
    if (vma.start > addr) {
      hole = true;
      addr = vma.start;
      if (addr >= end) break;
    }
    const to = Math.min(vma.end, end);
    checkSealed(vma, advice);
    act?.({ mm, vma, start: addr, end: to, limits, mayReclaim });
    addr = to;
  }
  if (hole) fail(ENOMEM);
}

/** Is it advice that this Linux knows: madvise_behavior_valid()? */
function isKnown(advice: number, { rules }: MmLimits): boolean {
  if (advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE) return true;
  if (advice === MADV_DONTNEED || advice === MADV_DONTNEED_LOCKED) return true;
  const guards = advice === MADV_GUARD_INSTALL || advice === MADV_GUARD_REMOVE;
  return ADVICE.has(advice) && !(guards && rules.guardRegions === 'none');
}

/**
 * Gives advice about [addr, addr + length), length rounded up.
 * @throws {LinuxError} EINVAL: unknown advice, unaligned, wraps, or not for this mapping; ENOMEM: a hole,
 * after the mapped parts were treated (K-541); EPERM: a sealed mapping; EACCES: MADV_REMOVE of a file
 * that could not be written; EFAULT: MADV_POPULATE beyond the end of a file
 * @see mm/madvise.c, do_madvise()
 */
export function madvise(
  mm: Mm,
  addr: U64,
  length: U64,
  advice: number,
  limits: MmLimits = NO_LIMITS,
  mayReclaim: (file: MapFile) => boolean = () => true,
): void {
  if (!isKnown(advice, limits)) fail(EINVAL);
  if (!isPageAligned(addr)) fail(EINVAL);
  if (length === 0) return;
  if (typeof addr === 'bigint' || typeof length === 'bigint') {
    const end = BigInt.asUintN(64, BigInt(addr) + BigInt(length) + 4095n);
    fail(end < BigInt(addr) || end < BigInt(length) ? EINVAL : ENOMEM);
  }
  const last = addr + pageAlign(length);
  const populates = advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE;
  const { exports } = mm.core;
  if (populates) advisePopulate(mm, addr, last, advice === MADV_POPULATE_WRITE);
  else if (advice === MADV_DONTNEED) checked(exports.dontNeed(mm.ptr, addr, last, KEPT));
  else if (advice === MADV_DONTNEED_LOCKED) checked(exports.dontNeed(mm.ptr, addr, last, FIXED));
  else adviseRange(mm, addr, last, advice, { limits, mayReclaim });
}
