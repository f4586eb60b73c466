import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { LinuxError } from '../../src/errno.js';
import type { MapFile } from '../../src/mm/map-file.js';
import type { Mm } from '../../src/mm/mm.js';
import { mmap, type MappedFile } from '../../src/mm/mmap.js';
import { PageCache } from '../../src/mm/page-cache.js';
import type { Core } from '../../src/wasm/core.js';

export const BASE = 0x100000000000;

/** An open file for mappings, with real pages and a count of references. */
export class TestFile implements MapFile {
  readonly pages: PageCache;
  readonly vmFlags: number;
  readonly syncs = true;
  refs = 1;

  constructor(pages: PageCache, vmFlags = 0) {
    this.pages = pages;
    this.vmFlags = vmFlags;
  }

  static memory(core: Core, size: number): TestFile {
    const file = new TestFile(new PageCache(core, { kind: 'memory' }));
    file.pages.resize(size);
    return file;
  }

  get mapping(): PageCache {
    return this.pages;
  }

  punchHole(start: number, end: number): void {
    this.pages.punchHole(start, end);
  }

  get(): void {
    this.refs += 1;
  }

  put(): void {
    this.refs -= 1;
    if (this.refs === 0) this.pages.free();
  }

  /** What mmap's mapFile returns for it, opened for writing unless told otherwise. */
  mapped(fileWritable = true): () => MappedFile {
    return () => {
      this.get();
      return { file: this, fileWritable, mayWrite: true, mayExec: true };
    };
  }
}

/** Maps private anonymous pages at a page offset from BASE. */
export function mapAnon(mm: Mm, page: number, count: number, prot: number, flags = 0): number {
  return mmap(mm, {
    addr: BASE + page * PAGE_SIZE,
    length: count * PAGE_SIZE,
    prot,
    flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags,
    offset: 0,
  });
}

/** Maps shared anonymous pages at a page offset from BASE. */
export function mapShared(mm: Mm, page: number, count: number, prot: number): number {
  return mmap(mm, {
    addr: BASE + page * PAGE_SIZE,
    length: count * PAGE_SIZE,
    prot,
    flags: MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
    offset: 0,
    sharedZero: (pages) => new TestFile(pages),
  });
}

/** Maps pages of a file at a page offset from BASE. */
export function mapFile(
  mm: Mm,
  page: number,
  count: number,
  prot: number,
  file: TestFile,
  shared: boolean,
  fileWritable = true,
): number {
  return mmap(mm, {
    addr: BASE + page * PAGE_SIZE,
    length: count * PAGE_SIZE,
    prot,
    flags: (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED,
    offset: 0,
    mapFile: file.mapped(fileWritable),
  });
}

/** The mappings above BASE as `first-end rwx` in pages. */
export function layout(mm: Mm): string[] {
  const lines: string[] = [];
  for (const vma of mm.vmas()) {
    if (vma.start < BASE) continue;
    const rwx = [1, 2, 4].map((bit, i) => (vma.flags & bit ? 'rwx'[i] : '-')).join('');
    lines.push(`${(vma.start - BASE) / PAGE_SIZE}-${(vma.end - BASE) / PAGE_SIZE} ${rwx}`);
  }
  return lines;
}

/** The name of the error that `act` fails with, or what it returns. */
export function outcome(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    if (error instanceof LinuxError) return error.code;
    throw error;
  }
}
