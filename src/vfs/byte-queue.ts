/** Bytes of one piece, of which those in [start, end) are there. */
interface Piece {
  readonly data: Uint8Array;
  start: number;
  end: number;
}

/** Least bytes of a piece: small writes share one. */
const PIECE_BYTES = 4096;

/** Bytes in the order in which they came. */
export class ByteQueue {
  private pieces: Piece[] = [];
  length = 0;

  /** Appends a copy. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.length += bytes.length;
    const last = this.pieces.at(-1);
    const room = last === undefined ? 0 : Math.min(last.data.length - last.end, bytes.length);
    if (last !== undefined && room > 0) {
      last.data.set(bytes.subarray(0, room), last.end);
      last.end += room;
    }
    const rest = bytes.subarray(room);
    if (rest.length === 0) return;
    const data = new Uint8Array(Math.max(rest.length, PIECE_BYTES));
    data.set(rest);
    this.pieces.push({ data, start: 0, end: rest.length });
  }

  /** The bytes behind the first `skip`, as many as lie together, at most `most`. */
  peek(skip: number, most: number): Uint8Array {
    let at = skip;
    for (const { data, start, end } of this.pieces) {
      if (at < end - start) return data.subarray(start + at, Math.min(end, start + at + most));
      at -= end - start;
    }
    return new Uint8Array(0);
  }

  /** Takes the first `count` bytes away. */
  drop(count: number): void {
    let left = Math.min(count, this.length);
    this.length -= left;
    let gone = 0;
    for (const piece of this.pieces) {
      const here = Math.min(left, piece.end - piece.start);
      piece.start += here;
      left -= here;
      if (piece.start < piece.end) break;
      gone += 1;
    }
    if (gone > 0) this.pieces.splice(0, gone);
  }

  /** Forgets all but the first bytes. */
  truncate(length: number): void {
    let left = Math.min(length, this.length);
    this.length = left;
    const kept: Piece[] = [];
    for (const piece of this.pieces) {
      if (left === 0) break;
      piece.end = Math.min(piece.end, piece.start + left);
      left -= piece.end - piece.start;
      kept.push(piece);
    }
    this.pieces = kept;
  }

  clear(): void {
    this.truncate(0);
  }
}
