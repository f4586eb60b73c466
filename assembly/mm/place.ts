// Choosing an address for a new mapping: mm/vma.c, unmapped_area_topdown() and unmapped_area().
import { ENOMEM } from '../abi/errno';
import { VM_GROWSDOWN } from '../abi/vma';
import { STACK_GUARD_GAP } from './grow';
import { Mm } from './mm';
import { Vma, findVma } from './vma';

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
  return findHole(node.left, len, low, high);
}

/**
 * The highest address below `high` for `len` bytes, no lower than `low`; negative errno when there is no
 * room.
 */
export function unmappedAreaTopdown(mm: Mm, len: u64, low: u64, high: u64): i64 {
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
  return node.end < high ? findLowHole(node.right, len, low, high) : 0;
}

/** The lowest address for `len` bytes between `low`, which is not 0, and `high`; or a negative errno. */
export function unmappedAreaBottomup(mm: Mm, len: u64, low: u64, high: u64): i64 {
  const bottom = findLowHole(mm.root, len, low, high);
  if (bottom != 0) return <i64>bottom;
  const last = mm.last;
  const end = max(last == null ? 0 : last.end, low);
  return end < high && high - end >= len ? <i64>end : -ENOMEM;
}

/** Is [addr, addr + len) free, guard gaps included: the test for a hint in get_unmapped_area(). */
export function isFree(mm: Mm, addr: u64, len: u64): bool {
  const next = findVma(mm, addr);
  return next == null || addr + len <= startGap(next);
}
