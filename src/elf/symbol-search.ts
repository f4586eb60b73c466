import { SHN_UNDEF, SHT_SYMTAB, SYM_SIZE } from './format.js';
import { readHeader } from './header.js';
import type { Section } from './sections.js';
import { readSections } from './sections.js';
import type { ByteSource, Fields } from './source.js';
import { readFields } from './source.js';
import { symbolName, symbolTables } from './symbols.js';

/** A symbol table with all that naming an address needs. */
export interface SymbolTable {
  readonly file: ByteSource;
  readonly sections: readonly Section[];
  readonly section: Section;
  /** Its entries, 24 bytes each. */
  readonly entries: Fields;
  /** Index of the first symbol that is not local. */
  readonly firstGlobal: number;
}

/** Largest table read whole: ten million symbols. */
const MAX_TABLE = 240 * 1024 * 1024;

const STT_SECTION = 3;
const STT_FILE = 4;
const STT_TLS = 6;
const SHN_LORESERVE = 0xff00;
const STB_RANK = [1, 3, 2]; // STB_LOCAL, STB_GLOBAL, STB_WEAK

/**
 * The symbol table of a file: .symtab, or else .dynsym.
 *
 * @param full whether only .symtab will do
 * @returns null when the file has none
 * @throws {ElfError} its section headers or the table are wrong
 */
export function readSymbolTable(file: ByteSource, full = false): SymbolTable | null {
  const sections = readSections(file, readHeader(file));
  const section = symbolTables(sections).find(({ type }) => !full || type === SHT_SYMTAB);
  if (section === undefined || section.size > MAX_TABLE) return null;
  const length = section.size - (section.size % SYM_SIZE);
  const entries = readFields(file, section.offset, length, 'the symbol table');
  return { file, sections, section, entries, firstGlobal: section.info };
}

/** What is known of the best symbol so far. */
interface Candidate {
  readonly table: SymbolTable;
  readonly at: number;
  readonly value: bigint;
  readonly size: bigint;
  readonly rank: number;
}

/**
 * The name of the function that holds an address, chosen as elfutils and gdb choose: the closest
 * symbol below it that reaches it, global before local, of two at one place the shorter and then the
 * more global one; without any, a label without size that no symbol with one ends behind.
 *
 * @param tables searched as one
 * @param address as the file was linked
 */
export function closestSymbol(tables: readonly SymbolTable[], address: bigint): string | null {
  const search = new Search(address);
  for (const table of tables) search.look(table, table.firstGlobal, countOf(table));
  if (search.sized === null && search.label?.value !== address) {
    for (const table of tables) search.look(table, 0, table.firstGlobal);
  }
  const found = search.result;
  if (found === null) return null;
  const { file, sections, section, entries } = found.table;
  return symbolName(file, sections[section.link], entries.u32(found.at)) || null;
}

/**
 * The address of the first defined symbol that a name fits, as the file was linked; null for none.
 *
 * @param fits whether a name, as the linker has it, is the one wanted
 */
export function symbolNamed(
  tables: readonly SymbolTable[],
  fits: (name: string) => boolean,
): bigint | null {
  for (const table of tables) {
    const { file, sections, section, entries } = table;
    for (let at = SYM_SIZE; at < entries.length; at += SYM_SIZE) {
      const type = entries.u8(at + 4) & 15;
      const defined = entries.u16(at + 6) !== SHN_UNDEF && entries.u32(at) !== 0;
      if (!defined || type === STT_SECTION || type === STT_FILE || type === STT_TLS) continue;
      if (fits(symbolName(file, sections[section.link], entries.u32(at))))
        return entries.u64(at + 8);
    }
  }
  return null;
}

function countOf({ entries }: SymbolTable): number {
  return entries.length / SYM_SIZE;
}

class Search {
  sized: Candidate | null = null;
  label: Candidate | null = null;
  readonly #address: bigint;
  /** No label below this can be meant: some symbol covers the bytes up to here. */
  #covered = 0n;

  constructor(address: bigint) {
    this.#address = address;
  }

  get result(): Candidate | null {
    if (this.sized !== null) return this.sized;
    return this.label !== null && this.label.value >= this.#covered ? this.label : null;
  }

  look(table: SymbolTable, first: number, end: number): void {
    const { entries } = table;
    for (let i = Math.max(1, first); i < Math.min(end, countOf(table)); i++) {
      const at = i * SYM_SIZE;
      const type = entries.u8(at + 4) & 15;
      const defined = entries.u16(at + 6) !== SHN_UNDEF && entries.u32(at) !== 0;
      if (!defined || type === STT_SECTION || type === STT_FILE || type === STT_TLS) continue;
      const value = entries.u64(at + 8);
      if (value > this.#address) continue;
      const size = entries.u64(at + 16);
      const rank = STB_RANK[entries.u8(at + 4) >> 4] ?? 0;
      this.#consider({ table, at, value, size, rank });
    }
  }

  #consider(symbol: Candidate): void {
    const { value, size, rank } = symbol;
    if (value + size > this.#covered) this.#covered = value + size;
    if (size === 0n) {
      const wanted = this.sized === null && value >= this.#covered;
      if (wanted && this.#isInSection(symbol)) this.label = symbol;
      return;
    }
    if (this.#address - value >= size) return;
    const best = this.sized;
    if (best === null || best.value < value || best.rank < rank) this.sized = symbol;
    else if (best.value === value && best.rank <= rank && best.size > size) this.sized = symbol;
  }

  /** Whether a label and the address are in one section; an absolute symbol is only itself. */
  #isInSection({ table, at, value }: Candidate): boolean {
    const index = table.entries.u16(at + 6);
    if (index >= SHN_LORESERVE) return value === this.#address;
    const section = table.sections[index];
    if (section === undefined) return false;
    const end = section.addr + BigInt(section.size);
    return section.addr <= this.#address && this.#address < end;
  }
}
