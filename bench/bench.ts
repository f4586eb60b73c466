// What a bench is, and how one is measured: in rounds, each case next to its baselines, so that a
// machine that slows down for a moment slows both. A ratio is the median of the rounds' ratios.
import { type Clock, median } from './clock.js';
import type { Kernel } from './kernel.js';

/** One row of a table: something timed, and the same work done by others. */
export interface Case {
  /** `SUITE/SIZE`, the name in the contract. */
  readonly name: string;
  /** Bytes one operation moves; left out where none are moved. */
  readonly bytes?: number;
  /** What one of the things that the operation is among takes; left out where nobody asks. */
  readonly footprint?: Footprint;
  /** Instructions of a guest that one operation executes. */
  readonly instructions?: number;
  readonly clock: Clock;
  /** By name: `memcpy`, `kernel`, `raw`, `v86`, or another case of the suite. */
  readonly baselines: Readonly<Record<string, Clock | null>>;
}

/** Bytes that one thing takes of linear memory and of the engine's heap. */
export interface Footprint {
  readonly core: number;
  readonly heap: number;
}

/** One question, asked in a few sizes. */
export interface Suite {
  readonly name: string;
  /** What one operation is: the heading of the table. */
  readonly title: string;
  /** Prepares one case after the other; what follows a `yield` takes it down again. */
  readonly cases: (setting: Setting) => AsyncGenerator<Case>;
}

/** What the cases of a run have in common. */
export interface Setting {
  readonly quick: boolean;
  readonly kernel: Kernel;
}

/** A measured case, as it is printed and written. */
export interface Row {
  readonly case: string;
  readonly bytes: number | null;
  readonly footprint: Footprint | null;
  readonly instructions: number | null;
  readonly ns: number;
  /** How many times faster than each baseline: 1 is equal, above 1 is faster. */
  readonly vs: Readonly<Record<string, number>>;
}

interface Rounds {
  readonly count: number;
  /** Seconds each clock runs in a round. */
  readonly seconds: number;
  /** Seconds each runs before it counts, for the compilers of the engine to be done with it. */
  readonly warmUp: number;
}

const FULL: Rounds = { count: 11, seconds: 0.08, warmUp: 0.3 };
const QUICK: Rounds = { count: 3, seconds: 0.02, warmUp: 0.15 };

/** Measures a case against its baselines. */
export async function measure(subject: Case, { quick }: Setting): Promise<Row> {
  const { count, seconds, warmUp } = quick ? QUICK : FULL;
  const baselines = Object.entries(subject.baselines).filter(
    (entry): entry is [string, Clock] => entry[1] !== null,
  );
  const own: number[] = [];
  const ratios = new Map<string, number[]>(baselines.map(([name]) => [name, []]));
  for (const clock of [subject.clock, ...baselines.map(([, clock]) => clock)]) {
    await clock(warmUp);
  }
  for (let round = 0; round < count; round++) {
    const ns = await subject.clock(seconds);
    own.push(ns);
    for (const [name, clock] of baselines) ratios.get(name)?.push((await clock(seconds)) / ns);
  }
  const vs = Object.fromEntries([...ratios].map(([name, list]) => [name, median(list)]));
  const { name, bytes = null, instructions = null, footprint = null } = subject;
  return { case: name, bytes, instructions, footprint, ns: median(own), vs };
}

/** Measures every case of a suite. */
export async function runSuite(suite: Suite, setting: Setting): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const subject of suite.cases(setting)) {
    rows.push(await measure(subject, setting));
    setting.kernel.endHelpers();
  }
  return rows;
}
