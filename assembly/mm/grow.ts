// Growth of VM_GROWSDOWN mappings on access: mm/mmap.c, expand_stack() and mm/vma.c, expand_downwards().
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_READ, VM_WRITE } from '../abi/vma';
import { Mm } from './mm';
import { accountVm } from './account';
import { anonVmaPrepare } from './anon-vma';
import { enoughMemory } from './limits';
import { Vma, boundsChanged, findVma } from './vma';

/** stack_guard_gap: 256 pages that a growing stack keeps from what lies below it. */
export const STACK_GUARD_GAP: u64 = 256 << PAGE_SHIFT;
/** vm.mmap_min_addr, below which nothing grows. */
let mmapMinAddr: u64 = 65536;

export function lowestGrowth(): u64 {
  return mmapMinAddr;
}

export function setMmapMinAddr(minAddr: u64): void {
  mmapMinAddr = minAddr;
}

function isAccessible(vma: Vma): bool {
  return (vma.flags & (VM_READ | VM_WRITE | VM_EXEC)) != 0;
}

/** acct_stack_growth(): the limits on a stack that grows by `grow` pages down to `start`. */
function mayGrowStack(mm: Mm, vma: Vma, start: u64, grow: u64, stackLimit: u64): bool {
  if (mm.totalVm + grow > mm.growthLimit) return false;
  if (vma.end - start > stackLimit) return false;
  return (vma.flags & VM_ACCOUNT) == 0 || enoughMemory(mm, <i64>grow);
}

/** The VMA that covers `addr` after growing down to it, or null where Linux would not grow. */
export function expandStack(mm: Mm, addr: u64, stackLimit: u64): Vma | null {
  const vma = findVma(mm, addr);
  if (vma == null) return null;
  if (vma.start <= addr) return vma;
  if (!(vma.flags & VM_GROWSDOWN)) return null;
  const start = addr & ~(<u64>PAGE_SIZE - 1);
  if (start < mmapMinAddr) return null;
  const prev = vma.prev;
  if (prev != null && !(prev.flags & VM_GROWSDOWN) && isAccessible(prev)) {
    if (start - prev.end < STACK_GUARD_GAP) return null;
  }
  // expand_downwards() wants the anon_vma whose lock it holds, before it asks the limits.
  anonVmaPrepare(vma);
  const grow = (vma.start - start) >> PAGE_SHIFT;
  if (grow > vma.pgoff) return null;
  if (!mayGrowStack(mm, vma, start, grow, stackLimit)) return null;
  vma.start = start;
  vma.pgoff -= grow;
  accountVm(mm, vma.flags, <i64>grow);
  boundsChanged(vma);
  return vma;
}
