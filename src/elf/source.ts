import { ElfError } from './error.js';

/**
 * A file that can be read at any offset: an array, an open file, a file inside a machine.
 *
 * A core of many gigabytes is never read whole; only what is asked for is.
 */
export interface ByteSource {
  /** The name that errors give. */
  readonly name: string;
  /** Bytes in the file. */
  readonly size: number;
  /** Up to `length` bytes at `offset`; fewer only where the file ends. */
  read(offset: number, length: number): Uint8Array;
}

/** A {@link ByteSource} over bytes already in memory. */
export class BytesSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #bytes: Uint8Array;

  /** @throws {TypeError} an argument that is none */
  constructor(name: string, bytes: Uint8Array) {
    if (typeof name !== 'string') throw new TypeError('name: not a string');
    if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes: not a Uint8Array');
    this.name = name;
    this.size = bytes.length;
    this.#bytes = bytes;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#bytes.subarray(offset, offset + length);
  }
}

/**
 * Little-endian fields of one structure of a file, each read checked against its end.
 *
 * Offsets are relative to the structure; errors name the offset in the file.
 */
export class Fields {
  /** Where the structure starts in the file. */
  readonly start: number;
  /** Bytes in the structure. */
  readonly length: number;
  /** The structure's bytes. */
  readonly bytes: Uint8Array;
  readonly #file: string;
  readonly #view: DataView;

  constructor(file: string, start: number, bytes: Uint8Array) {
    this.start = start;
    this.length = bytes.length;
    this.bytes = bytes;
    this.#file = file;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The error that says what is wrong `at` bytes into this structure. */
  error(at: number, what: string): ElfError {
    return new ElfError(this.#file, this.start + at, what);
  }

  u8(at: number): number {
    return this.#view.getUint8(this.#inside(at, 1));
  }

  u16(at: number): number {
    return this.#view.getUint16(this.#inside(at, 2), true);
  }

  u32(at: number): number {
    return this.#view.getUint32(this.#inside(at, 4), true);
  }

  i32(at: number): number {
    return this.#view.getInt32(this.#inside(at, 4), true);
  }

  u64(at: number): bigint {
    return this.#view.getBigUint64(this.#inside(at, 8), true);
  }

  /**
   * A 64-bit field that must fit a file or an address space: below 2^53.
   *
   * @throws {ElfError} it does not, which no honest file needs
   */
  size(at: number, name: string): number {
    const value = this.u64(at);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.error(at, `${name} is 0x${value.toString(16)}, which is impossibly large`);
    }
    return Number(value);
  }

  /** The structure `length` bytes long that starts `at` bytes into this one. */
  part(at: number, length: number): Fields {
    this.#inside(at, length);
    return new Fields(this.#file, this.start + at, this.bytes.subarray(at, at + length));
  }

  /** The NUL-terminated text at `at`, in at most `limit` bytes; bytes are taken as UTF-8. */
  text(at: number, limit: number): string {
    const field = this.bytes.subarray(this.#inside(at, 0), Math.min(at + limit, this.length));
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  }

  #inside(at: number, length: number): number {
    if (at < 0 || at + length > this.length) {
      throw this.error(at, `${length} bytes are needed here but the structure has ended`);
    }
    return at;
  }
}

/**
 * The structure of exactly `length` bytes at `offset` of a file.
 *
 * @throws {ElfError} the file ends before it does
 */
export function readFields(
  source: ByteSource,
  offset: number,
  length: number,
  what: string,
): Fields {
  const missing = offset + length - source.size;
  if (missing > 0) {
    const end = `the file ends at 0x${source.size.toString(16)}`;
    throw new ElfError(source.name, offset, `${what} needs ${length} bytes but ${end}`);
  }
  const bytes = source.read(offset, length);
  if (bytes.length < length) {
    throw new ElfError(source.name, offset + bytes.length, `${what} could not be read`);
  }
  return new Fields(source.name, offset, bytes);
}
