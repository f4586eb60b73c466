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

/** Segments as one buffer, for what is one message. */
export class GatheredBuffer implements UserBuffer {
  readonly length: number;
  readonly host = null;
  readonly guest = null;
  private readonly segments: readonly UserBuffer[];

  constructor(segments: readonly UserBuffer[]) {
    this.segments = segments;
    this.length = segments.reduce((sum, { length }) => sum + length, 0);
  }

  copyTo(offset: number, bytes: Uint8Array): number {
    return this.copy(offset, bytes, (segment, at, part) => segment.copyTo(at, part));
  }

  copyFrom(offset: number, bytes: Uint8Array): number {
    return this.copy(offset, bytes, (segment, at, part) => segment.copyFrom(at, part));
  }

  private copy(
    offset: number,
    bytes: Uint8Array,
    move: (segment: UserBuffer, at: number, part: Uint8Array) => number,
  ): number {
    let done = 0;
    let start = 0;
    for (const segment of this.segments) {
      const at = Math.max(offset + done - start, 0);
      start += segment.length;
      if (at >= segment.length || done === bytes.length) continue;
      const part = bytes.subarray(done, done + segment.length - at);
      const moved = move(segment, at, part);
      done += moved;
      if (moved < part.length) break;
    }
    return done;
  }

  slice(offset: number, length: number): GatheredBuffer {
    let left = length;
    let skip = offset;
    const parts = this.segments.flatMap((segment) => {
      const at = Math.min(skip, segment.length);
      skip -= at;
      const count = Math.min(segment.length - at, left);
      left -= count;
      return count === 0 ? [] : [segment.slice(at, count)];
    });
    return new GatheredBuffer(parts);
  }

  ok(): boolean {
    return this.segments.every((segment) => segment.ok());
  }
}
