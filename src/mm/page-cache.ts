import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { MAPPING_NR_PAGES, MAPPING_VMAS, MAPPING_WRITABLE } from '../../assembly/abi/layout.js';
import { EIO, ENOMEM } from '../../assembly/abi/errno.js';
import { LinuxError, fail } from '../errno.js';
import type { Core, PageLoader, Ptr } from '../wasm/core.js';
import type { U64 } from './address.js';
import { liveObjects } from './registry.js';

/** The page a byte is in, and where in it. */
function pageOf(pos: U64): { index: number; offset: number } {
  if (typeof pos === 'number') {
    return { index: Math.floor(pos / PAGE_SIZE), offset: pos % PAGE_SIZE };
  }
  return { index: Number(pos / 4096n), offset: Number(pos % 4096n) };
}

/** Bytes from `pos` to `end`, 0 when it is not before it. */
function distance(pos: U64, end: U64): number {
  if (typeof pos === 'number' && typeof end === 'number') return Math.max(end - pos, 0);
  return Number(end > pos ? BigInt(end) - BigInt(pos) : 0n);
}

/** `value + count`, within 2^63. */
function addU64(value: U64, count: number): U64 {
  const sum = typeof value === 'number' ? value + count : NaN;
  return Number.isSafeInteger(sum) ? sum : BigInt(value) + BigInt(count);
}

/** A size as the core takes it: a number too large for that is rounded up to a page, which it can hold. */
function asF64(size: U64): number {
  return typeof size === 'number' ? size : Number((size + 4095n) / 4096n) * PAGE_SIZE;
}

/** How the pages of a file come to be. */
export interface PageCacheOptions {
  /** 'memory': holes are zeros (tmpfs, memfd, shared anonymous memory); 'host': `fill` loads them. */
  readonly kind: 'memory' | 'host';
  /**
   * Puts the contents of page `index` into `page`, 4096 bytes of zeros that it must not keep; may throw, which
   * the access that needed the page sees as EIO.
   */
  readonly fill?: (index: number, page: Uint8Array) => void;
  /** The file becomes shorter: what lay behind `size` is zeros from now on. */
  readonly shrink?: (size: number) => void;
  /** Every write is given to the host at once: pages stay clean, and `fill` can load them again. */
  readonly writesThrough?: boolean;
  /** The pages have gone. */
  readonly freed?: () => void;
  /** Whether `fill` is known to throw for a page; without it nobody knows before it is tried. */
  readonly isLost?: (index: number) => boolean;
}

/**
 * The pages of one file: what read and write copy, and what mappings of the file show.
 * @see include/linux/fs.h, struct address_space
 */
export class PageCache implements PageLoader {
  readonly core: Core;
  readonly ptr: Ptr<'mapping'>;
  private readonly id: number;
  private readonly options: PageCacheOptions;
  private bytes: U64 = 0;

  /** @throws {LinuxError} ENOMEM: no room for its head */
  constructor(core: Core, options: PageCacheOptions) {
    this.core = core;
    this.options = options;
    this.id = core.nextId();
    const kind = options.kind === 'host' ? 1 : 0;
    this.ptr = core.exports.mappingNew(kind, this.id) as Ptr<'mapping'>;
    if (this.ptr === 0) fail(ENOMEM);
    liveObjects(core).caches.add(this);
    if (options.fill !== undefined) core.addLoader(this.id, this);
  }

  /** Size of the file in bytes. */
  get size(): U64 {
    return this.bytes;
  }

  /** Whether a page that is not in memory is zeros, rather than on a disk. */
  get holesAreZeros(): boolean {
    return this.options.kind === 'memory';
  }

  /** Whether some pages of it may be known to be lost. */
  get mayLose(): boolean {
    return this.options.isLost !== undefined;
  }

  /** Whether page `index` is known to be lost: not in memory, and nowhere else. */
  isLost(index: number): boolean {
    return this.options.isLost?.(index) === true && !this.isCached(index);
  }

  /** Pages in memory. */
  get cachedPages(): number {
    return this.core.readU32(this.ptr + MAPPING_NR_PAGES);
  }

  /** Is page `index` in memory? */
  isCached(index: number): boolean {
    return this.core.exports.mappingFind(this.ptr, index) !== 0;
  }

  /** Whether some memory maps it. */
  get isMapped(): boolean {
    return this.core.readU32(this.ptr + MAPPING_VMAS) !== 0;
  }

  /** Mappings through which the file could be written: i_mmap_writable. */
  get writableMappings(): number {
    return this.core.readU32(this.ptr + MAPPING_WRITABLE);
  }

  /** Loads page `index` of a file of the host: called when a fault needs it. */
  loadPage(index: number): void {
    const { exports } = this.core;
    const frame = this.grab(index, true);
    if (frame === 0) fail(ENOMEM);
    try {
      this.core.fillPage(frame, (page) => this.options.fill?.(index, page));
    } catch (error) {
      exports.mappingDrop(this.ptr, index);
      throw error instanceof LinuxError ? error : new LinuxError(EIO);
    }
  }

  /** The frame of page `index`, made where there is none; 0 when memory is exhausted, of host pages too. */
  private grab(index: number, zero: boolean): number {
    const { exports } = this.core;
    const frame = exports.mappingGrab(this.ptr, index, zero);
    if (frame !== 0 || reclaimCaches(this.core) === 0) return frame;
    return exports.mappingGrab(this.ptr, index, zero);
  }

  /** The frame of page `index`, loaded when it is the host's; 0 for a hole. */
  private frame(index: number): number {
    const { exports } = this.core;
    const cached = exports.mappingFind(this.ptr, index);
    if (cached !== 0 || this.options.kind === 'memory') return cached;
    this.loadPage(index);
    return exports.mappingFind(this.ptr, index);
  }

  /**
   * Copies page `index` into `page`, 4096 bytes of zeros, without keeping it in memory when it was not;
   * false where it is lost or beyond the end.
   */
  peek(index: number, page: Uint8Array): boolean {
    if (distance(index * PAGE_SIZE, this.bytes) === 0) return false;
    const frame = this.core.exports.mappingFind(this.ptr, index);
    if (frame !== 0) this.core.copyOut(frame, page, 0, PAGE_SIZE);
    if (frame !== 0 || this.options.kind === 'memory') return true;
    try {
      this.options.fill?.(index, page);
      return true;
    } catch {
      return false;
    }
  }

  /** The first page from `index` on that is in memory; null when there is none. */
  nextCached(index: number): number | null {
    const next = this.core.exports.mappingNext(this.ptr, index);
    return next < 2 ** 52 ? next : null;
  }

  /**
   * Copies bytes from `pos` on into `into`; returns how many, fewer only at the end of the file.
   * @throws {LinuxError} EIO: the host could not read; ENOMEM: no frame
   */
  read(pos: U64, into: Uint8Array): number {
    const length = Math.min(into.length, distance(pos, this.bytes));
    let { index, offset } = pageOf(pos);
    let done = 0;
    while (done < length) {
      const count = Math.min(length - done, PAGE_SIZE - offset);
      const frame = this.frame(index);
      if (frame === 0) into.fill(0, done, done + count);
      else this.core.copyOut(frame + offset, into, done, count);
      done += count;
      index += 1;
      offset = 0;
    }
    return done;
  }

  /**
   * Copies `from` into the file at `pos`, which grows as needed; returns the bytes written, fewer when
   * memory runs out on the way.
   * @throws {LinuxError} ENOMEM: not even the first page could be had
   */
  write(pos: U64, from: Uint8Array): number {
    let { index, offset } = pageOf(pos);
    let done = 0;
    while (done < from.length) {
      const count = Math.min(from.length - done, PAGE_SIZE - offset);
      const partial = count !== PAGE_SIZE;
      // What is not written of a page is the host's.
      if (partial && this.options.kind === 'host') this.frame(index);
      const frame = this.grab(index, partial);
      if (frame === 0) break;
      this.core.copyIn(frame + offset, from, done, count);
      this.wrote(index, frame);
      done += count;
      index += 1;
      offset = 0;
    }
    if (done === 0 && from.length > 0) fail(ENOMEM);
    const end = addU64(pos, done);
    if (end > this.bytes) this.resize(end);
    return done;
  }

  /** What a write does before it has a byte: makes the page at `pos`, dirty, and the file reach there; false without a frame. */
  beginWrite(pos: U64): boolean {
    const { index } = pageOf(pos);
    const frame = this.grab(index, true);
    if (frame === 0) return false;
    this.wrote(index, frame);
    if (pos > this.bytes) this.resize(pos);
    return true;
  }

  /** The bytes of a page changed; one that is written through stays as clean as it was. */
  private wrote(index: number, frame: number): void {
    const { exports } = this.core;
    const dirty = this.options.writesThrough !== true || this.testDirty(index, false);
    exports.mappingDirty(frame);
    if (!dirty) exports.mappingTestDirty(this.ptr, index, true);
  }

  /** Whether page `index` was written to since it was last clean; with `clean` it is from now on. */
  testDirty(index: number, clean: boolean): boolean {
    return this.core.exports.mappingTestDirty(this.ptr, index, clean);
  }

  /** Page `index` is not what its host has. */
  markDirty(index: number): void {
    const frame = this.core.exports.mappingFind(this.ptr, index);
    if (frame !== 0) this.core.exports.mappingDirty(frame);
  }

  /** Forgets page `index` of a file of the host, in mappings too, unless it is dirty. */
  invalidate(index: number): void {
    this.core.exports.mappingInvalidate(this.ptr, index);
  }

  /** Gives back the pages that can be loaded again and that nothing maps; how many. */
  reclaim(): number {
    if (this.options.kind !== 'host') return 0;
    return this.core.exports.mappingReclaim(this.ptr);
  }

  /** Sets the size: pages past a smaller one leave the cache and every mapping (K-167). */
  resize(size: U64): void {
    if (size < this.bytes) this.options.shrink?.(Number(size));
    this.bytes = size;
    this.core.exports.mappingSetSize(this.ptr, asF64(size));
  }

  /**
   * Gives every page of [start, end) memory; to whoever looks it stays a hole until it is used.
   * @throws {LinuxError} ENOMEM: no frame, and what was made is gone again
   * @see mm/shmem.c, shmem_fallocate()
   */
  allocate(start: number, end: number): void {
    const { exports } = this.core;
    const last = Math.ceil(end / PAGE_SIZE);
    const made: number[] = [];
    for (let index = Math.floor(start / PAGE_SIZE); index < last; index++) {
      const result = exports.mappingReserve(this.ptr, index);
      if (result > 0) made.push(index);
      if (result >= 0) continue;
      made.forEach((page) => exports.mappingDrop(this.ptr, page));
      fail(ENOMEM);
    }
  }

  /** Makes [start, end) a hole, whole pages of it without memory behind them. */
  punchHole(start: number, end: number): void {
    this.core.exports.mappingPunch(this.ptr, start, end);
  }

  /** Gives all frames back; no mapping and no open file may refer to it any more. */
  free(): void {
    this.core.removeLoader(this.id);
    liveObjects(this.core).caches.delete(this);
    this.core.exports.mappingFree(this.ptr);
    this.options.freed?.();
  }
}

/** Memory is short: gives back what files of the host can load again; how many pages. */
export function reclaimCaches(core: Core): number {
  let count = 0;
  for (const cache of liveObjects(core).caches) count += cache.reclaim();
  return count;
}
