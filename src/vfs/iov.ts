import { importIovec } from '../kernel/iovec.js';
import type { Mm } from '../mm/mm.js';
import { GuestBuffer, type UserBuffer } from '../mm/user.js';
import type { U64 } from './u64.js';

/**
 * The segments of a vectored call, an array of struct iovec, as buffers; together at most
 * MAX_RW_COUNT bytes.
 * @throws {LinuxError} EINVAL, EFAULT: see importIovec()
 */
export function importBuffers(mm: Mm, iov: U64, count: U64): UserBuffer[] {
  return importIovec(mm, iov, count).map(({ addr, length }) => new GuestBuffer(mm, addr, length));
}
