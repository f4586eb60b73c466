// Copies to and from the memory of another mm: mm/memory.c, access_remote_vm(); fs/proc/base.c,
// mem_rw(); mm/process_vm_access.c.
import { EFAULT, EIO, ENOMEM } from '../abi/errno';
import { FOLL_WRITE } from '../abi/foll';
import { PAGE_OFFSET_MASK, PAGE_SIZE } from '../abi/page';
import { expandStack } from './grow';
import { gupPage, gupStop, setGupStop } from './gup';
import { Mm } from './mm';
import { addRun, resetRuns, runBytes } from './runs';
import { copyFromUser, copyToUser, userStop } from './user';
import { needsHost } from './userfault';
import { vmaLookup } from './vma';

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
    if (gupFlags & FOLL_WRITE) memory.copy(frame + offset, buf + done, bytes);
    else memory.copy(buf + done, frame + offset, bytes);
    done += bytes;
  }
  return done;
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
    const at = addr + runBytes();
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

/**
 * mem_rw(): reads `count` bytes at `addr` of `mm` into `buf` of `local`, or writes them from there,
 * a page-sized chunk at a time; the first `from` bytes are done already. Returns the count so far when
 * a chunk gives nothing, or a negative errno; -NEED_* to be called again from memRwDone().
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
      return needsHost(userStop()) ? -userStop() : -EFAULT;
    }
    const bytes = accessRemoteVm(mm, addr + copied, pageBuffer, chunk, gupFlags, stackLimit);
    if (bytes < chunk && needsHost(gupStop())) return -gupStop();
    if (bytes == 0) {
      if (copied > 0) return <i32>copied;
      return gupStop() == ENOMEM ? -ENOMEM : -EIO;
    }
    if (!write && copyToUser(local, buf + copied, pageBuffer, bytes, stackLimit) < bytes) {
      return needsHost(userStop()) ? -userStop() : -EFAULT;
    }
    copied += bytes;
  }
  return <i32>copied;
}

/** Which side stopped the last processVmCopy(): 0 none, 1 the remote page, 2 the local buffer. */
let copyStop: u32 = 0;

export function processVmStop(): u32 {
  return copyStop;
}

/**
 * process_vm_rw_single_vec() for one stretch on both sides: page by page of the remote range, without
 * FOLL_FORCE and without stack growth (K-173, K-214, K-215). Returns the bytes copied.
 */
export function processVmCopy(
  remote: Mm,
  remoteAddr: u64,
  local: Mm,
  localAddr: u64,
  len: usize,
  gupFlags: u32,
  stackLimit: u64,
): usize {
  let done: usize = 0;
  copyStop = 0;
  setGupStop(0);
  while (done < len) {
    const frame = gupPage(remote, remoteAddr + done, gupFlags);
    if (frame == 0) {
      copyStop = 1;
      break;
    }
    const offset = (<usize>(remoteAddr + done)) & PAGE_OFFSET_MASK;
    const bytes = min(len - done, <usize>PAGE_SIZE - offset);
    const moved =
      gupFlags & FOLL_WRITE
        ? copyFromUser(local, frame + offset, localAddr + done, bytes, stackLimit)
        : copyToUser(local, localAddr + done, frame + offset, bytes, stackLimit);
    done += moved;
    if (moved < bytes) {
      if (needsHost(userStop())) setGupStop(userStop());
      copyStop = 2;
      break;
    }
  }
  return done;
}
