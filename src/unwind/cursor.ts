/** Call-frame information that makes no sense; the frame is then treated as having none. */
export class CfiError extends Error {
  override readonly name = 'CfiError';
}

/** LEB128 numbers longer than this would not fit 64 bits. */
const MAX_LEB_BYTES = 10;

/** Reads numbers in sequence from bytes whose guest address is known. */
export class Cursor {
  /** The next byte to read, counted from the start of the bytes. */
  position = 0;
  readonly bytes: Uint8Array;
  readonly #base: bigint;
  readonly #view: DataView;

  /** @param base the guest address of the first byte */
  constructor(bytes: Uint8Array, base: bigint) {
    this.bytes = bytes;
    this.#base = base;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The guest address of the next byte. */
  get address(): bigint {
    return this.#base + BigInt(this.position);
  }

  get atEnd(): boolean {
    return this.position >= this.bytes.length;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** A number of 1, 2, 4 or 8 bytes. */
  fixed(bytes: number, signed: boolean): bigint {
    const at = this.#take(bytes);
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[at + i] ?? 0);
    return signed ? BigInt.asIntN(bytes * 8, value) : value;
  }

  uleb(): bigint {
    return this.#leb().value;
  }

  sleb(): bigint {
    const { value, bits } = this.#leb();
    return BigInt.asIntN(Math.min(bits, 64), value);
  }

  /** An unsigned LEB128 that is a count, an index or a length. */
  count(): number {
    const value = this.uleb();
    if (value > 0xffffffffn) throw new CfiError('a count is impossibly large');
    return Number(value);
  }

  /** The next `length` bytes. */
  block(length: number): Uint8Array {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** Text up to a NUL. */
  text(): string {
    let text = '';
    for (let byte = this.u8(); byte !== 0; byte = this.u8()) text += String.fromCharCode(byte);
    return text;
  }

  #leb(): { value: bigint; bits: number } {
    let value = 0n;
    for (let n = 0; n < MAX_LEB_BYTES; n++) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << BigInt(7 * n);
      if ((byte & 0x80) === 0) return { value: BigInt.asUintN(64, value), bits: 7 * (n + 1) };
    }
    throw new CfiError('a LEB128 number is too long');
  }

  #take(length: number): number {
    const at = this.position;
    if (length > this.bytes.length - at) throw new CfiError('call-frame information has ended');
    this.position = at + length;
    return at;
  }
}
