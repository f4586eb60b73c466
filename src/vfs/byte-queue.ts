/** Bytes that wait, in the pieces they came in. */
export class ByteQueue {
  private pieces: Uint8Array[] = [];
  /** How many. */
  length = 0;

  /** Appends a copy. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.pieces.push(bytes.slice());
    this.length += bytes.length;
  }

  /** The first bytes, from one piece: never none while there are some. */
  peek(count: number): Uint8Array {
    return this.pieces[0]?.subarray(0, count) ?? new Uint8Array(0);
  }

  /** Takes bytes that peek() gave. */
  drop(count: number): void {
    const first = this.pieces[0];
    if (first === undefined || count === 0) return;
    if (count === first.length) this.pieces.shift();
    else this.pieces[0] = first.subarray(count);
    this.length -= count;
  }

  /** Forgets all but the first bytes. */
  truncate(length: number): void {
    while (this.length > length) {
      const last = this.pieces.pop() as Uint8Array;
      const rest = Math.max(length - (this.length - last.length), 0);
      this.length -= last.length - rest;
      if (rest > 0) this.pieces.push(last.subarray(0, rest));
    }
  }
}
