import { SnapshotError } from './error.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const FIRST_SIZE = 65536;

/** Appends numbers and strings to bytes that grow. */
export class ByteWriter {
  #bytes = new Uint8Array(FIRST_SIZE);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written; not a copy. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** A number from 0 to 2^32 - 1, seven bits a byte, the lowest first. */
  count(value: number): void {
    this.#room(5);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  f64(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** Any bytes, their count first. */
  blob(bytes: Uint8Array): void {
    this.count(bytes.length);
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** UTF-8, or UTF-16 where that loses something: a string may have half a surrogate pair. */
  text(value: string): void {
    const utf8 = encoder.encode(value);
    const exact = decoder.decode(utf8) === value;
    this.u8(exact ? 0 : 1);
    if (exact) return this.blob(utf8);
    const units = Uint16Array.from(value, (_, i) => value.charCodeAt(i));
    this.blob(new Uint8Array(units.buffer));
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Reads what ByteWriter wrote; never beyond the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the bytes lie in the snapshot, for errors. */
  readonly #base: number;
  #at = 0;

  constructor(bytes: Uint8Array, base: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#base = base;
  }

  /** The offset in the snapshot of what is read next. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  error(what: string): SnapshotError {
    return new SnapshotError('CORRUPT', what, this.offset);
  }

  u8(): number {
    this.#need(1);
    return this.#bytes[this.#at++] as number;
  }

  count(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw this.error('a number without an end');
  }

  /** How many things follow: never more than there are bytes left. */
  length(): number {
    const count = this.count();
    if (count > this.left) throw this.error(`${count} things in ${this.left} bytes`);
    return count;
  }

  f64(): number {
    this.#need(8);
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  /** A copy. */
  blob(): Uint8Array {
    const length = this.length();
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  text(): string {
    const wide = this.u8() !== 0;
    const bytes = this.blob();
    try {
      if (!wide) return decoder.decode(bytes);
    } catch {
      throw this.error('text that is no UTF-8');
    }
    if (bytes.length % 2 !== 0) throw this.error('half a character');
    let text = '';
    for (const unit of new Uint16Array(bytes.buffer)) text += String.fromCharCode(unit);
    return text;
  }

  #need(count: number): void {
    if (this.left < count) throw this.error('the state ends in the middle of a value');
  }
}
