// What does a mapping cost among many others?
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
} from '../src/index.js';
import type { Case, Setting, Suite } from './bench.js';
import { type Clock, clockOf } from './clock.js';
import { makeGuest, mapMemory } from './guest.js';

/** The default of vm.max_map_count is less: the kernel gets as many as it takes. */
const MOST_VMAS = 65536;
const KERNEL_VMAS = 65000;
/** The calls by their numbers on x86-64, as an emulator makes them. */
const MMAP = 9;
const MUNMAP = 11;

/** One operation: munmap and mmap of one page between `count` mappings that cannot merge. */
async function mmapClock(count: number): Promise<Clock> {
  const { machine, target } = await makeGuest({ 'vm.max_map_count': 2 * MOST_VMAS });
  const addr = mapMemory(target, count * PAGE_SIZE);
  for (let page = 0; page < count; page += 2) {
    target.mprotect(addr + BigInt(page * PAGE_SIZE), PAGE_SIZE, PROT_READ);
  }
  // One of the writable ones, so that it merges with nothing.
  const middle = Number(addr) + ((count >> 1) | 1) * PAGE_SIZE;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  const unmapArgs = [middle, PAGE_SIZE];
  const mapArgs = [middle, PAGE_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0];
  return clockOf(() => {
    machine.syscall(target, MUNMAP, unmapArgs);
    machine.syscall(target, MMAP, mapArgs);
  });
}

async function* mmapCases({ kernel }: Setting): AsyncGenerator<Case> {
  const few = await mmapClock(100);
  yield { name: 'mmap/100', clock: few, baselines: { kernel: kernel.helperCase('mmap', 100) } };
  yield {
    name: `mmap/${MOST_VMAS}`,
    clock: await mmapClock(MOST_VMAS),
    baselines: { kernel: kernel.helperCase('mmap', KERNEL_VMAS), 'mmap/100': few },
  };
}

/** munmap and mmap through the system-call layer. */
export const mmapSuite: Suite = {
  name: 'mmap',
  title: 'munmap and mmap of one page, with that many VMAs standing',
  cases: mmapCases,
};
