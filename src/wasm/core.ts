import type { CoreExports } from './exports.js';
import { instantiateCore, type CoreInstance, type WasmSource } from './module.js';

declare const place: unique symbol;
/** A place in linear memory, told apart by what lies there. */
export type Ptr<Kind extends string> = number & { readonly [place]: Kind };

/** How a core is made. */
export interface CoreOptions {
  /** Most bytes of linear memory, frames and tables together; 4 GiB unless given. */
  readonly memory?: number;
  /** False: reads of untouched memory allocate pages, as on kernels that run without a zero page. */
  readonly zeroPage?: boolean;
  /** The wasm module, when it is not beside the library's files. */
  readonly wasm?: WasmSource;
}

const DEFAULT_LIMIT = 2 ** 32;
/** Up to here a loop over bytes beats making a view. */
const BYTE_LOOP_MAX = 32;

/** Whoever can load a page of a file that is not in memory yet. */
export interface PageLoader {
  loadPage(index: number): void;
}

/** Whoever acts on the machine now, as far as messages name it. */
export interface Actor {
  /** Its thread's number. */
  readonly pid: number;
  readonly exited: boolean;
}

/**
 * The door to the core: its exports, and the views of a linear memory that moves when it grows. Nothing
 * outside src/wasm and src/mm sees a place in linear memory.
 */
export class Core {
  readonly exports: CoreExports;
  readonly bounce: Ptr<'bounce'>;
  /** Most bytes that linear memory may grow to. */
  readonly limitBytes: number;
  /** The thread that acts: what a userfaultfd tells of who waits. */
  current: Actor | null = null;
  /** The limits that the core was told last (mm/limits.ts). */
  limits: object | null = null;
  private readonly memory: WebAssembly.Memory;
  private readonly runs: number;
  /** Views of the bounce buffer by length; detached ones are made again. */
  private readonly bounceViews: (Uint8Array | undefined)[] = [];
  private bytes: Uint8Array;
  private words: Uint32Array;
  private readonly loaders = new Map<number, PageLoader>();
  private lastId = 0;

  private constructor(instance: CoreInstance, limitBytes: number) {
    this.limitBytes = limitBytes;
    this.exports = instance.exports;
    this.memory = instance.memory;
    this.bytes = new Uint8Array(this.memory.buffer);
    this.words = new Uint32Array(this.memory.buffer);
    this.bounce = this.exports.bounceBuffer() as Ptr<'bounce'>;
    this.runs = this.exports.runList();
  }

  /**
   * Instantiates a core.
   * @throws {RangeError} memory is not between 2 MiB and 4 GiB
   */
  static async create(options: CoreOptions = {}): Promise<Core> {
    const limit = options.memory ?? DEFAULT_LIMIT;
    if (!Number.isInteger(limit) || limit < 2 ** 21 || limit > DEFAULT_LIMIT) {
      throw new RangeError(`memory must be an integer from 2 MiB to 4 GiB, got ${limit}`);
    }
    const core = new Core(await instantiateCore(options.wasm), limit);
    if (core.exports.init(limit) !== 0) throw new RangeError('memory is too small for the core');
    if (options.zeroPage === false) core.exports.setUsesZeroPage(false);
    return core;
  }

  /** Linear memory as bytes; do not keep it across a call of the core, which may grow memory. */
  get u8(): Uint8Array {
    if (this.bytes.byteLength === 0) this.bytes = new Uint8Array(this.memory.buffer);
    return this.bytes;
  }

  /** Linear memory as 32-bit words, under the same condition. */
  get u32(): Uint32Array {
    if (this.words.byteLength === 0) this.words = new Uint32Array(this.memory.buffer);
    return this.words;
  }

  /** Frames of 4 KiB that are not free: pages, page tables and kernel objects. */
  get framesInUse(): number {
    return this.exports.framesInUse();
  }

  /** Bytes of linear memory now. */
  get memoryBytes(): number {
    return this.memory.buffer.byteLength;
  }

  readU32(at: number): number {
    return this.u32[at >>> 2] as number;
  }

  /** An unsigned 64-bit field whose value is known to be a safe integer. */
  readU64(at: number): number {
    const words = this.u32;
    return (words[at >>> 2] as number) + (words[(at >>> 2) + 1] as number) * 2 ** 32;
  }

  readF64(at: number): number {
    return new DataView(this.u8.buffer).getFloat64(at, true);
  }

  /** The first `length` bytes of the bounce buffer, at most a page; kept, as making a view costs. */
  private bounceView(length: number): Uint8Array {
    const known = this.bounceViews[length];
    if (known !== undefined && known.byteLength !== 0) return known;
    const view = new Uint8Array(this.memory.buffer, this.bounce, length);
    this.bounceViews[length] = view;
    return view;
  }

  /** Fills `into` from the bounce buffer up to `length` bytes, at most a page. */
  takeBounce(into: Uint8Array, length: number): void {
    if (length <= BYTE_LOOP_MAX) this.copyOut(this.bounce, into, 0, length);
    else into.set(this.bounceView(length));
  }

  /** Fills the bounce buffer with `from`, at most a page. */
  fillBounce(from: Uint8Array): void {
    if (from.length <= BYTE_LOOP_MAX) this.copyIn(this.bounce, from, 0, from.length);
    else this.bounceView(from.length).set(from);
  }

  /** Copies `length` bytes at `from` in linear memory to `into` at `offset`. */
  copyOut(from: number, into: Uint8Array, offset: number, length: number): void {
    const bytes = this.u8;
    if (length <= BYTE_LOOP_MAX) {
      for (let i = 0; i < length; i++) into[offset + i] = bytes[from + i] as number;
    } else {
      into.set(bytes.subarray(from, from + length), offset);
    }
  }

  /** Copies `length` bytes of `from` at `offset` to `to` in linear memory. */
  copyIn(to: number, from: Uint8Array, offset: number, length: number): void {
    const bytes = this.u8;
    if (length <= BYTE_LOOP_MAX) {
      for (let i = 0; i < length; i++) bytes[to + i] = from[offset + i] as number;
    } else {
      bytes.set(length === from.length ? from : from.subarray(offset, offset + length), to);
    }
  }

  /** Copies what the core's list of runs covers to `into`, from `offset` on. */
  copyRunsOut(into: Uint8Array, offset: number): void {
    const words = this.u32;
    const end = (this.runs >>> 2) + 2 * this.exports.runCount();
    let at = offset;
    for (let run = this.runs >>> 2; run < end; run += 2) {
      const length = words[run + 1] as number;
      this.copyOut(words[run] as number, into, at, length);
      at += length;
    }
  }

  /** Copies `from`, from `offset` on, to what the core's list of runs covers. */
  copyRunsIn(from: Uint8Array, offset: number): void {
    const words = this.u32;
    const end = (this.runs >>> 2) + 2 * this.exports.runCount();
    let at = offset;
    for (let run = this.runs >>> 2; run < end; run += 2) {
      const length = words[run + 1] as number;
      this.copyIn(words[run] as number, from, at, length);
      at += length;
    }
  }

  /** A new id under which the core knows an object of the host. */
  nextId(): number {
    this.lastId += 1;
    return this.lastId;
  }

  /** Registers who loads the absent pages of mapping `id`. */
  addLoader(id: number, loader: PageLoader): void {
    this.loaders.set(id, loader);
  }

  removeLoader(id: number): void {
    this.loaders.delete(id);
  }

  /** Loads the page that the core stopped for (NEED_PAGE); whatever the loader throws comes through. */
  servePage(): void {
    const loader = this.loaders.get(this.exports.neededMapping());
    if (loader === undefined) throw new Error('the core asked for a page of an unknown mapping');
    loader.loadPage(this.exports.neededPage());
  }
}
