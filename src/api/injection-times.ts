import { intArgument } from './arguments.js';

/**
 * Which of the calls that a rule is about it acts on: all, unless one of `nth`, `every` and `probability`
 * says otherwise.
 */
export interface InjectionTimes {
  /** Only this one of them, or these; the first since the rule was set is 1. */
  readonly nth?: number | readonly number[];
  /** Every so manieth: 3 is the third, the sixth and so on. */
  readonly every?: number;
  /** Each with this probability, from 0 to 1; the same seed gives the same calls. */
  readonly probability?: number;
  /** Where `probability` begins: 0 to 2^32 - 1 (default 1). */
  readonly seed?: number;
  /** At most so many in all (default: no end). */
  readonly times?: number;
}

/**
 * A stream of numbers from 0 up to 1 that depends on the seed alone: mulberry32, whose state is one word.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Whether to act on the calls with the numbers 1, 2, 3…, asked of in this order.
 *
 * @throws {TypeError | RangeError} more than one of nth, every and probability, or a value out of range
 */
export function dueCalls(options: InjectionTimes): (nth: number) => boolean {
  const { times = Infinity } = options;
  if (times !== Infinity) intArgument('times', times, 1, Number.MAX_SAFE_INTEGER);
  const chosen = chooser(options);
  let left = times;
  return (nth) => {
    if (left === 0 || !chosen(nth)) return false;
    left -= 1;
    return true;
  };
}

function chooser(options: InjectionTimes): (nth: number) => boolean {
  const { nth, every, probability, seed } = options;
  const given = (['nth', 'every', 'probability'] as const).filter((n) => options[n] !== undefined);
  if (given.length > 1) throw new TypeError(`options: only one of ${given.join(' and ')}`);
  if (seed !== undefined && probability === undefined) {
    throw new TypeError('seed: only with probability');
  }
  if (nth !== undefined) return chooseNumbers(nth);
  if (every !== undefined) {
    intArgument('every', every, 1, Number.MAX_SAFE_INTEGER);
    return (n) => n % every === 0;
  }
  if (probability !== undefined) return chooseRandomly(probability, seed);
  return () => true;
}

function chooseNumbers(nth: number | readonly number[]): (n: number) => boolean {
  const numbers = new Set(typeof nth === 'number' ? [nth] : nth);
  for (const n of numbers) intArgument('nth', n, 1, Number.MAX_SAFE_INTEGER);
  return (n) => numbers.has(n);
}

function chooseRandomly(probability: number, seed = 1): () => boolean {
  if (typeof probability !== 'number') throw new TypeError('probability: not a number');
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(`probability: ${probability} is not from 0 to 1`);
  }
  const random = seededRandom(intArgument('seed', seed, 0, 0xffffffff));
  return () => random() < probability;
}
