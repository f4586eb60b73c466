import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { EIO } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { PageCache, PageCacheOptions } from '../mm/page-cache.js';
import { askHost, type HostFile, type HostStat } from './host-directory.js';
import type { HostFs } from './host-fs.js';
import type { Inode } from './inode.js';

/**
 * The contents of a file that is in use: its pages, and the host's open file behind them. One that has
 * become shorter than `size` is an error where it ends, never zeros.
 *
 * What is written goes to the host at once and leaves pages clean; dirty ones were stored to through shared
 * mappings, and are the host's at the next flush. Clean pages go when the host says the file has changed.
 */
export class HostPages implements PageCacheOptions {
  readonly kind = 'host';
  /** Whether some mapping was shared, so that pages may be dirty. */
  mapped = false;
  private readonly fs: HostFs;
  private readonly inode: Inode;
  /** null after a restore, until it is needed. */
  private file: HostFile | null = null;
  /** Whether the host's file is open to be written as well. */
  private writes: boolean;
  /** How far the contents are the host's, bytes. */
  private size = 0;
  /** What the host said last, but for what was written since. */
  private seenSize = -1;
  private seenMtime = -1;
  /** Nothing of it can be read again: the host has no file any more. */
  private detached = false;

  /** @throws {LinuxError} what the host says; ENOENT: it is another file by now */
  constructor(fs: HostFs, inode: Inode, writes: boolean) {
    this.fs = fs;
    this.inode = inode;
    this.writes = writes;
    this.file = fs.openHost(inode, writes);
  }

  get writesThrough(): boolean {
    return !this.detached;
  }

  private get opened(): HostFile {
    return (this.file ??= this.fs.openHost(this.inode, this.writes));
  }

  private get pages(): PageCache {
    return this.inode.pages ?? fail(EIO);
  }

  /** Opens the host's file to be written, too. */
  toWrite(): void {
    if (this.writes || this.detached) return;
    const file = this.fs.openHost(this.inode, true);
    this.file?.close();
    this.file = file;
    this.writes = true;
  }

  /** Looks at the host's file: what changed there is read anew. */
  refresh(): void {
    if (!this.detached) this.notice(askHost(() => this.opened.stat(), EIO));
  }

  /** The host says this of the file. */
  notice(stat: HostStat): void {
    if (this.detached) return;
    const { pages } = this;
    if (stat.size === this.seenSize && stat.mtimeMs === this.seenMtime) return;
    for (let at = pages.nextCached(0); at !== null; at = pages.nextCached(at + 1)) {
      pages.invalidate(at);
    }
    if (stat.size !== pages.size) pages.resize(stat.size);
    this.size = stat.size;
    this.saw(stat);
  }

  private saw(stat: HostStat): void {
    this.seenSize = stat.size;
    this.seenMtime = stat.mtimeMs;
    this.inode.mtime = stat.mtimeMs;
    this.inode.ctime = stat.mtimeMs;
  }

  /** @throws {LinuxError} EIO: fewer bytes are there than should be */
  fill(index: number, page: Uint8Array): void {
    if (this.detached) return;
    const pos = index * PAGE_SIZE;
    const into = page.subarray(0, Math.max(Math.min(PAGE_SIZE, this.size - pos), 0));
    if (askHost(() => this.opened.read(pos, into), EIO) !== into.length) fail(EIO);
  }

  shrink(size: number): void {
    this.size = Math.min(this.size, size);
  }

  /**
   * Gives the host bytes that are in the pages.
   * @throws {LinuxError} the host's, and the pages are again what it has
   */
  writeBack(pos: number, length: number): void {
    if (length <= 0 || this.detached) return;
    const bytes = new Uint8Array(length);
    this.pages.read(pos, bytes);
    try {
      this.send(pos, bytes);
    } catch (error) {
      this.seenSize = -1;
      this.refresh();
      throw error;
    }
  }

  private send(pos: number, bytes: Uint8Array): void {
    askHost(() => this.opened.write(pos, bytes), EIO);
    this.size = Math.max(this.size, pos + bytes.length);
    this.saw(askHost(() => this.opened.stat(), EIO));
  }

  truncate(size: number): void {
    if (this.detached) return;
    this.toWrite();
    askHost(() => this.opened.truncate(size), EIO);
    this.size = size;
    this.saw(askHost(() => this.opened.stat(), EIO));
  }

  /** Gives the host the pages that were stored to through shared mappings. */
  flush(): void {
    if (!this.mapped || this.detached) return;
    const { pages } = this;
    for (let at = pages.nextCached(0); at !== null; at = pages.nextCached(at + 1)) {
      const pos = at * PAGE_SIZE;
      const bytes = new Uint8Array(Math.max(Math.min(PAGE_SIZE, Number(pages.size) - pos), 0));
      if (!pages.testDirty(at, true) || bytes.length === 0) continue;
      pages.read(pos, bytes);
      try {
        this.send(pos, bytes);
      } catch (error) {
        pages.markDirty(at);
        throw error;
      }
    }
  }

  /** The host will no longer have the contents, and holds no file open: all of them are loaded. */
  detach(): void {
    if (this.detached) return;
    const page = new Uint8Array(PAGE_SIZE);
    const { pages } = this;
    for (let at = 0; at * PAGE_SIZE < Number(pages.size); at++) {
      pages.read(at * PAGE_SIZE, page);
      // Nothing but memory has it now: it stays.
      pages.markDirty(at);
    }
    this.detached = true;
  }

  /** The pages have gone with their last user. */
  freed(): void {
    this.file?.close();
    this.file = null;
    this.fs.forget(this.inode);
  }
}
