import { ENOMEM } from '../../assembly/abi/errno.js';
import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { CoreMapping, MappingPiece } from '../elf/core-mappings.js';
import type { Core } from '../elf/core.js';
import { dumpedBytes } from '../elf/core.js';
import type { ProcessAreas } from '../elf/process-areas.js';
import { fail } from '../errno.js';
import { mapVdsoText, mapVvar } from '../kernel/vdso.js';
import { accessRemoteVm } from '../mm/access.js';
import type { Mm } from '../mm/mm.js';
import { type MmLimits, NO_LIMITS } from '../mm/limits.js';
import { mmap } from '../mm/mmap.js';
import { mprotect } from '../mm/mprotect.js';
import type { File } from '../vfs/file.js';
import type { CoreFileSystem } from './core-file-system.js';
import { LOST_PAGES, SourcePages } from './source-pages.js';

/** A process may have had a larger vm.max_map_count than this machine. */
const LIMITS: MmLimits = { ...NO_LIMITS, maxMapCount: 0x7fffffff };
/** Bytes of a core copied at a time. */
const CHUNK = 1024 * 1024;

/** What the mappings of a core are made from. */
export interface CoreContents {
  readonly core: Core;
  readonly areas: ProcessAreas;
  /** Open files by the paths that the core names; those missing here are not to be had. */
  readonly files: ReadonlyMap<string, File>;
  readonly fileSystem: CoreFileSystem;
  /** Bytes of memory that are copied at once; a core with more is read when it is touched. */
  readonly copyLimit: number;
}

/**
 * Maps everything that a core describes into an empty address space.
 *
 *     a file that is to be had   private mapping of it; dumped pages that differ are written over it
 *     a file that is not         private mapping of a stand-in that has the dumped pages
 *     [vdso]                     the same, as the kernel maps it; so is [vvar], with no time in it
 *     anonymous memory           the dumped pages, copied; what was not dumped: a stand-in
 *
 * So a byte that was not dumped reads as EIO through mem unless its file is there. Of a core with more
 * memory than `copyLimit` nothing is copied but the stack: what was dumped is a stand-in, too.
 *
 * @throws {LinuxError} ENOMEM: the machine's memory does not hold it
 */
export function mapCore(mm: Mm, contents: CoreContents): void {
  const { mappings } = contents.core;
  const lazy = dumpedMemory(mappings) > contents.copyLimit;
  let before: CoreMapping | undefined;
  let apart = false;
  for (const mapping of mappings) {
    apart = wouldMerge(before, mapping) && !apart;
    mapOne(mm, contents, mapping, { lazy, apart });
    before = mapping;
  }
}

interface Manner {
  /** Dumped memory stays in the core until it is touched. */
  readonly lazy: boolean;
  /** It has a flag more than the mapping before it, so that they stay two. */
  readonly apart: boolean;
}

function dumpedMemory(mappings: readonly CoreMapping[]): number {
  return mappings.reduce((sum, { dumped }) => sum + dumped, 0);
}

/**
 * Whether two mappings that the process had would become one: they differed in something that a core
 * does not say. The likeliest is VM_NORESERVE, as the stacks of threads have it, and for a file that is
 * read only VM_ACCOUNT: it was writable once, as the linker's tables are until it has filled them.
 */
function wouldMerge(before: CoreMapping | undefined, mapping: CoreMapping): boolean {
  if (before?.end !== mapping.start || before.perms !== mapping.perms) return false;
  if (before.file === null || mapping.file === null) return before.file === mapping.file;
  const next = before.file.offset + before.end - before.start;
  return before.file.path === mapping.file.path && next === mapping.file.offset;
}

function mapOne(mm: Mm, contents: CoreContents, mapping: CoreMapping, manner: Manner): void {
  const { core, areas, files } = contents;
  const label = specialName(areas, mapping);
  if (label === '[vdso]') return mapVdsoOf(mm, contents, mapping);
  if (label !== null) return mapVvar(mm, mapping.start, mapping.end, label === '[vvar_vclock]');
  if (mapping.pieces !== undefined) return mapPieces(mm, contents, mapping, mapping.pieces);
  if (mapping.file === null) return mapAnonymous(mm, contents, mapping, manner);
  const { path, offset } = mapping.file;
  const file = files.get(path);
  if (file === undefined) return mapStandIn(mm, contents, mapping, path);
  const ofCore = manner.lazy && mapping.dumped > PAGE_SIZE ? pagesUp(mapping.dumped) : 0;
  const middle = mapping.start + ofCore;
  if (ofCore > 0) mapStandIn(mm, contents, { ...mapping, end: middle }, path);
  if (middle < mapping.end) {
    file.get();
    mapFile(mm, { ...mapping, start: middle }, file, offset + ofCore, manner.apart);
  }
  if (ofCore === 0) copyDiffering(mm, core, mapping, file);
}

/** Maps what a running process was copied from: pages here and there. */
function mapPieces(
  mm: Mm,
  { core, areas, fileSystem }: CoreContents,
  mapping: CoreMapping,
  pieces: readonly MappingPiece[],
): void {
  const { start, end, file } = mapping;
  const untouched = file === null && pieces.length === 0;
  if (untouched) {
    const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
    const prot = protection(mapping);
    return void mmap(mm, { addr: start, length: end - start, prot, flags, offset: 0 }, LIMITS);
  }
  const offset = file?.offset ?? 0;
  const extents = pieces.map((piece) => ({ ...piece, start: piece.start + offset }));
  const pages = new SourcePages(core.source, extents, file === null ? 'zeros' : 'lost');
  const label = file?.path ?? areaLabel(areas, mapping);
  mapFile(mm, mapping, fileSystem.standIn(label, offset + end - start, pages), offset);
}

function areaLabel(areas: ProcessAreas, mapping: CoreMapping): string {
  if (mapping === areas.stack) return '[stack]';
  return mapping === areas.heap ? '[heap]' : '';
}

/** Writes the dumped pages that are not those of the file. */
function copyDiffering(mm: Mm, core: Core, mapping: CoreMapping, file: File): void {
  for (let at = 0; at < mapping.dumped; at += PAGE_SIZE) {
    const page = dumpedBytes(core, mapping, at, PAGE_SIZE);
    const offset = (mapping.file?.offset ?? 0) + at;
    if (differs(file, offset, page)) write(mm, mapping.start + at, page);
  }
}

function pagesUp(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
}

function specialName(areas: ProcessAreas, mapping: CoreMapping): string | null {
  if (mapping === areas.vdso) return '[vdso]';
  const device = areas.vvar.indexOf(mapping);
  if (device < 0) return null;
  return device === 0 ? '[vvar]' : '[vvar_vclock]';
}

function mapStandIn(mm: Mm, contents: CoreContents, mapping: CoreMapping, label: string): void {
  mapFile(mm, mapping, standIn(contents, mapping, label), mapping.file?.offset ?? 0);
}

function mapVdsoOf(mm: Mm, contents: CoreContents, mapping: CoreMapping): void {
  const file = standIn(contents, mapping, '[vdso]');
  try {
    mapVdsoText(mm, mapping.start, mapping.end, file);
  } finally {
    file.put(); // the mapping holds a reference of its own
  }
}

/** A file with what was dumped of a mapping. */
function standIn(contents: CoreContents, mapping: CoreMapping, label: string): File {
  const offset = mapping.file?.offset ?? 0;
  const size = offset + mapping.end - mapping.start;
  const dumped = [{ offset: mapping.offset, start: 0, length: mapping.dumped }];
  const extents = (mapping.pieces ?? dumped).map((part) => ({
    ...part,
    start: part.start + offset,
  }));
  return contents.fileSystem.standIn(label, size, new SourcePages(contents.core.source, extents));
}

/** Maps `file`, whose reference the mapping takes over. */
function mapFile(mm: Mm, mapping: CoreMapping, file: File, offset: number, apart = false): void {
  const { start, end } = mapping;
  const prot = protection(mapping);
  const shared = mapping.shared === true;
  const mapped = {
    file,
    fileWritable: shared && (prot & PROT_WRITE) !== 0,
    mayWrite: true,
    mayExec: true,
  };
  const wasWritable = apart && (prot & PROT_WRITE) === 0;
  const kind = shared ? MAP_SHARED : MAP_PRIVATE;
  const flags = kind | MAP_FIXED | (apart && !wasWritable ? MAP_NORESERVE : 0);
  const first = wasWritable ? prot | PROT_WRITE : prot;
  const request = { addr: start, length: end - start, prot: first, flags, offset };
  mmap(mm, { ...request, mapFile: () => mapped }, LIMITS);
  if (wasWritable) mprotect(mm, start, end - start, prot, LIMITS);
}

function mapAnonymous(mm: Mm, contents: CoreContents, mapping: CoreMapping, manner: Manner): void {
  const { core, areas, fileSystem } = contents;
  const isStack = mapping === areas.stack;
  if (manner.lazy && !isStack) {
    return mapStandIn(mm, contents, mapping, areaLabel(areas, mapping));
  }
  const dumped = pagesUp(mapping.dumped);
  const middle = mapping.start + dumped;
  if (dumped > 0) {
    const how = (manner.apart ? MAP_NORESERVE : 0) | (isStack ? MAP_GROWSDOWN : 0);
    const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | how;
    const prot = protection(mapping);
    mmap(mm, { addr: mapping.start, length: dumped, prot, flags, offset: 0 }, LIMITS);
    copyMemory(mm, core, mapping);
  }
  if (middle === mapping.end) return;
  const rest = { ...mapping, start: middle };
  mapFile(mm, rest, fileSystem.standIn('', mapping.end - middle, LOST_PAGES), 0);
}

/**
 * Copies the dumped bytes, all but pages of zeros: those need no memory. One page is always written, as
 * the process had written to what was dumped, and a core written anew dumps it again.
 */
function copyMemory(mm: Mm, core: Core, mapping: CoreMapping): void {
  let written = 0;
  const copy = (at: number, bytes: Uint8Array): void => {
    write(mm, mapping.start + at, bytes);
    written += bytes.length;
  };
  for (let from = 0; from < mapping.dumped; from += CHUNK) {
    const chunk = dumpedBytes(core, mapping, from, CHUNK);
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let at = 0; at < chunk.length; at += PAGE_SIZE) {
      if (!isZeroPage(view, at)) continue;
      copy(from + start, chunk.subarray(start, at));
      start = at + PAGE_SIZE;
    }
    copy(from + start, chunk.subarray(start));
  }
  if (written === 0) copy(0, new Uint8Array(1));
}

/** A page cut short by the end of the dump is not worth a look. */
function isZeroPage(view: DataView, start: number): boolean {
  if (start + PAGE_SIZE > view.byteLength) return false;
  for (let at = start; at < start + PAGE_SIZE; at += 4) {
    if (view.getUint32(at) !== 0) return false;
  }
  return true;
}

function write(mm: Mm, addr: number, bytes: Uint8Array): void {
  if (accessRemoteVm(mm, addr, bytes, FOLL_WRITE | FOLL_FORCE) < bytes.length) fail(ENOMEM);
}

/** Whether the file has other bytes there; behind its end are zeros. */
function differs(file: File, offset: number, page: Uint8Array): boolean {
  const found = new Uint8Array(page.length);
  file.pages.read(offset, found);
  for (let i = 0; i < page.length; i++) if (page[i] !== found[i]) return true;
  return false;
}

function protection({ perms }: CoreMapping): number {
  const read = perms?.[0] === 'r' ? PROT_READ : 0;
  const write = perms?.[1] === 'w' ? PROT_WRITE : 0;
  return read | write | (perms?.[2] === 'x' ? PROT_EXEC : 0);
}
