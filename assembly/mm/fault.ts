// Page faults: mm/memory.c, handle_mm_fault() and below. Everything a fault needs is in linear memory,
// but for a page of a host file that was never loaded: FAULT_NEED_PAGE asks the host for it.
import {
  FAULT_ACCERR,
  FAULT_DEVICE,
  FAULT_MAPERR,
  FAULT_NEED_PAGE,
  FAULT_OK,
  FAULT_OOM,
  FAULT_SIGBUS,
  FAULT_SIGSEGV,
} from '../abi/fault';
import { PG_ANON, PG_DIRTY } from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { UFFD_MINOR, UFFD_MISSING, UFFD_WP } from '../abi/userfault';
import {
  SPECIAL_VVAR,
  VM_CLOSES,
  VM_EXEC,
  VM_IO,
  VM_PFNMAP,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
} from '../abi/vma';
import { anonVmaPrepare } from './anon-vma';
import {
  allocFrame,
  allocZeroedFrame,
  getFrame,
  pageFlags,
  putFrame,
  refcount,
  setPageFlags,
} from './frame';
import { expandStack } from './grow';
import { MAPPING_HOST, Mapping, addPage, findUptodate, sizeInPages, usePage } from './mapping';
import { Mm } from './mm';
import {
  PMD_SHIFT,
  allocSlot,
  findSlot,
  makeDirty,
  makePte,
  pteFrame,
  ptePresent,
  pteSpecial,
  pteWritable,
  setPte,
} from './pgtable';
import { addRmap, dupRmap, removeRmap } from './rmap';
import { fileUserfault, handleUserfault, isWatchedFile, markWp, takeWpFault } from './userfault';
import { Vma, vmaLookup } from './vma';
import {
  PTE_DEVICE_SHIFT,
  PTE_MARKER_GUARD,
  PTE_MARKER_POISONED,
  PTE_SOFT_DIRTY,
  PTE_SPECIAL,
  PTE_UFFD_WP,
} from '../abi/pte';

/** fault_around_bytes: a read fault on a file maps its cached neighbours of the same 64 KiB. */
const FAULT_AROUND_PAGES: u64 = 16;

let zeroPage: usize = 0;
/** Reads of untouched anonymous memory show the zero page; a kernel can be told to give them pages. */
let usesZeroPage: bool = true;
/** The page asked for by the last FAULT_NEED_PAGE: a mapping and an index. */
let neededMapping: Mapping | null = null;
let neededIndex: u64 = 0;
/** Why the last filePage() gave none. */
let lastFileFault: u32 = FAULT_OK;
/** Faults since takeFaults(): those that found what they needed in memory, and the others. */
let minorFaults: u32 = 0;
let majorFaults: u32 = 0;
/** The host loads a page, after which the fault is taken again (FAULT_FLAG_TRIED). */
let tried: bool = false;

export function initFaults(): bool {
  zeroPage = allocZeroedFrame();
  return zeroPage != 0;
}

export function zeroFrame(): usize {
  return zeroPage;
}

export function setZeroFrame(frame: usize): void {
  zeroPage = frame;
}

export function zeroPageIsUsed(): bool {
  return usesZeroPage;
}

export function setUsesZeroPage(on: bool): void {
  usesZeroPage = on;
}

export function neededMappingId(): u32 {
  const mapping = neededMapping;
  return mapping == null ? 0 : mapping.id;
}

export function neededPageIndex(): u64 {
  return neededIndex;
}

/** Page faults that were resolved since this was last asked: 0 minor, 1 major ones. */
export function takeFaults(major: bool): u32 {
  const faults = major ? majorFaults : minorFaults;
  if (major) majorFaults = 0;
  else minorFaults = 0;
  return faults;
}

/** mm/memory.c, mm_account_fault(): only those that succeed are counted. */
function countFault(fault: u32): u32 {
  if (fault == FAULT_OK) {
    if (tried) majorFaults += 1;
    else minorFaults += 1;
  }
  tried = fault == FAULT_NEED_PAGE;
  return fault;
}

/** A shared page only ever enters the tables of a mapping that Linux calls shared. */
function isShared(vma: Vma): bool {
  return (vma.flags & VM_SHARED) != 0;
}

function doAnonymousPage(mm: Mm, vma: Vma, slot: usize, addr: u64, write: bool): u32 {
  if (vma.uffd & UFFD_MISSING) {
    // A page would have been allocated by now, and its anon_vma with it.
    if (write || !usesZeroPage) anonVmaPrepare(vma);
    return handleUserfault(vma, addr, write, 0);
  }
  if (!write && usesZeroPage) {
    setPte(mm, slot, addr, makePte(zeroPage, vma.flags) | PTE_SPECIAL);
    return FAULT_OK;
  }
  anonVmaPrepare(vma);
  const frame = allocZeroedFrame();
  if (frame == 0) return FAULT_OOM;
  setPageFlags(frame, PG_ANON);
  addRmap(mm, frame);
  const pte = makePte(frame, vma.flags);
  setPte(mm, slot, addr, vma.flags & VM_WRITE ? makeDirty(pte, vma.flags) : pte);
  return FAULT_OK;
}

/**
 * lib/vdso/datastore.c, vvar_fault(): the page of the time and that of random numbers, both of which say by
 * zeros that they are not kept; there are no time namespaces and no clocks of a hypervisor. Of other device
 * memory nothing is there.
 */
function doDeviceFault(mm: Mm, vma: Vma, slot: usize, addr: u64): u32 {
  const index = (addr - vma.start) >> PAGE_SHIFT;
  if (vma.name != SPECIAL_VVAR || (index != 0 && index != 2)) return FAULT_SIGBUS;
  const pte = makePte(zeroPage, vma.flags) | PTE_SPECIAL | ((<u64>1) << PTE_DEVICE_SHIFT);
  setPte(mm, slot, addr, pte);
  return FAULT_OK;
}

/** Maps a new anonymous frame, writable where the VMA is. */
function setAnonPage(mm: Mm, vma: Vma, slot: usize, addr: u64, frame: usize): void {
  setPageFlags(frame, PG_ANON);
  addRmap(mm, frame);
  setPte(mm, slot, addr, makeDirty(makePte(frame, vma.flags), vma.flags));
}

/** The cached page of a file, made or asked for when absent; the error is in lastFileFault. */
function filePage(mapping: Mapping, index: u64): usize {
  if (index >= sizeInPages(mapping)) {
    lastFileFault = FAULT_SIGBUS;
    return 0;
  }
  const cached = usePage(mapping, index);
  if (cached != 0) return cached;
  if (mapping.kind == MAPPING_HOST) {
    neededMapping = mapping;
    neededIndex = index;
    lastFileFault = FAULT_NEED_PAGE;
    return 0;
  }
  const frame = addPage(mapping, index, true);
  if (frame == 0) lastFileFault = FAULT_OOM;
  return frame;
}

/** mm/memory.c, do_fault(): the page was never mapped here. */
function doFault(mm: Mm, vma: Vma, mapping: Mapping, slot: usize, addr: u64, write: bool): u32 {
  const index = vma.pgoff + ((addr - vma.start) >> PAGE_SHIFT);
  // uffd_disable_fault_around(): markers beside the fault must not be passed over.
  if (!write && !(vma.uffd & (UFFD_WP | UFFD_MINOR))) {
    // Before the page itself is looked for: even a fault beyond the end of the file maps neighbours.
    // SysV segments and special mappings have none: their operations lack map_pages().
    if (!(vma.flags & VM_CLOSES) && vma.name == 0) faultAround(mm, vma, mapping, slot, addr);
    if (load<u64>(slot) != 0) return FAULT_OK;
  }
  const copies = write && !isShared(vma);
  // do_cow_fault() prepares for the copy before it knows whether there is a page to copy.
  if (copies) anonVmaPrepare(vma);
  if (isWatchedFile(vma, mapping, index)) return fileUserfault(vma, mapping, index, addr, write);
  const page = filePage(mapping, index);
  if (page == 0) return lastFileFault;
  if (!write) {
    mapFilePage(mm, vma, slot, addr, page);
    return FAULT_OK;
  }
  if (!copies) {
    setPageFlags(page, pageFlags(page) | PG_DIRTY);
    dupRmap(mm, page);
    setPte(mm, slot, addr, makeDirty(makePte(page, vma.flags), vma.flags));
    return FAULT_OK;
  }
  const copy = allocFrame();
  if (copy == 0) return FAULT_OOM;
  memory.copy(copy, page, PAGE_SIZE);
  setAnonPage(mm, vma, slot, addr, copy);
  return FAULT_OK;
}

function mapFilePage(mm: Mm, vma: Vma, slot: usize, addr: u64, page: usize): void {
  dupRmap(mm, page);
  setPte(mm, slot, addr, makePte(page, vma.flags));
}

/** mm/memory.c, do_fault_around(): cached pages beside the fault, within table, VMA and file. */
function faultAround(mm: Mm, vma: Vma, mapping: Mapping, slot: usize, addr: u64): void {
  const page = addr & ~(<u64>PAGE_SIZE - 1);
  const window = page & ~((FAULT_AROUND_PAGES << PAGE_SHIFT) - 1);
  // Sixteen pages from the first on, which need not be aligned; the table ends it as well.
  const first = max(window, vma.start);
  const tableEnd = ((addr >> PMD_SHIFT) + 1) << PMD_SHIFT;
  const last = min(first + (FAULT_AROUND_PAGES << PAGE_SHIFT), min(vma.end, tableEnd));
  const pages = sizeInPages(mapping);
  for (let at = first; at < last; at += PAGE_SIZE) {
    const near = slot + <usize>(((<i64>(at - page)) >> PAGE_SHIFT) << 3);
    if (load<u64>(near) != 0) continue;
    const index = vma.pgoff + ((at - vma.start) >> PAGE_SHIFT);
    if (index >= pages) break;
    const cached = findUptodate(mapping, index);
    if (cached != 0) mapFilePage(mm, vma, near, at, cached);
  }
}

/** mm/memory.c, do_wp_page(): a store to a page that is mapped read-only. */
function doWpPage(mm: Mm, vma: Vma, slot: usize, addr: u64): u32 {
  if (load<u64>(slot) & PTE_UFFD_WP) {
    const result = takeWpFault(mm, vma, slot, addr);
    if (result != FAULT_OK) return result;
  }
  const pte = load<u64>(slot);
  const frame = pteFrame(pte);
  if (isShared(vma)) {
    // Linux had made the entry writable when it was read: only the entry becomes dirty.
    setPte(mm, slot, addr, makeDirty(pte, vma.flags));
    return FAULT_OK;
  }
  if (!pteSpecial(pte) && isSoleAnon(frame)) {
    setPte(mm, slot, addr, makeDirty(pte, vma.flags));
    return FAULT_OK;
  }
  anonVmaPrepare(vma);
  const copy = pteSpecial(pte) ? allocZeroedFrame() : allocFrame();
  if (copy == 0) return FAULT_OOM;
  if (!pteSpecial(pte)) {
    memory.copy(copy, frame, PAGE_SIZE);
    removeRmap(mm, frame);
  }
  setAnonPage(mm, vma, slot, addr, copy);
  return FAULT_OK;
}

/**
 * FAULT_FLAG_UNSHARE: before a page is pinned for reading it becomes this mm's own, if it is anonymous and
 * shared with others; its entry stays read-only.
 */
export function unsharePage(mm: Mm, vma: Vma, slot: usize, addr: u64): u32 {
  const pte = load<u64>(slot);
  const frame = pteFrame(pte);
  const copy = allocFrame();
  if (copy == 0) return FAULT_OOM;
  anonVmaPrepare(vma);
  memory.copy(copy, frame, PAGE_SIZE);
  removeRmap(mm, frame);
  setPageFlags(copy, PG_ANON);
  addRmap(mm, copy);
  setPte(mm, slot, addr, makePte(copy, vma.flags) | (pte & (PTE_SOFT_DIRTY | PTE_UFFD_WP)));
  return countFault(FAULT_OK);
}

/** An anonymous page that no other entry maps: PageAnonExclusive, the page can be written in place. */
export function isSoleAnon(frame: usize): bool {
  return (pageFlags(frame) & PG_ANON) != 0 && refcount(frame) == 1;
}

/** Makes the page of `addr` present, and writable when `write`; FAULT_* */
export function handleMmFault(mm: Mm, vma: Vma, addr: u64, write: bool): u32 {
  // Memory of a driver has no pages but those it put there; what is not there is the device's to answer.
  if (vma.flags & (VM_IO | VM_PFNMAP) && vma.name != SPECIAL_VVAR) {
    const there = findSlot(mm, addr);
    if (there == 0 || load<u64>(there) == 0) return FAULT_DEVICE;
  }
  const slot = allocSlot(mm, addr);
  if (slot == 0) return FAULT_OOM;
  const pte = load<u64>(slot);
  if (pte == 0) return countFault(doPteMissing(mm, vma, slot, addr, write));
  if (!ptePresent(pte)) return countFault(handlePteMarker(mm, vma, slot, addr, write, pte));
  if (!write || pteWritable(pte)) return FAULT_OK;
  const fault = doWpPage(mm, vma, slot, addr);
  // Linux has made the entry of a shared page writable when it was read: this is no fault there.
  return isShared(vma) && !(pte & PTE_UFFD_WP) ? fault : countFault(fault);
}

/** do_pte_missing(): nothing is mapped yet. */
function doPteMissing(mm: Mm, vma: Vma, slot: usize, addr: u64, write: bool): u32 {
  const mapping = vma.mapping;
  if (mapping != null) return doFault(mm, vma, mapping, slot, addr, write);
  if (vma.flags & (VM_IO | VM_PFNMAP)) return doDeviceFault(mm, vma, slot, addr);
  return doAnonymousPage(mm, vma, slot, addr, write);
}

/** mm/memory.c, handle_pte_marker() */
function handlePteMarker(mm: Mm, vma: Vma, slot: usize, addr: u64, write: bool, marker: u64): u32 {
  // VM_FAULT_HWPOISON, which is BUS_ADRERR where CONFIG_MEMORY_FAILURE is off.
  if (marker == PTE_MARKER_POISONED) return FAULT_SIGBUS;
  if (marker == PTE_MARKER_GUARD) return FAULT_SIGSEGV;
  const fault = doPteMissing(mm, vma, slot, addr, write);
  if (fault != FAULT_OK || !(vma.uffd & UFFD_WP)) return fault;
  // vmf_orig_pte_uffd_wp(): what came is protected as the marker said.
  setPte(mm, slot, addr, markWp(load<u64>(slot)));
  return write ? doWpPage(mm, vma, slot, addr) : FAULT_OK;
}

/** arch/x86/mm/fault.c, do_user_addr_fault(): the fault of a load or store by the CPU; FAULT_* */
export function userFault(mm: Mm, addr: u64, write: bool, stackLimit: u64): u32 {
  let vma = vmaLookup(mm, addr);
  if (vma == null) {
    vma = expandStack(mm, addr, stackLimit);
    if (vma == null) return FAULT_MAPERR;
  }
  // x86 cannot forbid reading alone: any access at all makes a page readable.
  const wanted = write ? VM_WRITE : VM_READ | VM_WRITE | VM_EXEC;
  if (!(vma.flags & wanted)) return FAULT_ACCERR;
  const fault = handleMmFault(mm, vma, addr, write);
  // VM_FAULT_SIGSEGV ends in bad_area_nosemaphore(), which reports SEGV_MAPERR.
  return fault == FAULT_SIGSEGV ? FAULT_MAPERR : fault;
}

/** The same for the fetch of an instruction. */
export function fetchFault(mm: Mm, addr: u64, stackLimit: u64): u32 {
  let vma = vmaLookup(mm, addr);
  if (vma == null) {
    vma = expandStack(mm, addr, stackLimit);
    if (vma == null) return FAULT_MAPERR;
  }
  if (!(vma.flags & VM_EXEC)) return FAULT_ACCERR;
  const fault = handleMmFault(mm, vma, addr, false);
  return fault == FAULT_SIGSEGV ? FAULT_MAPERR : fault;
}
