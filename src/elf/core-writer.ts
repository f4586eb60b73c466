import type { ByteSource } from './source.js';
import {
  EHDR_SIZE,
  EM_X86_64,
  ET_CORE,
  PHDR_SIZE,
  PN_XNUM,
  PT_LOAD,
  PT_NOTE,
  SHDR_SIZE,
} from './format.js';

/** Bytes at a place of a file or of a segment. */
export interface CoreChunk {
  /** Where the first of them goes. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** One range of memory for a core to be written. */
export interface CoreSegment {
  /** Guest address of the first byte. */
  readonly vaddr: bigint;
  /** Bytes of memory. */
  readonly memsz: number;
  /** Bytes of it that go into the core, from the start; the rest is not dumped. */
  readonly filesz: number;
  /** PF_R, PF_W and PF_X. */
  readonly flags: number;
  /**
   * Those of the bytes from `from` to `to`, exclusive, that are not zeros, in rising order of their place in
   * the segment; both are whole pages or the end of the `filesz` bytes.
   */
  contents(from: number, to: number): Iterable<CoreChunk>;
}

/** What a core is made of. */
export interface CoreImage {
  /** EM_*: EM_X86_64 where it is left out. */
  readonly machine?: number;
  /** Notes in their file format, in order: see note(). */
  readonly notes: readonly Uint8Array[];
  readonly segments: readonly CoreSegment[];
  /** What errors call it. */
  readonly name?: string;
}

/** ELF_EXEC_PAGESIZE: where the memory begins, and p_align of each segment. */
const ALIGN = 4096;
const EV_CURRENT = 1;
const ELF_IDENT = [0x7f, 0x45, 0x4c, 0x46, 2, 1, EV_CURRENT];

/**
 * A core file laid out and not yet written: its size is known, and its bytes come in rising order of their
 * places, or from wherever they are asked for. What lies between them is zeros, so that a file of holes
 * takes no room on a disk.
 *
 *     ELF header | program headers | notes | to a page: memory … | section 0, where it counts the headers
 *
 * @see fs/binfmt_elf.c, elf_core_dump()
 */
export class CoreFile implements ByteSource {
  readonly name: string;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly #image: CoreImage;
  /** Where the memory begins, and where it ends. */
  readonly #memory: number;
  readonly #end: number;
  /** Where the memory of each segment begins. */
  readonly #starts: readonly number[];
  /** All before the memory, once it was asked for. */
  #front: Uint8Array | null = null;

  constructor(image: CoreImage) {
    this.#image = image;
    this.name = image.name ?? 'core';
    const notes = image.notes.reduce((sum, { length }) => sum + length, 0);
    this.#memory = alignUp(this.#notesAt + notes);
    let end = this.#memory;
    this.#starts = image.segments.map(({ filesz }) => (end += filesz) - filesz);
    this.#end = end;
    this.size = this.#end + (this.#isExtended ? SHDR_SIZE : 0);
  }

  /** The bytes that are not zeros, in rising order of their places in the file. */
  *chunks(): Generator<CoreChunk, void, void> {
    yield* this.front();
    for (const [i, segment] of this.#image.segments.entries()) {
      const start = this.segmentOffset(i);
      for (const { offset: at, bytes } of segment.contents(0, segment.filesz)) {
        yield { offset: start + at, bytes };
      }
    }
    yield* this.tail();
  }

  /** What is before the memory: the headers and notes. */
  *front(): Generator<CoreChunk, void, void> {
    yield { offset: 0, bytes: this.#headers() };
    let offset = this.#notesAt;
    for (const bytes of this.#image.notes) {
      yield { offset, bytes };
      offset += bytes.length;
    }
  }

  /** What is behind it. */
  *tail(): Generator<CoreChunk, void, void> {
    if (this.#isExtended) yield { offset: this.#end, bytes: this.#sectionZero() };
  }

  /** Where the memory of a segment begins. */
  segmentOffset(index: number): number {
    return this.#starts[index] as number;
  }

  /**
   * The whole file.
   *
   * @throws {RangeError} the host has no array that large
   */
  toBytes(): Uint8Array {
    const file = new Uint8Array(this.size);
    for (const { offset, bytes } of this.chunks()) file.set(bytes, offset);
    return file;
  }

  /** Up to `length` bytes at `offset`, read now; fewer only where the file ends. */
  read(offset: number, length: number): Uint8Array {
    const into = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    const end = offset + into.length;
    if (offset < this.#memory) put(into, offset, { offset: 0, bytes: this.#beforeMemory() });
    for (let i = this.#firstBehind(offset); (this.#starts[i] ?? end) < end; i++) {
      const start = this.#starts[i] as number;
      const { filesz, contents } = this.#image.segments[i] as CoreSegment;
      const from = alignDown(Math.max(0, offset - start));
      for (const chunk of contents(from, Math.min(filesz, alignUp(end - start)))) {
        put(into, offset - start, chunk);
      }
    }
    for (const chunk of this.tail()) put(into, offset, chunk);
    return into;
  }

  #beforeMemory(): Uint8Array {
    if (this.#front !== null) return this.#front;
    const front = new Uint8Array(this.#memory);
    for (const { offset, bytes } of this.front()) front.set(bytes, offset);
    return (this.#front = front);
  }

  /** The first segment whose memory ends behind a place of the file. */
  #firstBehind(offset: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle + 1] ?? this.#end) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Program headers: the notes and each segment. */
  get #count(): number {
    return this.#image.segments.length + 1;
  }

  /** More headers than e_phnum can say (fill_extnum_info()). */
  get #isExtended(): boolean {
    return this.#count >= PN_XNUM;
  }

  get #notesAt(): number {
    return EHDR_SIZE + this.#count * PHDR_SIZE;
  }

  #headers(): Uint8Array {
    const bytes = new Uint8Array(this.#notesAt);
    const view = new DataView(bytes.buffer);
    this.#fillHeader(bytes, view);
    const notes = this.#image.notes.reduce((sum, { length }) => sum + length, 0);
    view.setUint32(EHDR_SIZE, PT_NOTE, true);
    view.setBigUint64(EHDR_SIZE + 8, BigInt(this.#notesAt), true);
    view.setBigUint64(EHDR_SIZE + 32, BigInt(notes), true);
    view.setBigUint64(EHDR_SIZE + 48, 4n, true);
    let at = EHDR_SIZE + PHDR_SIZE;
    let offset = this.#memory;
    for (const segment of this.#image.segments) {
      fillSegment(view, at, offset, segment);
      at += PHDR_SIZE;
      offset += segment.filesz;
    }
    return bytes;
  }

  #fillHeader(bytes: Uint8Array, view: DataView): void {
    const extended = this.#isExtended;
    bytes.set(ELF_IDENT);
    view.setUint16(16, ET_CORE, true);
    view.setUint16(18, this.#image.machine ?? EM_X86_64, true);
    view.setUint32(20, EV_CURRENT, true);
    view.setBigUint64(32, BigInt(EHDR_SIZE), true);
    view.setBigUint64(40, BigInt(extended ? this.#end : 0), true);
    view.setUint16(52, EHDR_SIZE, true);
    view.setUint16(54, PHDR_SIZE, true);
    view.setUint16(56, extended ? PN_XNUM : this.#count, true);
    if (!extended) return;
    view.setUint16(58, SHDR_SIZE, true);
    view.setUint16(60, 1, true);
  }

  /** sh_size is the number of sections, sh_info that of the program headers. */
  #sectionZero(): Uint8Array {
    const bytes = new Uint8Array(SHDR_SIZE);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(32, 1n, true);
    view.setUint32(44, this.#count, true);
    return bytes;
  }
}

function fillSegment(view: DataView, at: number, offset: number, segment: CoreSegment): void {
  view.setUint32(at, PT_LOAD, true);
  view.setUint32(at + 4, segment.flags, true);
  view.setBigUint64(at + 8, BigInt(offset), true);
  view.setBigUint64(at + 16, segment.vaddr, true);
  view.setBigUint64(at + 32, BigInt(segment.filesz), true);
  view.setBigUint64(at + 40, BigInt(segment.memsz), true);
  view.setBigUint64(at + 48, BigInt(ALIGN), true);
}

/** Copies as much of a chunk as lies in the bytes from `start` on. */
function put(into: Uint8Array, start: number, { offset, bytes }: CoreChunk): void {
  const skipped = Math.max(0, start - offset);
  const at = Math.max(0, offset - start);
  if (skipped >= bytes.length || at >= into.length) return;
  into.set(bytes.subarray(skipped, skipped + into.length - at), at);
}

function alignDown(n: number): number {
  return n - (n % ALIGN);
}

function alignUp(n: number): number {
  return Math.ceil(n / ALIGN) * ALIGN;
}
