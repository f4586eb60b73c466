// Choosing an address for a new mapping: mm/vma.c, unmapped_area_topdown() and unmapped_area().
import { EINVAL, ENOMEM } from '../abi/errno';
import { MAP_32BIT, MAP_FIXED, MAP_FIXED_NOREPLACE } from '../abi/mman';
import { PAGE_OFFSET_MASK, PAGE_SIZE, TASK_SIZE_SHIFT } from '../abi/page';
import { VM_GROWSDOWN } from '../abi/vma';
import { STACK_GUARD_GAP } from './grow';
import { Mm } from './mm';
import { TASK_SIZE } from './user';
import { Vma, findVma } from './vma';
import { updateGap } from './vma-tree';

const PMD_SIZE: u64 = 1 << 21;
/** Where MAP_32BIT looks for room, from the bottom up. */
const LOW_START: u64 = 0x40000000;
const LOW_END: u64 = 0x80000000;
/** TASK_UNMAPPED_BASE: where bottom-up placement starts when the top is full. */
const UNMAPPED_BASE: u64 =
  (((<u64>1) << TASK_SIZE_SHIFT) / 3 + PAGE_OFFSET_MASK) & ~(<u64>PAGE_OFFSET_MASK);

/** vm_start_gap(): where the hole below a VMA ends. */
function startGap(vma: Vma): u64 {
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

/** The highest address below `high` for `len` bytes, no lower than `low`; -ENOMEM when there is no room. */
function unmappedAreaTopdown(mm: Mm, len: u64, low: u64, high: u64): i64 {
  const last = mm.last;
  const end = max(last == null ? 0 : last.end, low);
  if (end < high && high - end >= len) return <i64>(high - len);
  const top = findHole(mm.root, len, low, high);
  return top == 0 ? -ENOMEM : <i64>(top - len);
}

/** The bottom of the lowest hole of at least `len` bytes that ends above `low`; 0 when there is none. */
function findLowHole(node: Vma | null, len: u64, low: u64, high: u64): u64 {
  if (node == null || node.maxGap < len) return 0;
  if (node.start > low) {
    const below = findLowHole(node.left, len, low, high);
    if (below != 0) return below;
  }
  const prev = node.prev;
  const bottom = max(prev == null ? 0 : prev.end, low);
  const top = min(startGap(node), high);
  if (top >= bottom && top - bottom >= len) return bottom;
  const above = node.end < high ? findLowHole(node.right, len, low, high) : 0;
  if (above == 0) updateGap(node);
  return above;
}

/** The lowest address for `len` bytes between `low`, which is not 0, and `high`; -ENOMEM without room. */
function unmappedAreaBottomup(mm: Mm, len: u64, low: u64, high: u64): i64 {
  const bottom = findLowHole(mm.root, len, low, high);
  if (bottom != 0) return <i64>bottom;
  const last = mm.last;
  const end = max(last == null ? 0 : last.end, low);
  return end < high && high - end >= len ? <i64>end : -ENOMEM;
}

/** The test for a hint in get_unmapped_area(): is [hint, hint + len) free, guard gaps included? */
function isRoom(mm: Mm, hint: u64, len: u64, end: u64): bool {
  if (hint == 0 || len > end || hint > end - len) return false;
  const next = findVma(mm, hint);
  return next == null || hint + len <= startGap(next);
}

/**
 * arch/x86/kernel/sys_x86_64.c, arch_get_unmapped_area_topdown(): the hint, or the highest hole below
 * mmap_base, or else the lowest above TASK_UNMAPPED_BASE; with MAP_32BIT from the bottom up below 2 GiB.
 */
function search(mm: Mm, hint: u64, len: u64, how: u32): i64 {
  const low = (how & MAP_32BIT) != 0;
  if (isRoom(mm, hint, len, low ? LOW_END : TASK_SIZE)) return <i64>hint;
  if (low) return unmappedAreaBottomup(mm, len, LOW_START, LOW_END);
  const addr = unmappedAreaTopdown(mm, len, PAGE_SIZE, mm.mmapBase);
  return addr >= 0 ? addr : unmappedAreaBottomup(mm, len, UNMAPPED_BASE, TASK_SIZE);
}

/**
 * mm/huge_memory.c, __thp_get_unmapped_area(): a place that lies `within` bytes in its 2 MiB, as the offset
 * does in the file, for at least one whole such unit (K-506). -ENOMEM where there is none, or no sense in it.
 */
function searchHuge(mm: Mm, hint: u64, len: u64, how: u32, within: u64): i64 {
  const toUnit = (PMD_SIZE - within) & (PMD_SIZE - 1);
  if (len < toUnit + PMD_SIZE) return -ENOMEM;
  const found = search(mm, hint, len + PMD_SIZE, how);
  if (found < 0 || <u64>found == hint) return found;
  const past = (within - <u64>found) & (PMD_SIZE - 1);
  return found + <i64>(past == 0 ? PMD_SIZE : past);
}

/**
 * __get_unmapped_area(): where a mapping of `len` bytes, whole pages, goes, as `how` (MAP_*) says. `hint` is
 * the place itself with MAP_FIXED or MAP_FIXED_NOREPLACE. `within` is its offset within 2 MiB where huge
 * pages should fit, negative where that does not matter. -ENOMEM: no hole, or outside user memory; -EINVAL:
 * unaligned.
 */
export function getUnmappedArea(mm: Mm, hint: u64, len: u64, how: u32, within: i32): i64 {
  if (len > TASK_SIZE) return -ENOMEM;
  let addr = <i64>hint;
  if (!(how & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
    addr = within < 0 ? -ENOMEM : searchHuge(mm, hint, len, how, <u64>within);
    if (addr < 0) addr = search(mm, hint, len, how);
    if (addr < 0) return addr;
  }
  if (<u64>addr > TASK_SIZE - len) return -ENOMEM;
  return addr & PAGE_OFFSET_MASK ? -EINVAL : addr;
}
