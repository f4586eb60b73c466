import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { EHDR_SIZE, PHDR_SIZE, PT_GNU_EH_FRAME, PT_LOAD } from '../elf/format.js';
import { ElfError } from '../elf/error.js';
import { hasElfMagic, parseHeader, readHeader } from '../elf/header.js';
import { readSections } from '../elf/sections.js';
import type { Segment } from '../elf/segments.js';
import { parseSegment } from '../elf/segments.js';
import type { ByteSource } from '../elf/source.js';
import { Fields } from '../elf/source.js';
import type { MapsLine } from './maps.js';
import type { ReadMemory } from './memory.js';

/** An ELF file as it lies in a process's memory. */
export interface Image {
  /** What to add to an address of the file to get the guest address. */
  readonly bias: bigint;
  /** Guest address of .eh_frame_hdr; null when the file has none. */
  readonly ehFrameHdr: bigint | null;
  /** Guest addresses of .eh_frame, for a file without .eh_frame_hdr; null when not known. */
  readonly ehFrame: { readonly start: bigint; readonly end: bigint } | null;
  /** Guest address where its last segment ends. */
  readonly end: bigint;
}

/** Opens a file by its path as maps names it; null when it is not to be had. */
export type OpenFile = (path: string) => ByteSource | null;

const PAGE_MASK = ~BigInt(PAGE_SIZE - 1);

/**
 * The image whose mappings include `line`, from the ELF headers in memory.
 *
 * The headers are at the nearest mapping of the same file, at or before `line`, that maps it
 * from offset 0; the vDSO and other mappings without a file are their own.
 *
 * @param open used only for a file without .eh_frame_hdr, as static executables often are
 * @returns null when no ELF header is readable there
 */
export function imageOf(
  lines: readonly MapsLine[],
  line: MapsLine,
  read: ReadMemory,
  open: OpenFile,
): Image | null {
  const first = firstLine(lines, line);
  if (first === null) return null;
  const bytes = read(first.start, EHDR_SIZE);
  if (bytes === null || !hasElfMagic(bytes)) return null;
  try {
    const segments = memorySegments(first, bytes, read);
    return describe(first, segments, open);
  } catch (error) {
    if (error instanceof ElfError) return null;
    throw error;
  }
}

function firstLine(lines: readonly MapsLine[], line: MapsLine): MapsLine | null {
  for (let i = lines.indexOf(line); i >= 0; i--) {
    const candidate = lines[i];
    if (candidate === undefined) return null;
    if (candidate.path === line.path && candidate.offset === 0) return candidate;
    // A file's bss lies between or behind its mappings without a name of its own.
    if (candidate.path !== line.path && candidate.path !== '') return null;
  }
  return null;
}

function memorySegments(first: MapsLine, bytes: Uint8Array, read: ReadMemory): Segment[] {
  const header = parseHeader(new Fields(first.path, 0, bytes));
  const segments: Segment[] = [];
  for (let i = 0; i < header.phnum; i++) {
    const at = header.phoff + i * PHDR_SIZE;
    const entry = read(first.start + at, PHDR_SIZE);
    if (entry === null) break;
    segments.push(parseSegment(new Fields(first.path, at, entry)));
  }
  return segments;
}

function describe(first: MapsLine, segments: readonly Segment[], open: OpenFile): Image | null {
  const loads = segments.filter((segment) => segment.type === PT_LOAD);
  const lowest = loads.find((segment) => segment.offset < PAGE_SIZE);
  if (lowest === undefined) return null;
  const bias = BigInt(first.start) - (lowest.vaddr & PAGE_MASK);
  const ends = loads.map((segment) => segment.vaddr + BigInt(segment.memsz));
  const end = bias + ends.reduce((a, b) => (a > b ? a : b));
  const header = segments.find((segment) => segment.type === PT_GNU_EH_FRAME);
  if (header !== undefined) {
    return { bias, ehFrameHdr: BigInt.asUintN(64, header.vaddr + bias), ehFrame: null, end };
  }
  return { bias, ehFrameHdr: null, ehFrame: ehFrameSection(first.path, bias, open), end };
}

function ehFrameSection(path: string, bias: bigint, open: OpenFile): Image['ehFrame'] {
  const file = open(path);
  if (file === null) return null;
  const sections = readSections(file, readHeader(file));
  const section = sections.find(({ name, addr }) => name === '.eh_frame' && addr !== 0n);
  if (section === undefined) return null;
  const start = BigInt.asUintN(64, section.addr + bias);
  return { start, end: start + BigInt(section.size) };
}
