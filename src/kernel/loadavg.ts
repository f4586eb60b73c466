import { shownState } from './task-state.js';
import type { Kernel } from './kernel.js';

/** Milliseconds between two looks: LOAD_FREQ, five seconds and a tick of 4 ms. */
const LOAD_FREQ = 5004;
/** Fixed point: 1.0, and what is left of a load after a look, by 1, 5 and 15 minutes (EXP_1, EXP_5, EXP_15). */
export const FIXED_1 = 2048;
const DECAY = [1884, 2014, 2037] as const;
/** Beyond so many looks without anybody who runs, nothing is left. */
const MANY_LOOKS = 20_000;

/** How many tasks run, or wait for what cannot be interrupted, on average. */
export interface LoadAverage {
  /** When to look next, milliseconds of the kernel's time. */
  next: number;
  /** Averages over 1, 5 and 15 minutes, in fixed point. */
  readonly loads: number[];
}

/** An idle machine. */
export function newLoadAverage(): LoadAverage {
  return { next: LOAD_FREQ, loads: [0, 0, 0] };
}

/** Tasks that could run now (nr_running()), and those that are in uninterruptible sleep. */
export function countRunning(kernel: Kernel): {
  readonly running: number;
  readonly blocked: number;
} {
  const counts = { running: 0, blocked: 0 };
  for (const task of kernel.tasks()) {
    const state = shownState(task);
    if (state === 'R') counts.running += 1;
    else if (state === 'D') counts.blocked += 1;
  }
  return counts;
}

/** One step of an exponential average (calc_load()). */
function step(load: number, decay: number, active: number): number {
  const next = load * decay + active * (FIXED_1 - decay);
  return Math.floor((active >= load ? next + FIXED_1 - 1 : next) / FIXED_1);
}

/**
 * The averages as of now. A machine that lets time go by without a look has slept: nobody ran then.
 *
 * @see kernel/sched/loadavg.c, calc_global_load()
 */
export function updateLoad(kernel: Kernel): readonly number[] {
  const { load } = kernel;
  const looks = Math.floor((kernel.time() - load.next) / LOAD_FREQ) + 1;
  if (looks < 1) return load.loads;
  load.next += looks * LOAD_FREQ;
  const { running, blocked } = countRunning(kernel);
  for (const [i, decay] of DECAY.entries()) {
    let value = load.loads[i] ?? 0;
    for (let left = Math.min(looks, MANY_LOOKS); left > 1 && value > 0; left--) {
      value = step(value, decay, 0);
    }
    load.loads[i] = step(value, decay, (running + blocked) * FIXED_1);
  }
  return load.loads;
}
