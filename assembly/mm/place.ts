// Choosing an address for a new mapping: mm/vma.c, unmapped_area_topdown().
import { EINVAL, ENOMEM } from '../abi/errno';
import { MAP_FIXED, MAP_FIXED_NOREPLACE } from '../abi/mman';
import { PAGE_OFFSET_MASK, PAGE_SIZE, TASK_SIZE_SHIFT } from '../abi/page';
import { VM_GROWSDOWN } from '../abi/vma';
import { STACK_GUARD_GAP } from './grow';
import { Mm } from './mm';
import { TASK_SIZE } from './user';
import { Vma, findVma } from './vma';
import { updateGap } from './vma-tree';

const PMD_SIZE: u64 = 1 << 21;
/** TASK_UNMAPPED_BASE: where bottom-up placement starts when the top is full. */
const UNMAPPED_BASE: u64 =
  (((<u64>1) << TASK_SIZE_SHIFT) / 3 + PAGE_OFFSET_MASK) & ~(<u64>PAGE_OFFSET_MASK);

/** vm_start_gap(): where the hole below a VMA ends. */
export function startGap(vma: Vma): u64 {
  if (!(vma.flags & VM_GROWSDOWN)) return vma.start;
  return vma.start > STACK_GUARD_GAP ? vma.start - STACK_GUARD_GAP : 0;
}

/** The top of the highest hole of at least `len` bytes that begins below `high`; 0 when there is none. */
function findHole(node: Vma | null, len: u64, low: u64, high: u64): u64 {
  if (node == null || node.maxGap < len) return 0;
  if (node.end < high) {
    const above = findHole(node.right, len, low, high);
    if (above != 0) return above;
  }
  const prev = node.prev;
  const bottom = max(prev == null ? 0 : prev.end, low);
  const top = min(startGap(node), high);
  if (top >= bottom && top - bottom >= len) return top;
  const below = findHole(node.left, len, low, high);
  // Nothing here: perhaps maxGap promised what is gone.
  if (below == 0) updateGap(node);
  return below;
}

/** The highest address in [low, high) for `len` bytes; -ENOMEM when there is no room. */
function unmappedAreaTopdown(mm: Mm, len: u64, low: u64, high: u64): i64 {
  let limit = high;
  while (limit > low && limit - low >= len) {
    const last = mm.last;
    let top: u64 = 0;
    const end = last == null ? 0 : last.end;
    if (max(end, low) < limit && limit - max(end, low) >= len) top = limit;
    else top = findHole(mm.root, len, low, limit);
    if (top == 0) return -ENOMEM;
    const addr = top - len;
    const next = findVma(mm, addr);
    if (next == null || startGap(next) >= addr + len) return <i64>addr;
    limit = startGap(next);
  }
  return -ENOMEM;
}

/** vm_unmapped_area(): top down from mmap_base, then anywhere above it. */
function searchHole(mm: Mm, len: u64): i64 {
  const addr = unmappedAreaTopdown(mm, len, PAGE_SIZE, mm.mmapBase);
  return addr >= 0 ? addr : unmappedAreaTopdown(mm, len, UNMAPPED_BASE, TASK_SIZE);
}

/** __thp_get_unmapped_area(): whole 2 MiB units of anonymous memory are aligned to them (K-506). */
function searchHuge(mm: Mm, len: u64): i64 {
  const padded = unmappedAreaTopdown(mm, len + PMD_SIZE, PAGE_SIZE, mm.mmapBase);
  if (padded < 0) return searchHole(mm, len);
  return <i64>((<u64>padded + PMD_SIZE) & ~(PMD_SIZE - 1));
}

/** Is [addr, addr + len) free, guard gaps included: the test for a hint in get_unmapped_area(). */
function isFree(mm: Mm, addr: u64, len: u64): bool {
  const next = findVma(mm, addr);
  return next == null || addr + len <= startGap(next);
}

/** The address without the final checks: arch_get_unmapped_area_topdown(). */
function choose(mm: Mm, hint: u64, len: u64, anonymous: bool): i64 {
  if (hint != 0 && hint <= TASK_SIZE - len && isFree(mm, hint, len)) return <i64>hint;
  const huge = anonymous && hint == 0 && (len & (PMD_SIZE - 1)) == 0;
  return huge ? searchHuge(mm, len) : searchHole(mm, len);
}

/**
 * __get_unmapped_area(): where a mapping of `len` bytes, whole pages, goes. `hint` is the place itself
 * with MAP_FIXED or MAP_FIXED_NOREPLACE in `how`. -ENOMEM: no hole, or outside user memory; -EINVAL:
 * unaligned.
 */
export function getUnmappedArea(mm: Mm, hint: u64, len: u64, how: u32, anonymous: bool): i64 {
  if (len > TASK_SIZE) return -ENOMEM;
  const fixed = (how & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
  const addr = fixed ? <i64>hint : choose(mm, hint, len, anonymous);
  if (addr < 0) return addr;
  if (<u64>addr > TASK_SIZE - len) return -ENOMEM;
  return addr & PAGE_OFFSET_MASK ? -EINVAL : addr;
}
