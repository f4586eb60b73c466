import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';

/** A few pages of the arena in which calls about mappings meet one another. */
export interface Window {
  readonly start: number;
  readonly pages: number;
}

/** A run of pages, in bytes. */
export interface Run {
  readonly start: number;
  readonly length: number;
}

const COUNTS = [1, 1, 1, 2, 2, 3, 4, 6];

/** A run of whole pages inside a window. */
export function runIn(rng: Rng, { start, pages }: Window): Run {
  const first = rng.int(pages);
  const count = Math.min(rng.pick(COUNTS), pages - first);
  return { start: start + first * PAGE, length: count * PAGE };
}

/** An address that calls refuse or that nothing is mapped at. */
export function oddAddress(rng: Rng, start: number): string {
  return rng.pick([
    hex(start + 1),
    hex(start + PAGE - 1),
    '0x0',
    '0x1000',
    '0x7ffffffff000',
    '0x800000000000',
    '0x8000000000000000',
    '0xfffffffffffff000',
  ]);
}

/** A length that calls refuse, round up, or that leads out of every address space. */
export function oddLength(rng: Rng): Arg {
  return rng.pick([
    0,
    1,
    PAGE - 1,
    PAGE + 1,
    '0x800000000000',
    '0x7ffffffffffff000',
    '0xfffffffffffff000',
    '0xfffffffffffff001',
    '0xffffffffffffffff',
  ]);
}

/** A length that is odd but stays within a page: safe at any address of the window. */
export function shortLength(rng: Rng): number {
  return rng.pick([0, 1, PAGE - 1]);
}

/** A protection: mostly one that programs use. */
export function someProtection(rng: Rng): number {
  return rng.chance(0.8) ? rng.pick([0, 1, 3, 3, 3, 5, 7]) : rng.int(8);
}

/** One store, so that what is compared later does not depend on what a first load maps. */
export function store(s: Scenario, task: string, run: Run): void {
  const page = run.start + PAGE * s.rng.int(run.length / PAGE);
  s.poke(task, page + s.rng.pick([0, 8, PAGE - 1]), s.rng.hexBytes(1));
}

/** A struct rlimit64 with the hard limit as high as a soft limit may need it. */
export function rlimit(soft: number | bigint, hard: number | bigint = soft): string {
  return words(BigInt(soft), BigInt(hard));
}

/** 64-bit words, little-endian, as hex. */
export function words(...values: readonly (number | bigint)[]): string {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 8 * i));
  return bytes.toString('hex');
}

/** Compares what a task has mapped, in one of the ways there are. */
export function look(s: Scenario, task: string, window: Window): void {
  s.rng.weighted<() => void>([
    [6, () => s.maps(task)],
    [2, () => s.smaps(task)],
    [2, () => s.pagemap(task, window.start, window.pages)],
  ])();
}
