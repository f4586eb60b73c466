import { IMAGE_LAYOUT } from '../../assembly/abi/layout.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { ByteSource } from '../elf/source.js';
import { checksum } from '../mm/checksum.js';
import type { Core } from '../wasm/core.js';
import { SnapshotError } from './error.js';

// The file that a snapshot is, all of whole pages; docs/snapshots.md draws it.
const MAGIC = [0x89, 0x50, 0x4d, 0x53, 0x4e, 0x41, 0x50, 0x0a]; // \x89PMSNAP\n
const END_MAGIC = [0x50, 0x4d, 0x53, 0x4e, 0x45, 0x4e, 0x44, 0x0a]; // PMSNEND\n
/** Rises when a class of the state gets, loses or renames a field. */
export const FORMAT_VERSION = 2;
const ENTRY_SIZE = 32;
const TRAILER_SIZE = 40;

/** What a section holds. */
export const SECTION_STATE = 1;
export const SECTION_FRAME_TABLE = 2;
export const SECTION_FRAMES = 3;
export const SECTION_STORE = 4;

/** The first page of a snapshot. */
export interface SnapshotHeader {
  /** Most bytes of the machine's memory. */
  readonly memoryLimit: number;
  /** End of the memory that its frames lie in. */
  readonly framesEnd: number;
  /** Bytes of the whole file; 0 where it was written without knowing. */
  readonly totalBytes: number;
}

/** One section of the table. */
export interface Section {
  readonly kind: number;
  /** Where it starts, and the bytes that mean something; up to the next page zeros follow. */
  readonly offset: number;
  readonly length: number;
  readonly checksum: bigint;
}

export function pagesUp(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
}

export function encodeHeader(core: Core, header: SnapshotHeader): Uint8Array {
  const page = new Uint8Array(PAGE_SIZE);
  const view = new DataView(page.buffer);
  page.set(MAGIC);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, IMAGE_LAYOUT, true);
  view.setFloat64(16, header.totalBytes, true);
  view.setFloat64(24, header.memoryLimit, true);
  view.setFloat64(32, header.framesEnd, true);
  view.setBigUint64(40, checksum(core, page), true);
  return page;
}

/** Bytes of the table of that many sections. */
export function tableBytes(sections: number): number {
  return pagesUp(sections * ENTRY_SIZE + TRAILER_SIZE);
}

/** The table, and at the very end where it starts. */
export function encodeTable(core: Core, sections: readonly Section[], offset: number): Uint8Array {
  const bytes = new Uint8Array(tableBytes(sections.length));
  const view = new DataView(bytes.buffer);
  sections.forEach((section, i) => {
    view.setUint32(i * ENTRY_SIZE, section.kind, true);
    view.setFloat64(i * ENTRY_SIZE + 8, section.offset, true);
    view.setFloat64(i * ENTRY_SIZE + 16, section.length, true);
    view.setBigUint64(i * ENTRY_SIZE + 24, section.checksum, true);
  });
  const trailer = bytes.length - TRAILER_SIZE;
  view.setFloat64(trailer, offset, true);
  view.setUint32(trailer + 8, sections.length, true);
  bytes.set(END_MAGIC, bytes.length - END_MAGIC.length);
  view.setBigUint64(trailer + 16, checksum(core, bytes), true);
  return bytes;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** Checks a page with a checksum inside, which counts as zero. */
function hasOwnChecksum(core: Core, bytes: Uint8Array, at: number): boolean {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const stored = view.getBigUint64(at, true);
  view.setBigUint64(at, 0n, true);
  return checksum(core, copy) === stored;
}

/** Reads exactly what is asked for. */
export function readExactly(source: ByteSource, offset: number, length: number): Uint8Array {
  const bytes = source.read(offset, length);
  if (bytes.length < length) {
    throw new SnapshotError('CUT_SHORT', 'cut short, the bytes end here', offset + bytes.length);
  }
  return bytes;
}

/** Whether bytes begin as those of a snapshot do; what follows may still be wrong. */
export function isSnapshot(source: ByteSource): boolean {
  return startsWith(source.read(0, MAGIC.length), MAGIC);
}

/** @throws {SnapshotError} NOT_A_SNAPSHOT, VERSION, CUT_SHORT, CORRUPT */
export function readHeader(core: Core, source: ByteSource): SnapshotHeader {
  const page = source.read(0, PAGE_SIZE);
  if (!startsWith(page, MAGIC.slice(0, page.length)) || page.length === 0) {
    throw new SnapshotError('NOT_A_SNAPSHOT', 'no snapshot of a machine starts so', 0);
  }
  if (page.length < PAGE_SIZE)
    throw new SnapshotError('CUT_SHORT', 'cut short, the bytes end here', page.length);
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  checkVersion('format', view.getUint32(8, true), FORMAT_VERSION, 8);
  checkVersion('layout', view.getUint32(12, true), IMAGE_LAYOUT, 12);
  if (!hasOwnChecksum(core, page, 40)) {
    throw new SnapshotError('CORRUPT', 'the header is not as it was written', 0);
  }
  const totalBytes = view.getFloat64(16, true);
  if (totalBytes > source.size) {
    throw new SnapshotError(
      'CUT_SHORT',
      `cut short, ${totalBytes} bytes were written`,
      source.size,
    );
  }
  const memoryLimit = view.getFloat64(24, true);
  return { totalBytes, memoryLimit, framesEnd: view.getFloat64(32, true) };
}

function checkVersion(what: string, found: number, wanted: number, at: number): void {
  if (found === wanted) return;
  const text = `its ${what} is version ${found}; this library reads ${wanted}`;
  throw new SnapshotError('VERSION', text, at);
}

/**
 * The sections, which fill the file between header and table without a gap.
 *
 * @throws {SnapshotError} CUT_SHORT: the table is not there; CORRUPT
 */
export function readTable(core: Core, source: ByteSource): Section[] {
  const trailerAt = source.size - TRAILER_SIZE;
  const trailer = readExactly(source, Math.max(trailerAt, 0), TRAILER_SIZE);
  if (!startsWith(trailer.subarray(TRAILER_SIZE - END_MAGIC.length), END_MAGIC)) {
    throw new SnapshotError('CUT_SHORT', 'cut short, no snapshot ends so', source.size);
  }
  const view = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_SIZE);
  const offset = view.getFloat64(0, true);
  const count = view.getUint32(8, true);
  if (!(offset >= PAGE_SIZE) || offset + tableBytes(count) !== source.size) {
    throw new SnapshotError(
      'CORRUPT',
      'the table of sections is not where the end says',
      trailerAt,
    );
  }
  const table = readExactly(source, offset, tableBytes(count));
  if (!hasOwnChecksum(core, table, table.length - TRAILER_SIZE + 16)) {
    throw new SnapshotError('CORRUPT', 'the table of sections is not as it was written', offset);
  }
  return parseTable(table, count, offset);
}

function parseTable(table: Uint8Array, count: number, end: number): Section[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const sections: Section[] = [];
  let next = PAGE_SIZE;
  for (let at = 0; at < count * ENTRY_SIZE; at += ENTRY_SIZE) {
    const offset = view.getFloat64(at + 8, true);
    const length = view.getFloat64(at + 16, true);
    if (offset !== next || !Number.isInteger(length) || length < 0 || offset + length > end) {
      throw new SnapshotError('CORRUPT', 'a section is not where the one before it ends', end + at);
    }
    const sum = view.getBigUint64(at + 24, true);
    sections.push({ kind: view.getUint32(at, true), offset, length, checksum: sum });
    next = offset + pagesUp(length);
  }
  if (next !== end) throw new SnapshotError('CORRUPT', 'the sections do not reach the table', end);
  return sections;
}

/** @throws {SnapshotError} CORRUPT: the bytes are not those that were written; CUT_SHORT */
export function readSection(core: Core, source: ByteSource, section: Section): Uint8Array {
  const bytes = readExactly(source, section.offset, pagesUp(section.length));
  if (checksum(core, bytes) !== section.checksum) {
    throw new SnapshotError('CORRUPT', 'the section here is not as it was written', section.offset);
  }
  return bytes.subarray(0, section.length);
}
