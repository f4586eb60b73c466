// What does a fork cost, and what does it put off until the child writes?
import { PAGE_SIZE } from '../src/index.js';
import type { Case, Setting, Suite } from './bench.js';
import { type Clock, clockOf } from './clock.js';
import { makeGuest, mapMemory, touchPages } from './guest.js';

const MEBIBYTE = 1024 * 1024;
const GIBIBYTE = 1024 * MEBIBYTE;

/** One operation: fork, what the child does, its exit, and the wait for it. */
async function forkClock(size: number, touching: boolean): Promise<Case['clock']> {
  const { target } = await makeGuest();
  const addr = mapMemory(target, size);
  touchPages(target, addr, size);
  return clockOf(() => {
    const child = target.fork();
    if (touching) touchPages(child, addr, size);
    child.exit(0);
    target.wait(child.pid);
  });
}

/** What whoever copies on write cannot do without: as many bytes, a page at a time. */
export function pagesClock(size: number): Clock {
  const from = new Uint8Array(size).fill(1);
  const into = new Uint8Array(size).fill(2);
  return clockOf(() => {
    for (let at = 0; at < size; at += PAGE_SIZE) into.set(from.subarray(at, at + PAGE_SIZE), at);
  });
}

async function* forkCases({ kernel, quick }: Setting): AsyncGenerator<Case> {
  const sizes: [name: string, size: number][] = [['64M', 64 * MEBIBYTE]];
  // A gibibyte is slow to fill.
  if (!quick) sizes.push(['1G', GIBIBYTE]);
  for (const [label, size] of sizes) {
    yield {
      name: `fork/${label}`,
      clock: await forkClock(size, false),
      baselines: { kernel: kernel.helperCase('fork', size) },
    };
  }
}

async function* forkTouchCases({ kernel }: Setting): AsyncGenerator<Case> {
  const size = 64 * MEBIBYTE;
  yield {
    name: 'fork-touch/64M',
    clock: await forkClock(size, true),
    baselines: { memcpy: pagesClock(size), kernel: kernel.helperCase('fork-touch', size) },
  };
}

/** Forks of children that exit at once. */
export const forkSuite: Suite = {
  name: 'fork',
  title: 'fork of a task with that much resident private memory, exit and wait',
  cases: forkCases,
};

/** Forks of children that write to all their memory. */
export const forkTouchSuite: Suite = {
  name: 'fork-touch',
  title: 'fork, one byte written by the child in every page, exit and wait',
  cases: forkTouchCases,
};
