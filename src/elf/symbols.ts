import { SHN_UNDEF, SHT_DYNSYM, SHT_SYMTAB, SYM_SIZE } from './format.js';
import type { Section } from './sections.js';
import type { ByteSource } from './source.js';
import { readFields } from './source.js';

/** A name and the addresses it stands for, before relocation. */
export interface ElfSymbol {
  readonly name: string;
  /** Address of the first byte, as the file was linked. */
  readonly value: bigint;
  /** Bytes; 0 for many hand-written symbols. */
  readonly size: bigint;
}

/** Symbols read at a time: a table is walked in small pieces, never loaded whole. */
const CHUNK = 32;
/** Longest symbol name returned; C++ templates reach thousands of bytes. */
const MAX_NAME = 4096;

/**
 * The first defined symbol of `table`, in table order, whose bytes hold `address`.
 *
 * @param address an address as the file was linked: the guest address less the load bias
 * @throws {ElfError} the table or its strings lie outside the file
 */
export function findSymbol(
  source: ByteSource,
  sections: readonly Section[],
  table: Section,
  address: bigint,
): ElfSymbol | null {
  const count = Math.floor(table.size / SYM_SIZE);
  for (let first = 0; first < count; first += CHUNK) {
    const n = Math.min(CHUNK, count - first);
    const chunk = readFields(source, table.offset + first * SYM_SIZE, n * SYM_SIZE, 'symbols');
    for (let at = 0; at < n * SYM_SIZE; at += SYM_SIZE) {
      const value = chunk.u64(at + 8);
      const size = chunk.u64(at + 16);
      const defined = value !== 0n && chunk.u16(at + 6) !== SHN_UNDEF;
      if (defined && value <= address && address < value + size) {
        return { name: symbolName(source, sections[table.link], chunk.u32(at)), value, size };
      }
    }
  }
  return null;
}

/** The symbol tables of a file, the full one before the dynamic one, as readers consult them. */
export function symbolTables(sections: readonly Section[]): Section[] {
  return [SHT_SYMTAB, SHT_DYNSYM].flatMap((type) => {
    const table = sections.find((section) => section.type === type);
    return table === undefined ? [] : [table];
  });
}

/**
 * The name at an offset of a string table; empty where there is none.
 *
 * @throws {ElfError} the strings lie outside the file
 */
export function symbolName(source: ByteSource, strings: Section | undefined, at: number): string {
  if (strings === undefined || at >= strings.size) return '';
  const length = Math.min(strings.size - at, MAX_NAME);
  return readFields(source, strings.offset + at, length, 'a symbol name').text(0, length);
}
