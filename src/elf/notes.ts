import type { Segment } from './segments.js';
import type { ByteSource, Fields } from './source.js';
import { readFields } from './source.js';

/** One note of a PT_NOTE segment; its bytes are read only when asked for. */
export interface Note {
  /** Who defined the type: `CORE`, `LINUX`, `GNU`. */
  readonly name: string;
  /** NT_PRSTATUS… */
  readonly type: number;
  /** Byte offset of the description in the file. */
  readonly offset: number;
  /** Bytes in the description. */
  readonly length: number;
}

const HEADER_SIZE = 12;
/** Longest owner name read; every known one has at most 8 bytes. */
const MAX_OWNER = 256;

/**
 * The notes of a segment, in order.
 *
 * @throws {ElfError} a note ends beyond its segment
 */
export function* readNotes(source: ByteSource, segment: Segment): Generator<Note> {
  const end = segment.offset + segment.filesz;
  let at = segment.offset;
  while (at < end) {
    const header = readFields(source, at, Math.min(HEADER_SIZE, end - at), 'a note');
    const nameLength = header.u32(0);
    const length = header.u32(4);
    const offset = at + HEADER_SIZE + align4(nameLength);
    if (offset + length > end) {
      throw header.error(0, `the note's ${nameLength} + ${length} bytes end beyond its segment`);
    }
    const owner = readFields(source, at + HEADER_SIZE, Math.min(nameLength, MAX_OWNER), 'a note');
    yield { name: owner.text(0, MAX_OWNER), type: header.u32(8), offset, length };
    at = offset + align4(length);
  }
}

/**
 * The first bytes of a note's description, all of them where it has no more than `most`.
 *
 * @param least bytes it must have
 * @throws {ElfError} it is shorter than `least`
 */
export function noteFields(
  source: ByteSource,
  note: Note,
  what: string,
  least: number,
  most: number = least,
): Fields {
  const fields = readFields(source, note.offset, Math.min(note.length, most), what);
  if (note.length < least) {
    throw fields.error(0, `${what} has ${note.length} bytes, not the ${least} it needs`);
  }
  return fields;
}

function align4(n: number): number {
  return Math.ceil(n / 4) * 4;
}
