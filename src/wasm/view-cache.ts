/** Views kept at most: a power of two. */
const SLOTS = 256;

/**
 * Views of stretches of linear memory that were copied lately. Making a view costs as much as copying two
 * kilobytes; what is read again and again (a counter, a page that is polled, the bounce buffer) finds its
 * view made. Growing memory detaches all of them, and they are made anew.
 */
export class ViewCache {
  private readonly views: Uint8Array[] = new Array<Uint8Array>(SLOTS).fill(new Uint8Array(0));
  private readonly starts = new Float64Array(SLOTS).fill(-1);
  private readonly lengths = new Float64Array(SLOTS);

  /** The `length` bytes from `start` on of the memory that `bytes` shows as a whole; `length` > 0. */
  at(bytes: Uint8Array, start: number, length: number): Uint8Array {
    const slot = ((start >>> 12) ^ length) & (SLOTS - 1);
    const known = this.views[slot] as Uint8Array;
    if (this.starts[slot] === start && this.lengths[slot] === length && known.length !== 0) {
      return known;
    }
    const view = new Uint8Array(bytes.buffer, start, length);
    this.views[slot] = view;
    this.starts[slot] = start;
    this.lengths[slot] = length;
    return view;
  }
}
