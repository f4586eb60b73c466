import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { CoreExports } from './exports.js';
import { instantiateCore, type CoreInstance, type WasmSource } from './module.js';
import { ViewCache } from './view-cache.js';

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
/** Up to here a loop over bytes beats set() with a view. */
const BYTE_LOOP_MAX = 24;
/** What goes through the bounce buffer, by two copies, where no view is ready; to make one pays above it. */
export const BOUNCE_MAX = 2048;
/** Where the pairs of the list of runs begin (assembly/mm/runs.ts): a count comes first, and a gap. */
const RUNS_FIRST_WORD = 2;

/** Whoever can load a page of a file that is not in memory yet. */
export interface PageLoader {
  loadPage(index: number): void;
}

/** Whoever compiles what runs often (src/jit/). */
export interface RegionCompiler {
  /** Most instructions of one call of the core. */
  readonly slice: number;
  /** Regions that are compiled now; null: it has been refused. */
  readonly regions: number | null;
  /** A hart has executed so many instructions. */
  ran(executed: number): void;
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
  /** Ranges that the host watches; no state of the machine. */
  watches = 0;
  /** Null: everything is interpreted. */
  compiler: RegionCompiler | null = null;
  /** Devices of the host that are mapped. */
  devices = 0;
  private readonly memory: WebAssembly.Memory;
  private readonly table: WebAssembly.Table;
  private readonly runs: number;
  private readonly views: ViewCache;
  private bytes: Uint8Array;
  private words: Uint32Array;
  private readonly loaders = new Map<number, PageLoader>();
  private lastId = 0;
  /** A page to be filled and copied; null while it is in use. */
  private spare: Uint8Array | null = new Uint8Array(PAGE_SIZE);
  /** How often the machine went back to a checkpoint: who keeps something beside its state looks at this. */
  rewinds = 0;

  private constructor(instance: CoreInstance, limitBytes: number) {
    this.limitBytes = limitBytes;
    this.exports = instance.exports;
    this.memory = instance.memory;
    this.views = new ViewCache(this.memory);
    this.table = instance.table;
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

  // `length` tells a detached view as byteLength does, and costs a third of it on Node 20 (measured).

  /** Linear memory as bytes; do not keep it across a call of the core, which may grow memory. */
  get u8(): Uint8Array {
    const { bytes } = this;
    return bytes.length === 0 ? this.renewBytes() : bytes;
  }

  // Apart, so that engines take what precedes into all who call it, whatever else they took (measured).
  private renewBytes(): Uint8Array {
    this.bytes = new Uint8Array(this.memory.buffer);
    return this.bytes;
  }

  /** Linear memory as 32-bit words, under the same condition. */
  get u32(): Uint32Array {
    const { words } = this;
    return words.length === 0 ? this.renewWords() : words;
  }

  private renewWords(): Uint32Array {
    this.words = new Uint32Array(this.memory.buffer);
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

  /** Linear memory and what a CPU uses of it, for a module that is linked with the core: api/core-imports.ts. */
  cpuExports() {
    const { load8, load16, load32, load64, store8, store16, store32, store64 } = this.exports;
    const { lastFault, userRuns, runList } = this.exports;
    const accesses = { load8, load16, load32, load64, store8, store16, store32, store64 };
    return { memory: this.memory, ...accesses, lastFault, userRuns, runList };
  }

  /** Linear memory, and the table that the loop finds compiled regions in. */
  regionPlaces(): { memory: WebAssembly.Memory; table: WebAssembly.Table } {
    const { memory, table } = this;
    return { memory, table };
  }

  readU32(at: number): number {
    return this.u32[at >>> 2] as number;
  }

  /** An unsigned 64-bit field whose value is known to be a safe integer. */
  readU64(at: number): number {
    const words = this.u32;
    return (words[at >>> 2] as number) + (words[(at >>> 2) + 1] as number) * 2 ** 32;
  }

  /** Fills `into` from the bounce buffer up to `length` bytes, at most a page. */
  takeBounce(into: Uint8Array, length: number): void {
    this.copyOut(this.bounce, into, 0, length);
  }

  /** Fills the bounce buffer with `from`, at most a page. */
  fillBounce(from: Uint8Array): void {
    this.copyIn(this.bounce, from, 0, from.length);
  }

  /** Copies `length` bytes at `from` in linear memory to `into` at `offset`. */
  copyOut(from: number, into: Uint8Array, offset: number, length: number): void {
    if (length === 8 && (from & 3) === 0) {
      this.copyOut8(from, into, offset);
    } else if (length <= BYTE_LOOP_MAX) {
      const bytes = this.u8;
      for (let i = 0; i < length; i++) into[offset + i] = bytes[from + i] as number;
    } else {
      into.set(this.views.at(from, length), offset);
    }
  }

  /** Fills `into`, of at most a page, from a place whose view is kept or not: what is read once makes none. */
  copyPlaceOut(place: number, into: Uint8Array): void {
    const { length } = into;
    if (length === 8 && (place & 3) === 0) return this.copyOut8(place, into, 0);
    const view = this.views.known(place, length);
    if (view !== null) into.set(view);
    else this.copyNewPlaceOut(place, into);
  }

  private copyNewPlaceOut(place: number, into: Uint8Array): void {
    const { length } = into;
    if (length <= BYTE_LOOP_MAX || length > BOUNCE_MAX) {
      return this.copyOut(place, into, 0, length);
    }
    const view = this.views.again(place, length);
    if (view !== null) return into.set(view);
    this.exports.copyPlaces(this.bounce, place, length);
    this.takeBounce(into, length);
  }

  /** Copies `from`, of at most a page, to a place as copyPlaceOut() takes it from there. */
  copyPlaceIn(place: number, from: Uint8Array): void {
    const { length } = from;
    if (length === 8 && (place & 3) === 0) return this.copyIn8(place, from, 0);
    const view = this.views.known(place, length);
    if (view !== null) view.set(from);
    else this.copyNewPlaceIn(place, from);
  }

  private copyNewPlaceIn(place: number, from: Uint8Array): void {
    const { length } = from;
    if (length <= BYTE_LOOP_MAX || length > BOUNCE_MAX) return this.copyIn(place, from, 0, length);
    const view = this.views.again(place, length);
    if (view !== null) return view.set(from);
    this.fillBounce(from);
    this.exports.copyPlaces(place, this.bounce, length);
  }

  /** The commonest of small copies, from a word's boundary: two loads, no loop. */
  private copyOut8(from: number, into: Uint8Array, offset: number): void {
    const words = this.u32;
    const low = words[from >>> 2] as number;
    const high = words[(from >>> 2) + 1] as number;
    into[offset] = low;
    into[offset + 1] = low >>> 8;
    into[offset + 2] = low >>> 16;
    into[offset + 3] = low >>> 24;
    into[offset + 4] = high;
    into[offset + 5] = high >>> 8;
    into[offset + 6] = high >>> 16;
    into[offset + 7] = high >>> 24;
  }

  /** Copies `length` bytes of `from` at `offset` to `to` in linear memory. */
  copyIn(to: number, from: Uint8Array, offset: number, length: number): void {
    if (length === 8 && (to & 3) === 0) {
      this.copyIn8(to, from, offset);
    } else if (length <= BYTE_LOOP_MAX) {
      const bytes = this.u8;
      for (let i = 0; i < length; i++) bytes[to + i] = from[offset + i] as number;
    } else if (length === from.length) {
      this.views.at(to, length).set(from);
    } else {
      this.u8.set(from.subarray(offset, offset + length), to);
    }
  }

  /** As copyOut8(). */
  private copyIn8(to: number, from: Uint8Array, offset: number): void {
    const words = this.u32;
    const word = (at: number): number =>
      (from[at] as number) |
      ((from[at + 1] as number) << 8) |
      ((from[at + 2] as number) << 16) |
      ((from[at + 3] as number) << 24);
    words[to >>> 2] = word(offset);
    words[(to >>> 2) + 1] = word(offset + 4);
  }

  /** Copies what the core's list of runs covers to `into`, from `offset` on. */
  copyRunsOut(into: Uint8Array, offset: number): void {
    const words = this.u32;
    const first = (this.runs >>> 2) + RUNS_FIRST_WORD;
    const end = first + 2 * (words[this.runs >>> 2] as number);
    let at = offset;
    for (let run = first; run < end; run += 2) {
      const length = words[run + 1] as number;
      this.copyOut(words[run] as number, into, at, length);
      at += length;
    }
  }

  /** Copies `from`, from `offset` on, to what the core's list of runs covers. */
  copyRunsIn(from: Uint8Array, offset: number): void {
    const words = this.u32;
    const first = (this.runs >>> 2) + RUNS_FIRST_WORD;
    const end = first + 2 * (words[this.runs >>> 2] as number);
    let at = offset;
    for (let run = first; run < end; run += 2) {
      const length = words[run + 1] as number;
      this.copyIn(words[run] as number, from, at, length);
      at += length;
    }
  }

  /**
   * Copies a page to `to` in linear memory that `fill` makes of 4096 zeros, which are not its to keep. The core may
   * be called meanwhile, and its memory grow.
   */
  fillPage(to: number, fill: (page: Uint8Array) => void): void {
    const page = this.spare?.fill(0) ?? new Uint8Array(PAGE_SIZE);
    this.spare = null;
    try {
      fill(page);
      this.copyIn(to, page, 0, PAGE_SIZE);
    } finally {
      this.spare = page;
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
