import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Core } from './core.js';
import { dumpedBytes } from './core.js';
import { ElfError } from './error.js';
import { PT_LOAD } from './format.js';
import { readHeader } from './header.js';
import type { Segment } from './segments.js';
import { permissions, readSegments } from './segments.js';
import type { ByteSource } from './source.js';

/** Opens a file that a core names by its path; null when it is not to be had. */
export type OpenFile = (path: string) => ByteSource | null;

/** Bytes compared at the start of a file: the page that the kernel dumps of every ELF file. */
const COMPARED = 4096;

/**
 * Whether `file` may be the file that the process had mapped at `path`.
 *
 * The kernel dumps the first page of each mapped ELF file, build id included, so that a library
 * replaced since the crash is told apart; where the core has no such page any file may be it.
 *
 * @see fs/coredump.c, vma_dump_size()
 */
export function isFileOfCore(core: Core, path: string, file: ByteSource): boolean {
  const head = core.mappings.find(
    (mapping) => mapping.file?.path === path && mapping.file.offset === 0 && mapping.dumped > 0,
  );
  if (head === undefined || head.perms?.includes('w')) return true;
  const expected = dumpedBytes(core, head, 0, Math.min(COMPARED, head.dumped));
  const found = file.read(0, expected.length);
  // Behind the end of a short file its last page is zeros.
  return found.length > 0 && expected.every((byte, i) => byte === (found[i] ?? 0));
}

/** What a mapping may do that neither the core nor its file tells: text is what debuggers leave out. */
const UNDUMPED = 'r-x';

/**
 * The core with the permissions that it does not say (gdb's do not, of file text) taken from the
 * files' program headers, or `r-x` where there is no file.
 */
export function completePermissions(core: Core, files: ReadonlyMap<string, ByteSource>): Core {
  const segments = new Map<string, readonly Segment[]>();
  const permsOf = (path: string, offset: number): string => {
    let loads = segments.get(path);
    if (loads === undefined) {
      loads = loadSegments(files.get(path));
      segments.set(path, loads);
    }
    const load = loads.find(
      (segment) => pageOf(segment.offset) <= offset && offset < segmentEnd(segment),
    );
    return load === undefined ? UNDUMPED : permissions(load.flags);
  };
  const mappings = core.mappings.map((mapping) => {
    if (mapping.perms !== null || mapping.file === null) return mapping;
    return { ...mapping, perms: permsOf(mapping.file.path, mapping.file.offset) };
  });
  return { ...core, mappings };
}

function loadSegments(file: ByteSource | undefined): readonly Segment[] {
  if (file === undefined) return [];
  try {
    return readSegments(file, readHeader(file)).filter(({ type }) => type === PT_LOAD);
  } catch (error) {
    // A data file that was mapped, or a damaged library: it says nothing of permissions.
    if (error instanceof ElfError) return [];
    throw error;
  }
}

function pageOf(offset: number): number {
  return offset - (offset % PAGE_SIZE);
}

function segmentEnd({ offset, filesz }: Segment): number {
  return offset + filesz;
}

/**
 * The files that the core's mappings name, each opened once and held against the core.
 *
 * @param open gives a file, or null; called once for each path
 */
export function openCoreFiles(core: Core, open: OpenFile): Map<string, ByteSource> {
  const files = new Map<string, ByteSource>();
  const paths = new Set(core.mappings.flatMap(({ file }) => (file === null ? [] : [file.path])));
  for (const path of paths) {
    const file = open(path);
    if (file !== null && isFileOfCore(core, path, file)) files.set(path, file);
  }
  return files;
}
