// The memory of the current task as its own instructions see it: arch/x86/lib/usercopy_64.c and the
// translation under every load and store.
import { EFAULT, ENOMEM } from '../abi/errno';
import { FAULT_MAPERR, FAULT_NEED_PAGE, FAULT_OK, FAULT_OOM, NEED_PAGE } from '../abi/fault';
import { PAGE_OFFSET_MASK, PAGE_SIZE, TASK_SIZE_SHIFT } from '../abi/page';
import { PTE_ACCESSED, PTE_DIRTY, PTE_PRESENT, PTE_RW } from '../abi/pte';
import { beforeWrite } from './checkpoint';
import { userFault } from './fault';
import { Mm } from './mm';
import { findSlot, pteFrame, setPte } from './pgtable';
import { addRun, resetRuns, runBytes } from './runs';
import { fillTlb, tlbEntry, tlbTag } from './tlb';

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

/** The errno that a system call makes of the last fault: EFAULT, ENOMEM, or NEED_PAGE for the host. */
export function userStop(): i32 {
  return fault == FAULT_NEED_PAGE ? NEED_PAGE : fault == FAULT_OOM ? ENOMEM : EFAULT;
}

/** The frame that a load or store at `addr` uses, through the TLB, faulting as the CPU would; or 0. */
export function translate(mm: Mm, addr: u64, write: bool, stackLimit: u64): usize {
  const entry = tlbEntry(addr);
  if (load<u64>(entry) == tlbTag(mm, addr)) {
    const frame = <usize>(write ? load<u32>(entry, 12) : load<u32>(entry, 8));
    if (frame != 0) return frame;
  }
  return translateSlow(mm, addr, write, stackLimit);
}

/** A TLB miss: what the tables allow is taken from them, the rest is a fault. */
function translateSlow(mm: Mm, addr: u64, write: bool, stackLimit: u64): usize {
  if (addr >= TASK_SIZE) return failAt(addr, FAULT_MAPERR);
  let slot = findSlot(mm, addr);
  if (slot == 0 || !cpuMayUse(load<u64>(slot), write)) {
    const result = userFault(mm, addr, write, stackLimit);
    if (result != FAULT_OK) return failAt(addr, result);
    slot = findSlot(mm, addr);
  }
  const pte = load<u64>(slot);
  const used = pte | PTE_ACCESSED | (write ? PTE_DIRTY : 0);
  if (used != pte) setPte(mm, slot, addr, used);
  const frame = pteFrame(pte);
  if (write) beforeWrite(frame);
  fillTlb(mm, addr, frame, write);
  return frame;
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

/** copy_to_user(): returns the bytes stored before a fault. */
export function copyToUser(mm: Mm, addr: u64, from: usize, len: usize, stackLimit: u64): usize {
  let done: usize = 0;
  while (done < len) {
    const frame = translate(mm, addr + done, true, stackLimit);
    if (frame == 0) break;
    const offset = (<usize>(addr + done)) & PAGE_OFFSET_MASK;
    const bytes = min(len - done, <usize>PAGE_SIZE - offset);
    memory.copy(frame + offset, from + done, bytes);
    done += bytes;
  }
  return done;
}

/** copy_from_user(): returns the bytes loaded before a fault. */
export function copyFromUser(mm: Mm, to: usize, addr: u64, len: usize, stackLimit: u64): usize {
  let done: usize = 0;
  while (done < len) {
    const frame = translate(mm, addr + done, false, stackLimit);
    if (frame == 0) break;
    const offset = (<usize>(addr + done)) & PAGE_OFFSET_MASK;
    const bytes = min(len - done, <usize>PAGE_SIZE - offset);
    memory.copy(to + done, frame + offset, bytes);
    done += bytes;
  }
  return done;
}

/** The runs that loads (or stores) in rising order over [addr, addr + len) touch before a fault. */
export function userRuns(mm: Mm, addr: u64, len: usize, write: bool, stackLimit: u64): usize {
  resetRuns();
  fault = FAULT_OK;
  while (runBytes() < len) {
    const at = addr + runBytes();
    const frame = translate(mm, at, write, stackLimit);
    if (frame == 0) break;
    const offset = (<usize>at) & PAGE_OFFSET_MASK;
    if (!addRun(frame + offset, min(len - runBytes(), <usize>PAGE_SIZE - offset))) break;
  }
  return runBytes();
}
