// Copies from one address space into another: mm/process_vm_access.c.
import { EFAULT } from '../abi/errno';
import { FOLL_WRITE, PVM_MAX_KMALLOC_PAGES } from '../abi/foll';
import { PAGE_OFFSET_MASK, PAGE_SIZE } from '../abi/page';
import { followPte, gupInVma, gupSlot, mayPin, readyPlace, setGupStop, vmaPermits } from './gup';
import { Mm } from './mm';
import { findSlot, ptePresent, pteWritable, slotIsOwn } from './pgtable';
import { stretchBytes, userStop, userStretch } from './user';
import { needsHost } from './userfault';
import { vmaLookup } from './vma';

/** Which side stopped the last processVmCopy(): 0 none, 1 the remote page, 2 the local buffer. */
let copyStop: u32 = 0;

export function processVmStop(): u32 {
  return copyStop;
}

/** The same of a copy that the host did in its place. */
export function setProcessVmStop(side: u32): void {
  copyStop = side;
}

/** Bytes at the place that remoteStretch() gave last. */
let stretch: usize = 0;

/**
 * The place of `addr` in linear memory, faulted in as a pin would, and how far what follows lies behind it
 * and takes no fault, at most `len` and to the end of its page table; or 0.
 */
function remoteStretch(mm: Mm, addr: u64, len: usize, gupFlags: u32): usize {
  const ready = readyPlace(mm, addr, len, (gupFlags & FOLL_WRITE) != 0);
  // In a table that is shared a page's count does not tell who else maps it.
  if (ready != 0 && slotIsOwn(mm) && mayPin(ready & ~PAGE_OFFSET_MASK, gupFlags)) {
    stretch = len;
    return ready;
  }
  const vma = vmaLookup(mm, addr);
  if (vma == null || !vmaPermits(vma, gupFlags)) {
    setGupStop(EFAULT);
    return 0;
  }
  const frame = gupInVma(mm, vma, addr, gupFlags);
  if (frame == 0) return 0;
  const offset = (<usize>addr) & PAGE_OFFSET_MASK;
  const most = <usize>min(<u64>len, vma.end - addr);
  let bytes: usize = <usize>PAGE_SIZE - offset;
  let slot = gupSlot(mm, addr, gupFlags) + 8;
  while (bytes < most && (slot & PAGE_OFFSET_MASK) != 0) {
    if (followPte(vma, load<u64>(slot), gupFlags) != frame + offset + bytes) break;
    bytes += PAGE_SIZE;
    slot += 8;
  }
  stretch = min(bytes, most);
  return frame + offset;
}

/** As much of a remote segment is pinned before the first byte is copied. */
const PINNED_BYTES: usize = PVM_MAX_KMALLOC_PAGES * PAGE_SIZE;

/**
 * Faults in what is pinned of the remote side before the first byte is copied: a fault of the local side may copy a
 * page that both share, and the remote one would no longer be unshared.
 */
function pinAhead(mm: Mm, addr: u64, len: usize, gupFlags: u32): void {
  let done: usize = 0;
  while (done < len && remoteStretch(mm, addr + done, len - done, gupFlags) != 0) done += stretch;
  setGupStop(0);
}

/** Whether an access to a page finds no entry that allows it. */
function takesFault(mm: Mm, addr: u64, write: bool): bool {
  const slot = findSlot(mm, addr);
  if (slot == 0) return true;
  const pte = load<u64>(slot);
  return !ptePresent(pte) || (write && !pteWritable(pte));
}

/** Bytes from `addr` to the end of its page. */
function pageRest(addr: u64): usize {
  return <usize>PAGE_SIZE - ((<usize>addr) & PAGE_OFFSET_MASK);
}

/**
 * process_vm_rw_single_vec() for one stretch on both sides, without FOLL_FORCE and without stack growth on
 * the remote side (K-173, K-214, K-215). Returns the bytes copied; gupStop() is NEED_* where the host has
 * to act before more can be, and NEED_HOST where it has to copy itself.
 * @param segment bytes of the remote segment from there on, `len` or more
 */
export function processVmCopy(
  remote: Mm,
  remoteAddr: u64,
  local: Mm,
  localAddr: u64,
  len: usize,
  gupFlags: u32,
  stackLimit: u64,
  segment: usize,
): usize {
  const write = (gupFlags & FOLL_WRITE) != 0;
  let done: usize = 0;
  let ahead: usize = 0;
  copyStop = 0;
  setGupStop(0);
  while (done < len) {
    const there = remoteStretch(remote, remoteAddr + done, len - done, gupFlags);
    if (there == 0) {
      copyStop = 1;
      break;
    }
    const length = stretch;
    const next = done + length;
    if (next < segment && done >= ahead && takesFault(local, localAddr + done, !write)) {
      ahead = min(segment, done + PINNED_BYTES);
      if (next < ahead) pinAhead(remote, remoteAddr + next, ahead - next, gupFlags);
    }
    const here = userStretch(local, localAddr + done, length, !write, stackLimit);
    if (here == 0) {
      if (needsHost(userStop())) setGupStop(userStop());
      copyStop = 2;
      break;
    }
    let bytes = stretchBytes();
    // Onto itself Linux copies page by page, and what it then makes shows where the pages end.
    if (here < there + bytes && there < here + bytes) {
      bytes = min(bytes, min(pageRest(remoteAddr + done), pageRest(localAddr + done)));
    }
    if (write) memory.copy(there, here, bytes);
    else memory.copy(here, there, bytes);
    done += bytes;
  }
  return done;
}
