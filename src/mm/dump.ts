import * as layout from '../../assembly/abi/layout.js';
import { ENOMEM } from '../../assembly/abi/errno.js';
import { FOLL_FORCE } from '../../assembly/abi/foll.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { accessRemoteVm } from './access.js';
import type { Mm, VmaInfo } from './mm.js';
import { pageRuns } from './pagemap.js';

const IN_TABLES = layout.PAGE_IS_PRESENT | layout.PAGE_IS_SWAPPED;
/** Bytes read at a time. */
const CHUNK = 256 * 1024;

/** A stretch of addresses. */
export interface AddressRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** Whether a mapping ever had a page of its own (vma->anon_vma). */
export function hasAnonVma(mm: Mm, vma: VmaInfo): boolean {
  return mm.core.readU32(vma.ptr + layout.VMA_ANON_VMA) !== 0;
}

/** Bytes and their address. */
export interface DumpedBytes {
  readonly addr: number;
  readonly bytes: Uint8Array;
}

/**
 * The bytes of [start, end) of a mapping that a core file has, in rising order: pages that cannot be read
 * and those that were never touched are left out, and read as zeros. Nothing of the machine changes:
 * pages of files that are not in its tables are not brought there.
 *
 * @throws {LinuxError} ENOMEM: no frame for what has to be read through the tables
 * @see mm/gup.c, get_dump_page(): FOLL_FORCE | FOLL_DUMP
 */
export function* dumpBytes(
  mm: Mm,
  vma: VmaInfo,
  { start, end }: AddressRange,
): Generator<DumpedBytes, void, void> {
  for (const { start: from, end: to, category } of pageRuns(mm, start, end)) {
    if ((category & layout.PAGE_IS_PFNZERO) !== 0) continue;
    if ((category & IN_TABLES) !== 0) yield* readTables(mm, from, to);
    // An anonymous mapping has nothing behind its tables.
    else if (!vma.anonymous) yield* readFile(mm, vma, from, to);
  }
}

function* readTables(mm: Mm, start: number, end: number): Generator<DumpedBytes, void, void> {
  for (let addr = start; addr < end;) {
    const bytes = new Uint8Array(Math.min(CHUNK, end - addr));
    const got = accessRemoteVm(mm, addr, bytes, FOLL_FORCE);
    if (got > 0) yield { addr, bytes: bytes.subarray(0, got) };
    addr += got;
    if (got === bytes.length) continue;
    if (mm.core.exports.gupStop() === ENOMEM) fail(ENOMEM);
    // What stopped it is one page: a guard, memory of a device, secret memory.
    addr += PAGE_SIZE - (addr % PAGE_SIZE);
  }
}

/** The pages of its file, a chunk at a time. */
function* readFile(
  mm: Mm,
  vma: VmaInfo,
  start: number,
  end: number,
): Generator<DumpedBytes, void, void> {
  const pages = mm.backingOf(vma)?.mapping ?? null;
  if (pages === null) return;
  const first = vma.pgoff + (start - vma.start) / PAGE_SIZE;
  const last = first + (end - start) / PAGE_SIZE;
  for (let index = first; index < last;) {
    const count = Math.min(CHUNK / PAGE_SIZE, last - index);
    const bytes = new Uint8Array(count * PAGE_SIZE);
    let found = 0;
    while (found < count && pages.peek(index + found, pageOf(bytes, found))) found += 1;
    const addr = start + (index - first) * PAGE_SIZE;
    if (found > 0) yield { addr, bytes: bytes.subarray(0, found * PAGE_SIZE) };
    index += found;
    if (found < count) index += 1;
    // A file of memory is mostly holes, if it is large.
    if (pages.holesAreZeros) index = Math.max(index, pages.nextCached(index) ?? last);
  }
}

function pageOf(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE);
}

/**
 * The stretches of a mapping whose bytes can be known, where some are lost: those of its file that nobody
 * has, unless the process put its own there. Null where nothing can be lost.
 */
export function knownRuns(mm: Mm, vma: VmaInfo): AddressRange[] | null {
  const pages = vma.file?.mapping ?? null;
  if (pages === null || !pages.mayLose) return null;
  const runs: { start: number; end: number }[] = [];
  const add = (start: number, end: number): void => {
    const last = runs.at(-1);
    if (last?.end === start) last.end = end;
    else runs.push({ start, end });
  };
  for (const { start, end, category } of pageRuns(mm, vma.start, vma.end)) {
    if ((category & IN_TABLES) !== 0) {
      add(start, end);
      continue;
    }
    for (let addr = start; addr < end; addr += PAGE_SIZE) {
      const index = vma.pgoff + (addr - vma.start) / PAGE_SIZE;
      if (!pages.isLost(index)) add(addr, addr + PAGE_SIZE);
    }
  }
  return runs;
}
