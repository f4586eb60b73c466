import { readHeader } from '../../src/elf/header.js';
import { readSections } from '../../src/elf/sections.js';
import type { ByteSource } from '../../src/elf/source.js';
import { readFields } from '../../src/elf/source.js';
import { symbolTables } from '../../src/elf/symbols.js';

/** The value of a symbol by its name, as the file was linked. */
export function symbolValue(source: ByteSource | null, name: string): bigint {
  if (source === null) throw new Error('no such file');
  const sections = readSections(source, readHeader(source));
  for (const table of symbolTables(sections)) {
    const strings = sections[table.link];
    if (strings === undefined) continue;
    const names = readFields(source, strings.offset, strings.size, 'names');
    const symbols = readFields(source, table.offset, table.size, 'symbols');
    for (let at = 0; at + 24 <= table.size; at += 24) {
      if (names.text(symbols.u32(at), 256) === name) return symbols.u64(at + 8);
    }
  }
  throw new Error(`${source.name} has no symbol ${name}`);
}
