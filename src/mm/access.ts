import { EFAULT, EIO, ENOMEM } from '../../assembly/abi/errno.js';
import { NEED_PAGE, NEED_USERFAULT } from '../../assembly/abi/fault.js';
import { FOLL_PIN, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { checked, fail } from '../errno.js';
import { coreAddress, type U64 } from './address.js';
import type { Mm } from './mm.js';
import { stopMended } from './stop.js';
import type { GuestBuffer, UserBuffer } from './user.js';

/** What goes through the core's bounce buffer, by one call and two copies; above it one copy pays. */
const BOUNCE_MAX = 2048;

/**
 * Copies between `bytes` and `mm` until the first page that refuses; returns the bytes copied, and
 * leaves the reason in the core's gupStop().
 */
function copyRemote(
  mm: Mm,
  addr: number,
  bytes: Uint8Array,
  gupFlags: number,
  stackLimit: number,
  grows: boolean,
): number {
  const { core, ptr } = mm;
  const { exports } = core;
  const write = (gupFlags & FOLL_WRITE) !== 0;
  let done = 0;
  while (done < bytes.length) {
    const left = bytes.length - done;
    const covered = exports.accessRuns(ptr, addr + done, left, gupFlags, stackLimit, grows);
    if (covered > 0) {
      if (write) core.copyRunsIn(bytes, done);
      else core.copyRunsOut(bytes, done);
    }
    done += covered;
    if (covered === left) break;
    const stop = exports.gupStop();
    // 0: the list of runs was full.
    if (stop !== 0 && !stopMended(mm, stop)) break;
  }
  return done;
}

/** The same for what fits the bounce buffer. */
function copyRemoteSmall(
  mm: Mm,
  addr: number,
  bytes: Uint8Array,
  gupFlags: number,
  stackLimit: number,
): number {
  const { core, ptr } = mm;
  const write = (gupFlags & FOLL_WRITE) !== 0;
  const length = bytes.length;
  if (write) core.fillBounce(bytes);
  const { exports } = core;
  const done = exports.accessRemoteVm(ptr, addr, core.bounce, length, gupFlags, stackLimit);
  if (!write) core.takeBounce(bytes, done);
  if (done === length || !stopMended(mm, exports.gupStop())) return done;
  // Not through the buffer again: whoever mended it may have used that.
  return done + copyRemote(mm, addr + done, bytes.subarray(done), gupFlags, stackLimit, true);
}

/**
 * Copies bytes between the host and the memory of `mm`, up to the first page that cannot be had;
 * returns how many, 0 when there is none. Stacks grow as on access from outside (K-170).
 * @param gupFlags FOLL_WRITE to write, FOLL_FORCE to override the protection of private mappings
 * @see mm/memory.c, access_remote_vm()
 */
export function accessRemoteVm(
  mm: Mm,
  addr: U64,
  bytes: Uint8Array,
  gupFlags: number,
  stackLimit = mm.stackLimit,
): number {
  if (!mm.alive) return 0;
  const at = coreAddress(addr);
  if (bytes.length <= BOUNCE_MAX) return copyRemoteSmall(mm, at, bytes, gupFlags, stackLimit);
  return copyRemote(mm, at, bytes, gupFlags, stackLimit, true);
}

/** mem_rw() with a buffer in guest memory, restarted for each page that the host has to load. */
function memRwGuest(
  mm: Mm,
  addr: number,
  buf: GuestBuffer,
  gupFlags: number,
  stackLimit: number,
): number {
  const { exports } = mm.core;
  const { length } = buf;
  const at = coreAddress(buf.addr);
  let from = 0;
  while (true) {
    const n = exports.memRw(mm.ptr, addr, buf.mm.ptr, at, length, from, gupFlags, stackLimit);
    if (n !== -NEED_PAGE && n !== -NEED_USERFAULT) return checked(n);
    from = exports.memRwDone();
    if (!stopMended(mm, -n)) return from > 0 ? from : fail(EIO);
  }
}

/**
 * Reads `buf.length` bytes at `addr` of `mm` into `buf`, or writes them from there, in chunks of a page
 * counted from `addr` (K-102); returns the bytes up to the first inaccessible one. 0 of a dead mm.
 * @throws {LinuxError} EIO: not one byte is accessible; EFAULT: `buf` faulted (K-107); ENOMEM: no frame
 * @see fs/proc/base.c, mem_rw()
 */
export function memRw(
  mm: Mm,
  addr: U64,
  buf: UserBuffer,
  gupFlags: number,
  stackLimit: number,
): number {
  if (!mm.alive || buf.length === 0) return 0;
  const at = coreAddress(addr);
  if (buf.guest !== null) return memRwGuest(mm, at, buf.guest, gupFlags, stackLimit);
  const bytes = buf.host as Uint8Array;
  const done =
    bytes.length <= BOUNCE_MAX
      ? copyRemoteSmall(mm, at, bytes, gupFlags, stackLimit)
      : copyRemote(mm, at, bytes, gupFlags, stackLimit, true);
  if (done > 0) return done;
  return fail(mm.core.exports.gupStop() === ENOMEM ? ENOMEM : EIO);
}

/**
 * How far the last memRw() of this machine had moved its position when it threw EFAULT: the chunks it had
 * finished, in bytes (K-112).
 */
export function memRwAdvance(mm: Mm): number {
  return mm.core.exports.memRwDone();
}

/** One stretch of guest memory or of the host. */
export type IoSegment =
  { readonly addr: number; readonly length: number } | { readonly host: Uint8Array };

/** What process_vm_readv() and process_vm_writev() copy between. */
export interface ProcessVmRequest {
  readonly localMm: Mm;
  readonly local: readonly IoSegment[];
  readonly remoteMm: Mm;
  readonly remote: readonly { readonly addr: U64; readonly length: number }[];
  /** Towards the remote side: process_vm_writev(). */
  readonly write: boolean;
  /** RLIMIT_STACK of the caller, bytes. */
  readonly stackLimit: number;
  /** Whether the remote side grows stacks, as it did before 6.5 (K-173). */
  readonly grows: boolean;
}

/**
 * find_extend_vma() as get_user_pages() had it: has a stack grown down to the page that stopped the copy?
 * The page is read, as the copy would have.
 */
function grewStack({ remoteMm, stackLimit, grows }: ProcessVmRequest, addr: number): boolean {
  const { core, ptr } = remoteMm;
  if (!grows || core.exports.processVmStop() !== 1) return false;
  return core.exports.accessRemoteVm(ptr, addr, core.bounce, 1, 0, stackLimit) === 1;
}

/** Copies one stretch that is contiguous on both sides; returns the bytes before either side failed. */
function copyStretch(
  request: ProcessVmRequest,
  remoteAddr: number,
  segment: IoSegment,
  offset: number,
  length: number,
): number {
  const { localMm, remoteMm, write, stackLimit, grows } = request;
  if ('host' in segment) {
    const bytes = segment.host.subarray(offset, offset + length);
    const flags = FOLL_PIN | (write ? FOLL_WRITE : 0);
    return copyRemote(remoteMm, remoteAddr, bytes, flags, stackLimit, grows);
  }
  const { exports } = remoteMm.core;
  const localAddr = segment.addr + offset;
  let done = 0;
  while (true) {
    done += exports.processVmCopy(
      remoteMm.ptr,
      remoteAddr + done,
      localMm.ptr,
      localAddr + done,
      length - done,
      write,
      stackLimit,
    );
    if (done === length) return done;
    if (stopMended(remoteMm, exports.gupStop())) continue;
    if (!grewStack(request, remoteAddr + done)) return done;
  }
}

/** processVmStop() of a copy that the local side ended. */
const LOCAL_STOP = 2;
/** PVM_MAX_KMALLOC_PAGES: so many pages of a remote segment are pinned before the first byte is copied. */
const PINNED_AT_ONCE = 1024;

/**
 * When the local side ends or fails in the middle of a remote segment, the pages behind that were pinned
 * all the same, and so faulted in: process_vm_rw_single_vec().
 * @param reached bytes of the segment up to the last page that was looked at
 */
function pinRest(request: ProcessVmRequest, addr: number, length: number, reached: number): void {
  const first = Math.floor(addr / PAGE_SIZE);
  const end = Math.floor((addr + length - 1) / PAGE_SIZE) + 1;
  const next = Math.floor((addr + reached) / PAGE_SIZE) + 1;
  const batch = Math.ceil((next - first) / PINNED_AT_ONCE) * PINNED_AT_ONCE;
  const bytes = (Math.min(end, first + batch) - next) * PAGE_SIZE;
  const { remoteMm, write, stackLimit } = request;
  const flags = FOLL_PIN | (write ? FOLL_WRITE : 0);
  const { exports } = remoteMm.core;
  for (let done = 0; done < bytes;) {
    const at = next * PAGE_SIZE + done;
    done += exports.accessRuns(remoteMm.ptr, at, bytes - done, flags, stackLimit, false);
    const stop = exports.gupStop();
    if (done < bytes && stop !== 0 && !stopMended(remoteMm, stop)) return;
  }
}

function segmentLength(segment: IoSegment): number {
  return 'host' in segment ? segment.host.length : segment.length;
}

/**
 * Copies between two address spaces, filling the segments of both sides in order; returns the bytes
 * before the first page or byte that failed (K-215). The remote side needs plain permission: no
 * FOLL_FORCE, no stack growth (K-173, K-214).
 * @throws {LinuxError} EFAULT: not one byte could be copied
 * @see mm/process_vm_access.c, process_vm_rw_core()
 */
export function processVmRw(request: ProcessVmRequest): number {
  const { exports } = request.remoteMm.core;
  let total = 0;
  let index = 0;
  let offset = 0;
  for (const { addr, length } of request.remote) {
    const at = coreAddress(addr);
    let done = 0;
    while (done < length) {
      const segment = request.local[index];
      if (segment === undefined) {
        if (done > 0) pinRest(request, at, length, done - 1);
        return total;
      }
      const room = segmentLength(segment) - offset;
      if (room === 0) {
        index += 1;
        offset = 0;
        continue;
      }
      const count = Math.min(room, length - done);
      const copied = copyStretch(request, at + done, segment, offset, count);
      total += copied;
      if (copied < count) {
        const local = !('host' in segment) && exports.processVmStop() === LOCAL_STOP;
        if (local) pinRest(request, at, length, done + copied);
        return total > 0 ? total : fail(EFAULT);
      }
      done += count;
      offset += count;
    }
  }
  return total;
}
