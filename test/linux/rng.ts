/** A seeded generator of random choices: the same seed, the same choices, on every machine. */
export class Rng {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0;
  }

  /** 32 random bits (mulberry32). */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** An integer from 0 up to `below`, exclusive. */
  int(below: number): number {
    return Math.floor((this.bits() / 2 ** 32) * below);
  }

  /** An integer from `low` to `high`, inclusive. */
  between(low: number, high: number): number {
    return low + this.int(high - low + 1);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.bits() < probability * 2 ** 32;
  }

  /** One of `items`. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('items: none to pick from');
    return items[this.int(items.length)]!;
  }

  /** One of the choices, each as likely as its weight. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.int(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, choice] of choices) {
      if (left < weight) return choice;
      left -= weight;
    }
    throw new RangeError('choices: no weight');
  }

  /** `length` random bytes as hex. */
  hexBytes(length: number): string {
    let text = '';
    for (let i = 0; i < length; i++) text += this.int(256).toString(16).padStart(2, '0');
    return text;
  }

  /** A random subset of a mask's bits. */
  mask(of: bigint): bigint {
    const bits = (BigInt(this.bits()) << 32n) | BigInt(this.bits());
    return of & bits;
  }
}
