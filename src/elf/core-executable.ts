import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { AT_ENTRY, AT_PHDR } from '../kernel/auxvec.js';
import { auxvValue } from './auxv.js';
import { isFileOfCore, type OpenFile } from './core-files.js';
import type { CoreMapping } from './core-mappings.js';
import { CoreMemory } from './core-memory.js';
import type { Core } from './core.js';
import { ElfError } from './error.js';
import { ET_CORE, ET_EXEC, PT_LOAD } from './format.js';
import { type ElfHeader, readHeader } from './header.js';
import { listLibraries } from './libraries.js';
import { readSegments, type Segment } from './segments.js';
import type { ByteSource } from './source.js';

/** Where e_entry is. */
const ENTRY_OFFSET = 24;

/** A core, and where the files that it names are to be had. */
export interface CoreWithFiles {
  readonly core: Core;
  readonly open: OpenFile;
}

/**
 * A core whose program is known. Where the core names it, its file is this one, wherever that was moved. Where
 * it names no files (QEMU's has no NT_FILE), mappings get the names of the program and of the libraries that its
 * linker lists, so far as those can be opened.
 *
 * @throws {ElfError} the executable is none, or not the one that the process ran
 */
export function withExecutable(
  { core, open }: CoreWithFiles,
  executable: ByteSource,
): CoreWithFiles {
  const header = readHeader(executable);
  const segments = readSegments(executable, header).filter(({ type }) => type === PT_LOAD);
  const bias = findBias(core, executable.name, header, segments);
  const named = mappingAt(core, auxvValue(core.auxv, AT_ENTRY))?.file?.path;
  const path = named ?? executable.name;
  if (named !== undefined && !isFileOfCore(core, named, executable)) {
    throw new ElfError(executable.name, 0, `not the file that was ${named}`);
  }
  const openAll: OpenFile = (wanted) => (wanted === path ? executable : open(wanted));
  if (named !== undefined) return { core, open: openAll };
  const own = nameMappings(core, { path, segments, bias });
  return { core: nameLibraries(own, openAll), open: openAll };
}

/** What is added to the addresses in the file. @throws {ElfError} it is not the file */
function findBias(core: Core, name: string, header: ElfHeader, loads: readonly Segment[]): number {
  if (header.type === ET_CORE) throw new ElfError(name, 16, 'this is a core file, no program');
  if (header.machine !== core.machine.em) {
    throw new ElfError(name, 18, `the process ran on ${core.machine.name}, this program does not`);
  }
  const first = loads.find(({ offset, filesz }) => {
    return offset <= header.phoff && header.phoff < offset + filesz;
  });
  const phdr = auxvValue(core.auxv, AT_PHDR);
  if (phdr === null || first === undefined) {
    if (header.type === ET_EXEC) return 0;
    throw new ElfError(name, 16, 'nobody knows where it was: the core has no AT_PHDR');
  }
  const bias = Number(phdr - first.vaddr) - (header.phoff - first.offset);
  const entry = auxvValue(core.auxv, AT_ENTRY) ?? header.entry + BigInt(bias);
  const placed = header.type === ET_EXEC ? bias === 0 : bias % PAGE_SIZE === 0;
  if (!placed || entry !== header.entry + BigInt(bias)) {
    throw new ElfError(name, ENTRY_OFFSET, 'not the program of this core, which began elsewhere');
  }
  return bias;
}

function mappingAt(core: Core, addr: bigint | null): CoreMapping | undefined {
  return core.mappings.find(({ start, end }) => addr !== null && start <= addr && addr < end);
}

/** A file and where it was loaded. */
interface LoadedFile {
  readonly path: string;
  readonly segments: readonly Segment[];
  readonly bias: number;
}

/** The core whose nameless mappings have the name of the file where its segments are. */
function nameMappings(core: Core, { path, segments, bias }: LoadedFile): Core {
  const ranges = segments.map(({ vaddr, offset, filesz }) => {
    const inPage = offset % PAGE_SIZE;
    const start = Number(vaddr) + bias - inPage;
    return { start, end: pageUp(start + inPage + filesz), offset: offset - inPage };
  });
  const mappings = core.mappings.flatMap((mapping) => {
    if (mapping.file !== null || mapping.pieces !== undefined) return mapping;
    const within = ranges.filter(({ start, end }) => start < mapping.end && mapping.start < end);
    const cuts = within.flatMap(({ start, end }) => [start, end]);
    return cut(mapping, cuts).map((part) => {
      const range = within.find(({ start, end }) => start <= part.start && part.end <= end);
      if (range === undefined) return part;
      return { ...part, file: { path, offset: range.offset + part.start - range.start } };
    });
  });
  return { ...core, mappings };
}

function pageUp(addr: number): number {
  return Math.ceil(addr / PAGE_SIZE) * PAGE_SIZE;
}

/** A mapping in parts that no place of `cuts` lies inside of. */
function cut(mapping: CoreMapping, cuts: readonly number[]): CoreMapping[] {
  const { start, end, dumped, offset } = mapping;
  const inside = cuts.filter((at) => start < at && at < end).sort((a, b) => a - b);
  const edges = [...new Set([start, ...inside, end])];
  return edges.slice(1).map((to, i) => {
    const from = edges[i] as number;
    const here = Math.max(0, Math.min(dumped - (from - start), to - from));
    return { ...mapping, start: from, end: to, dumped: here, offset: offset + (from - start) };
  });
}

/** The core with the names of libraries where the linker's list has them. */
function nameLibraries(core: Core, open: OpenFile): Core {
  const memory = new CoreMemory(core, open);
  const read = (addr: bigint, length: number): Uint8Array => readSome(memory, Number(addr), length);
  let named = core;
  for (const { name: path, base } of listLibraries({ auxv: core.auxv, read })) {
    const file = path === '' ? null : open(path);
    if (file === null) continue;
    try {
      const all = readSegments(file, readHeader(file));
      const segments = all.filter(({ type }) => type === PT_LOAD);
      named = nameMappings(named, { path, segments, bias: Number(base) });
    } catch (error) {
      // What lies there now is no library: its mappings stay without a name.
      if (!(error instanceof ElfError)) throw error;
    }
  }
  return named;
}

const NOTHING = new Uint8Array(0);

/** The bytes, or those of the first page when not all are known. */
function readSome(memory: CoreMemory, addr: number, length: number): Uint8Array {
  const toPage = PAGE_SIZE - (addr % PAGE_SIZE);
  return memory.read(addr, length) ?? memory.read(addr, Math.min(length, toPage)) ?? NOTHING;
}
