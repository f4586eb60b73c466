import type { HostProcess } from './host-process.js';

/** Bytes of memory and their address. They are overwritten when the next are asked for. */
export interface HostPages {
  readonly addr: number;
  readonly bytes: Uint8Array;
}

/** Whole pages of memory to be read. */
export interface HostRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** Which pages of a range are read: those that pagemap shows in memory or swapped out, or every one. */
export type WhichPages = 'touched' | 'all';

const PAGE = 4096;
/** Bytes that read() reads at a time. */
const CHUNK = 2 ** 20;
/** Pages whose entries are read at a time: a chunk of a few MiB of sparse memory costs one call. */
const ENTRIES = 8192;
/** Bits 62 and 63 in the upper half of an entry: swapped, present. */
const TOUCHED = 0xc0000000;

/** Reads the memory of one process. */
export class HostPageReader {
  readonly #process: HostProcess;
  readonly #entries = new BigUint64Array(ENTRIES);
  /** The entries by halves, the upper one second: no bigint is made for a page. */
  readonly #halves = new Uint32Array(this.#entries.buffer);
  /** Pages that could not be read: of devices, secret, lost by a disk, guards. */
  unreadable = 0;

  constructor(process: HostProcess) {
    this.#process = process;
  }

  /**
   * The ranges in [start, end) to be read, in rising order. Those of two calls are not to be mixed.
   *
   * @throws {ProcError} the process ended
   */
  *ranges(start: number, end: number, which: WhichPages): Generator<HostRange, void, void> {
    if (which === 'all') return yield { start, end };
    for (let at = start; at < end; at += ENTRIES * PAGE) {
      const count = Math.min(ENTRIES, (end - at) / PAGE);
      this.#process.readPagemap(at, this.#entries.subarray(0, count));
      // The entries are overwritten only after every run of them was read.
      for (let i = 0; i < count;) {
        const first = i;
        const touched = this.#isTouched(i);
        while (i < count && this.#isTouched(i) === touched) i += 1;
        if (touched) yield { start: at + first * PAGE, end: at + i * PAGE };
      }
    }
  }

  #isTouched(index: number): boolean {
    return ((this.#halves[index * 2 + 1] ?? 0) & TOUCHED) !== 0;
  }

  /**
   * The bytes of [start, end), in rising order and without what cannot be read.
   *
   * @throws {ProcError} the process ended
   */
  *read(start: number, end: number, which: WhichPages): Generator<HostPages, void, void> {
    const buffer = new Uint8Array(Math.min(CHUNK, end - start));
    for (const range of this.ranges(start, end, which)) {
      for (let addr = range.start; addr < range.end;) {
        const into = buffer.subarray(0, Math.min(CHUNK, range.end - addr));
        const got = this.#process.memory.read(addr, into);
        if (got > 0) yield { addr, bytes: into.subarray(0, got) };
        addr += this.#passed(got);
      }
    }
  }

  /** Bytes that a read has dealt with: what lies behind a page that cannot be read may be readable. */
  #passed(got: number): number {
    if (got === 0) this.unreadable += 1;
    return got === 0 ? PAGE : got;
  }
}
