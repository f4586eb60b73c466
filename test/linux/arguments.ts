import { SCRATCH_SIZE, SCRATCH_START, type Arg, type Value } from './step.js';

const IOVEC_SIZE = 16;
const ALIGNMENT = 16;

/** A call's arguments as registers, and what scratch must hold for them. */
export interface Placed {
  readonly registers: readonly bigint[];
  /** The first bytes of scratch. */
  readonly bytes: Uint8Array;
  /** Every `{"out":N}` in order, as offsets into scratch. */
  readonly outs: readonly { readonly offset: number; readonly length: number }[];
}

/** Reads a value of a step as an unsigned 64-bit register. */
export function register(value: Value): bigint {
  return BigInt.asUintN(64, BigInt(value));
}

/** Replaces every `${NAME}` of a string by the value bound to it, in decimal. */
export function substitute(text: string, lookup: (name: string) => bigint): string {
  return text.replace(/\$\{([^}]*)\}/g, (_, name: string) => lookup(name).toString());
}

/**
 * Lays out strings, buffers and iovecs in scratch.
 *
 * @param lookup gives the value bound to a name
 * @throws {RangeError} they do not fit
 */
export function placeArguments(args: readonly Arg[], lookup: (name: string) => bigint): Placed {
  const chunks: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  const outs: { offset: number; length: number }[] = [];
  let end = 0;

  const reserve = (length: number): number => {
    const offset = end;
    end = Math.ceil((end + length) / ALIGNMENT) * ALIGNMENT;
    if (end > SCRATCH_SIZE) throw new RangeError(`args: ${end} bytes do not fit scratch`);
    return offset;
  };
  const put = (bytes: Uint8Array): bigint => {
    const offset = reserve(bytes.length);
    chunks.push({ offset, bytes });
    return BigInt(SCRATCH_START + offset);
  };
  const place = (arg: Arg): bigint => {
    if (typeof arg === 'number' || typeof arg === 'string') return register(arg);
    if ('str' in arg) return put(Buffer.from(`${substitute(arg.str, lookup)}\0`));
    if ('in' in arg) return put(Buffer.from(arg.in, 'hex'));
    if ('ref' in arg) return BigInt.asUintN(64, lookup(arg.ref));
    if ('out' in arg) {
      const offset = reserve(arg.out);
      outs.push({ offset, length: arg.out });
      return BigInt(SCRATCH_START + offset);
    }
    const array = Buffer.alloc(arg.iov.length * IOVEC_SIZE);
    const address = put(array);
    arg.iov.forEach(([base, length], i) => {
      array.writeBigUInt64LE(place(base), i * IOVEC_SIZE);
      array.writeBigUInt64LE(place(length), i * IOVEC_SIZE + 8);
    });
    return address;
  };

  const registers = args.map(place);
  const bytes = new Uint8Array(end);
  for (const chunk of chunks) bytes.set(chunk.bytes, chunk.offset);
  return { registers, bytes, outs };
}
