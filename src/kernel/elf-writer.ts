import { PAGE_SIZE } from '../../assembly/abi/page.js';

// include/uapi/linux/elf.h
export const PT_LOAD = 1;
export const SHT_NOTE = 7;
export const SHF_ALLOC = 2;
/** Where the program headers begin: behind the file header. */
export const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
/** Bytes of a section header; the first is all zeros. */
export const SHDR_SIZE = 64;

/** Bytes in a row, little-endian: [size, value] pairs. */
export function pack(...fields: readonly (readonly [1 | 2 | 4 | 8, number])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 1) view.setUint8(at, value);
    else if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value >>> 0, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

/** Bytes one behind the other. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Strings with their places: a string table. */
export class Strings {
  private text = '\0';

  /** The place of a string, which is added if it is not there. */
  at(name: string): number {
    const found = this.text.indexOf(`\0${name}\0`);
    if (found >= 0) return found + 1;
    this.text += `${name}\0`;
    return this.text.length - name.length - 1;
  }

  /** The table as it is now. */
  bytes(): Uint8Array {
    return new TextEncoder().encode(this.text);
  }
}

/** One section; `at` is its address and its offset in the file. */
export interface Section {
  readonly name: string;
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly flags?: number;
  readonly link?: number;
  readonly info?: number;
  readonly entsize?: number;
}

/** Puts sections one behind the other. */
export class Layout {
  readonly sections: Section[] = [];
  private next: number;

  /** @param programHeaders how many will precede the first section */
  constructor(programHeaders: number) {
    this.next = EHDR_SIZE + programHeaders * PHDR_SIZE;
  }

  /** Where the next section will be. */
  get at(): number {
    return Math.ceil(this.next / 8) * 8;
  }

  /** Puts the next one, or one at a place of its own. */
  add(name: string, type: number, bytes: Uint8Array, more: Partial<Section> = {}): Section {
    const section = { name, type, bytes, flags: SHF_ALLOC, at: this.at, ...more };
    this.sections.push(section);
    this.next = section.at + bytes.length;
    return section;
  }
}

/**
 * The header of a shared object, whose program headers follow at once.
 * @param machine EM_*
 * @param shoff where the section headers lie, of which the last names sections
 */
export function fileHeader(
  machine: number,
  phnum: number,
  shoff: number,
  shnum: number,
): Uint8Array {
  return join(
    Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    // ET_DYN, without an entry.
    pack([2, 3], [2, machine], [4, 1], [8, 0], [8, EHDR_SIZE], [8, shoff], [4, 0]),
    pack([2, EHDR_SIZE], [2, PHDR_SIZE], [2, phnum]),
    pack([2, SHDR_SIZE], [2, shnum], [2, shnum - 1]),
  );
}

/** The header of a segment that lies at its own address. */
export function programHeader(type: number, flags: number, at: number, size: number): Uint8Array {
  const align = type === PT_LOAD ? PAGE_SIZE : 4;
  return pack([4, type], [4, flags], [8, at], [8, at], [8, at], [8, size], [8, size], [8, align]);
}

/** @param name its place in the table of names */
export function sectionHeader(section: Section, name: number): Uint8Array {
  const { type, flags = 0, at, bytes, link = 0, info = 0, entsize = 0 } = section;
  return pack(
    ...([
      [4, name],
      [4, type],
      [8, flags],
      [8, flags & SHF_ALLOC ? at : 0],
      [8, at],
    ] as const),
    ...([
      [8, bytes.length],
      [4, link],
      [4, info],
      [8, type === SHT_NOTE ? 4 : 8],
      [8, entsize],
    ] as const),
  );
}
