import { PF_R, PF_W, PF_X, PHDR_SIZE, PN_XNUM, SHDR_SIZE } from './format.js';
import { ElfError } from './error.js';
import type { ElfHeader } from './header.js';
import type { ByteSource, Fields } from './source.js';
import { readFields } from './source.js';

/** One program header: a range of the file and the guest addresses it is for. */
export interface Segment {
  /** PT_LOAD, PT_NOTE… */
  readonly type: number;
  /** PF_R, PF_W and PF_X. */
  readonly flags: number;
  /** Byte offset in the file. */
  readonly offset: number;
  /** Guest address of the first byte. */
  readonly vaddr: bigint;
  /** Bytes in the file; the rest up to `memsz` are not in it. */
  readonly filesz: number;
  /** Bytes in memory. */
  readonly memsz: number;
  /** Where this header itself is in the file, for errors. */
  readonly at: number;
}

/** Sixteen times vm.max_map_count as it comes: a count above it is a lie, not a process. */
const MAX_SEGMENTS = 1 << 20;

/**
 * Reads all program headers of a file, more than 65,534 too.
 *
 * @throws {ElfError} the table or a segment's bytes lie outside the file
 */
export function readSegments(source: ByteSource, header: ElfHeader): Segment[] {
  const count = segmentCount(source, header);
  if (count === 0) return [];
  if (header.phentsize !== PHDR_SIZE) {
    throw new ElfError(source.name, 54, `e_phentsize is ${header.phentsize}, not ${PHDR_SIZE}`);
  }
  if (count > MAX_SEGMENTS) {
    throw new ElfError(source.name, 56, `${count} program headers are more than any process has`);
  }
  const table = readFields(source, header.phoff, count * PHDR_SIZE, `${count} program headers`);
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    segments.push(checkSegment(source, table.part(i * PHDR_SIZE, PHDR_SIZE)));
  }
  return segments;
}

/**
 * One program header from its 56 bytes, not yet held against any file.
 *
 * @throws {ElfError} a size in it is impossibly large
 */
export function parseSegment(fields: Fields): Segment {
  return {
    type: fields.u32(0),
    flags: fields.u32(4),
    offset: fields.size(8, 'p_offset'),
    vaddr: fields.u64(16),
    filesz: fields.size(32, 'p_filesz'),
    memsz: fields.size(40, 'p_memsz'),
    at: fields.start,
  };
}

/** Flags as /proc/PID/maps writes permissions: `r-x`. */
export function permissions(flags: number): string {
  return [flags & PF_R ? 'r' : '-', flags & PF_W ? 'w' : '-', flags & PF_X ? 'x' : '-'].join('');
}

function checkSegment(source: ByteSource, fields: Fields): Segment {
  const segment = parseSegment(fields);
  const end = segment.offset + segment.filesz;
  if (end > source.size) {
    const place = `the segment's bytes end at 0x${end.toString(16)}`;
    throw fields.error(32, `${place} but the file ends at 0x${source.size.toString(16)}`);
  }
  return segment;
}

/** e_phnum, or where that is PN_XNUM the sh_info of section 0 (fs/binfmt_elf.c, elf_core_dump()). */
function segmentCount(source: ByteSource, header: ElfHeader): number {
  if (header.phnum !== PN_XNUM) return header.phnum;
  if (header.shoff === 0) {
    throw new ElfError(source.name, 56, 'e_phnum is 0xffff but there is no section 0 to count');
  }
  return readFields(source, header.shoff, SHDR_SIZE, 'section 0').u32(44);
}
