import { EFAULT } from '../../assembly/abi/errno.js';
import { NEED_HOST } from '../../assembly/abi/fault.js';
import { FOLL_PIN, FOLL_WRITE, PVM_MAX_KMALLOC_PAGES } from '../../assembly/abi/foll.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { copyRemote } from './access.js';
import { coreAddress, type U64 } from './address.js';
import type { Mm } from './mm.js';
import { stopMended } from './stop.js';
import { loadUser, storeUser } from './user.js';
import { noteAccess } from './watch.js';

/** A stretch of another process's memory, of any 64-bit address. */
export interface RemoteSegment {
  readonly addr: U64;
  readonly length: number;
}

/** A stretch of the caller's own memory. */
export interface LocalSegment extends RemoteSegment {
  readonly addr: number;
}

/** What both sides of a transfer have in common. */
export interface ProcessVmRules {
  /** Towards the remote side: process_vm_writev(). */
  readonly write: boolean;
  /** RLIMIT_STACK of the caller, bytes. */
  readonly stackLimit: number;
  /** Whether the remote side grows stacks, as it did before 6.5 (K-173). */
  readonly grows: boolean;
}

/** processVmStop() of a copy that the remote side ended, and of one that the local side did. */
const REMOTE_STOP = 1;
const LOCAL_STOP = 2;

/**
 * find_extend_vma() as get_user_pages() had it: has a stack grown down to the page that stopped the copy?
 * The page is read, as the copy would have.
 */
function grewStack({ core, ptr }: Mm, addr: number, stackLimit: number): boolean {
  if (core.exports.processVmStop() !== REMOTE_STOP) return false;
  return core.exports.accessRemoteVm(ptr, addr, core.bounce, 1, 0, stackLimit) === 1;
}

/**
 * Copies one stretch that is contiguous on both sides; returns the bytes before either side failed.
 * @param segment bytes of the remote segment from there on, which are pinned before the first is copied
 */
function copyStretch(
  remoteMm: Mm,
  remoteAddr: number,
  localMm: Mm,
  localAddr: number,
  length: number,
  segment: number,
  write: boolean,
  stackLimit: number,
  grows: boolean,
): number {
  const { exports } = remoteMm.core;
  let done = 0;
  while (!remoteMm.watched) {
    done += exports.processVmCopy(
      remoteMm.ptr,
      remoteAddr + done,
      localMm.ptr,
      localAddr + done,
      length - done,
      write,
      stackLimit,
      Math.min(segment - done, PVM_MAX_KMALLOC_PAGES * PAGE_SIZE),
    );
    if (done === length) return done;
    const stop = exports.gupStop();
    if (stop === NEED_HOST) break;
    if (stopMended(remoteMm, stop)) continue;
    if (!grows || !grewStack(remoteMm, remoteAddr + done, stackLimit)) return done;
  }
  const rest = length - done;
  const [there, here] = [remoteAddr + done, localAddr + done];
  pinSegment(remoteMm, there, segment - done, write, stackLimit);
  return done + copyPieces(remoteMm, there, localMm, here, rest, write, stackLimit, grows);
}

/** Faults in what is pinned of a remote segment before its first byte is copied, as far as that goes. */
function pinSegment(
  mm: Mm,
  addr: number,
  segment: number,
  write: boolean,
  stackLimit: number,
): void {
  const length = Math.min(segment, PVM_MAX_KMALLOC_PAGES * PAGE_SIZE);
  const flags = FOLL_PIN | (write ? FOLL_WRITE : 0);
  const { exports } = mm.core;
  for (let done = 0; done < length;) {
    done += exports.accessRuns(mm.ptr, addr + done, length - done, flags, stackLimit, false);
    const stop = exports.gupStop();
    if (done < length && stop !== 0 && !stopMended(mm, stop)) return;
  }
}

/** Bytes from an address to the end of its page. */
function pageRest(addr: number): number {
  return PAGE_SIZE - (addr % PAGE_SIZE);
}

/** Pins a part of a page of the other process for writing; returns the bytes that could be had. */
function pin(mm: Mm, addr: number, length: number, stackLimit: number, grows: boolean): number {
  const { exports } = mm.core;
  const flags = FOLL_PIN | FOLL_WRITE;
  let covered = exports.accessRuns(mm.ptr, addr, length, flags, stackLimit, grows);
  while (covered < length && stopMended(mm, exports.gupStop())) {
    covered = exports.accessRuns(mm.ptr, addr, length, flags, stackLimit, grows);
  }
  return covered;
}

/**
 * The same page by page, where either side is watched or the caller's a device: through the host. What the
 * core's processVmStop() says is said here, too.
 */
function copyPieces(
  remoteMm: Mm,
  remoteAddr: number,
  localMm: Mm,
  localAddr: number,
  length: number,
  write: boolean,
  stackLimit: number,
  grows: boolean,
): number {
  const { exports } = remoteMm.core;
  const page = new Uint8Array(PAGE_SIZE);
  let done = 0;
  let stop = 0;
  while (done < length && stop === 0) {
    const [there, here] = [remoteAddr + done, localAddr + done];
    // Within a page on both sides, as the core copies onto itself.
    const room = Math.min(pageRest(there), pageRest(here));
    const piece = page.subarray(0, Math.min(length - done, room));
    let had: number;
    let moved: number;
    if (write) {
      // The other side's pages are had first, and what could not be had is not loaded.
      had = pin(remoteMm, there, piece.length, stackLimit, grows);
      const given = piece.subarray(0, loadUser(localMm, here, piece.subarray(0, had)));
      const flags = FOLL_PIN | FOLL_WRITE;
      moved = copyRemote(remoteMm, there, given, flags, stackLimit, grows, 'process_vm');
    } else {
      had = copyRemote(remoteMm, there, piece, FOLL_PIN, stackLimit, grows, null);
      moved = storeUser(localMm, here, piece.subarray(0, had));
      const read = piece.subarray(0, moved);
      noteAccess(remoteMm, there, 'read', read, read, 'process_vm');
    }
    done += moved;
    if (moved < had) stop = LOCAL_STOP;
    else if (had < piece.length) stop = REMOTE_STOP;
  }
  exports.setProcessVmStop(stop);
  return done;
}

/**
 * When the local side ends or fails in the middle of a remote segment, the pages behind that were pinned
 * all the same, and so faulted in: process_vm_rw_single_vec().
 * @param reached bytes of the segment up to the last page that was looked at
 */
function pinRest(
  remoteMm: Mm,
  { addr, length }: RemoteSegment,
  reached: number,
  write: boolean,
  stackLimit: number,
): void {
  const at = coreAddress(addr);
  const first = Math.floor(at / PAGE_SIZE);
  const end = Math.floor((at + length - 1) / PAGE_SIZE) + 1;
  const next = Math.floor((at + reached) / PAGE_SIZE) + 1;
  const batch = Math.ceil((next - first) / PVM_MAX_KMALLOC_PAGES) * PVM_MAX_KMALLOC_PAGES;
  const bytes = (Math.min(end, first + batch) - next) * PAGE_SIZE;
  pinSegment(remoteMm, next * PAGE_SIZE, bytes, write, stackLimit);
}

/**
 * Copies between one stretch of another process's memory and one of the caller's, as far as the shorter
 * reaches; returns the bytes before either side failed. Makes no object.
 * @param write towards the remote side: process_vm_writev()
 * @param stackLimit RLIMIT_STACK of the caller, bytes
 * @param grows whether the remote side grows stacks, as it did before 6.5 (K-173)
 * @throws {LinuxError} EFAULT: not one byte could be copied
 * @see mm/process_vm_access.c, process_vm_rw_single_vec()
 */
export function processVmPair(
  remoteMm: Mm,
  remoteAddr: U64,
  remoteLength: number,
  localMm: Mm,
  localAddr: number,
  localLength: number,
  write: boolean,
  stackLimit: number,
  grows: boolean,
): number {
  const at = coreAddress(remoteAddr);
  const count = Math.min(remoteLength, localLength);
  const done = copyStretch(
    remoteMm,
    at,
    localMm,
    localAddr,
    count,
    remoteLength,
    write,
    stackLimit,
    grows,
  );
  if (done === remoteLength) return done;
  const ended = done === count;
  if (ended || remoteMm.core.exports.processVmStop() === LOCAL_STOP) {
    const segment = { addr: at, length: remoteLength };
    pinRest(remoteMm, segment, ended ? done - 1 : done, write, stackLimit);
  }
  return done > 0 ? done : fail(EFAULT);
}

/**
 * Copies between two address spaces, filling the segments of both sides in order; returns the bytes
 * before the first page or byte that failed (K-215). The remote side needs plain permission: no
 * FOLL_FORCE, no stack growth (K-173, K-214).
 * @throws {LinuxError} EFAULT: not one byte could be copied
 * @see mm/process_vm_access.c, process_vm_rw_core()
 */
export function processVmRw(
  remoteMm: Mm,
  remote: readonly RemoteSegment[],
  localMm: Mm,
  local: readonly LocalSegment[],
  { write, stackLimit, grows }: ProcessVmRules,
): number {
  const { exports } = remoteMm.core;
  let total = 0;
  let index = 0;
  let offset = 0;
  for (const there of remote) {
    const at = coreAddress(there.addr);
    let done = 0;
    while (done < there.length) {
      const here = local[index];
      if (here === undefined) {
        if (done > 0) pinRest(remoteMm, there, done - 1, write, stackLimit);
        return total;
      }
      const room = here.length - offset;
      if (room === 0) {
        index += 1;
        offset = 0;
        continue;
      }
      const count = Math.min(room, there.length - done);
      const [from, to] = [at + done, here.addr + offset];
      const copied = copyStretch(
        remoteMm,
        from,
        localMm,
        to,
        count,
        there.length - done,
        write,
        stackLimit,
        grows,
      );
      total += copied;
      if (copied < count) {
        const ended = exports.processVmStop() === LOCAL_STOP;
        if (ended) pinRest(remoteMm, there, done + copied, write, stackLimit);
        return total > 0 ? total : fail(EFAULT);
      }
      done += count;
      offset += count;
    }
  }
  return total;
}

/**
 * The same between another address space and an array of the host.
 * @param most bytes that are copied at most: the array counts as no longer
 * @throws {LinuxError} EFAULT: not one byte could be copied
 */
export function processVmHost(
  remoteMm: Mm,
  addr: U64,
  host: Uint8Array,
  most: number,
  { write, stackLimit, grows }: ProcessVmRules,
): number {
  const flags = FOLL_PIN | (write ? FOLL_WRITE : 0);
  const bytes = most < host.length ? host.subarray(0, most) : host;
  const at = coreAddress(addr);
  const done = copyRemote(remoteMm, at, bytes, flags, stackLimit, grows, 'process_vm');
  if (done === 0) fail(EFAULT);
  if (done === bytes.length && done < host.length) {
    pinRest(remoteMm, { addr, length: host.length }, done - 1, write, stackLimit);
  }
  return done;
}
