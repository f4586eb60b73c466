// Copies between the host and the memory of an mm: mm/memory.c, access_remote_vm(); fs/proc/base.c,
// mem_rw().
import { EFAULT, EIO, ENOMEM } from '../abi/errno';
import { FOLL_PIN, FOLL_WRITE } from '../abi/foll';
import { PAGE_OFFSET_MASK, PAGE_SIZE } from '../abi/page';
import { expandStack } from './grow';
import { followPte, gupPage, gupSlot, gupStop, setGupStop, vmaPermits } from './gup';
import { Mm } from './mm';
import { PMD_SHIFT, pteFrame, ptePresent } from './pgtable';
import { addRun, resetRuns, runBytes } from './runs';
import { copyFromUser, copyToUser, userStop } from './user';
import { needsHost } from './userfault';
import { Vma, vmaLookup } from './vma';

/** The kernel page through which mem_rw() copies. */
const pageBuffer = memory.data(4096, 16);

/** The frame behind `addr`, the stack below it grown where that is what is missing; or 0. */
function remotePage(mm: Mm, addr: u64, gupFlags: u32, stackLimit: u64): usize {
  const frame = gupPage(mm, addr, gupFlags);
  if (frame != 0 || gupStop() != EFAULT) return frame;
  if (vmaLookup(mm, addr) != null) return 0;
  if (expandStack(mm, addr, stackLimit) == null) return 0;
  return gupPage(mm, addr, gupFlags);
}

/** memory.copy, which engines make a call of, spared where one or two words do. */
function copyBytes(to: usize, from: usize, bytes: usize): void {
  if (bytes > 16 || bytes < 8) {
    memory.copy(to, from, bytes);
    return;
  }
  const last = load<u64>(from + bytes - 8);
  store<u64>(to, load<u64>(from));
  store<u64>(to + bytes - 8, last);
}

/**
 * access_remote_vm(): copies between `buf` in linear memory and `mm` until the first page that refuses.
 * Returns the bytes copied; gupStop() tells why fewer than `len`.
 */
export function accessRemoteVm(
  mm: Mm,
  addr: u64,
  buf: usize,
  len: usize,
  gupFlags: u32,
  stackLimit: u64,
): usize {
  let done: usize = 0;
  setGupStop(0);
  while (done < len) {
    const frame = remotePage(mm, addr + done, gupFlags, stackLimit);
    if (frame == 0) break;
    const offset = (<usize>(addr + done)) & PAGE_OFFSET_MASK;
    const bytes = min(len - done, <usize>PAGE_SIZE - offset);
    if (gupFlags & FOLL_WRITE) copyBytes(frame + offset, buf + done, bytes);
    else copyBytes(buf + done, frame + offset, bytes);
    done += bytes;
  }
  return done;
}

/**
 * Adds to the runs what the entries from `addr` on give without a fault, at most up to `end` and to where a
 * table is missing: one walk for each table. False when the list of runs is full.
 */
function addFollowed(mm: Mm, vma: Vma, addr: u64, end: u64, gupFlags: u32): bool {
  const reads = (gupFlags & (FOLL_WRITE | FOLL_PIN)) == 0;
  let start: usize = 0;
  let stop: usize = 0;
  while (addr < end) {
    let slot = gupSlot(mm, addr, gupFlags);
    if (slot == 0) break;
    const tableEnd = min(end, ((addr >> PMD_SHIFT) + 1) << PMD_SHIFT);
    while (addr < tableEnd) {
      const pte = load<u64>(slot);
      // What followPte() comes to for a plain read, without the call.
      const frame = reads && ptePresent(pte) ? pteFrame(pte) : followPte(vma, pte, gupFlags);
      if (frame == 0) return stop == start || addRun(start, stop - start);
      const offset = (<usize>addr) & PAGE_OFFSET_MASK;
      const bytes = min<usize>(<usize>PAGE_SIZE - offset, <usize>(tableEnd - addr));
      if (frame + offset != stop) {
        if (stop != start && !addRun(start, stop - start)) return false;
        start = frame + offset;
        stop = start;
      }
      stop += bytes;
      addr += bytes;
      slot += 8;
    }
  }
  return stop == start || addRun(start, stop - start);
}

/**
 * The same as a list of runs in linear memory, for a caller whose buffer cannot fault: the result
 * cannot be told from mem_rw()'s. Returns the bytes covered; gupStop() tells why fewer than `len`.
 */
export function accessRuns(
  mm: Mm,
  addr: u64,
  len: usize,
  gupFlags: u32,
  stackLimit: u64,
  grow: bool,
): usize {
  resetRuns();
  setGupStop(0);
  while (runBytes() < len) {
    let at = addr + runBytes();
    const vma = vmaLookup(mm, at);
    if (vma != null && vmaPermits(vma, gupFlags)) {
      if (!addFollowed(mm, vma, at, min(addr + len, vma.end), gupFlags)) break;
      if (runBytes() == len) break;
      at = addr + runBytes();
    }
    const frame = grow ? remotePage(mm, at, gupFlags, stackLimit) : gupPage(mm, at, gupFlags);
    if (frame == 0) break;
    const offset = (<usize>at) & PAGE_OFFSET_MASK;
    if (!addRun(frame + offset, min(len - runBytes(), <usize>PAGE_SIZE - offset))) break;
  }
  return runBytes();
}

/** Bytes of whole chunks that the last memRw() finished before it stopped for a page. */
let chunksDone: usize = 0;

export function memRwDone(): usize {
  return chunksDone;
}

/** The same of what the host did in its place. */
export function setMemRwDone(bytes: usize): void {
  chunksDone = bytes;
}

/** What memRw() answers when the caller's own memory stopped it. */
function bufferStop(): i32 {
  const stop = userStop();
  return needsHost(stop) ? -stop : -EFAULT;
}

/**
 * mem_rw(): reads `count` bytes at `addr` of `mm` into `buf` of `local`, or writes them from there,
 * a page-sized chunk at a time; the first `from` bytes are done already. Returns the count so far when
 * a chunk gives nothing, or a negative errno; -NEED_HOST for the host to go on from memRwDone(), the other
 * -NEED_* to be called again from there.
 */
export function memRw(
  mm: Mm,
  addr: u64,
  local: Mm,
  buf: u64,
  count: usize,
  from: usize,
  gupFlags: u32,
  stackLimit: u64,
): i32 {
  const write = (gupFlags & FOLL_WRITE) != 0;
  let copied = from;
  while (copied < count) {
    chunksDone = copied;
    const chunk = min<usize>(count - copied, PAGE_SIZE);
    if (write && copyFromUser(local, pageBuffer, buf + copied, chunk, stackLimit) < chunk) {
      return bufferStop();
    }
    const bytes = accessRemoteVm(mm, addr + copied, pageBuffer, chunk, gupFlags, stackLimit);
    if (bytes < chunk && needsHost(gupStop())) return -gupStop();
    if (bytes == 0) {
      if (copied > 0) return <i32>copied;
      return gupStop() == ENOMEM ? -ENOMEM : -EIO;
    }
    if (!write && copyToUser(local, buf + copied, pageBuffer, bytes, stackLimit) < bytes) {
      return bufferStop();
    }
    copied += bytes;
  }
  return <i32>copied;
}
