import type { ByteSource } from '../elf/source.js';
import type { Core } from '../wasm/core.js';
import { readSection, SECTION_STORE, type Section } from './container.js';
import { SnapshotError } from './error.js';

/** Bytes of the store in one section: what is read and checked at once. */
export const STORE_CHUNK = 2 ** 20;

/** The name under which state refers to the store of its own snapshot. */
export const STORE_NAME = 'store';

/**
 * Stands for the store of a snapshot that is being written: pages over it are in the file by the time that
 * somebody restores it (SnapshotWriter.store()), and cannot be had before.
 */
export const STORE_TO_COME: ByteSource = {
  name: STORE_NAME,
  size: 0,
  read: () => new Uint8Array(0),
};

/**
 * The contents of pages in a snapshot that are read when they are needed. A part whose bytes are not those
 * that were written is refused when it is first read; to the machine its pages are lost (EIO).
 */
export class StoreSource implements ByteSource {
  readonly name = STORE_NAME;
  readonly size: number;
  readonly #core: Core;
  readonly #file: ByteSource;
  readonly #sections: readonly Section[];
  readonly #checked = new Set<number>();

  /** @throws {SnapshotError} CORRUPT: a part of the store is missing */
  constructor(core: Core, file: ByteSource, sections: readonly Section[]) {
    this.#core = core;
    this.#file = file;
    this.#sections = sections.filter(({ kind }) => kind === SECTION_STORE);
    for (const section of this.#sections.slice(0, -1)) {
      if (section.length === STORE_CHUNK) continue;
      throw new SnapshotError('CORRUPT', 'a part of the store is missing', section.offset);
    }
    this.size = this.#sections.reduce((sum, { length }) => sum + length, 0);
  }

  read(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.size);
    const bytes = new Uint8Array(Math.max(end - offset, 0));
    for (let at = offset; at < end;) {
      const part = this.#part(at, end);
      bytes.set(part, at - offset);
      at += part.length;
    }
    return bytes;
  }

  /** Checks every part: reads all of it. @throws {SnapshotError} CORRUPT, CUT_SHORT */
  verify(): void {
    for (let at = 0; at < this.size; at += STORE_CHUNK) this.#part(at, at + 1);
  }

  /** The bytes of one section from `at` on, up to `end`. */
  #part(at: number, end: number): Uint8Array {
    const index = Math.floor(at / STORE_CHUNK);
    const section = this.#sections[index] as Section;
    const from = at - index * STORE_CHUNK;
    const to = Math.min(end - index * STORE_CHUNK, section.length);
    if (this.#checked.has(index)) return this.#file.read(section.offset + from, to - from);
    const whole = readSection(this.#core, this.#file, section);
    this.#checked.add(index);
    return whole.subarray(from, to);
  }
}
