// Framing of the remote serial protocol: `$body#cs`, with `+` and `-` between packets.

const DOLLAR = 0x24;
const HASH = 0x23;
const PLUS = 0x2b;
const MINUS = 0x2d;
const STAR = 0x2a;
const ESCAPE = 0x7d;
const INTERRUPT = 0x03;
/** What an escaped byte is combined with. */
const ESCAPE_BIT = 0x20;

/**
 * Largest body that is taken, bytes; what PacketSize promises. A client may send a body whose bytes
 * are all escaped, hence the reader's limit is twice that.
 */
export const PACKET_SIZE = 0x40000;

/** What a stream of bytes from a client holds. */
export type Received =
  | { readonly kind: 'packet'; readonly body: Uint8Array }
  /** A packet that did not arrive whole: its checksum is wrong, or it is too long. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack' }
  | { readonly kind: 'interrupt' };

/**
 * Cuts a client's bytes into packets, however they arrive. Bytes between packets that mean nothing
 * are passed over; no input makes it fail, and it holds no more than one packet.
 */
export class PacketReader {
  #state: 'between' | 'body' | 'checksum' = 'between';
  /** The body so far; grows to what a packet may hold. */
  #body = new Uint8Array(256);
  #length = 0;
  #sum = 0;
  #tooLong = false;
  /** The first digit of the checksum, once it is there. */
  #digits = '';

  /** Takes the next bytes; gives what they complete, in order. */
  push(bytes: Uint8Array): Received[] {
    const received: Received[] = [];
    for (const byte of bytes) {
      const item = this.#take(byte);
      if (item !== null) received.push(item);
    }
    return received;
  }

  #take(byte: number): Received | null {
    if (this.#state === 'between') return this.#takeBetween(byte);
    if (this.#state === 'checksum') return this.#takeChecksum(byte);
    if (byte === HASH) this.#state = 'checksum';
    // A `$` inside a body is always escaped: here the end of the last packet was lost.
    else if (byte === DOLLAR) this.#begin();
    else this.#append(byte);
    return null;
  }

  #takeBetween(byte: number): Received | null {
    if (byte === DOLLAR) this.#begin();
    else if (byte === PLUS) return { kind: 'ack' };
    else if (byte === MINUS) return { kind: 'nack' };
    else if (byte === INTERRUPT) return { kind: 'interrupt' };
    return null;
  }

  #begin(): void {
    this.#state = 'body';
    this.#length = 0;
    this.#sum = 0;
    this.#tooLong = false;
    this.#digits = '';
  }

  #append(byte: number): void {
    this.#sum = (this.#sum + byte) & 0xff;
    if (this.#length === 2 * PACKET_SIZE) {
      this.#tooLong = true;
      return;
    }
    if (this.#length === this.#body.length) {
      const larger = new Uint8Array(2 * this.#body.length);
      larger.set(this.#body);
      this.#body = larger;
    }
    this.#body[this.#length++] = byte;
  }

  #takeChecksum(byte: number): Received | null {
    this.#digits += String.fromCharCode(byte);
    if (this.#digits.length < 2) return null;
    this.#state = 'between';
    const said = /^[0-9a-fA-F]{2}$/.test(this.#digits) ? Number.parseInt(this.#digits, 16) : -1;
    if (said !== this.#sum || this.#tooLong) return { kind: 'damaged' };
    return { kind: 'packet', body: this.#body.slice(0, this.#length) };
  }
}

/** A body in its frame; the body's own escapes must be there already. */
export function framePacket(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(body.length + 4);
  let sum = 0;
  for (let i = 0; i < body.length; i++) sum = (sum + (body[i] as number)) | 0;
  frame[0] = DOLLAR;
  frame.set(body, 1);
  frame.set(asciiBytes(`#${hexNumber(sum & 0xff, 2)}`), body.length + 1);
  return frame;
}

/** Binary data as it stands in a packet: `#`, `$`, `}` and `*` are escaped. */
export function escapeBinary(data: Uint8Array): Uint8Array {
  const escaped = new Uint8Array(2 * data.length);
  let length = 0;
  for (const byte of data) {
    const special = byte === HASH || byte === DOLLAR || byte === ESCAPE || byte === STAR;
    if (special) escaped[length++] = ESCAPE;
    escaped[length++] = special ? byte ^ ESCAPE_BIT : byte;
  }
  return escaped.subarray(0, length);
}

/** The data behind what stands in a packet; an escape without a byte is left out. */
export function unescapeBinary(escaped: Uint8Array): Uint8Array {
  const data = new Uint8Array(escaped.length);
  let length = 0;
  for (let at = 0; at < escaped.length; at++) {
    const byte = escaped[at] as number;
    if (byte !== ESCAPE) data[length++] = byte;
    else if (at + 1 < escaped.length) data[length++] = (escaped[++at] as number) ^ ESCAPE_BIT;
  }
  return data.subarray(0, length);
}

/** Two digits for each byte. */
export function hexOf(bytes: Uint8Array): string {
  const digits = new Uint8Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    digits[2 * i] = HEX_DIGITS[byte >> 4] as number;
    digits[2 * i + 1] = HEX_DIGITS[byte & 15] as number;
  }
  return new TextDecoder().decode(digits);
}

const HEX_DIGITS = asciiBytes('0123456789abcdef');

/** The bytes of such digits; null when they are no such text. */
export function bytesOfHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

/** A number in hexadecimal, with at least so many digits. */
export function hexNumber(value: number | bigint, digits = 1): string {
  return value.toString(16).padStart(digits, '0');
}

/** The bytes of a text of characters below 256, such as a packet's. */
export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The text of such bytes, a character for each. */
export function asciiText(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  return pieces.join('');
}

/** Arrays one behind the other. */
export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
