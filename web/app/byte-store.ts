import type { Client } from './client.js';
import { Cancelled, type Failure } from './message.js';
import { failureOf } from './opening.js';

/** Bytes asked for at once: 16 pages. */
const BLOCK = 64 * 1024;
const PAGE = 4096;
/** Blocks kept: 16 MiB. */
const KEPT = 256;
/** Blocks on their way at once. */
const PARALLEL = 3;

interface Block {
  bytes: Uint8Array;
  errors: readonly string[];
  /** Whether memory changed since: shown until it was read again. */
  stale: boolean;
}

/** The memory of one process as the page knows it, read through the worker in blocks. */
export class ByteStore {
  readonly #client: Client;
  readonly #task: number;
  readonly #as: number;
  readonly #blocks = new Map<number, Block>();
  readonly #asked = new Set<number>();
  readonly #followers = new Set<() => void>();
  /** How often memory changed: what was asked for before is stale when it arrives. */
  #changes = 0;
  /** Why nothing can be read at all: mem could not be opened. */
  failure: Failure | null = null;

  constructor(client: Client, task: number, as: number) {
    this.#client = client;
    this.#task = task;
    this.#as = as;
  }

  /** Calls back for each block that arrived, until the function given back is called. */
  follow(arrived: () => void): () => void {
    this.#followers.add(arrived);
    return () => this.#followers.delete(arrived);
  }

  #announce(): void {
    for (const arrived of [...this.#followers]) arrived();
  }

  /** A byte; -1 where it is not known yet, -2 where it cannot be read. */
  at(addr: number): number {
    const block = this.#blocks.get(Math.floor(addr / BLOCK));
    if (block === undefined) return -1;
    const at = addr % BLOCK;
    return block.errors[Math.floor(at / PAGE)] === '' ? (block.bytes[at] ?? -2) : -2;
  }

  /** The error of the page that holds an address; empty where it was read or is not known yet. */
  errorAt(addr: number): string {
    const block = this.#blocks.get(Math.floor(addr / BLOCK));
    return block?.errors[Math.floor((addr % BLOCK) / PAGE)] ?? '';
  }

  /** Bytes of a stretch; null while some are not known, or where one cannot be read. */
  slice(addr: number, length: number): Uint8Array | null {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const byte = this.at(addr + i);
      if (byte < 0) return null;
      bytes[i] = byte;
    }
    return bytes;
  }

  /** Has [start, end) and a block on either side read, if it is not yet. */
  want(start: number, end: number): void {
    if (this.failure !== null) return;
    const [first, last] = [Math.floor(start / BLOCK), Math.floor((end - 1) / BLOCK)];
    for (let block = first; block <= last; block++) this.#ask(block);
    if (this.#asked.size === 0) this.#ask(last + 1);
    if (this.#asked.size === 0 && first > 0) this.#ask(first - 1);
  }

  /** Memory changed: everything is read again when it is next wanted. */
  refresh(): void {
    this.failure = null;
    this.#changes++;
    for (const block of this.#blocks.values()) block.stale = true;
    this.#announce();
  }

  #ask(index: number): void {
    const known = this.#blocks.get(index);
    if (known !== undefined && !known.stale) return;
    if (this.#asked.has(index) || this.#asked.size >= PARALLEL) return;
    this.#asked.add(index);
    if (known !== undefined) known.stale = false;
    const place = { task: this.#task, as: this.#as, start: index * BLOCK, length: BLOCK };
    const changes = this.#changes;
    this.#client.call('memory.read', place).then(
      ({ bytes, errors }) => this.#keep(index, { bytes, errors, stale: changes !== this.#changes }),
      (error: unknown) => {
        this.#asked.delete(index);
        if (error instanceof Cancelled) return;
        this.failure = failureOf(error);
        this.#announce();
      },
    );
  }

  #keep(index: number, block: Block): void {
    this.#asked.delete(index);
    this.#blocks.delete(index);
    this.#blocks.set(index, block);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > KEPT && oldest !== undefined) this.#blocks.delete(oldest);
    this.#announce();
  }
}
