/** Views kept at most: a power of two. */
const SLOTS = 256;
/** Stands where there is no view. */
const NO_VIEW = new Uint8Array(0);

/** Whole pages and parts of one page spread alike. */
function slotOf(start: number, length: number): number {
  return ((start >>> 12) ^ (start >>> 4) ^ length) & (SLOTS - 1);
}

/**
 * Views of stretches of linear memory that were copied lately. Making a view costs as much as copying two
 * kilobytes; what is read again and again (a counter, a page that is polled, the bounce buffer) finds its
 * view made. Growing memory detaches all of them, and they are made anew.
 */
export class ViewCache {
  private readonly memory: WebAssembly.Memory;
  private readonly views: Uint8Array[] = new Array<Uint8Array>(SLOTS).fill(NO_VIEW);
  /** What each slot was asked for last, whether or not its view was made. */
  private readonly starts = new Float64Array(SLOTS).fill(-1);
  private readonly lengths = new Float64Array(SLOTS);

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
  }

  /** The `length` bytes from `start` on; `length` > 0. */
  at(start: number, length: number): Uint8Array {
    return this.known(start, length) ?? this.make(slotOf(start, length), start, length);
  }

  /** The same if the view is there: one that memory grew away from has no length. */
  known(start: number, length: number): Uint8Array | null {
    const slot = slotOf(start, length);
    const view = this.views[slot] as Uint8Array;
    return view.length === length && this.starts[slot] === start ? view : null;
  }

  /** The same of what was asked for before; null the first time, when to make a view may not pay. */
  again(start: number, length: number): Uint8Array | null {
    const slot = slotOf(start, length);
    if (this.starts[slot] === start && this.lengths[slot] === length) return this.at(start, length);
    this.keep(slot, NO_VIEW, start, length);
    return null;
  }

  private make(slot: number, start: number, length: number): Uint8Array {
    const view = new Uint8Array(this.memory.buffer, start, length);
    this.keep(slot, view, start, length);
    return view;
  }

  private keep(slot: number, view: Uint8Array, start: number, length: number): void {
    this.views[slot] = view;
    this.starts[slot] = start;
    this.lengths[slot] = length;
  }
}
