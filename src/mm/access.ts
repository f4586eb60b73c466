import { EIO, ENOMEM } from '../../assembly/abi/errno.js';
import { NEED_PAGE, NEED_USERFAULT } from '../../assembly/abi/fault.js';
import { FOLL_WRITE } from '../../assembly/abi/foll.js';
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
export function copyRemote(
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
