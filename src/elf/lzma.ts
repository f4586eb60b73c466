/** Bits of a probability; 1 << 11 is certainty. */
const CERTAIN_BITS = 11;
const ADAPT_SHIFT = 5;
const NORMAL = 2 ** 24;
const STATES = 12;
/** Lengths of a match with a place of its own in the tables of distances. */
const LENGTH_STATES = 4;
const ALIGN_BITS = 4;

/** The bytes are no LZMA. */
export class LzmaError extends Error {
  override readonly name = 'LzmaError';
}

function probabilities(count: number): Uint16Array {
  return new Uint16Array(count).fill(1 << (CERTAIN_BITS - 1));
}

/** Reads bits that an arithmetic coder wrote: each takes as little room as its probability allows. */
class RangeDecoder {
  #range = 0xffffffff;
  #code = 0;
  #at: number;
  readonly #bytes: Uint8Array;
  readonly #end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start + 1;
    this.#end = end;
    for (let i = 0; i < 4; i++) this.#code = ((this.#code << 8) | this.#next()) >>> 0;
  }

  bit(table: Uint16Array, index: number): number {
    if (this.#range < NORMAL) this.#normalize();
    const probability = table[index] ?? 0;
    const bound = (this.#range >>> CERTAIN_BITS) * probability;
    if (this.#code < bound) {
      this.#range = bound;
      table[index] = probability + (((1 << CERTAIN_BITS) - probability) >> ADAPT_SHIFT);
      return 0;
    }
    this.#range = (this.#range - bound) >>> 0;
    this.#code = (this.#code - bound) >>> 0;
    table[index] = probability - (probability >> ADAPT_SHIFT);
    return 1;
  }

  /** A number of `bits` bits, the most significant first. */
  tree(table: Uint16Array, bits: number, base = 0): number {
    let node = 1;
    for (let i = 0; i < bits; i++) node = (node << 1) | this.bit(table, base + node);
    return node - (1 << bits);
  }

  /** The same, the least significant first. */
  reverseTree(table: Uint16Array, bits: number, base = 0): number {
    let node = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(table, base + node);
      node = (node << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  /** Bits that are as likely 0 as 1. */
  direct(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) {
      if (this.#range < NORMAL) this.#normalize();
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code = (this.#code - this.#range) >>> 0;
      value = value * 2 + bit;
    }
    return value;
  }

  #normalize(): void {
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | this.#next()) >>> 0;
  }

  #next(): number {
    if (this.#at >= this.#end) throw new LzmaError('a chunk has too few bytes');
    return this.#bytes[this.#at++] ?? 0;
  }
}

/** How long a match is: 2 to 273 bytes. */
class LengthDecoder {
  readonly #choice = probabilities(2);
  readonly #low = probabilities(16 * 8);
  readonly #middle = probabilities(16 * 8);
  readonly #high = probabilities(256);

  read(range: RangeDecoder, positionState: number): number {
    if (range.bit(this.#choice, 0) === 0) return 2 + range.tree(this.#low, 3, positionState * 8);
    if (range.bit(this.#choice, 1) === 0)
      return 10 + range.tree(this.#middle, 3, positionState * 8);
    return 18 + range.tree(this.#high, 8);
  }
}

/** The numbers in an LZMA properties byte. */
export interface LzmaProperties {
  /** Bits of the byte before that choose how a literal is coded. */
  readonly lc: number;
  /** Bits of the position that do so. */
  readonly lp: number;
  /** Bits of the position that choose how matches are coded. */
  readonly pb: number;
}

/**
 * Unpacks LZMA into an array that is its own dictionary. Its state lasts from one chunk to the next.
 *
 * The format is that of Igor Pavlov's LZMA specification.
 */
export class LzmaDecoder {
  /** Where the next byte goes. */
  position = 0;
  readonly #out: Uint8Array;
  readonly #properties: LzmaProperties;
  /** No match reaches back beyond this. */
  readonly #dictionaryStart: number;
  readonly #literals: Uint16Array;
  readonly #isMatch = probabilities(STATES * 16);
  readonly #isRep = probabilities(STATES);
  readonly #isRep0 = probabilities(STATES);
  readonly #isRep1 = probabilities(STATES);
  readonly #isRep2 = probabilities(STATES);
  readonly #isRep0Long = probabilities(STATES * 16);
  readonly #slots = probabilities(LENGTH_STATES * 64);
  readonly #special = probabilities(128);
  readonly #align = probabilities(1 << ALIGN_BITS);
  readonly #lengths = new LengthDecoder();
  readonly #repLengths = new LengthDecoder();
  #state = 0;
  #reps: [number, number, number, number] = [0, 0, 0, 0];

  /** @throws {LzmaError} the properties are more than 4 bits together */
  constructor(out: Uint8Array, position: number, dictionary: number, properties: LzmaProperties) {
    const { lc, lp, pb } = properties;
    if (lc + lp > 4 || pb > 4) throw new LzmaError('impossible properties');
    this.#out = out;
    this.position = position;
    this.#dictionaryStart = dictionary;
    this.#properties = properties;
    this.#literals = probabilities(0x300 << (lc + lp));
  }

  /**
   * Unpacks one chunk.
   *
   * @param bytes the file; the chunk is at [start, end)
   * @param length bytes that come out of it
   * @throws {LzmaError} it makes no sense
   */
  decode(bytes: Uint8Array, start: number, end: number, length: number): void {
    const range = new RangeDecoder(bytes, start, end);
    const limit = this.position + length;
    while (this.position < limit) {
      const positionState =
        (this.position - this.#dictionaryStart) & ((1 << this.#properties.pb) - 1);
      if (range.bit(this.#isMatch, this.#state * 16 + positionState) === 0) this.#literal(range);
      else this.#match(range, positionState, limit);
    }
  }

  #literal(range: RangeDecoder): void {
    const { lc, lp } = this.#properties;
    const at = this.position - this.#dictionaryStart;
    const before = at === 0 ? 0 : (this.#out[this.position - 1] ?? 0);
    const base = (((at & ((1 << lp) - 1)) << lc) + (before >> (8 - lc))) * 0x300;
    let symbol = 1;
    if (this.#state >= 7) {
      let match = this.#out[this.position - this.#reps[0] - 1] ?? 0;
      while (symbol < 0x100) {
        const matchBit = (match >> 7) & 1;
        match <<= 1;
        const bit = range.bit(this.#literals, base + ((1 + matchBit) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (matchBit !== bit) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | range.bit(this.#literals, base + symbol);
    this.#out[this.position++] = symbol & 0xff;
    this.#state = this.#state < 4 ? 0 : this.#state - (this.#state < 10 ? 3 : 6);
  }

  #match(range: RangeDecoder, positionState: number, limit: number): void {
    const state = this.#state;
    let length: number;
    if (range.bit(this.#isRep, state) === 0) {
      length = this.#lengths.read(range, positionState);
      this.#reps = [this.#distance(range, length), this.#reps[0], this.#reps[1], this.#reps[2]];
      this.#state = state < 7 ? 7 : 10;
    } else if (this.#repeats(range, positionState)) {
      length = this.#repLengths.read(range, positionState);
      this.#state = state < 7 ? 8 : 11;
    } else {
      length = 1;
      this.#state = state < 7 ? 9 : 11;
    }
    this.#copy(length, limit);
  }

  /** Which of the last four distances comes again; false for a single byte at the last one. */
  #repeats(range: RangeDecoder, positionState: number): boolean {
    const [a, b, c, d] = this.#reps;
    const state = this.#state;
    if (range.bit(this.#isRep0, state) === 0) {
      return range.bit(this.#isRep0Long, state * 16 + positionState) === 1;
    }
    if (range.bit(this.#isRep1, state) === 0) this.#reps = [b, a, c, d];
    else if (range.bit(this.#isRep2, state) === 0) this.#reps = [c, a, b, d];
    else this.#reps = [d, a, b, c];
    return true;
  }

  #distance(range: RangeDecoder, length: number): number {
    const slot = range.tree(this.#slots, 6, Math.min(length - 2, LENGTH_STATES - 1) * 64);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const base = (2 | (slot & 1)) * 2 ** bits;
    if (slot < 14) return base + range.reverseTree(this.#special, bits, base - slot);
    const high = range.direct(bits - ALIGN_BITS) * (1 << ALIGN_BITS);
    return base + high + range.reverseTree(this.#align, ALIGN_BITS);
  }

  #copy(length: number, limit: number): void {
    const from = this.position - this.#reps[0] - 1;
    if (from < this.#dictionaryStart) throw new LzmaError('a match begins before the dictionary');
    if (this.position + length > limit) throw new LzmaError('a match ends beyond its chunk');
    for (let i = 0; i < length; i++) this.#out[this.position++] = this.#out[from + i] ?? 0;
  }
}
