import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE } from '../abi.js';
import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import { ARENA_END, ARENA_START, hex, PAGE, type Arg } from '../step.js';
import { nowhere } from './addresses.js';

/**
 * Where a task keeps the buffers of its calls, so that they fault in every way:
 *
 *   page   0  1  2  3   4    5    6    7     8  9 … 15
 *          rw rw rw rw  ---  rw   r--  hole  rw rw … rw   (then unmapped)
 */
export interface Zone {
  readonly start: number;
}

const ZONE_PAGES = 16;
const LONG_RUN = 8;

/** Maps a zone in `task` and leaves bytes to recognise in it. */
export function mapZone(s: Scenario, task: string, start: number): Zone {
  const map = (page: number, pages: number, prot: number): void => {
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    s.call(task, 'mmap', [hex(start + page * PAGE), pages * PAGE, prot, flags, -1, 0]);
  };
  map(0, ZONE_PAGES, PROT_READ | PROT_WRITE);
  for (let page = 0; page < ZONE_PAGES; page++) {
    s.poke(task, start + page * PAGE + s.rng.int(PAGE - 8), s.rng.hexBytes(8));
  }
  map(4, 1, PROT_NONE);
  s.call(task, 'mprotect', [hex(start + 6 * PAGE), PAGE, PROT_READ]);
  s.call(task, 'munmap', [hex(start + 7 * PAGE), PAGE]);
  return { start };
}

/** A place for a buffer of `length` bytes: sound, about to fault, or nowhere. */
export function bufferIn(rng: Rng, zone: Zone, length: number): string {
  const page = (index: number): number => zone.start + index * PAGE;
  return rng.weighted<() => string>([
    [8, () => hex(page(LONG_RUN) + rng.int(PAGE))],
    [2, () => hex(page(0) + rng.int(PAGE))],
    [2, () => hex(page(4) - rng.between(0, Math.min(length, 4 * PAGE)))],
    [1, () => hex(page(ZONE_PAGES) - rng.between(0, Math.min(length, 4 * PAGE)))],
    [1, () => hex(page(5) + rng.int(2 * PAGE))],
    [1, () => hex(page(rng.int(ZONE_PAGES + 1)) + rng.pick([0, 1, 4095]))],
    [1, () => nowhere(rng)],
  ])();
}

/** Bytes in scratch to write from: `length` of them, mostly a repeated pattern. */
export function source(rng: Rng, length: number): Arg {
  const unit = rng.hexBytes(Math.min(length, 1 + rng.int(12)));
  return {
    in: length === 0 ? '' : unit.repeat(Math.ceil((length * 2) / unit.length)).slice(0, length * 2),
  };
}

/** Looks at the first bytes of a buffer in the arena and at those around its end. */
export function peekBuffer(s: Scenario, task: string, address: string, length: number): void {
  const start = Number(address);
  if (start < ARENA_START || start >= ARENA_END) return;
  s.peek(task, start, Math.min(Math.max(length, 1), 24));
  if (length > 24) s.peek(task, start + length - 8, 16);
}
