import { SHDR_SIZE, SHT_NOBITS } from './format.js';
import { ElfError } from './error.js';
import type { ElfHeader } from './header.js';
import type { ByteSource, Fields } from './source.js';
import { readFields } from './source.js';

/** One section header. */
export interface Section {
  /** The section's name; empty when the name table is missing. */
  readonly name: string;
  /** SHT_SYMTAB… */
  readonly type: number;
  /** Guest address before relocation; 0 when it is not loaded. */
  readonly addr: bigint;
  /** Byte offset in the file. */
  readonly offset: number;
  /** Bytes, in the file unless the type is SHT_NOBITS. */
  readonly size: number;
  /** Index of the section it belongs with: a symbol table's strings. */
  readonly link: number;
  /** sh_info: of a symbol table, the index of its first symbol that is not local. */
  readonly info: number;
  /** Bytes in one entry of a table. */
  readonly entsize: number;
}

/** Longest section name shown; longer ones are cut. */
const MAX_NAME = 256;
/** A file with a section for every function has tens of thousands. */
const MAX_SECTIONS = 1 << 20;

/**
 * Reads all section headers of a file; none is a valid number.
 *
 * @throws {ElfError} the table or a section's bytes lie outside the file
 */
export function readSections(source: ByteSource, header: ElfHeader): Section[] {
  if (header.shoff === 0) return [];
  if (header.shentsize !== SHDR_SIZE) {
    throw new ElfError(source.name, 58, `e_shentsize is ${header.shentsize}, not ${SHDR_SIZE}`);
  }
  const first = readFields(source, header.shoff, SHDR_SIZE, 'section 0');
  // More than 65,279 sections do not fit e_shnum; section 0 then has the number.
  const count = header.shnum === 0 ? first.size(32, 'the number of sections') : header.shnum;
  if (count > MAX_SECTIONS) {
    throw first.error(32, `${count} sections are more than any linker writes`);
  }
  const table = readFields(source, header.shoff, count * SHDR_SIZE, `${count} section headers`);
  const names = sectionNames(source, table, count);
  const sections: Section[] = [];
  for (let i = 0; i < count; i++) {
    sections.push(parseSection(source, table.part(i * SHDR_SIZE, SHDR_SIZE), names));
  }
  return sections;
}

function parseSection(source: ByteSource, fields: Fields, names: Fields | null): Section {
  const nameAt = fields.u32(0);
  const section = {
    name: names !== null && nameAt < names.length ? names.text(nameAt, MAX_NAME) : '',
    type: fields.u32(4),
    addr: fields.u64(16),
    offset: fields.size(24, 'sh_offset'),
    size: fields.size(32, 'sh_size'),
    link: fields.u32(40),
    info: fields.u32(44),
    entsize: fields.size(56, 'sh_entsize'),
  };
  // Section 0 is no section: its size and link fields may hold counts.
  const inFile = section.type !== 0 && section.type !== SHT_NOBITS;
  if (inFile && section.offset + section.size > source.size) {
    throw fields.error(32, `section ${section.name || 'without a name'} ends beyond the file`);
  }
  return section;
}

/** Largest name table read: names are for people, and no linker writes more. */
const MAX_NAMES = 16 * 1024 * 1024;

function sectionNames(source: ByteSource, table: Fields, count: number): Fields | null {
  const index = readFields(source, 62, 2, 'e_shstrndx').u16(0);
  if (index === 0 || index >= count) return null;
  const at = index * SHDR_SIZE;
  const offset = table.size(at + 24, 'sh_offset');
  const size = Math.min(table.size(at + 32, 'sh_size'), MAX_NAMES);
  return readFields(source, offset, size, 'the section names');
}
