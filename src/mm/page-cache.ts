import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { MAPPING_NR_PAGES, MAPPING_WRITABLE } from '../../assembly/abi/layout.js';
import { EIO, ENOMEM } from '../../assembly/abi/errno.js';
import { LinuxError, fail } from '../errno.js';
import type { Core, PageLoader, Ptr } from '../wasm/core.js';
import { liveObjects } from './registry.js';

/** How the pages of a file come to be. */
export interface PageCacheOptions {
  /** 'memory': holes are zeros (tmpfs, memfd, shared anonymous memory); 'host': `fill` loads them. */
  readonly kind: 'memory' | 'host';
  /**
   * Puts the contents of page `index` into `page`, 4096 bytes of zeros; may throw, which the access that
   * needed the page sees as EIO.
   */
  readonly fill?: (index: number, page: Uint8Array) => void;
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
  private bytes = 0;

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
  get size(): number {
    return this.bytes;
  }

  /** Pages in memory. */
  get cachedPages(): number {
    return this.core.readU32(this.ptr + MAPPING_NR_PAGES);
  }

  /** Is page `index` in memory? */
  isCached(index: number): boolean {
    return this.core.exports.mappingFind(this.ptr, index) !== 0;
  }

  /** Mappings through which the file could be written: i_mmap_writable. */
  get writableMappings(): number {
    return this.core.readU32(this.ptr + MAPPING_WRITABLE);
  }

  /** Loads page `index` of a file of the host: called when a fault needs it. */
  loadPage(index: number): void {
    const { exports } = this.core;
    const frame = exports.mappingGrab(this.ptr, index, true);
    if (frame === 0) fail(ENOMEM);
    const page = new Uint8Array(PAGE_SIZE);
    try {
      this.options.fill?.(index, page);
    } catch (error) {
      exports.mappingDrop(this.ptr, index);
      throw error instanceof LinuxError ? error : new LinuxError(EIO);
    }
    this.core.copyIn(frame, page, 0, PAGE_SIZE);
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
   * Copies bytes from `pos` on into `into`; returns how many, fewer only at the end of the file.
   * @throws {LinuxError} EIO: the host could not read; ENOMEM: no frame
   */
  read(pos: number, into: Uint8Array): number {
    const length = Math.min(into.length, this.bytes - pos);
    let done = 0;
    while (done < length) {
      const at = pos + done;
      const offset = at % PAGE_SIZE;
      const count = Math.min(length - done, PAGE_SIZE - offset);
      const frame = this.frame(Math.floor(at / PAGE_SIZE));
      if (frame === 0) into.fill(0, done, done + count);
      else this.core.copyOut(frame + offset, into, done, count);
      done += count;
    }
    return Math.max(done, 0);
  }

  /**
   * Copies `from` into the file at `pos`, which grows as needed; returns the bytes written, fewer when
   * memory runs out on the way.
   * @throws {LinuxError} ENOMEM: not even the first page could be had
   */
  write(pos: number, from: Uint8Array): number {
    let done = 0;
    while (done < from.length) {
      const at = pos + done;
      const offset = at % PAGE_SIZE;
      const count = Math.min(from.length - done, PAGE_SIZE - offset);
      const partial = count !== PAGE_SIZE;
      const frame = this.core.exports.mappingGrab(this.ptr, Math.floor(at / PAGE_SIZE), partial);
      if (frame === 0) break;
      this.core.copyIn(frame + offset, from, done, count);
      done += count;
    }
    if (done === 0 && from.length > 0) fail(ENOMEM);
    if (pos + done > this.bytes) this.resize(pos + done);
    return done;
  }

  /** Sets the size: pages past a smaller one leave the cache and every mapping (K-167). */
  resize(size: number): void {
    this.bytes = size;
    this.core.exports.mappingSetSize(this.ptr, size);
  }

  /** Makes [start, end) a hole, whole pages of it without memory behind them. */
  punchHole(start: number, end: number): void {
    this.core.exports.mappingPunch(this.ptr, start, Math.min(end, this.bytes));
  }

  /** Gives all frames back; no mapping and no open file may refer to it any more. */
  free(): void {
    this.core.removeLoader(this.id);
    liveObjects(this.core).caches.delete(this);
    this.core.exports.mappingFree(this.ptr);
  }
}
