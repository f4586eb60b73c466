import { EHDR_SIZE, ET_DYN, ET_EXEC, PHDR_SIZE, PT_LOAD } from '../elf/format.js';
import { ElfError } from '../elf/error.js';
import { hasElfMagic, parseHeader, readHeader } from '../elf/header.js';
import { readSections } from '../elf/sections.js';
import { parseSegment } from '../elf/segments.js';
import type { ByteSource } from '../elf/source.js';
import { Fields } from '../elf/source.js';
import { findSymbol, symbolTables } from '../elf/symbols.js';
import { demangle } from './demangle.js';
import type { MapsLine } from './maps.js';
import { parseMaps } from './maps.js';

/** An open file; a read that fails gives fewer bytes than asked for. */
export interface OpenedFile extends ByteSource {
  close(): void;
}

/** Opens a file by its path as the process itself would; null when it cannot be opened. */
export type OpenPath = (path: string) => OpenedFile | null;

/** Bytes of maps read at a time. */
const MAPS_CHUNK = 4096;

/**
 * The name of the function that holds `pc`, found as google-glog's symboliser finds it from inside
 * the crashing process: memory is touched only through /proc/self/maps and /proc/self/mem.
 *
 *     open maps, open mem          either fails: null
 *     for each readable line       pread 64 bytes of mem at its start: an ELF header?
 *                                  a shared object: pread its program headers too, for the base
 *     the line that holds pc       open its path, read its symbol tables
 *
 * @param pc the address to name, and for a return address the address less 1
 * @returns a name; `(path+0xoffset)` where the file cannot be opened; null, which glog prints as
 * `(unknown)`, where nothing is known
 */
export function symbolize(pc: bigint, open: OpenPath): string | null {
  if (typeof open !== 'function') throw new TypeError('open: not a function');
  const maps = open('/proc/self/maps');
  if (maps === null) return null;
  const text = readAll(maps);
  maps.close();
  const mem = open('/proc/self/mem');
  if (mem === null) return null;
  const place = findObject(parseMaps(text), pc, mem);
  mem.close();
  return place === null ? null : nameIn(place, pc, open);
}

interface Place {
  readonly path: string;
  readonly base: bigint;
}

function readAll(file: OpenedFile): string {
  const decoder = new TextDecoder();
  let text = '';
  for (let at = 0; ;) {
    const chunk = file.read(at, MAPS_CHUNK);
    if (chunk.length === 0) return text + decoder.decode();
    text += decoder.decode(chunk, { stream: true });
    at += chunk.length;
  }
}

/** The file of the executable mapping that holds `pc`, and where it was loaded. */
function findObject(lines: readonly MapsLine[], pc: bigint, mem: OpenedFile): Place | null {
  let base = 0n;
  for (const line of lines) {
    if (line.perms[0] === 'r') base = loadBase(line, mem) ?? base;
    const holds = BigInt(line.start) <= pc && pc < BigInt(line.end);
    if (!holds || line.perms[0] !== 'r' || line.perms[2] !== 'x') continue;
    return line.path === '' ? null : { path: line.path, base };
  }
  return null;
}

/**
 * What was added to the file's addresses, when an ELF header lies at the line's start. The base
 * found last holds for the lines that follow it: a library's text comes after its header.
 */
function loadBase(line: MapsLine, mem: OpenedFile): bigint | null {
  const bytes = mem.read(line.start, EHDR_SIZE);
  if (bytes.length < EHDR_SIZE || !hasElfMagic(bytes)) return null;
  try {
    const header = parseHeader(new Fields('/proc/self/mem', line.start, bytes));
    if (header.type === ET_EXEC) return 0n;
    if (header.type !== ET_DYN) return null;
    for (let i = 0; i < header.phnum; i++) {
      const at = line.start + header.phoff + i * PHDR_SIZE;
      const entry = mem.read(at, PHDR_SIZE);
      if (entry.length < PHDR_SIZE) continue;
      const segment = parseSegment(new Fields('/proc/self/mem', at, entry));
      if (segment.type === PT_LOAD && segment.offset === 0) {
        return BigInt(line.start) - segment.vaddr;
      }
    }
    return BigInt(line.start);
  } catch (error) {
    if (error instanceof ElfError) return null;
    throw error;
  }
}

function nameIn(place: Place, pc: bigint, open: OpenPath): string | null {
  const file = open(place.path);
  const address = BigInt.asUintN(64, pc - place.base);
  if (file === null) return `(${place.path}+0x${address.toString(16)})`;
  try {
    const sections = readSections(file, readHeader(file));
    for (const table of symbolTables(sections)) {
      const symbol = findSymbol(file, sections, table, address);
      if (symbol !== null && symbol.name !== '') return demangle(symbol.name);
    }
    return null;
  } catch (error) {
    if (error instanceof ElfError) return null;
    throw error;
  } finally {
    file.close();
  }
}
