import { readHeader } from './header.js';
import { readSections } from './sections.js';
import type { ByteSource } from './source.js';
import { Fields } from './source.js';

/** What the section .gnu_debuglink of a stripped file says of the file with its symbols. */
export interface DebugLink {
  /** Its name, without a directory. */
  readonly name: string;
  /** CRC-32 of all its bytes. */
  readonly crc: number;
}

/** Longest section read: a name has at most 255 bytes. */
const MAX_LENGTH = 512;
/** Bytes of a file that are summed up at a time. */
const CHUNK = 1024 * 1024;

/**
 * The section .gnu_debuglink of a file; null when it has none that makes sense.
 *
 *     name … 0 | zeros up to a multiple of 4 | CRC-32 of the debug file, 4 bytes
 *
 * @throws {ElfError} its section headers are wrong
 */
export function readDebugLink(source: ByteSource): DebugLink | null {
  const sections = readSections(source, readHeader(source));
  const section = sections.find(({ name }) => name === '.gnu_debuglink');
  if (section === undefined || section.size > MAX_LENGTH) return null;
  const bytes = source.read(section.offset, section.size);
  const end = bytes.indexOf(0);
  const crcAt = Math.ceil((end + 1) / 4) * 4;
  if (end <= 0 || crcAt + 4 > bytes.length) return null;
  const name = new TextDecoder().decode(bytes.subarray(0, end));
  if (name.includes('/')) return null;
  return { name, crc: new Fields(source.name, section.offset, bytes).u32(crcAt) };
}

/**
 * Where gdb and elfutils look for the file that a link names: beside the file itself, in a directory
 * .debug there, and at the file's own path below the directory of debug files.
 *
 * @param path of the file with the link
 * @returns paths in the process's tree, and paths below the directory of debug files
 */
export function debugLinkPaths(
  path: string,
  name: string,
): { readonly beside: readonly string[]; readonly below: string } {
  const directory = path.slice(0, path.lastIndexOf('/') + 1);
  const beside = [`${directory}${name}`, `${directory}.debug/${name}`];
  // A file that links to its own name would find itself.
  return { beside: beside.filter((one) => one !== path), below: `${directory.slice(1)}${name}` };
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** The CRC-32 of a whole file, as .gnu_debuglink has it: that of zlib. */
export function fileCrc(source: ByteSource): number {
  let crc = 0xffffffff;
  for (let at = 0; at < source.size;) {
    const bytes = source.read(at, CHUNK);
    if (bytes.length === 0) break;
    for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
    at += bytes.length;
  }
  return ~crc >>> 0;
}
