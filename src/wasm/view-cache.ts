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
  private readonly views: Uint8Array[] = new Array<Uint8Array>(SLOTS).fill(NO_VIEW);
  private readonly starts = new Float64Array(SLOTS).fill(-1);
  private readonly lengths = new Float64Array(SLOTS);

  /** The `length` bytes from `start` on of the memory that `bytes` shows as a whole; `length` > 0. */
  at(bytes: Uint8Array, start: number, length: number): Uint8Array {
    const slot = slotOf(start, length);
    const known = this.views[slot] as Uint8Array;
    if (this.starts[slot] === start && this.lengths[slot] === length && known.length !== 0) {
      return known;
    }
    return this.make(slot, bytes, start, length);
  }

  /** The same of what was asked for before; null the first time, when to make a view may not pay. */
  again(bytes: Uint8Array, start: number, length: number): Uint8Array | null {
    const slot = slotOf(start, length);
    if (this.starts[slot] === start && this.lengths[slot] === length) {
      const known = this.views[slot] as Uint8Array;
      return known.length !== 0 ? known : this.make(slot, bytes, start, length);
    }
    this.keep(slot, NO_VIEW, start, length);
    return null;
  }

  private make(slot: number, bytes: Uint8Array, start: number, length: number): Uint8Array {
    const view = new Uint8Array(bytes.buffer, start, length);
    this.keep(slot, view, start, length);
    return view;
  }

  private keep(slot: number, view: Uint8Array, start: number, length: number): void {
    this.views[slot] = view;
    this.starts[slot] = start;
    this.lengths[slot] = length;
  }
}
