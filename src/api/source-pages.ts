import { EIO } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { ByteSource } from '../elf/source.js';
import { fail } from '../errno.js';
import type { PageCacheOptions } from '../mm/page-cache.js';

/** Bytes of a source that are bytes of a file. */
export interface SourceExtent {
  /** Where in the source the first of them lies. */
  readonly offset: number;
  /** Where in the file it comes. */
  readonly start: number;
  /** How many there are. */
  readonly length: number;
}

/** Pages of a file that are read from a source when they are needed. */
export class SourcePages implements PageCacheOptions {
  readonly kind = 'host';
  /** Null: no page can be had. */
  private readonly source: ByteSource | null;
  /** In rising order of `start`, none over another. */
  private readonly extents: readonly SourceExtent[];
  private readonly gaps: 'zeros' | 'lost';

  /**
   * @param extents in rising order of their places in the file
   * @param gaps what pages are that the source has nothing of: zeros, or lost as a disk loses them
   */
  constructor(
    source: ByteSource | null,
    extents: readonly SourceExtent[],
    gaps: 'zeros' | 'lost' = 'lost',
  ) {
    this.source = source;
    this.extents = extents;
    this.gaps = gaps;
  }

  /** @throws {LinuxError} EIO: the page is lost, or the source ends before it should */
  fill(index: number, page: Uint8Array): void {
    const from = index * PAGE_SIZE;
    const to = from + PAGE_SIZE;
    let found = false;
    for (let i = this.firstBehind(from); i < this.extents.length; i++) {
      const { offset, start, length } = this.extents[i] as SourceExtent;
      if (start >= to) break;
      const at = Math.max(start, from);
      const count = Math.min(start + length, to) - at;
      const bytes = this.source?.read(offset + at - start, count) ?? fail(EIO);
      if (bytes.length < count && this.gaps === 'lost') fail(EIO);
      page.set(bytes, at - from);
      found = true;
    }
    if (!found && this.gaps === 'lost') fail(EIO);
  }

  /** The first extent that ends behind a position. */
  private firstBehind(pos: number): number {
    let low = 0;
    let high = this.extents.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { start, length } = this.extents[middle] as SourceExtent;
      if (start + length <= pos) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Pages that nobody has: each is lost. */
export const LOST_PAGES = new SourcePages(null, []);
