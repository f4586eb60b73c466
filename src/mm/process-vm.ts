import { EFAULT } from '../../assembly/abi/errno.js';
import { NEED_PAGE } from '../../assembly/abi/fault.js';
import { FOLL_PIN, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { fail } from '../errno.js';
import { copyRemote } from './access.js';
import { coreAddress, type U64 } from './address.js';
import type { Mm } from './mm.js';
import { loaded } from './user.js';

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
    if (done === length || exports.gupStop() !== NEED_PAGE || !loaded(remoteMm)) return done;
  }
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
  const done = copyRemote(remoteMm, coreAddress(addr), host, flags, stackLimit, false);
  return done > 0 ? done : fail(EFAULT);
}
