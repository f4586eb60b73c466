import { EFAULT } from '../../assembly/abi/errno.js';
import { NEED_HOST, NEED_PAGE } from '../../assembly/abi/fault.js';
import { FOLL_PIN, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { copyRemote } from './access.js';
import { coreAddress, type U64 } from './address.js';
import type { Mm } from './mm.js';
import { loaded } from './need-page.js';
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

/**
 * Copies one stretch that is contiguous on both sides; returns the bytes before either side failed.
 * @see mm/process_vm_access.c, process_vm_rw_single_vec()
 */
export function processVmStretch(
  remoteMm: Mm,
  remoteAddr: number,
  localMm: Mm,
  localAddr: number,
  length: number,
  write: boolean,
  stackLimit: number,
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
    );
    if (done === length) return done;
    const stop = exports.gupStop();
    if (stop === NEED_HOST) break;
    if (stop !== NEED_PAGE || !loaded(remoteMm)) return done;
  }
  const rest = length - done;
  const [there, here] = [remoteAddr + done, localAddr + done];
  return done + copyPieces(remoteMm, there, localMm, here, rest, write, stackLimit);
}

/** Bytes from an address to the end of its page. */
function pageRest(addr: number): number {
  return PAGE_SIZE - (addr % PAGE_SIZE);
}

/** Pins the pages of a stretch of the other process for writing; returns the bytes that could be had. */
function pin(mm: Mm, addr: number, length: number, stackLimit: number): number {
  const { exports } = mm.core;
  const flags = FOLL_PIN | FOLL_WRITE;
  let covered = exports.accessRuns(mm.ptr, addr, length, flags, stackLimit, false);
  while (covered < length && exports.gupStop() === NEED_PAGE && loaded(mm)) {
    covered = exports.accessRuns(mm.ptr, addr, length, flags, stackLimit, false);
  }
  return covered;
}

/** The same page by page, where either side is watched or the caller's a device: through the host. */
function copyPieces(
  remoteMm: Mm,
  remoteAddr: number,
  localMm: Mm,
  localAddr: number,
  length: number,
  write: boolean,
  stackLimit: number,
): number {
  const page = new Uint8Array(PAGE_SIZE);
  let done = 0;
  while (done < length) {
    const [there, here] = [remoteAddr + done, localAddr + done];
    // Within a page on both sides, as the core copies onto itself.
    const room = Math.min(pageRest(there), pageRest(here));
    const piece = page.subarray(0, Math.min(length - done, room));
    let moved: number;
    if (write) {
      // The other side's pages are had first, and what could not be had is not loaded.
      const bytes = piece.subarray(0, pin(remoteMm, there, piece.length, stackLimit));
      const given = bytes.subarray(0, loadUser(localMm, here, bytes));
      const flags = FOLL_PIN | FOLL_WRITE;
      moved = copyRemote(remoteMm, there, given, flags, stackLimit, false, 'process_vm');
    } else {
      const got = copyRemote(remoteMm, there, piece, FOLL_PIN, stackLimit, false, null);
      moved = storeUser(localMm, here, piece.subarray(0, got));
      const read = piece.subarray(0, moved);
      noteAccess(remoteMm, there, 'read', read, read, 'process_vm');
    }
    done += moved;
    if (moved < piece.length) break;
  }
  return done;
}

/**
 * Copies between two address spaces, filling the segments of both sides in order; returns the bytes
 * before the first page or byte that failed (K-215). The remote side needs plain permission: no
 * FOLL_FORCE, no stack growth (K-173, K-214).
 * @param write towards the remote side: process_vm_writev()
 * @param stackLimit RLIMIT_STACK of the caller, bytes
 * @throws {LinuxError} EFAULT: not one byte could be copied
 * @see mm/process_vm_access.c, process_vm_rw_core()
 */
export function processVmRw(
  remoteMm: Mm,
  remote: readonly RemoteSegment[],
  localMm: Mm,
  local: readonly LocalSegment[],
  write: boolean,
  stackLimit: number,
): number {
  let total = 0;
  let index = 0;
  let offset = 0;
  for (let i = 0; i < remote.length; i++) {
    const { addr, length } = remote[i] as RemoteSegment;
    const at = coreAddress(addr);
    let done = 0;
    while (done < length) {
      const segment = local[index];
      if (segment === undefined) return total;
      const room = segment.length - offset;
      if (room === 0) {
        index += 1;
        offset = 0;
        continue;
      }
      const count = Math.min(room, length - done);
      const near = segment.addr + offset;
      const copied = processVmStretch(remoteMm, at + done, localMm, near, count, write, stackLimit);
      total += copied;
      if (copied < count) return total > 0 ? total : fail(EFAULT);
      done += count;
      offset += count;
    }
  }
  return total;
}

/**
 * The same between another address space and an array of the host.
 * @throws {LinuxError} EFAULT: not one byte could be copied
 */
export function processVmHost(
  remoteMm: Mm,
  addr: U64,
  host: Uint8Array,
  write: boolean,
  stackLimit: number,
): number {
  const flags = FOLL_PIN | (write ? FOLL_WRITE : 0);
  const at = coreAddress(addr);
  const done = copyRemote(remoteMm, at, host, flags, stackLimit, false, 'process_vm');
  return done > 0 ? done : fail(EFAULT);
}
