import { EFAULT, EIO, ENOMEM } from '../../assembly/abi/errno.js';
import { NEED_HOST, NEED_PAGE, NEED_USERFAULT } from '../../assembly/abi/fault.js';
import { FOLL_WRITE } from '../../assembly/abi/foll.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { checked, fail } from '../errno.js';
import { BOUNCE_MAX } from '../wasm/core.js';
import { coreAddress, type U64 } from './address.js';
import { copyRunsNoted } from './hooked.js';
import type { Mm } from './mm.js';
import { stopMended } from './stop.js';
import { loadUser, storeUser, type GuestBuffer, type UserBuffer } from './user.js';
import type { AccessPath } from './watch.js';

/**
 * Copies between `bytes` and `mm` until the first page that refuses; returns the bytes copied, and
 * leaves the reason in the core's gupStop(). Who watches is told that it was done by `by`, if that is given.
 */
export function copyRemote(
  mm: Mm,
  addr: number,
  bytes: Uint8Array,
  gupFlags: number,
  stackLimit: number,
  grows: boolean,
  by: AccessPath | null,
): number {
  const { core, ptr } = mm;
  const { exports } = core;
  const write = (gupFlags & FOLL_WRITE) !== 0;
  let done = 0;
  while (done < bytes.length) {
    const left = bytes.length - done;
    const covered = exports.accessRuns(ptr, addr + done, left, gupFlags, stackLimit, grows);
    if (mm.watched) {
      const part = bytes.subarray(done, done + covered);
      copyRunsNoted(mm, addr + done, part, write ? 'write' : 'read', by);
    } else if (covered > 0) {
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
  by: AccessPath,
): number {
  const { core, ptr } = mm;
  const write = (gupFlags & FOLL_WRITE) !== 0;
  const length = bytes.length;
  if (write) core.fillBounce(bytes);
  const { exports } = core;
  const done = exports.accessRemoteVm(ptr, addr, core.bounce, length, gupFlags, stackLimit);
  if (!write) core.takeBounce(bytes, done);
  return done === length ? done : goOn(mm, addr, bytes, done, gupFlags, stackLimit, by);
}

/** What follows the first `done` bytes, where what stopped them can be mended. */
function goOn(
  mm: Mm,
  addr: number,
  bytes: Uint8Array,
  done: number,
  gupFlags: number,
  stackLimit: number,
  by: AccessPath,
): number {
  if (!stopMended(mm, mm.core.exports.gupStop())) return done;
  // Not through the buffer again: whoever mended it may have used that.
  return done + copyRemote(mm, addr + done, bytes.subarray(done), gupFlags, stackLimit, true, by);
}

/**
 * Copies between `bytes` and a part of one page when nothing has to be done for it first, as for most reads
 * and writes: no fault, no FOLL_FORCE, nobody to tell. Returns the bytes copied, or 0 when the calls below have to be
 * made instead. `mm` is alive.
 */
export function copyReady(mm: Mm, addr: U64, bytes: Uint8Array, write: boolean): number {
  const { length } = bytes;
  if (length > PAGE_SIZE || mm.watched || typeof addr !== 'number') return 0;
  const { core } = mm;
  const place = core.exports.readyPlace(mm.ptr, addr, length, write) >>> 0;
  if (place === 0) return 0;
  if (write) core.copyPlaceIn(place, bytes);
  else core.copyPlaceOut(place, bytes);
  return length;
}

/**
 * Copies bytes between the host and the memory of `mm`, up to the first page that cannot be had;
 * returns how many, 0 when there is none. Stacks grow as on access from outside (K-170).
 * @param gupFlags FOLL_WRITE to write, FOLL_FORCE to override the protection of private mappings
 * @param by what those who watch the memory are told
 * @see mm/memory.c, access_remote_vm()
 */
export function accessRemoteVm(
  mm: Mm,
  addr: U64,
  bytes: Uint8Array,
  gupFlags: number,
  stackLimit = mm.stackLimit,
  by: AccessPath = 'proc',
): number {
  if (!mm.alive) return 0;
  const at = coreAddress(addr);
  if (bytes.length <= BOUNCE_MAX && !mm.watched) {
    return copyRemoteSmall(mm, at, bytes, gupFlags, stackLimit, by);
  }
  return copyRemote(mm, at, bytes, gupFlags, stackLimit, true, by);
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
  if (mm.watched) return memRwPieces(mm, addr, buf, gupFlags, stackLimit, 0);
  let from = 0;
  while (true) {
    const n = exports.memRw(mm.ptr, addr, buf.mm.ptr, at, length, from, gupFlags, stackLimit);
    if (n === -NEED_HOST) {
      return memRwPieces(mm, addr, buf, gupFlags, stackLimit, exports.memRwDone());
    }
    if (n !== -NEED_PAGE && n !== -NEED_USERFAULT) return checked(n);
    from = exports.memRwDone();
    if (!stopMended(mm, -n)) return from > 0 ? from : fail(EIO);
  }
}

/**
 * The core's memRw() from byte `from` on, chunk by chunk, where either side is watched or the buffer is a
 * device's: one copy to the host and one from there.
 */
function memRwPieces(
  mm: Mm,
  addr: number,
  buf: GuestBuffer,
  gupFlags: number,
  stackLimit: number,
  from: number,
): number {
  const { exports } = mm.core;
  const write = (gupFlags & FOLL_WRITE) !== 0;
  const page = new Uint8Array(PAGE_SIZE);
  const near = coreAddress(buf.addr);
  let copied = from;
  const stopped = (): never => {
    exports.setMemRwDone(copied);
    return fail(EFAULT);
  };
  while (copied < buf.length) {
    const chunk = page.subarray(0, Math.min(PAGE_SIZE, buf.length - copied));
    if (write && loadUser(buf.mm, near + copied, chunk) < chunk.length) stopped();
    const done = copyRemote(mm, addr + copied, chunk, gupFlags, stackLimit, true, 'mem');
    if (done === 0) {
      if (copied > 0) return copied;
      return fail(exports.gupStop() === ENOMEM ? ENOMEM : EIO);
    }
    const bytes = chunk.subarray(0, done);
    if (!write && storeUser(buf.mm, near + copied, bytes) < done) stopped();
    copied += done;
  }
  return copied;
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
  if (buf.guest === null) return memRwHost(mm, addr, buf.host as Uint8Array, gupFlags, stackLimit);
  if (!mm.alive || buf.length === 0) return 0;
  return memRwGuest(mm, coreAddress(addr), buf.guest, gupFlags, stackLimit);
}

/**
 * The same with an array of the host, which cannot fault.
 * @throws {LinuxError} EIO, ENOMEM: as memRw()
 */
export function memRwHost(
  mm: Mm,
  addr: U64,
  bytes: Uint8Array,
  gupFlags: number,
  stackLimit: number,
): number {
  const { length } = bytes;
  if (!mm.alive || length === 0) return 0;
  const at = coreAddress(addr);
  const done =
    length <= BOUNCE_MAX && !mm.watched
      ? copyRemoteSmall(mm, at, bytes, gupFlags, stackLimit, 'mem')
      : copyRemote(mm, at, bytes, gupFlags, stackLimit, true, 'mem');
  return done > 0 ? done : nothingCopied(mm);
}

function nothingCopied(mm: Mm): never {
  return fail(mm.core.exports.gupStop() === ENOMEM ? ENOMEM : EIO);
}

/**
 * How far the last memRw() of this machine had moved its position when it threw EFAULT: the chunks it had
 * finished, in bytes (K-112).
 */
export function memRwAdvance(mm: Mm): number {
  return mm.core.exports.memRwDone();
}
