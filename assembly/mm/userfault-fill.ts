// Pages that a userfaultfd puts in place: mm/userfaultfd.c, mfill_atomic(). Page by page, so that what
// stops one leaves those before it: the host goes on from there, or tells how far it came.
import { EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM } from '../abi/errno';
import { PG_ANON } from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { PTE_DIRTY, PTE_MARKER_POISONED, PTE_RW, PTE_SPECIAL } from '../abi/pte';
import { FILL_CONTINUE, FILL_COPY, FILL_POISON, FILL_ZEROPAGE, UFFD_WP } from '../abi/userfault';
import { VM_CLOSES, VM_SECRETMEM, VM_SHARED, VM_WRITE } from '../abi/vma';
import { anonVmaPrepare } from './anon-vma';
import { zeroFrame } from './fault';
import { allocFrame, allocZeroedFrame, putFrame, setPageFlags } from './frame';
import {
  MAPPING_MEMORY,
  Mapping,
  dropPages,
  findPage,
  insertPage,
  sizeInPages,
  usePage,
} from './mapping';
import { Mm } from './mm';
import { allocSlot, makePte, ptePresent, setPte } from './pgtable';
import { addRmap, dupRmap } from './rmap';
import { copyFromUser, userStop } from './user';
import { markWp } from './userfault';
import { Vma, vmaLookup } from './vma';

/** What a fill takes its pages from, set by uffdFill(). */
let fillKind: u32 = FILL_COPY;
let fillWp: bool = false;
/** The memory that is copied from; null when `source` is a place in linear memory. */
let sourceMm: Mm | null = null;
let source: u64 = 0;
let sourceStackLimit: u64 = 0;
/** Why the last uffdFill() ended early: an errno, NEED_*, or 0. */
let stop: i32 = 0;

export function fillStop(): i32 {
  return stop;
}

/** vma_is_shmem(): a memfd, a file of tmpfs or shared anonymous memory; SysV segments and secrets are not. */
export function isShmem(vma: Vma): bool {
  const mapping = vma.mapping;
  if (mapping == null || mapping.kind != MAPPING_MEMORY) return false;
  return (vma.flags & (VM_CLOSES | VM_SECRETMEM)) == 0;
}

/** uffd_mfill_lock() and what mfill_atomic() checks before its first page; an errno or 0. */
function checkTarget(vma: Vma | null, end: u64): i32 {
  if (vma == null) return ENOENT;
  // Before it is known whether anything can be put here: find_vma_and_prepare_anon().
  if (!(vma.flags & VM_SHARED)) anonVmaPrepare(vma);
  if (end > vma.end || vma.uffd == 0) return ENOENT;
  if (fillWp && !(vma.uffd & UFFD_WP)) return EINVAL;
  const shmem = isShmem(vma);
  if (vma.mapping != null && !shmem) return EINVAL;
  return fillKind == FILL_CONTINUE && !shmem ? EINVAL : 0;
}

/** The bytes of one page into `frame`; an errno, NEED_* or 0. */
function readSource(frame: usize, at: u64): i32 {
  const mm = sourceMm;
  if (mm != null) {
    const copied = copyFromUser(mm, frame, source + at, PAGE_SIZE, sourceStackLimit);
    return copied == PAGE_SIZE ? 0 : userStop();
  }
  memory.copy(frame, <usize>(source + at), PAGE_SIZE);
  return 0;
}

function isOverSize(vma: Vma, index: u64): bool {
  const mapping = vma.mapping;
  return mapping != null && index >= sizeInPages(mapping);
}

/** pte_none_mostly() says no: is there a page? Markers, those of poison and of guards too, make way. */
function isTaken(pte: u64): bool {
  return ptePresent(pte);
}

/** The entry of mfill_atomic_install_pte(): dirty, and writable where a store needs no copy. */
function filledPte(vma: Vma, frame: usize, cached: bool): u64 {
  let pte = makePte(frame, vma.flags) | PTE_DIRTY;
  const writable = (vma.flags & VM_WRITE) != 0 && (!cached || (vma.flags & VM_SHARED) != 0);
  if (writable) pte |= PTE_RW;
  return fillWp ? markWp(pte) : pte;
}

/** mfill_atomic_pte_copy() */
function fillPrivate(mm: Mm, vma: Vma, slot: usize, addr: u64, at: u64, index: u64): i32 {
  const frame = allocFrame();
  if (frame == 0) return ENOMEM;
  let error = readSource(frame, at);
  if (error == 0 && isOverSize(vma, index)) error = EFAULT;
  if (error == 0 && isTaken(load<u64>(slot))) error = EEXIST;
  if (error != 0) {
    putFrame(frame);
    return error;
  }
  setPageFlags(frame, PG_ANON);
  addRmap(mm, frame);
  setPte(mm, slot, addr, filledPte(vma, frame, false));
  return 0;
}

/** mfill_atomic_pte_zeropage() and mfill_atomic_pte_poison() */
function fillConstant(mm: Mm, vma: Vma, slot: usize, addr: u64, index: u64): i32 {
  if (isOverSize(vma, index)) return EFAULT;
  if (load<u64>(slot) != 0) return EEXIST;
  const zero = makePte(zeroFrame(), vma.flags) | PTE_SPECIAL;
  setPte(mm, slot, addr, fillKind == FILL_POISON ? PTE_MARKER_POISONED : zero);
  return 0;
}

/** mm/shmem.c, shmem_mfill_atomic_pte() */
function fillShared(mm: Mm, vma: Vma, slot: usize, addr: u64, at: u64, index: u64): i32 {
  const mapping = <Mapping>vma.mapping;
  const frame = fillKind == FILL_COPY ? allocFrame() : allocZeroedFrame();
  if (frame == 0) return ENOMEM;
  let error = fillKind == FILL_COPY ? readSource(frame, at) : 0;
  if (error == 0 && isOverSize(vma, index)) error = EFAULT;
  if (error == 0 && findPage(mapping, index) != 0) error = EEXIST;
  if (error == 0 && !insertPage(mapping, index, frame)) error = ENOMEM;
  if (error != 0) {
    putFrame(frame);
    return error;
  }
  return install(mm, vma, slot, addr, frame, index, true);
}

/** mfill_atomic_install_pte() of a page of the file, which leaves the cache again if it is `fresh`. */
function install(
  mm: Mm,
  vma: Vma,
  slot: usize,
  addr: u64,
  frame: usize,
  index: u64,
  fresh: bool,
): i32 {
  if (isTaken(load<u64>(slot))) {
    if (fresh) dropPages(<Mapping>vma.mapping, index, index);
    return EEXIST;
  }
  dupRmap(mm, frame);
  setPte(mm, slot, addr, filledPte(vma, frame, true));
  return 0;
}

/** mfill_atomic_pte_continue() */
function fillFromCache(mm: Mm, vma: Vma, slot: usize, addr: u64, index: u64): i32 {
  const mapping = <Mapping>vma.mapping;
  if (index >= sizeInPages(mapping)) return EINVAL;
  const frame = usePage(mapping, index);
  return frame == 0 ? EFAULT : install(mm, vma, slot, addr, frame, index, false);
}

function fillPage(mm: Mm, vma: Vma, addr: u64, at: u64): i32 {
  const slot = allocSlot(mm, addr);
  if (slot == 0) return ENOMEM;
  const index = vma.pgoff + ((addr - vma.start) >> PAGE_SHIFT);
  if (fillKind == FILL_CONTINUE) return fillFromCache(mm, vma, slot, addr, index);
  const shared = (vma.flags & VM_SHARED) != 0;
  if (fillKind == FILL_POISON || (fillKind == FILL_ZEROPAGE && !shared)) {
    return fillConstant(mm, vma, slot, addr, index);
  }
  return shared
    ? fillShared(mm, vma, slot, addr, at, index)
    : fillPrivate(mm, vma, slot, addr, at, index);
}

/**
 * Fills [start, end), which one VMA must hold; `kind` is FILL_*, `wp` leaves the pages write-protected.
 * A copy comes from `from` of `mmFrom`, or of linear memory when that is null. Returns the bytes filled;
 * fillStop() tells why it ended early.
 */
export function uffdFill(
  mm: Mm,
  start: u64,
  end: u64,
  kind: u32,
  wp: bool,
  mmFrom: Mm | null,
  from: u64,
  stackLimit: u64,
): u64 {
  fillKind = kind;
  fillWp = wp;
  sourceMm = mmFrom;
  source = from;
  sourceStackLimit = stackLimit;
  const vma = vmaLookup(mm, start);
  stop = checkTarget(vma, end);
  let addr = start;
  while (stop == 0 && addr < end) {
    stop = fillPage(mm, <Vma>vma, addr, addr - start);
    if (stop == 0) addr += PAGE_SIZE;
  }
  return addr - start;
}
