import { EHDR_SIZE, ET_CORE, ET_DYN, ET_EXEC } from './format.js';
import { ElfError } from './error.js';
import { elfMachine, knownMachines } from './machines.js';
import type { ByteSource, Fields } from './source.js';
import { readFields } from './source.js';

/** The file header: what kind of file, and where its tables are. */
export interface ElfHeader {
  /** ET_EXEC, ET_DYN or ET_CORE. */
  readonly type: number;
  /** EM_* */
  readonly machine: number;
  /** Guest address of the first instruction; 0 in a core. */
  readonly entry: bigint;
  /** Byte offset of the program headers. */
  readonly phoff: number;
  /** Byte offset of the section headers; 0 when there are none. */
  readonly shoff: number;
  /** Bytes in one program header. */
  readonly phentsize: number;
  /** Program headers, or PN_XNUM. */
  readonly phnum: number;
  /** Bytes in one section header. */
  readonly shentsize: number;
  /** Section headers, or 0 when section 0 has the number. */
  readonly shnum: number;
}

const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const TYPES = [ET_EXEC, ET_DYN, ET_CORE];

/**
 * Reads and checks the header of a Linux file of 64 bits.
 *
 * @throws {ElfError} the file is no ELF file, of another machine or kind, or cut short
 */
export function readHeader(source: ByteSource): ElfHeader {
  if (source.size < 4 || !hasElfMagic(source.read(0, 4))) {
    throw new ElfError(source.name, 0, 'this is not an ELF file');
  }
  const header = readFields(source, 0, EHDR_SIZE, 'the ELF header');
  checkIdentity(header);
  return parseHeader(header);
}

/** Whether bytes start as an ELF file does. */
export function hasElfMagic(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/**
 * The header in 64 bytes, from a file or from memory.
 *
 * @throws {ElfError} an offset in it is impossibly large
 */
export function parseHeader(header: Fields): ElfHeader {
  return {
    type: header.u16(16),
    machine: header.u16(18),
    entry: header.u64(24),
    phoff: header.size(32, 'e_phoff'),
    shoff: header.size(40, 'e_shoff'),
    phentsize: header.u16(54),
    phnum: header.u16(56),
    shentsize: header.u16(58),
    shnum: header.u16(60),
  };
}

function checkIdentity(header: Fields): void {
  if (header.u8(4) !== ELFCLASS64) throw header.error(4, 'not a 64-bit file');
  if (header.u8(5) !== ELFDATA2LSB) throw header.error(5, 'not a little-endian file');
  const machine = header.u16(18);
  if (elfMachine(machine) === null) {
    throw header.error(18, `machine ${machine}; only ${knownMachines()} are known`);
  }
  if (!TYPES.includes(header.u16(16))) {
    throw header.error(16, `type ${header.u16(16)} is neither an executable nor a core`);
  }
}
