import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Section } from './elf-writer.js';
import { FUNCTION_SIZE, type VdsoArch, VDSO_TEXT } from './vdso-arch.js';
import {
  EHDR_SIZE,
  fileHeader,
  join,
  Layout,
  pack,
  programHeader,
  PT_LOAD,
  sectionHeader,
  SHDR_SIZE,
  SHF_ALLOC,
  SHT_NOTE,
  Strings,
} from './elf-writer.js';

// include/uapi/linux/elf.h
const PT_DYNAMIC = 2;
const PT_NOTE = 4;
const PT_GNU_EH_FRAME = 0x6474e550;
const PF_X = 1;
const PF_R = 4;
const SHT_PROGBITS = 1;
const SHT_STRTAB = 3;
const SHT_HASH = 5;
const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHT_GNU_VERDEF = 0x6ffffffd;
const SHT_GNU_VERSYM = 0x6fffffff;
const SHF_EXECINSTR = 4;
const DT_NULL = 0;
const DT_HASH = 4;
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_STRSZ = 10;
const DT_SYMENT = 11;
const DT_SONAME = 14;
const DT_VERSYM = 0x6ffffff0;
const DT_VERDEF = 0x6ffffffc;
const DT_VERDEFNUM = 0x6ffffffd;
const STB_GLOBAL_FUNC = 0x12;
const STB_WEAK_FUNC = 0x22;

const SYM_SIZE = 24;
const PROGRAM_HEADERS = 4;
/** Number of the version of all symbols in .gnu.version. */
const VERSION = 2;

const SONAME = 'linux-vdso.so.1';

/** A symbol, and the place of its function among the others. */
interface VdsoSymbol {
  readonly name: string;
  readonly info: number;
  readonly index: number;
}

/** Every function under __vdso_ and its name, and where the architecture has that under its name alone. */
function symbolsOf({ functions, longer, plainNames }: VdsoArch): readonly VdsoSymbol[] {
  const names = [...functions, ...(longer === undefined ? [] : [longer])];
  return names.flatMap(([name], index) => [
    ...(plainNames ? [{ name, info: STB_WEAK_FUNC, index }] : []),
    { name: `__vdso_${name}`, info: STB_GLOBAL_FUNC, index },
  ]);
}

/** The hash function of the System V ABI. */
function elfHash(name: string): number {
  let hash = 0;
  for (const character of name) {
    hash = (hash << 4) + character.charCodeAt(0);
    const high = hash & 0xf0000000;
    hash = (hash ^ (high >>> 24)) & ~high;
  }
  return hash >>> 0;
}

/** One bucket, all symbols chained: for ten of them a search is as quick as anything. */
function hashTable(symbols: number): Uint8Array {
  const count = symbols + 1;
  const chain = Array.from({ length: count }, (_, i) => (i === 0 || i === count - 1 ? 0 : i + 1));
  return pack(...[1, count, 1, ...chain].map((word) => [4, word] as const));
}

function verdef(strings: Strings, version: string): Uint8Array {
  const entry = (flags: number, index: number, name: string, next: number): Uint8Array =>
    pack(
      ...([
        [2, 1],
        [2, flags],
        [2, index],
        [2, 1],
        [4, elfHash(name)],
        [4, 20],
        [4, next],
      ] as const),
      ...([
        [4, strings.at(name)],
        [4, 0],
      ] as const),
    );
  return join(entry(1, 1, SONAME, 28), entry(0, VERSION, version, 0));
}

/** The note that names the system: version 6.18.0 as LINUX_VERSION_CODE. */
const NOTE = join(
  pack([4, 6], [4, 4], [4, 0]),
  new TextEncoder().encode('Linux\0\0\0'),
  pack([4, 0x61200]),
);

/** The code of all functions, one behind the other. */
function codeOf(arch: VdsoArch): Uint8Array {
  return join(
    ...arch.functions.map(([, nr]) => arch.code(nr)),
    arch.longer?.[1]() ?? new Uint8Array(0),
  );
}

/** Call frames: one description for all functions, none of which changes the stack. */
function ehFrame(arch: VdsoArch, at: number): Uint8Array {
  const text = VDSO_TEXT + arch.frameless * FUNCTION_SIZE;
  const size = codeOf(arch).length - arch.frameless * FUNCTION_SIZE;
  const start = text - (at + 24 + 8);
  return join(
    // CIE
    pack([4, 20], [4, 0]),
    Uint8Array.from(arch.cie),
    // FDE of all that have frames.
    pack([4, 20], [4, 28], [4, start], [4, size]),
    new Uint8Array(8),
    new Uint8Array(4),
  );
}

/** The table that leads to the one FDE. */
function ehFrameHdr(text: number, frame: number, at: number): Uint8Array {
  const table = pack([4, 1], [4, text - at], [4, frame + 24 - at]);
  return join(Uint8Array.of(1, 0x1b, 0x03, 0x3b), pack([4, frame - (at + 4)]), table);
}

function symbolTable(
  strings: Strings,
  from: readonly VdsoSymbol[],
  text: number,
  { functions, longer }: VdsoArch,
): Uint8Array {
  const last = longer?.[1]().length ?? 0;
  const symbols = from.map(({ name, info, index }) =>
    pack(
      ...([
        [4, strings.at(name)],
        [1, info],
        [1, 0],
        [2, TEXT_SECTION],
      ] as const),
      ...([
        [8, text + index * FUNCTION_SIZE],
        [8, index < functions.length ? FUNCTION_SIZE : last],
      ] as const),
    ),
  );
  return join(new Uint8Array(SYM_SIZE), ...symbols);
}

/** Numbers of sections that others name. */
const DYNSYM_SECTION = 2;
const DYNSTR_SECTION = 3;
const TEXT_SECTION = 10;

function dynamicTable(strings: Strings, parts: Readonly<Record<string, number>>): Uint8Array {
  const entries: readonly (readonly [number, number])[] = [
    [DT_SONAME, strings.at(SONAME)],
    [DT_HASH, parts.hash ?? 0],
    [DT_STRTAB, parts.strings ?? 0],
    [DT_SYMTAB, parts.symbols ?? 0],
    [DT_STRSZ, strings.bytes().length],
    [DT_SYMENT, SYM_SIZE],
    [DT_VERDEF, parts.verdef ?? 0],
    [DT_VERDEFNUM, 2],
    [DT_VERSYM, parts.versym ?? 0],
    [DT_NULL, 0],
  ];
  return pack(...entries.flatMap(([tag, value]) => [[8, tag] as const, [8, value] as const]));
}

/** Everything but the headers: tables in the first page, code in the second. */
function layOut(arch: VdsoArch): {
  layout: Layout;
  dynamic: Section;
  note: Section;
  frames: Section;
  text: Section;
} {
  const layout = new Layout(PROGRAM_HEADERS);
  const strings = new Strings();
  const textAt = VDSO_TEXT;
  const all = symbolsOf(arch);
  const symtab = symbolTable(strings, all, textAt, arch);
  const versions = verdef(strings, arch.version);
  const hash = layout.add('.hash', SHT_HASH, hashTable(all.length), {
    link: DYNSYM_SECTION,
    entsize: 4,
  });
  const dynsym = { link: DYNSTR_SECTION, info: 1, entsize: SYM_SIZE };
  const symbols = layout.add('.dynsym', SHT_DYNSYM, symtab, dynsym);
  const dynstr = layout.add('.dynstr', SHT_STRTAB, strings.bytes());
  const versym = pack([2, 0], ...all.map(() => [2, VERSION] as const));
  const version = { link: DYNSYM_SECTION, entsize: 2 };
  const gnuVersion = layout.add('.gnu.version', SHT_GNU_VERSYM, versym, version);
  const defined = { link: DYNSTR_SECTION, info: 2 };
  const gnuVerdef = layout.add('.gnu.version_d', SHT_GNU_VERDEF, versions, defined);
  const places = {
    ...{ hash: hash.at, strings: dynstr.at, symbols: symbols.at },
    ...{ verdef: gnuVerdef.at, versym: gnuVersion.at },
  };
  const table = dynamicTable(strings, places);
  const dynamic = layout.add('.dynamic', SHT_DYNAMIC, table, { link: DYNSTR_SECTION, entsize: 16 });
  const note = layout.add('.note', SHT_NOTE, NOTE);
  const frameAt = layout.at + 24;
  const header = ehFrameHdr(textAt + arch.frameless * FUNCTION_SIZE, frameAt, layout.at);
  const frames = layout.add('.eh_frame_hdr', SHT_PROGBITS, header);
  layout.add('.eh_frame', SHT_PROGBITS, ehFrame(arch, frameAt), { at: frameAt });
  const executable = { at: textAt, flags: SHF_ALLOC | SHF_EXECINSTR };
  const text = layout.add('.text', SHT_PROGBITS, codeOf(arch), executable);
  return { layout, dynamic, note, frames, text };
}

/**
 * Makes the shared object that the kernel maps into every program, [vdso]: an ELF file of two pages with
 * functions of Linux's, each of which makes the system call of its name.
 */
export function makeVdsoImage(arch: VdsoArch): Uint8Array {
  const { layout, dynamic, note, frames, text } = layOut(arch);
  const names = new Strings();
  for (const { name } of layout.sections) names.at(name);
  names.at('.shstrtab');
  layout.add('.shstrtab', SHT_STRTAB, names.bytes(), { flags: 0 });
  const headersAt = layout.at;
  const headers = layout.sections.map((section) => sectionHeader(section, names.at(section.name)));
  const image = new Uint8Array(2 * PAGE_SIZE);
  image.set(fileHeader(arch.machine, PROGRAM_HEADERS, headersAt, headers.length + 1));
  image.set(
    join(
      programHeader(PT_LOAD, PF_R | PF_X, 0, text.at + text.bytes.length),
      programHeader(PT_DYNAMIC, PF_R, dynamic.at, dynamic.bytes.length),
      programHeader(PT_NOTE, PF_R, note.at, note.bytes.length),
      programHeader(PT_GNU_EH_FRAME, PF_R, frames.at, frames.bytes.length),
    ),
    EHDR_SIZE,
  );
  for (const { at, bytes } of layout.sections) image.set(bytes, at);
  image.set(join(new Uint8Array(SHDR_SIZE), ...headers), headersAt);
  return image;
}
