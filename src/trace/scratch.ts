import type { Names } from './names.js';
import type { IovSegment, TraceArg } from './trace.js';

/** Where the executor of a trace places strings and buffers: private, anonymous, rw-. */
export const SCRATCH_START = 0x200000000000;
/** Bytes. */
export const SCRATCH_SIZE = 0x100000;

const ALIGNMENT = 8;
const IOVEC_SIZE = 16;

/** A place in scratch that a call may fill. */
export interface OutBuffer {
  readonly addr: number;
  readonly length: number;
}

/** The arguments of one call, laid out. */
export interface PlacedArgs {
  /** Register values, unsigned 64-bit. */
  readonly registers: readonly bigint[];
  /** What must stand at SCRATCH_START before the call. */
  readonly image: Uint8Array;
  /** The `out` arguments in the order of the arguments, those inside an `iov` included. */
  readonly outs: readonly OutBuffer[];
}

/**
 * Lays the arguments of a call out in scratch: one behind the other, 8-byte aligned, out buffers
 * zeroed.
 *
 * @throws {RangeError} they need more than SCRATCH_SIZE bytes
 */
export function placeArgs(args: readonly TraceArg[], names: Names): PlacedArgs {
  const layout = new ScratchLayout(names);
  const registers = args.map((arg) => layout.place(arg));
  return { registers, image: layout.image(), outs: layout.outs };
}

class ScratchLayout {
  readonly outs: OutBuffer[] = [];
  readonly #names: Names;
  readonly #pieces: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  #used = 0;

  constructor(names: Names) {
    this.#names = names;
  }

  /** The register value of `arg`, once what it points to has its place. */
  place(arg: TraceArg): bigint {
    switch (arg.kind) {
      case 'value':
        return arg.value;
      case 'ref':
        return BigInt.asUintN(64, this.#names.get(arg.name));
      case 'str':
        return this.#put(new TextEncoder().encode(`${this.#names.substitute(arg.text)}\0`));
      case 'in':
        return this.#put(arg.bytes);
      case 'out':
        return this.#reserveOut(arg.length);
      case 'iov':
        return this.#placeIov(arg.segments);
    }
  }

  image(): Uint8Array {
    const image = new Uint8Array(this.#used);
    for (const { offset, bytes } of this.#pieces) image.set(bytes, offset);
    return image;
  }

  #placeIov(segments: readonly IovSegment[]): bigint {
    const array = new Uint8Array(segments.length * IOVEC_SIZE);
    const view = new DataView(array.buffer);
    const addr = this.#put(array);
    segments.forEach(({ base, length }, i) => {
      view.setBigUint64(i * IOVEC_SIZE, this.place(base), true);
      view.setBigUint64(i * IOVEC_SIZE + 8, this.place(length), true);
    });
    return addr;
  }

  #put(bytes: Uint8Array): bigint {
    const offset = this.#reserve(bytes.length);
    this.#pieces.push({ offset, bytes });
    return BigInt(SCRATCH_START + offset);
  }

  #reserveOut(length: number): bigint {
    const addr = SCRATCH_START + this.#reserve(length);
    this.outs.push({ addr, length });
    return BigInt(addr);
  }

  #reserve(length: number): number {
    const offset = this.#used;
    this.#used = Math.ceil((offset + length) / ALIGNMENT) * ALIGNMENT;
    if (this.#used > SCRATCH_SIZE) {
      throw new RangeError(`args: more than the ${SCRATCH_SIZE} bytes of the scratch mapping`);
    }
    return offset;
  }
}
