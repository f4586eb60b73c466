// Making, removing and protecting mappings: mm/vma.c, __mmap_region() and do_vmi_align_munmap(),
// mm/mprotect.c. Arguments are validated by the host; what can fail from here on is memory.
import { EACCES, ENOMEM, EPERM } from '../abi/errno';
import { PAGE_SHIFT, PAGE_SIZE, TASK_SIZE_SHIFT } from '../abi/page';
import {
  PTE_ACCESSED,
  PTE_DEVICE_SHIFT,
  PTE_DIRTY,
  PTE_RW,
  PTE_SOFT_DIRTY,
  PTE_SPECIAL,
  PTE_UFFD_WP,
} from '../abi/pte';
import {
  VM_ACCOUNT,
  VM_EXEC,
  VM_LOCKED,
  VM_LOCKONFAULT,
  VM_MAYEXEC,
  VM_NORESERVE,
  VM_READ,
  VM_SEALED,
  VM_SHARED,
  VM_WRITE,
} from '../abi/vma';
import { accountVm } from './account';
import { enoughMemory, mayExpandVm } from './limits';
import { VmFile } from './mapping';
import { isSoleAnon } from './fault';
import {
  mergeNewRange,
  modifiedVma,
  setModifiedFlags,
  splitError,
  splitVma,
  vmaBehind,
  vmaModify,
} from './merge';
import { Mm } from './mm';
import {
  nextMapped,
  makePte,
  ownSlot,
  pteFrame,
  ptePresent,
  pteSpecial,
  storeEntry,
} from './pgtable';
import { populateRange } from './populate';
import { needsSoftDirtyWp } from './soft-dirty';
import { flushRange } from './tlb';
import { Vma, findVma, freeVma, insertBefore, insertVma, newVma, removeVma } from './vma';
import { ZAP_UNMAP, zapAndFree } from './zap';

const VM_ACCESS_FLAGS: u32 = VM_READ | VM_WRITE | VM_EXEC;

/** READ_IMPLIES_EXEC of the caller, who asks for VM_READ. */
let readExecutes: bool = false;
/** PR_SET_MDWE of its memory. */
let deniesExec: bool = false;

/** What the next protectRegion() makes of VM_EXEC. */
export function setExecRules(readImplies: bool, denies: bool): void {
  readExecutes = readImplies;
  deniesExec = denies;
}

/** map_deny_write_exec(): executable memory is not writable, and was so from the start. */
function refusesExec(old: u32, flags: u32): bool {
  return deniesExec && (flags & VM_EXEC) != 0 && ((flags & VM_WRITE) != 0 || !(old & VM_EXEC));
}

/** The first VMA of the range of the last cutRange(); null when there is none in it. */
let cutFirst: Vma | null = null;

/** vms_gather_munmap_vmas(): cuts at both ends, and refuses sealed and special mappings; 0 or a negative errno. */
export function cutRange(mm: Mm, start: u64, end: u64, maxMaps: u32): i32 {
  let vma = findVma(mm, start);
  cutFirst = null;
  if (vma == null || vma.start >= end) return 0;
  if (vma.start < start) {
    if (vma.end > end && mm.mapCount >= maxMaps) return -ENOMEM;
    if (vma.flags & VM_SEALED) return -EPERM;
    const lower = vma;
    vma = splitVma(mm, lower, start);
    if (vma == null) return splitError(lower);
  }
  cutFirst = vma;
  while (vma != null && vma.start < end) {
    if (vma.flags & VM_SEALED) return -EPERM;
    if (vma.end > end && splitVma(mm, vma, end) == null) return splitError(vma);
    vma = vma.next;
  }
  return 0;
}

/** Pages of the VMAs in [start, end), which cutRange() cut there, that have one of `flags`; all for 0. */
export function pagesWithin(mm: Mm, start: u64, end: u64, flags: u32): u64 {
  let pages: u64 = 0;
  let vma = findVma(mm, start);
  while (vma != null && vma.start < end) {
    if (flags == 0 || vma.flags & flags) {
      pages += (min(vma.end, end) - max(vma.start, start)) >> PAGE_SHIFT;
    }
    vma = vma.next;
  }
  return pages;
}

/** Where the first mapping from `end` on, behind `vma`, starts, or user memory ends. */
function nextStart(vma: Vma, end: u64): u64 {
  let next = vma.next;
  while (next != null && next.start < end) next = next.next;
  return next == null ? (<u64>1) << TASK_SIZE_SHIFT : next.start;
}

/** Unmaps [start, end), both page-aligned; holes are fine. 0, -ENOMEM, or -EPERM of a sealed part. */
export function unmapRegion(mm: Mm, start: u64, end: u64, maxMaps: u32): i32 {
  const error = cutRange(mm, start, end, maxMaps);
  if (error) return error;
  let vma = cutFirst;
  if (vma == null) return 0;
  const prev = vma.prev;
  zapAndFree(mm, start, end, ZAP_UNMAP, prev == null ? 0 : prev.end, nextStart(vma, end));
  while (vma != null && vma.start < end) {
    const next = vma.next;
    accountVm(mm, vma.flags, -(<i64>((vma.end - vma.start) >> PAGE_SHIFT)));
    removeVma(mm, vma);
    freeVma(vma);
    vma = next;
  }
  return 0;
}

/**
 * Maps [start, end), replacing what is there. The mapping takes over one reference to `file` when it
 * succeeds. 0 or a negative errno.
 */
export function mapRegion(
  mm: Mm,
  start: u64,
  end: u64,
  flags: u32,
  file: VmFile | null,
  pgoff: u64,
  name: u32,
  maxMaps: u32,
): i32 {
  const error = unmapRegion(mm, start, end, maxMaps);
  return error ? error : mapCleared(mm, start, end, flags, file, pgoff, name);
}

/** The same where nothing is mapped. */
export function mapCleared(
  mm: Mm,
  start: u64,
  end: u64,
  flags: u32,
  file: VmFile | null,
  pgoff: u64,
  name: u32,
): i32 {
  const merged = name == 0 ? mergeNewRange(mm, start, end, pgoff, flags, file) : null;
  if (merged != null) {
    if (file != null) file.refs--;
    // __mmap_complete(): a tracker could not tell the new part from what was there before.
    merged.softDirty = true;
  } else {
    const vma = newVma(mm);
    if (vma == null) return -ENOMEM;
    vma.start = start;
    vma.end = end;
    vma.pgoff = pgoff;
    vma.flags = flags;
    vma.file = file;
    vma.mapping = file == null ? null : file.mapping;
    vma.name = <u8>name;
    vma.softDirty = true;
    if (name == 0) insertBefore(mm, vma, vmaBehind());
    else insertVma(mm, vma);
  }
  accountVm(mm, flags, <i64>((end - start) >> PAGE_SHIFT));
  return 0;
}

/** change_protection(): rewrites the entries of [start, end) for the protection of `flags`. */
function changeProtection(mm: Mm, start: u64, end: u64, flags: u32): void {
  const vma = modifiedVma();
  let addr = nextMapped(mm, start, end);
  for (; addr < end; addr = nextMapped(mm, addr + PAGE_SIZE, end)) {
    const slot = ownSlot(mm, addr);
    const pte = load<u64>(slot);
    if (!ptePresent(pte)) continue;
    const frame = pteFrame(pte);
    // pte_modify(): what the CPU noted stays.
    const fresh = makePte(frame, flags) & ~(<u64>PTE_ACCESSED);
    const device = pte & ((<u64>1) << PTE_DEVICE_SHIFT);
    const kept: u64 = PTE_ACCESSED | PTE_DIRTY | PTE_SPECIAL | PTE_SOFT_DIRTY | PTE_UFFD_WP;
    let changed = fresh | device | (pte & kept);
    // can_change_pte_writable(): only what needs no copy and no note of the write keeps its write bit.
    const ready =
      pte & PTE_DIRTY && !(pte & (PTE_SPECIAL | PTE_UFFD_WP)) && !needsSoftDirtyWp(vma, pte);
    if (ready && flags & VM_WRITE && (flags & VM_SHARED || isSoleAnon(frame))) changed |= PTE_RW;
    storeEntry(slot, changed);
  }
  flushRange(mm, start, end);
}

/** The flags after mprotect(), VM_ACCOUNT included: mprotect_fixup(). */
function protectedFlags(vma: Vma, prot: u32): u32 {
  const flags = (vma.flags & ~VM_ACCESS_FLAGS) | prot;
  if (prot & VM_WRITE) {
    const exempt = VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE;
    return vma.flags & exempt ? flags : flags | VM_ACCOUNT;
  }
  const untouched = vma.mapping == null && vma.anonVma == 0;
  return vma.flags & VM_ACCOUNT && untouched ? flags & ~VM_ACCOUNT : flags;
}

/** do_mprotect_pkey() for one VMA's part of the range; 0 or a negative errno. */
function protectPart(mm: Mm, vma: Vma, start: u64, end: u64, asked: u32, maxMaps: u32): i32 {
  const prot = readExecutes && vma.flags & VM_MAYEXEC ? asked | VM_EXEC : asked;
  const wanted = (vma.flags & ~VM_ACCESS_FLAGS) | prot;
  // The VM_MAY* bits stand four above the VM_* they allow.
  if (wanted & ~(wanted >> 4) & VM_ACCESS_FLAGS) return -EACCES;
  if (refusesExec(vma.flags, wanted)) return -EACCES;
  if (vma.flags & VM_SEALED) return -EPERM;
  const old = vma.flags;
  if (wanted == old) return 0;
  const pages = <i64>((end - start) >> PAGE_SHIFT);
  const flags = protectedFlags(vma, prot);
  if (prot & VM_WRITE) {
    if (!mayExpandVm(mm, wanted, pages) && mayExpandVm(mm, old, pages)) return -ENOMEM;
    if (flags & ~old & VM_ACCOUNT && !enoughMemory(mm, pages)) return -ENOMEM;
  }
  const error = vmaModify(mm, vma, start, end, flags, maxMaps);
  if (error) return error;
  setModifiedFlags(flags);
  changeProtection(mm, start, end, flags);
  accountVm(mm, old, -pages);
  accountVm(mm, flags, pages);
  // A private locked mapping that becomes writable gets its copies now: populate_vma_page_range().
  if ((old & (VM_WRITE | VM_SHARED | VM_LOCKED)) == VM_LOCKED && prot & VM_WRITE) {
    if (!(old & VM_LOCKONFAULT)) populateRange(mm, start, end, true);
  }
  return 0;
}

/**
 * mprotect() over [start, end): VMA by VMA from the bottom, so that an error leaves the part below it
 * changed (K-521). `prot` is VM_READ, VM_WRITE, VM_EXEC. 0 or a negative errno.
 */
export function protectRegion(mm: Mm, start: u64, end: u64, prot: u32, maxMaps: u32): i32 {
  let vma = findVma(mm, start);
  if (vma == null || vma.start > start) return -ENOMEM;
  let addr = start;
  while (true) {
    const error = protectPart(mm, vma, addr, min(vma.end, end), prot, maxMaps);
    if (error) return error;
    // The part may have merged with what lies above it: go on behind that.
    addr = (<Vma>findVma(mm, addr)).end;
    if (addr >= end) return 0;
    vma = findVma(mm, addr);
    if (vma == null || vma.start != addr) return -ENOMEM;
  }
}
