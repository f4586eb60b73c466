import { debugFileOf, readBuildId } from '../elf/build-id.js';
import { debugLinkPaths, fileCrc, readDebugLink } from '../elf/debug-link.js';
import { ElfError } from '../elf/error.js';
import { readHeader } from '../elf/header.js';
import { readSections } from '../elf/sections.js';
import type { ByteSource } from '../elf/source.js';
import { BytesSource } from '../elf/source.js';
import type { SymbolTable } from '../elf/symbol-search.js';
import { closestSymbol, readSymbolTable, symbolNamed } from '../elf/symbol-search.js';
import { SHT_SYMTAB } from '../elf/format.js';
import { unpackXz, XzError } from '../elf/xz.js';
import type { OpenFile } from './image.js';
import { imageOf } from './image.js';
import type { MapsLine } from './maps.js';
import { findLine } from './maps.js';
import type { ReadMemory } from './memory.js';

/** What names are looked up in. */
export interface NameSource {
  readonly read: ReadMemory;
  /** The process's mappings in address order. */
  readonly maps: readonly MapsLine[];
  /** Opens a file that maps names. */
  readonly open: OpenFile;
  /** Opens a debug file by its path below the directory of such files. */
  readonly openDebug?: OpenFile;
}

/** A file of the process: where it was loaded, and its symbols. */
interface Module {
  readonly bias: bigint;
  readonly tables: readonly SymbolTable[];
}

/** Largest image read from memory when it is no file: the vDSO has two pages. */
const MAX_IMAGE = 1024 * 1024;
/** Largest symbol table unpacked from .gnu_debugdata. */
const MAX_MINI_DEBUG = 64 * 1024 * 1024;

/**
 * Names the functions of a process, as elfutils does:
 *
 *     the file has .symtab                  that
 *     a debug file with its build id does   that
 *     one that .gnu_debuglink names does    that
 *     otherwise                             .dynsym and the .symtab inside .gnu_debugdata
 */
export class FunctionNames {
  readonly #source: NameSource;
  readonly #modules = new Map<string, Module | null>();

  constructor(source: NameSource) {
    this.#source = source;
  }

  /** The function that holds `pc`, as the linker calls it; null when nothing is known of it. */
  nameOf(pc: bigint): string | null {
    const line = findLine(this.#source.maps, Number(pc));
    if (line === null) return null;
    const module = this.#moduleOf(line);
    if (module === null) return null;
    try {
      return closestSymbol(module.tables, BigInt.asUintN(64, pc - module.bias));
    } catch (error) {
      if (error instanceof ElfError) return null;
      throw error;
    }
  }

  /**
   * Where a symbol lies: of the first file that has it, in address order; null when none has.
   *
   * @param fits whether a name, as the linker has it, is the one wanted
   */
  addressOf(fits: (name: string) => boolean): bigint | null {
    const seen = new Set<Module>();
    for (const line of this.#source.maps) {
      const module = this.#moduleOf(line);
      if (module === null || seen.has(module)) continue;
      seen.add(module);
      const value = attempt(() => symbolNamed(module.tables, fits));
      if (value !== null) return BigInt.asUintN(64, value + module.bias);
    }
    return null;
  }

  /** The path of the mapping that holds `pc`; empty where there is none. */
  pathOf(pc: bigint): string {
    return findLine(this.#source.maps, Number(pc))?.path ?? '';
  }

  #moduleOf(line: MapsLine): Module | null {
    const { maps, read, open } = this.#source;
    const image = imageOf(maps, line, read, open);
    if (image === null) return null;
    const key = `${line.path}@${image.bias}`;
    let module = this.#modules.get(key);
    if (module === undefined) {
      module = { bias: image.bias, tables: this.#tablesOf(line) };
      this.#modules.set(key, module);
    }
    return module;
  }

  #tablesOf(line: MapsLine): SymbolTable[] {
    const file = line.path.startsWith('/') ? this.#source.open(line.path) : this.#inMemory(line);
    if (file === null) return [];
    const own = attempt(() => readSymbolTable(file));
    if (own?.section.type === SHT_SYMTAB) return [own];
    const separate = this.#debugFile(file) ?? this.#linkedFile(file, line.path);
    if (separate !== null) return [separate];
    return [own, attempt(() => miniDebugInfo(file))].filter((table) => table !== null);
  }

  #debugFile(file: ByteSource): SymbolTable | null {
    const buildId = attempt(() => readBuildId(file));
    if (buildId === null) return null;
    const debug = this.#source.openDebug?.(debugFileOf(buildId)) ?? null;
    if (debug === null || attempt(() => readBuildId(debug)) !== buildId) return null;
    return attempt(() => readSymbolTable(debug, true));
  }

  /** The debug file that the file's own link names, if it is the one: by its checksum. */
  #linkedFile(file: ByteSource, path: string): SymbolTable | null {
    const link = attempt(() => readDebugLink(file));
    if (link === null) return null;
    const { open, openDebug } = this.#source;
    const { beside, below } = debugLinkPaths(path, link.name);
    const candidates = [...beside.map((one) => () => open(one)), () => openDebug?.(below) ?? null];
    for (const candidate of candidates) {
      const debug = candidate();
      if (debug === null || fileCrc(debug) !== link.crc) continue;
      const table = attempt(() => readSymbolTable(debug, true));
      if (table !== null) return table;
    }
    return null;
  }

  /** The vDSO: a whole file in memory. */
  #inMemory(line: MapsLine): ByteSource | null {
    const bytes = this.#source.read(line.start, Math.min(line.end - line.start, MAX_IMAGE));
    return bytes === null ? null : new BytesSource('memory', bytes);
  }
}

/** The symbols of functions that a distribution packed into the section .gnu_debugdata. */
function miniDebugInfo(file: ByteSource): SymbolTable | null {
  const sections = readSections(file, readHeader(file));
  const section = sections.find(({ name }) => name === '.gnu_debugdata');
  if (section === undefined) return null;
  try {
    const packed = file.read(section.offset, section.size);
    const bytes = unpackXz(packed, MAX_MINI_DEBUG);
    return readSymbolTable(new BytesSource(`${file.name} (.gnu_debugdata)`, bytes), true);
  } catch (error) {
    if (error instanceof XzError) return null;
    throw error;
  }
}

/** What a damaged file would tell; null instead of its error: a trace is shown without that name. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ElfError) return null;
    throw error;
  }
}
