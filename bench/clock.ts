// Clocks: how long one operation takes, in nanoseconds.
import Benchmark from 'benchmark';

/** Repeats an operation for about `seconds` and gives the nanoseconds of one. */
export type Clock = (seconds: number) => number | Promise<number>;

/**
 * A clock over benchmark.js. `work` does `operations` of them in one call: many, when one is so
 * short that calling it would be half of what is measured.
 */
export function clockOf(work: () => void, operations = 1): Clock {
  let initCount = 1;
  return (seconds) => {
    // Four samples: one alone is at the mercy of a single interruption.
    const minTime = seconds / 4;
    const bench = new Benchmark({ fn: work, minSamples: 1, minTime, maxTime: seconds, initCount });
    bench.run({ async: false });
    if (bench.error !== undefined) throw bench.error;
    initCount = Math.max(1, bench.count >> 1); // the next round need not grow up to it again
    return (median(bench.stats.sample) * 1e9) / operations;
  };
}

/** The middle value; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const high = sorted[Math.floor(middle)] ?? NaN;
  const low = sorted[Math.ceil(middle) - 1] ?? NaN;
  return (low + high) / 2;
}
