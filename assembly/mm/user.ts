// The memory of the current task as its own instructions see it: arch/x86/lib/usercopy_64.c and the
// translation under every load and store.
import {
  FAULT_DEVICE,
  FAULT_MAPERR,
  FAULT_OK,
  FAULT_OOM,
  FAULT_SIGBUS,
  FAULT_WATCH,
  NEED_HOST,
} from '../abi/fault';
import { PAGE_OFFSET_MASK, PAGE_SIZE, TASK_SIZE_SHIFT } from '../abi/page';
import { PTE_ACCESSED, PTE_DIRTY, PTE_NX_SHIFT, PTE_PRESENT, PTE_RW } from '../abi/pte';
import { beforeWrite } from './checkpoint';
import { dropCode, findCode, newCode, rememberFetch } from './code';
import { fetchFault, userFault } from './fault';
import { Mm } from './mm';
import { pteFrame, slotForUse, storeEntry } from './pgtable';
import { addRun, resetRuns, runBytes } from './runs';
import { Tlb, fillTlb, fillTlbPage, flushStores, rangeRest } from './tlb';
import { faultStop } from './userfault';
import { WATCH_FETCHES, WATCH_LOADS, WATCH_STORES, isWatched, watchesRegion } from './watch';

/** TASK_SIZE_MAX: the last page of the lower half is never user memory. */
export const TASK_SIZE: u64 = ((<u64>1) << TASK_SIZE_SHIFT) - PAGE_SIZE;

/** The fault that stopped the last access, FAULT_*, and the byte it happened at. */
let fault: u32 = 0;
let faultAddr: u64 = 0;

export function lastFault(): u32 {
  return fault;
}

export function clearFault(): void {
  fault = FAULT_OK;
}

export function lastFaultAddr(): u64 {
  return faultAddr;
}

/** Whether the host does the accesses itself, watched or not. */
let passing: bool = false;

export function passWatches(on: bool): void {
  passing = on;
}

/** Whether the host looks on while an instruction of a watched page is executed. */
let passingFetches: bool = false;

export function passFetches(on: bool): void {
  passingFetches = on;
}

/** The host could not do an access that it was left with: a bus error. */
export function failAccess(addr: u64): void {
  failAt(addr, FAULT_SIGBUS);
}

/** Where an access stopped that never came to translation. */
export function setFaultAddr(addr: u64): void {
  faultAddr = addr;
}

/** The errno that a system call makes of the last fault: EFAULT, ENOMEM, or NEED_* for the host. */
export function userStop(): i32 {
  if (fault == FAULT_WATCH || fault == FAULT_DEVICE) return NEED_HOST;
  return faultStop(fault);
}

/** The frame that a load or store at `addr` uses, through the TLB, faulting as the CPU would; or 0. */
export function translate(mm: Mm, addr: u64, write: bool, stackLimit: u64): usize {
  const frame = Tlb.pageFrame(mm, addr, write);
  return frame != 0 ? frame : translateSlow(mm, addr, write, stackLimit);
}

/** The frame that an instruction at `addr` both loads from and stores to; or 0. */
export function translateUpdate(mm: Mm, addr: u64, stackLimit: u64): usize {
  // Stores to a page of which only loads are watched are in the TLB.
  if (mm.watches != 0 && !passing && isWatched(mm, addr, WATCH_LOADS)) {
    return failAt(addr, FAULT_WATCH);
  }
  return translate(mm, addr, true, stackLimit);
}

/** A TLB miss: what the tables allow is taken from them, the rest is a fault. */
export function translateSlow(mm: Mm, addr: u64, write: bool, stackLimit: u64): usize {
  if (addr >= TASK_SIZE) return failAt(addr, FAULT_MAPERR);
  const watched = mm.watches != 0 && isWatched(mm, addr, write ? WATCH_STORES : WATCH_LOADS);
  if (watched && !passing) return failAt(addr, FAULT_WATCH);
  let slot = slotForUse(mm, addr, write);
  if (slot == 0 || !cpuMayUse(load<u64>(slot), write)) {
    const result = userFault(mm, addr, write, stackLimit);
    if (result != FAULT_OK) return failAt(addr, result);
    slot = slotForUse(mm, addr, write);
  }
  const pte = load<u64>(slot);
  const used = pte | PTE_ACCESSED | (write ? PTE_DIRTY : 0);
  // Bits that are added take no translation away: nothing is flushed.
  if (used != pte) storeEntry(slot, used);
  const frame = pteFrame(pte);
  if (write) {
    beforeWrite(frame);
    dropCode(frame);
  }
  if (mm.watches == 0) fillTlb(mm, addr, slot, write);
  else if (!watched) fillBesideWatches(mm, addr, slot, write);
  return frame;
}

/**
 * fillTlb() of a page that is not watched, in an address space where others are: of a region with such
 * pages no table is remembered, and no range is found but by going through its pages.
 */
function fillBesideWatches(mm: Mm, addr: u64, slot: usize, write: bool): void {
  const loads = watchesRegion(mm, addr, WATCH_LOADS);
  if (!loads && !(write && watchesRegion(mm, addr, WATCH_STORES))) fillTlb(mm, addr, slot, write);
  else fillTlbPage(mm, addr, slot, write);
}

const PTE_NX: u64 = (<u64>1) << PTE_NX_SHIFT;

function isFetchWatched(mm: Mm, addr: u64): bool {
  return mm.watches != 0 && isWatched(mm, addr, WATCH_FETCHES);
}

/** The frame that an instruction at `addr` is fetched from, faulting as the CPU would; or 0. */
export function translateFetch(mm: Mm, addr: u64, stackLimit: u64): usize {
  if (addr >= TASK_SIZE) return failAt(addr, FAULT_MAPERR);
  if (isFetchWatched(mm, addr) && !passingFetches) return failAt(addr, FAULT_WATCH);
  let slot = slotForUse(mm, addr, false);
  if (slot == 0 || (load<u64>(slot) & (PTE_NX | PTE_PRESENT)) != PTE_PRESENT) {
    const result = fetchFault(mm, addr, stackLimit);
    if (result != FAULT_OK) return failAt(addr, result);
    slot = slotForUse(mm, addr, false);
  }
  const pte = load<u64>(slot);
  if (!(pte & PTE_ACCESSED)) storeEntry(slot, pte | PTE_ACCESSED);
  return pteFrame(pte);
}

/** The decoded block of the page of `addr`; 0 when fetching from it faults. */
export function fetchBlock(mm: Mm, addr: u64, stackLimit: u64): usize {
  const frame = translateFetch(mm, addr, stackLimit);
  if (frame == 0) return 0;
  let block = findCode(frame);
  if (block == 0) {
    block = newCode(frame);
    if (block == 0) return failAt(addr, FAULT_OOM);
    flushStores();
  }
  if (!isFetchWatched(mm, addr)) {
    rememberFetch((addr ^ mm.salt) & ~(<u64>PAGE_OFFSET_MASK), block);
  }
  return block;
}

/** Does the entry let the CPU through? PTE_PRESENT is clear where it may not even load. */
function cpuMayUse(pte: u64, write: bool): bool {
  const wanted: u64 = write ? PTE_PRESENT | PTE_RW : PTE_PRESENT;
  return (pte & wanted) == wanted;
}

function failAt(addr: u64, reason: u32): usize {
  fault = reason;
  faultAddr = addr;
  return 0;
}

/** Bytes at the place that userStretch() gave last. */
let stretch: usize = 0;

export function stretchBytes(): usize {
  return stretch;
}

/** The place of `addr` in linear memory, as translate(), and how far it lies in one piece, at most `len`. */
export function userStretch(mm: Mm, addr: u64, len: usize, write: bool, stackLimit: u64): usize {
  const place = Tlb.rangePlace(mm, addr, write);
  if (place != 0) {
    stretch = min(len, rangeRest(mm, addr, write));
    return place;
  }
  const frame = translate(mm, addr, write, stackLimit);
  if (frame == 0) return 0;
  const offset = (<usize>addr) & PAGE_OFFSET_MASK;
  stretch = min(len, <usize>PAGE_SIZE - offset);
  return frame + offset;
}

/** copy_to_user(): returns the bytes stored before a fault. */
export function copyToUser(mm: Mm, addr: u64, from: usize, len: usize, stackLimit: u64): usize {
  let done: usize = 0;
  while (done < len) {
    const place = userStretch(mm, addr + done, len - done, true, stackLimit);
    if (place == 0) break;
    memory.copy(place, from + done, stretch);
    done += stretch;
  }
  return done;
}

/** copy_from_user(): returns the bytes loaded before a fault. */
export function copyFromUser(mm: Mm, to: usize, addr: u64, len: usize, stackLimit: u64): usize {
  let done: usize = 0;
  while (done < len) {
    const place = userStretch(mm, addr + done, len - done, false, stackLimit);
    if (place == 0) break;
    memory.copy(to + done, place, stretch);
    done += stretch;
  }
  return done;
}

/** The runs that loads (or stores) in rising order over [addr, addr + len) touch before a fault. */
export function userRuns(mm: Mm, addr: u64, len: usize, write: bool, stackLimit: u64): usize {
  resetRuns();
  fault = FAULT_OK;
  while (runBytes() < len) {
    const place = userStretch(mm, addr + runBytes(), len - runBytes(), write, stackLimit);
    if (place == 0 || !addRun(place, stretch)) break;
  }
  return runBytes();
}
