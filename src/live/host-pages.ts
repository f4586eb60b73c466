import type { HostProcess } from './host-process.js';

/**
 * Bytes of memory and their address. Two arrays take turns: one chunk can be written while the next is
 * read, and is overwritten by the one after that.
 */
export interface HostPages {
  readonly addr: number;
  readonly bytes: Uint8Array;
}

/** Which pages of a range are read: those that pagemap shows in memory or swapped out, or every one. */
export type WhichPages = 'touched' | 'all';

const PAGE = 4096;
/** Bytes read at a time: all the memory that a copy needs, whatever the process has. */
const CHUNK = 2 ** 20;
/** Pages whose entries are read at a time: a chunk of a few MiB of sparse memory costs one call. */
const ENTRIES = 8192;
/** Bits 62 and 63 in the upper half of an entry: swapped, present. */
const TOUCHED = 0xc0000000;

/** Reads the memory of one process. */
export class HostPageReader {
  readonly #process: HostProcess;
  readonly #buffers = [new Uint8Array(CHUNK), new Uint8Array(CHUNK)] as const;
  #turn: 0 | 1 = 0;
  readonly #entries = new BigUint64Array(ENTRIES);
  /** The entries by halves, the upper one second: no bigint is made for a page. */
  readonly #halves = new Uint32Array(this.#entries.buffer);
  /** Pages that could not be read: of devices, secret, lost by a disk, guards. */
  unreadable = 0;

  constructor(process: HostProcess) {
    this.#process = process;
  }

  /**
   * The bytes of [start, end), in rising order and without what cannot be read.
   *
   * @throws {ProcError} the process ended
   */
  *read(start: number, end: number, which: WhichPages): Generator<HostPages, void, void> {
    if (which === 'all') return yield* this.#bytes(start, end);
    for (let at = start; at < end; at += ENTRIES * PAGE) {
      const count = Math.min(ENTRIES, (end - at) / PAGE);
      this.#process.readPagemap(at, this.#entries.subarray(0, count));
      // The entries are overwritten only after every run of them was read.
      for (let i = 0; i < count;) {
        const first = i;
        const touched = this.#isTouched(i);
        while (i < count && this.#isTouched(i) === touched) i += 1;
        if (touched) yield* this.#bytes(at + first * PAGE, at + i * PAGE);
      }
    }
  }

  #isTouched(index: number): boolean {
    return ((this.#halves[index * 2 + 1] ?? 0) & TOUCHED) !== 0;
  }

  *#bytes(start: number, end: number): Generator<HostPages, void, void> {
    for (let addr = start; addr < end;) {
      this.#turn = this.#turn === 0 ? 1 : 0;
      const into = this.#buffers[this.#turn].subarray(0, Math.min(CHUNK, end - addr));
      const got = this.#process.readMemory(addr, into);
      if (got > 0) yield { addr, bytes: into.subarray(0, got) };
      addr += got;
      // What lies behind a page that cannot be read may be readable.
      if (got === 0) {
        this.unreadable += 1;
        addr += PAGE;
      }
    }
  }
}
