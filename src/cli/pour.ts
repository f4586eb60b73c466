import type { HostBatch } from '../live/host-pages.js';
import { Interrupt } from './interrupt.js';
import type { OutputFile, PlacedBytes } from './output-file.js';
import type { Progress } from './progress.js';

/** Buffers of a copy: one is read into, one looked at, and two can wait to be written. */
export const BUFFERS = 4;
/** Bytes of each: at 1 MiB two threads that wake each other take longer than one alone (measured). */
export const BUFFER_SIZE = 2 ** 22;

/** A copy of memory into a file. */
export interface Pour<Range> {
  /** The memory, in buffers that `take` gives. */
  batches(take: () => Promise<Uint8Array>): AsyncGenerator<HostBatch<Range>, void, void>;
  /** As many as BUFFERS, of BUFFER_SIZE bytes. */
  readonly buffers: readonly Uint8Array[];
  /** Where the bytes of a batch go. */
  place(batch: HostBatch<Range>): readonly PlacedBytes[];
  readonly file: OutputFile;
  readonly progress: Progress;
}

/**
 * Copies memory into a file. One batch is written by another thread while the next is read by a third:
 * it takes as long as the slower of the two.
 *
 * @returns false when the user broke it off
 * @throws {ProcError} the process ended
 * @throws {InputError} the file cannot be written
 */
export async function pour<Range>(copy: Pour<Range>): Promise<boolean> {
  const writer = new WriteBehind(copy.file, copy.buffers);
  const interrupt = new Interrupt();
  try {
    for await (const batch of readAhead(copy.batches(() => writer.take()))) {
      if (interrupt.came) return false;
      writer.put(batch.bytes, copy.place(batch));
      copy.progress.add(batch.bytes.length);
    }
    await writer.settle();
    return true;
  } finally {
    await writer.settle().catch(() => {});
    interrupt.release();
    copy.progress.end();
  }
}

/** The same items; each is asked for before the one before it is given away. */
async function* readAhead<T>(items: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  let next = items.next();
  try {
    while (true) {
      const item = await next;
      if (item.done === true) return;
      next = items.next();
      // Whoever awaits it gets the error; until then it is not unhandled.
      next.catch(() => {});
      yield item.value;
    }
  } finally {
    // Nothing reads into a buffer, or from a file, that is gone.
    await next.catch(() => {});
  }
}

/** Writes one after the other, and knows which buffers are free again. */
class WriteBehind {
  readonly #file: OutputFile;
  readonly #free: Uint8Array[];
  /** Of those that are written or wait for it, in order. */
  readonly #written: Promise<Uint8Array>[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(file: OutputFile, buffers: readonly Uint8Array[]) {
    this.#file = file;
    this.#free = [...buffers];
  }

  /** A buffer that nobody needs, or the first that is written. @throws {InputError} it could not be */
  async take(): Promise<Uint8Array> {
    const buffer = this.#free.pop() ?? (await this.#written.shift());
    if (buffer === undefined) throw new RangeError('pour: no buffer was given back');
    return buffer;
  }

  /** Has bytes of a buffer written, and then the buffer back. */
  put(bytes: Uint8Array, pieces: readonly PlacedBytes[]): void {
    this.#last = this.#last.then(() => this.#putAll(pieces));
    const written = this.#last.then(() => bytes);
    written.catch(() => {});
    this.#written.push(written);
  }

  async #putAll(pieces: readonly PlacedBytes[]): Promise<void> {
    for (const piece of pieces) await this.#file.putAsync(piece);
  }

  /** Waits for all. @throws {InputError} one failed */
  async settle(): Promise<void> {
    await this.#last;
  }
}
