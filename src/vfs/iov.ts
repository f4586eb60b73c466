import { EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Mm } from '../mm/mm.js';
import { copyFromUser, GuestBuffer } from '../mm/user.js';
import type { UserBuffer } from '../mm/user.js';
import { MAX_RW_COUNT } from './flags.js';
import { isNegative, toU64 } from './u64.js';
import type { U64 } from './u64.js';

/** Segments one call may have (include/uapi/linux/uio.h). */
const UIO_MAXIOV = 1024;
/** Bytes of a struct iovec: base, length. */
const IOVEC_SIZE = 16;

/**
 * Reads an array of struct iovec and checks it: the segments of a vectored call, together at most
 * MAX_RW_COUNT bytes.
 * @throws {LinuxError} EINVAL: more than 1024 or fewer than 0 segments, or a negative length;
 *   EFAULT: the array is not readable, or a segment is no user range
 * @see lib/iov_iter.c __import_iovec()
 */
export function importIovec(mm: Mm, iov: U64, count: U64): UserBuffer[] {
  if (isNegative(count) || count > UIO_MAXIOV) fail(EINVAL);
  const n = Number(count);
  if (n === 0) return [];
  const bytes = copyFromUser(mm, iov, n * IOVEC_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const segments: UserBuffer[] = [];
  for (let at = 0; at < n * IOVEC_SIZE; at += IOVEC_SIZE) {
    const length = toU64(view.getBigUint64(at + 8, true));
    if (isNegative(length)) fail(EINVAL);
    segments.push(new GuestBuffer(mm, toU64(view.getBigUint64(at, true)), Number(length)));
  }
  return clampIovec(segments);
}

/** Cuts the segments to MAX_RW_COUNT bytes in all; each must be a user range. */
function clampIovec(segments: readonly UserBuffer[]): UserBuffer[] {
  let left = MAX_RW_COUNT;
  return segments.map((segment) => {
    // A lone segment is cut before its range is checked, several are checked whole (import_ubuf()).
    const cut = segment.length > left ? segment.slice(0, left) : segment;
    if (!(segments.length === 1 ? cut : segment).ok()) fail(EFAULT);
    left -= cut.length;
    return cut;
  });
}
