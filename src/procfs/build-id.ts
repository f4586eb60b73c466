import type { PageCache } from '../mm/page-cache.js';
import type { File } from '../vfs/file.js';

/** Most bytes a build id has (BUILD_ID_SIZE_MAX), and program headers looked at (MAX_PHDR_CNT). */
const BUILD_ID_SIZE_MAX = 20;
const MAX_PHDR_CNT = 256;

const ELF_MAGIC = 0x464c457f;
const ELFCLASS32 = 1;
const ELFCLASS64 = 2;
const ET_EXEC = 2;
const ET_DYN = 3;
const PT_NOTE = 4;
/** NT_GNU_BUILD_ID, and its name with the NUL as a little-endian word. */
const BUILD_ID = 3;
const GNU = 0x00554e47;
const NHDR_SIZE = 12;

/** Where a class of ELF keeps what is needed: offsets in the file header and in a program header. */
interface Layout {
  readonly ehdrSize: number;
  readonly phoff: number;
  readonly phnum: number;
  readonly phdrSize: number;
  readonly offset: number;
  readonly filesz: number;
  /** Whether addresses have 64 bits. */
  readonly wide: boolean;
}

const LAYOUT_32: Layout = {
  ...{ ehdrSize: 52, phoff: 28, phnum: 44, phdrSize: 32, offset: 4, filesz: 16 },
  wide: false,
};
const LAYOUT_64: Layout = {
  ...{ ehdrSize: 64, phoff: 32, phnum: 56, phdrSize: 56, offset: 8, filesz: 32 },
  wide: true,
};

/** Bytes of a file, or null where it does not have them all. */
function fetch(pages: PageCache, pos: number, length: number): DataView | null {
  if (!Number.isSafeInteger(pos + length) || pos + length > pages.size) return null;
  const bytes = new Uint8Array(length);
  return pages.read(pos, bytes) === length ? new DataView(bytes.buffer) : null;
}

function word(view: DataView, at: number, wide: boolean): number {
  return wide ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true);
}

const align4 = (size: number): number => Math.ceil(size / 4) * 4;

/** The build id among the notes of one segment (lib/buildid.c parse_build_id()). */
function parseNotes(pages: PageCache, from: number, size: number): Uint8Array | null {
  const end = from + size;
  for (let at = from; end - at > NHDR_SIZE + 4;) {
    const note = fetch(pages, at, NHDR_SIZE + 4);
    if (note === null) return null;
    const nameSize = note.getUint32(0, true);
    const descSize = note.getUint32(4, true);
    const desc = at + NHDR_SIZE + align4(nameSize);
    const next = desc + align4(descSize);
    if (next > end) return null;
    const named = nameSize === 4 && note.getUint32(NHDR_SIZE, true) === GNU;
    const isBuildId = note.getUint32(8, true) === BUILD_ID && named;
    if (isBuildId && descSize > 0 && descSize <= BUILD_ID_SIZE_MAX) {
      const id = fetch(pages, desc, descSize);
      return id === null ? null : new Uint8Array(id.buffer);
    }
    at = next;
  }
  return null;
}

/** The build id of an ELF file of a known class (lib/buildid.c get_build_id_64()). */
function parseHeaders(pages: PageCache, layout: Layout): Uint8Array | null {
  const ehdr = fetch(pages, 0, layout.ehdrSize);
  if (ehdr === null || ![ET_EXEC, ET_DYN].includes(ehdr.getUint16(16, true))) return null;
  const phoff = word(ehdr, layout.phoff, layout.wide);
  const phnum = Math.min(ehdr.getUint16(layout.phnum, true), MAX_PHDR_CNT);
  for (let i = 0; i < phnum; i++) {
    const phdr = fetch(pages, phoff + i * layout.phdrSize, layout.phdrSize);
    if (phdr === null) return null;
    if (phdr.getUint32(0, true) !== PT_NOTE) continue;
    const offset = word(phdr, layout.offset, layout.wide);
    const id = parseNotes(pages, offset, word(phdr, layout.filesz, layout.wide));
    if (id !== null) return id;
  }
  return null;
}

/**
 * The build id of the ELF file behind a mapping, 1 to 20 bytes; null when there is none.
 * @see lib/buildid.c build_id_parse()
 */
export function buildIdParse(file: File | null): Uint8Array | null {
  const pages = file?.mapping ?? null;
  const ident = pages === null ? null : fetch(pages, 0, 16);
  if (pages === null || ident === null || ident.getUint32(0, true) !== ELF_MAGIC) return null;
  const elfClass = ident.getUint8(4);
  if (elfClass === ELFCLASS32) return parseHeaders(pages, LAYOUT_32);
  return elfClass === ELFCLASS64 ? parseHeaders(pages, LAYOUT_64) : null;
}
