// Finding the page behind an address of another mm: mm/gup.c.
import { EFAULT } from '../abi/errno';
import { FAULT_OK, NEED_USERFAULT } from '../abi/fault';
import { FOLL_FORCE, FOLL_PIN, FOLL_WRITE } from '../abi/foll';
import { PG_ANON, PG_CODE, PG_DIRTY } from '../abi/layout';
import { PAGE_OFFSET_MASK, PAGE_SIZE } from '../abi/page';
import { PTE_UFFD_WP } from '../abi/pte';
import {
  VM_IO,
  VM_MAYREAD,
  VM_MAYWRITE,
  VM_PFNMAP,
  VM_READ,
  VM_SECRETMEM,
  VM_SHARED,
  VM_WRITE,
} from '../abi/vma';
import { beforeWrite } from './checkpoint';
import { dropCode } from './code';
import { handleMmFault, isSoleAnon, unsharePage } from './fault';
import { pageFlags, setPageFlags } from './frame';
import { Mm } from './mm';
import {
  findSlot,
  ownSlot,
  pteFrame,
  ptePresent,
  pteSpecial,
  pteWritable,
  slotIsOwn,
} from './pgtable';
import { needsSoftDirtyWp } from './soft-dirty';
import { faultStop } from './userfault';
import { Vma, vmaLookup } from './vma';

/** Why the last gupPage() gave no frame: EFAULT, ENOMEM, NEED_PAGE or NEED_USERFAULT. */
let stop: i32 = 0;

export function gupStop(): i32 {
  return stop;
}

export function setGupStop(reason: i32): void {
  stop = reason;
}

/** A private mapping, whose pages a write copies: is_cow_mapping(). */
function isCowMapping(flags: u32): bool {
  return (flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/** check_vma_flags(): may a remote access with these FOLL_* touch the VMA at all (K-160)? */
export function vmaPermits(vma: Vma, gupFlags: u32): bool {
  const flags = vma.flags;
  if (flags & (VM_IO | VM_PFNMAP | VM_SECRETMEM)) return false;
  const force = (gupFlags & FOLL_FORCE) != 0;
  if (gupFlags & FOLL_WRITE) return (flags & VM_WRITE) != 0 || (force && isCowMapping(flags));
  return (flags & VM_READ) != 0 || (force && (flags & VM_MAYREAD) != 0);
}

/**
 * can_follow_write_pte(): a forced write may go through an entry that the CPU could not write by,
 * when the page is this mm's own copy; the VMA and the entry stay as they are.
 */
function canFollow(vma: Vma, pte: u64, gupFlags: u32): bool {
  if (!ptePresent(pte)) return false;
  if (!(gupFlags & FOLL_WRITE) || pteWritable(pte)) return true;
  if (!(gupFlags & FOLL_FORCE) || pte & PTE_UFFD_WP || needsSoftDirtyWp(vma, pte)) return false;
  return isSoleAnon(pteFrame(pte));
}

/** gup_must_unshare(): a pin for reading never holds an anonymous page that others map as well. */
function mustUnshare(pte: u64, gupFlags: u32): bool {
  return !pteSpecial(pte) && !mayPin(pteFrame(pte), gupFlags);
}

/** Whether an access with these FOLL_* may hold a page as it is. */
export function mayPin(frame: usize, gupFlags: u32): bool {
  if ((gupFlags & (FOLL_PIN | FOLL_WRITE)) != FOLL_PIN) return true;
  return !(pageFlags(frame) & PG_ANON) || isSoleAnon(frame);
}

/** The place of the entry of `addr` for an access with these FOLL_*; 0 without a table. */
export function gupSlot(mm: Mm, addr: u64, gupFlags: u32): usize {
  // A write, and a pin that may want a page of its own, may change the entry.
  return gupFlags & (FOLL_WRITE | FOLL_PIN) ? ownSlot(mm, addr) : findSlot(mm, addr);
}

/** follow_page_pte(): the frame that the entry gives as it stands; 0 when it takes a fault. */
export function followPte(vma: Vma, pte: u64, gupFlags: u32): usize {
  if (!canFollow(vma, pte, gupFlags) || mustUnshare(pte, gupFlags)) return 0;
  const frame = pteFrame(pte);
  if (gupFlags & FOLL_WRITE) {
    beforeWrite(frame);
    markDirty(frame);
  }
  return frame;
}

function markDirty(frame: usize): void {
  const flags = pageFlags(frame);
  if (!(flags & PG_DIRTY)) setPageFlags(frame, flags | PG_DIRTY);
  if (flags & PG_CODE) dropCode(frame);
}

/** The frame behind `addr`, faulted in as needed; 0 with gupStop() when Linux would give an error. */
export function gupPage(mm: Mm, addr: u64, gupFlags: u32): usize {
  const vma = vmaLookup(mm, addr);
  if (vma == null || !vmaPermits(vma, gupFlags)) {
    stop = EFAULT;
    return 0;
  }
  return gupInVma(mm, vma, addr, gupFlags);
}

/** The same inside a VMA that is known to permit the access. */
export function gupInVma(mm: Mm, vma: Vma, addr: u64, gupFlags: u32): usize {
  while (true) {
    const slot = gupSlot(mm, addr, gupFlags);
    const pte = slot == 0 ? 0 : load<u64>(slot);
    const frame = followPte(vma, pte, gupFlags);
    if (frame != 0) return frame;
    const fault = canFollow(vma, pte, gupFlags)
      ? unsharePage(mm, vma, slot, addr)
      : handleMmFault(mm, vma, addr, (gupFlags & FOLL_WRITE) != 0);
    if (fault == FAULT_OK) continue;
    stop = faultStop(fault);
    // Only a pin may wait; access_remote_vm() has no FAULT_FLAG_ALLOW_RETRY, without which
    // handle_userfault() gives up.
    if (stop == NEED_USERFAULT && !(gupFlags & FOLL_PIN)) stop = EFAULT;
    return 0;
  }
}

/** VMAs that no access from outside reaches: see vmaPermits(). */
const VM_UNREACHED: u32 = VM_IO | VM_PFNMAP | VM_SECRETMEM;

/**
 * The place in linear memory of the `len` bytes at `addr` when they lie in one page and the entry of that, as it
 * stands, lets an access through even without FOLL_FORCE: what gupPage() comes to then, in one function. 0 says
 * only that gupPage() has to be asked.
 */
export function readyPlace(mm: Mm, addr: u64, len: usize, write: bool): usize {
  const offset = (<usize>addr) & PAGE_OFFSET_MASK;
  if (offset + len > <usize>PAGE_SIZE) return 0;
  let vma = mm.cached;
  if (vma == null || addr < vma.start || addr >= vma.end) {
    vma = vmaLookup(mm, addr);
    if (vma == null) return 0;
  }
  const needed: u32 = write ? VM_WRITE : VM_READ;
  if ((vma.flags & (VM_UNREACHED | needed)) != needed) return 0;
  const slot = findSlot(mm, addr);
  if (slot == 0) return 0;
  const pte = load<u64>(slot);
  if (!ptePresent(pte)) return 0;
  const frame = pteFrame(pte);
  if (write) {
    if (!pteWritable(pte) || !slotIsOwn(mm)) return 0;
    beforeWrite(frame);
    markDirty(frame);
  }
  return frame + offset;
}
