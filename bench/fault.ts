// What does the first touch of a page cost?
import { MADV_DONTNEED, MAP_PRIVATE, PAGE_SIZE, type Task } from '../src/index.js';
import type { Case, Setting, Suite } from './bench.js';
import { clockOf } from './clock.js';
import { makeGuest, mapMemory, touchPages } from './guest.js';

/** Pages touched in one call of a clock's work: bench/kernel.c has the same number. */
const PAGES = 256;
const SIZE = PAGES * PAGE_SIZE;

/** One operation: a store to a page that was dropped, so that it faults. */
async function faultClock(shared: boolean): Promise<Case['clock']> {
  const { target } = await makeGuest();
  const addr = shared ? mapSharedPages(target) : mapMemory(target, SIZE);
  return clockOf(() => {
    target.madvise(addr, SIZE, MADV_DONTNEED);
    touchPages(target, addr, SIZE);
  }, PAGES);
}

/** A private mapping of a memfd: its pages are the file's until they are written to. */
function mapSharedPages(task: Task): bigint {
  const file = task.memfdCreate('cow');
  file.write(new Uint8Array(SIZE).fill(1));
  return task.mmap({ length: SIZE, flags: MAP_PRIVATE, file });
}

async function* faultCases({ kernel }: Setting): AsyncGenerator<Case> {
  for (const [label, shared] of [
    ['zero', false],
    ['cow', true],
  ] as const) {
    yield {
      name: `fault/${label}`,
      clock: await faultClock(shared),
      baselines: { kernel: kernel.helperCase(`fault-${label}`, 0) },
    };
  }
}

/** Faults of fresh pages and of shared ones. */
export const faultSuite: Suite = {
  name: 'fault',
  title: 'a write to a page not yet there (zero), or still shared with its file (cow)',
  cases: faultCases,
};
