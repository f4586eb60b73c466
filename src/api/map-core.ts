import { ENOMEM } from '../../assembly/abi/errno.js';
import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { CoreMapping } from '../elf/core-mappings.js';
import type { Core } from '../elf/core.js';
import { dumpedBytes } from '../elf/core.js';
import type { ProcessAreas } from '../elf/process-areas.js';
import { fail } from '../errno.js';
import { mapVdsoText, mapVvar } from '../kernel/vdso.js';
import { accessRemoteVm } from '../mm/access.js';
import type { Mm } from '../mm/mm.js';
import { type MmLimits, NO_LIMITS } from '../mm/limits.js';
import { mmap } from '../mm/mmap.js';
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
}

/**
 * Maps everything that a core describes into an empty address space.
 *
 *     a file that is to be had   private mapping of it; dumped pages that differ are written over it
 *     a file that is not         private mapping of a stand-in that has the dumped pages
 *     [vdso]                     the same, as the kernel maps it; so is [vvar], with no time in it
 *     anonymous memory           the dumped pages, copied; what was not dumped: a stand-in
 *
 * So a byte that was not dumped reads as EIO through mem unless its file is there.
 *
 * @throws {LinuxError} ENOMEM: the machine's memory does not hold it
 */
export function mapCore(mm: Mm, contents: CoreContents): void {
  for (const mapping of contents.core.mappings) mapOne(mm, contents, mapping);
}

function mapOne(mm: Mm, contents: CoreContents, mapping: CoreMapping): void {
  const { core, areas, files } = contents;
  const label = specialName(areas, mapping);
  if (label === '[vdso]') return mapVdsoOf(mm, contents, mapping);
  if (label !== null) return mapVvar(mm, mapping.start, mapping.end, label === '[vvar_vclock]');
  if (mapping.file === null) return mapAnonymous(mm, contents, mapping);
  const file = files.get(mapping.file.path);
  if (file === undefined) return mapStandIn(mm, contents, mapping, mapping.file.path);
  file.get();
  mapFile(mm, mapping, file, mapping.file.offset);
  for (let at = 0; at < mapping.dumped; at += PAGE_SIZE) {
    const page = dumpedBytes(core, mapping, at, PAGE_SIZE);
    if (differs(file, mapping.file.offset + at, page)) write(mm, mapping.start + at, page);
  }
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
  const extent = { offset: mapping.offset, start: offset, length: mapping.dumped };
  const pages = new SourcePages(contents.core.source, [extent]);
  return contents.fileSystem.standIn(label, size, pages);
}

/** Maps `file`, whose reference the mapping takes over. */
function mapFile(mm: Mm, mapping: CoreMapping, file: File, offset: number): void {
  const { start, end } = mapping;
  const mapped = { file, fileWritable: false, mayWrite: true, mayExec: true };
  const request = { addr: start, length: end - start, prot: protection(mapping), offset };
  mmap(mm, { ...request, flags: MAP_PRIVATE | MAP_FIXED, mapFile: () => mapped }, LIMITS);
}

function mapAnonymous(mm: Mm, contents: CoreContents, mapping: CoreMapping): void {
  const { core, areas, fileSystem } = contents;
  const dumped = Math.ceil(mapping.dumped / PAGE_SIZE) * PAGE_SIZE;
  const middle = mapping.start + dumped;
  if (dumped > 0) {
    const grows = mapping === areas.stack ? MAP_GROWSDOWN : 0;
    const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | grows;
    const prot = protection(mapping);
    mmap(mm, { addr: mapping.start, length: dumped, prot, flags, offset: 0 }, LIMITS);
    copyMemory(mm, core, mapping);
  }
  if (middle === mapping.end) return;
  const rest = { ...mapping, start: middle };
  mapFile(mm, rest, fileSystem.standIn('', mapping.end - middle, LOST_PAGES), 0);
}

/** Copies the dumped bytes, all but pages of zeros: those need no memory. */
function copyMemory(mm: Mm, core: Core, mapping: CoreMapping): void {
  for (let from = 0; from < mapping.dumped; from += CHUNK) {
    const chunk = dumpedBytes(core, mapping, from, CHUNK);
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let at = 0; at < chunk.length; at += PAGE_SIZE) {
      if (!isZeroPage(view, at)) continue;
      write(mm, mapping.start + from + start, chunk.subarray(start, at));
      start = at + PAGE_SIZE;
    }
    write(mm, mapping.start + from + start, chunk.subarray(start));
  }
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
