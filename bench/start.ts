// How long until the first read of a fresh machine?
import type { Case, Suite } from './bench.js';
import { makeGuest, mapMemory, openMem, touchPages } from './guest.js';

/** Nanoseconds from nothing to eight bytes read: compiling the core is part of the first only. */
async function startOnce(): Promise<number> {
  const started = performance.now();
  const { reader, target } = await makeGuest();
  const addr = mapMemory(target, 8);
  touchPages(target, addr, 8);
  openMem(reader, target).pread(new Uint8Array(8), addr);
  return (performance.now() - started) * 1e6;
}

async function* startCases(): AsyncGenerator<Case> {
  yield { name: 'start', clock: startOnce, baselines: {} };
}

/** A machine from nothing. */
export const startSuite: Suite = {
  name: 'start',
  title: 'a new machine, its first tasks and the first read of a mem file',
  cases: startCases,
};
