import { EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { U64 } from '../mm/address.js';
import { accessOk } from '../mm/address.js';
import type { Mm } from '../mm/mm.js';
import { loadUser } from '../mm/user.js';
import { toUserAddr } from './user-address.js';

/** Segments of one call at most (include/uapi/linux/uio.h). */
export const UIO_MAXIOV = 1024;
/** Bytes one read or write moves at most: INT_MAX rounded down to a page (K-109). */
export const MAX_RW_COUNT = 0x7ffff000;

const IOVEC_BYTES = 16;

/** One segment: an address of a memory and a length in bytes, below 2^63. */
export interface Iovec {
  readonly addr: U64;
  readonly length: number;
}

/** A segment known to lie in user space. */
export interface UserIovec extends Iovec {
  readonly addr: number;
}

/**
 * Reads an array of struct iovec; the segments themselves are not looked at.
 * @throws {LinuxError} EINVAL: more than 1024 segments, or a length of 2^63 or more
 * @throws {LinuxError} EFAULT: the array is not there
 * @see lib/iov_iter.c, iovec_from_user()
 */
export function iovecFromUser(mm: Mm, addr: U64, count: U64): Iovec[] {
  // As an unsigned number, so that a negative count is too large.
  if (count > UIO_MAXIOV) fail(EINVAL);
  if (Number(count) === 0) return [];
  const bytes = new Uint8Array(Number(count) * IOVEC_BYTES);
  if (!accessOk(addr, bytes.length)) fail(EFAULT);
  const readable = loadUser(mm, addr, bytes);
  const view = new DataView(bytes.buffer);
  // One by one, as the kernel fetches them: a bad length comes before a later entry that is not there.
  return Array.from({ length: Number(count) }, (_, index) => {
    const at = index * IOVEC_BYTES;
    if (at + IOVEC_BYTES > readable) fail(EFAULT);
    const length = view.getBigInt64(at + 8, true);
    if (length < 0n) fail(EINVAL);
    return { addr: toUserAddr(view.getBigUint64(at, true)), length: Number(length) };
  });
}

/**
 * Reads an array of struct iovec of the caller's own memory: every segment must lie in user space,
 * and the total is cut at MAX_RW_COUNT.
 * @throws {LinuxError} EINVAL, EFAULT: see iovecFromUser(); EFAULT also: a segment outside user
 *   space (K-210)
 * @see lib/iov_iter.c, __import_iovec()
 */
export function importIovec(mm: Mm, addr: U64, count: U64): UserIovec[] {
  let left = MAX_RW_COUNT;
  const segments = iovecFromUser(mm, addr, count);
  return segments.map(({ addr: base, length: whole }) => {
    const length = Math.min(whole, left);
    // A lone segment is cut before its range is checked, several are checked whole (import_ubuf()).
    if (!accessOk(base, segments.length === 1 ? length : whole)) fail(EFAULT);
    left -= length;
    return { addr: Number(base), length };
  });
}
