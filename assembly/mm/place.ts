// Choosing an address for a new mapping: mm/vma.c, unmapped_area_topdown().
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
 * The highest address below `high` for `len` bytes, a multiple of `align`; no lower than `low`. Negative
 * errno when there is no room.
 */
export function unmappedAreaTopdown(mm: Mm, len: u64, low: u64, high: u64, align: u64): i64 {
  const wanted = len + align - 4096;
  let limit = high;
  while (limit > low && limit - low >= wanted) {
    const last = mm.last;
    let top: u64 = 0;
    const end = last == null ? 0 : last.end;
    if (max(end, low) < limit && limit - max(end, low) >= wanted) top = limit;
    else top = findHole(mm.root, wanted, low, limit);
    if (top == 0) return -ENOMEM;
    const addr = (top - len) & ~(align - 1);
    const next = findVma(mm, addr);
    if (next == null || startGap(next) >= addr + len) return <i64>addr;
    limit = startGap(next);
  }
  return -ENOMEM;
}

/** Is [addr, addr + len) free, guard gaps included: the test for a hint in get_unmapped_area(). */
export function isFree(mm: Mm, addr: u64, len: u64): bool {
  const next = findVma(mm, addr);
  return next == null || addr + len <= startGap(next);
}
