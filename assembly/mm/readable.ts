// What can be read, told without reading: the questions of userFault() and gupPage() with nothing done about
// the answers. No table is made, no page comes in, no bit is set.
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { VM_EXEC, VM_IO, VM_PFNMAP, VM_READ, VM_WRITE } from '../abi/vma';
import { vmaPermits } from './gup';
import { sizeInPages } from './mapping';
import { Mm } from './mm';
import { findSlot, nextMapped, ptePresent } from './pgtable';
import { Vma, findVma } from './vma';

/** May the VMA be read at all: by its own CPU, or from outside with these FOLL_*? */
function permits(vma: Vma, cpu: bool, gupFlags: u32): bool {
  return cpu ? (vma.flags & (VM_READ | VM_WRITE | VM_EXEC)) != 0 : vmaPermits(vma, gupFlags);
}

/** Where the pages of a VMA end that a read would bring in; beyond it only what is there already counts. */
function faultableEnd(vma: Vma): u64 {
  const mapping = vma.mapping;
  // What a device answers is no memory.
  if (vma.flags & (VM_IO | VM_PFNMAP)) return vma.start;
  if (mapping == null) return vma.end;
  const pages = sizeInPages(mapping);
  if (pages <= vma.pgoff) return vma.start;
  const left = pages - vma.pgoff;
  return left >= (vma.end - vma.start) >> PAGE_SHIFT ? vma.end : vma.start + (left << PAGE_SHIFT);
}

/** The first page of [addr, end), all in one VMA, that is readable or, not `wanted`, is not; or `end`. */
function edgeInVma(mm: Mm, vma: Vma, addr: u64, end: u64, wanted: bool): u64 {
  const faultable = faultableEnd(vma);
  while (addr < end) {
    const mapped = nextMapped(mm, addr, end);
    if (addr < mapped) {
      // Without a table all pages are alike, up to the end of the file.
      if (wanted && addr < faultable) return addr;
      if (!wanted && faultable < mapped) return max(addr, faultable);
      addr = mapped;
      continue;
    }
    const pte = load<u64>(findSlot(mm, addr));
    // What is neither absent nor present is a marker, such as a guard.
    const readable = pte == 0 ? addr < faultable : ptePresent(pte);
    if (readable == wanted) return addr;
    addr += PAGE_SIZE;
  }
  return end;
}

/**
 * The first page from `addr` on that a read would get or, not `wanted`, would fail at; or `end`. A stack is
 * taken as it is: that a read would make it grow does not count.
 */
export function readableEdge(
  mm: Mm,
  addr: u64,
  end: u64,
  cpu: bool,
  gupFlags: u32,
  wanted: bool,
): u64 {
  while (addr < end) {
    const vma = findVma(mm, addr);
    if (vma == null || vma.start >= end) return wanted ? end : addr;
    if (vma.start > addr && !wanted) return addr;
    const from = max(vma.start, addr);
    const to = min(vma.end, end);
    let edge = to;
    if (permits(vma, cpu, gupFlags)) edge = edgeInVma(mm, vma, from, to, wanted);
    else if (!wanted) edge = from;
    if (edge < to) return edge;
    addr = to;
  }
  return end;
}
