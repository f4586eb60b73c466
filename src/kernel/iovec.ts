import { EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { U64 } from '../mm/address.js';
import { accessOk } from '../mm/address.js';
import type { Mm } from '../mm/mm.js';
import { loadUserWords } from '../mm/user.js';
import { joinWords } from './user-address.js';

/** Segments of one call at most (include/uapi/linux/uio.h). */
export const UIO_MAXIOV = 1024;
/** Bytes one read or write moves at most: INT_MAX rounded down to a page (K-109). */
export const MAX_RW_COUNT = 0x7ffff000;

const IOVEC_BYTES = 16;
const IOVEC_WORDS = 4;
const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;

/** One segment: an address of a memory and a length in bytes, below 2^63. */
export interface Iovec {
  readonly addr: U64;
  length: number;
}

/** A segment known to lie in user space. */
export interface UserIovec extends Iovec {
  readonly addr: number;
}

/** iov_base of the entry at a word's index. @throws {LinuxError} EFAULT: the entry is not there */
export function iovecBase(words: Uint32Array, at: number): U64 {
  if (at + IOVEC_WORDS > words.length) fail(EFAULT);
  return joinWords(words[at] as number, words[at + 1] as number);
}

/** iov_len of the entry at a word's index. @throws {LinuxError} EINVAL: 2^63 or more */
export function iovecLength(words: Uint32Array, at: number): number {
  const high = words[at + 3] as number;
  if (high >= TWO_31) fail(EINVAL);
  return high * TWO_32 + (words[at + 2] as number);
}

/**
 * The words of an array of struct iovec.
 * @throws {LinuxError} EFAULT: outside user space
 */
export function iovecWords(mm: Mm, addr: U64, entries: number): Uint32Array {
  if (!accessOk(addr, entries * IOVEC_BYTES)) fail(EFAULT);
  return loadUserWords(mm, addr, entries * IOVEC_WORDS);
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
  const entries = Number(count);
  const words = iovecWords(mm, addr, entries);
  const segments: Iovec[] = [];
  // One by one, as the kernel fetches them: a bad length comes before a later entry that is not there.
  for (let at = 0; at < entries * IOVEC_WORDS; at += IOVEC_WORDS) {
    segments.push({ addr: iovecBase(words, at), length: iovecLength(words, at) });
  }
  return segments;
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
  const alone = segments.length === 1;
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i] as Iovec;
    const length = Math.min(segment.length, left);
    // A lone segment is cut before its range is checked, several are checked whole (import_ubuf()).
    if (!accessOk(segment.addr, alone ? length : segment.length)) fail(EFAULT);
    left -= length;
    segment.length = length;
  }
  // accessOk() has seen that each address is a number.
  return segments as UserIovec[];
}
