/** Bytes that a source of random bytes is asked for at a time: what crypto.getRandomValues() gives at most. */
export const RANDOM_CHUNK = 65536;

/** Fills an array of at most RANDOM_CHUNK bytes with random ones. */
export type FillRandom = (bytes: Uint8Array) => void;

/** The host's own. */
export const hostRandom: FillRandom = (bytes) => {
  globalThis.crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
};

/**
 * Where the random bytes of a machine come from: the host, or a seed, from which the same bytes come every time.
 * Those are no secret (Chris Doty-Humphrey's sfc32).
 */
export class Random {
  /** State of the generator, four words of 32 bits; null: the host's. */
  private words: number[] | null = null;
  /** The host's. */
  private readonly host: FillRandom;

  /** @param seed an integer from 0 to 2^53 - 1; null: the host's bytes */
  constructor(seed: number | null, host: FillRandom = hostRandom) {
    this.host = host;
    if (seed === null) return;
    this.words = [(seed % 2 ** 32) | 0, Math.floor(seed / 2 ** 32) | 0, 0, 1];
    // Seeds that differ in one bit are far apart after so many.
    for (let i = 0; i < 16; i++) this.word(this.words);
  }

  /** Fills bytes with random ones. */
  fill(bytes: Uint8Array): void {
    const { words } = this;
    if (words === null) return this.fillFromHost(bytes);
    for (let at = 0; at < bytes.length; at += 4) {
      const word = this.word(words);
      for (let i = 0; i < 4 && at + i < bytes.length; i++) bytes[at + i] = word >>> (8 * i);
    }
  }

  /** A random version 4 UUID as text (lib/uuid.c generate_random_uuid()). */
  uuid(): string {
    const bytes = new Uint8Array(16);
    this.fill(bytes);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  private fillFromHost(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += RANDOM_CHUNK) {
      this.host(bytes.subarray(at, at + RANDOM_CHUNK));
    }
  }

  private word(words: number[]): number {
    const [a = 0, b = 0, c = 0, count = 0] = words;
    const sum = (a + b + count) | 0;
    words[0] = b ^ (b >>> 9);
    words[1] = (c + (c << 3)) | 0;
    words[2] = (((c << 21) | (c >>> 11)) + sum) | 0;
    words[3] = (count + 1) | 0;
    return sum;
  }
}
