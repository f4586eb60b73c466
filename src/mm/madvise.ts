import { EINVAL, ENOMEM } from '../../assembly/abi/errno.js';
import {
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import { pageAlign, type U64 } from './address.js';
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

/** Who advises: its limits, and which files it may have taken out of memory. */
type Adviser = Pick<Advised, 'limits' | 'mayReclaim'>;

/** Applies one advice mapping by mapping; holes are reported at the end, errors at once. */
function adviseRange(mm: Mm, start: number, end: number, advice: number, adviser: Adviser): void {
  const act = ADVICE.get(advice);
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
    act?.({ ...adviser, mm, vma, start: addr, end: to });
    addr = to;
  }
  if (hole) fail(ENOMEM);
}

/** Is it advice that this Linux knows: madvise_behavior_valid()? */
function isKnown(advice: number, { rules }: MmLimits): boolean {
  if (advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE) return true;
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
  if (BigInt(addr) % BigInt(PAGE_SIZE) !== 0n) fail(EINVAL);
  if (length === 0) return;
  const end = BigInt.asUintN(64, BigInt(addr) + BigInt(length) + 4095n);
  if (end < BigInt(addr) || end < BigInt(length)) fail(EINVAL);
  if (typeof addr === 'bigint' || typeof length === 'bigint') fail(ENOMEM);
  const last = addr + pageAlign(length);
  const populates = advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE;
  if (populates) advisePopulate(mm, addr, last, advice === MADV_POPULATE_WRITE);
  else adviseRange(mm, addr, last, advice, { limits, mayReclaim });
}
