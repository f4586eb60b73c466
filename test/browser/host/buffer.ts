// What the tests use of Node's Buffer, for a browser; esbuild puts it in the global's place.

type Encoding = 'utf8' | 'latin1' | 'hex';

function encode(text: string, encoding: Encoding): Uint8Array {
  if (encoding === 'utf8') return new TextEncoder().encode(text);
  if (encoding === 'latin1') return Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff);
  // As Node does: up to the first pair that is no byte.
  const pairs = /^(?:[0-9a-f]{2})*/i.exec(text)?.[0].match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

/** Bytes with Node's methods; `toString()` decodes. */
export class Bytes extends Uint8Array {
  override toString(encoding: Encoding = 'utf8', start = 0, end = this.length): string {
    const part = Uint8Array.prototype.slice.call(this, start, end);
    if (encoding === 'utf8') return new TextDecoder('utf-8', { ignoreBOM: true }).decode(part);
    const toText = (byte: number): string =>
      encoding === 'hex' ? byte.toString(16).padStart(2, '0') : String.fromCharCode(byte);
    return Array.from(part, toText).join('');
  }

  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((byte, i) => byte === other[i]);
  }

  /** The first place of a byte or of a run of bytes. */
  override indexOf(what: number | Uint8Array, from = 0): number {
    if (typeof what === 'number') return super.indexOf(what, from);
    const first = what[0];
    if (first === undefined) return from;
    for (let at = super.indexOf(first, from); at !== -1; at = super.indexOf(first, at + 1)) {
      if (what.every((byte, i) => byte === this[at + i])) return at;
    }
    return -1;
  }

  get #view(): DataView {
    return new DataView(this.buffer, this.byteOffset, this.length);
  }

  readUInt32LE(at = 0): number {
    return this.#view.getUint32(at, true);
  }

  readUInt32BE(at = 0): number {
    return this.#view.getUint32(at, false);
  }

  readBigUInt64LE(at = 0): bigint {
    return this.#view.getBigUint64(at, true);
  }

  readBigUInt64BE(at = 0): bigint {
    return this.#view.getBigUint64(at, false);
  }

  writeInt16LE(value: number, at = 0): number {
    this.#view.setInt16(at, value, true);
    return at + 2;
  }

  writeInt32LE(value: number, at = 0): number {
    this.#view.setInt32(at, value, true);
    return at + 4;
  }

  writeUInt32LE(value: number, at = 0): number {
    this.#view.setUint32(at, value, true);
    return at + 4;
  }

  writeBigInt64LE(value: bigint, at = 0): number {
    this.#view.setBigInt64(at, value, true);
    return at + 8;
  }

  writeBigUInt64LE(value: bigint, at = 0): number {
    this.#view.setBigUint64(at, value, true);
    return at + 8;
  }
}

type Source = string | ArrayLike<number> | ArrayBuffer;

function from(source: Source, at?: Encoding | number, length?: number): Bytes {
  if (typeof source === 'string') return new Bytes(encode(source, (at as Encoding) ?? 'utf8'));
  if (source instanceof ArrayBuffer) return new Bytes(source, (at as number) ?? 0, length);
  return new Bytes(source);
}

function concat(parts: readonly Uint8Array[]): Bytes {
  const whole = new Bytes(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** As Node's: made by these, never by `new`. */
export const Buffer = { alloc: (size: number): Bytes => new Bytes(size), concat, from };
