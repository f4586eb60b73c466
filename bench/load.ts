// How much does the translation of an emulated CPU's loads cost? Loads of 8 bytes at random places,
// in a loop inside wasm: this one bench looks below the public API.
import { PAGE_SIZE } from '../assembly/abi/page.js';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../assembly/abi/mman.js';
import { Mm } from '../src/mm/mm.js';
import { mmap } from '../src/mm/mmap.js';
import { Core } from '../src/wasm/core.js';
import type { Case, Setting, Suite } from './bench.js';
import { compileCore } from './bench-core.js';
import { clockOf } from './clock.js';
import { rising, shuffled } from './guest.js';

/** Loads in one call of a clock's work. */
const LOADS = 100_000;

/** What assembly/bench.ts adds to the exports of the core. */
interface LoadLoops {
  sumLoads(mm: number, addr: number, mask: number, count: number): bigint;
  sumRawLoads(mask: number, count: number): bigint;
}

/** Maps memory and gives each of its pages a frame, in the order of `pages`. */
function fillMemory(mm: Mm, length: number, pages: readonly number[]): number {
  const prot = PROT_READ | PROT_WRITE;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const addr = mmap(mm, { addr: 0, length, prot, flags, offset: 0 });
  for (const page of pages) mm.core.exports.store8(mm.ptr, addr + page * PAGE_SIZE, 1, 0);
  return addr;
}

async function loadCase(
  wasm: BufferSource,
  name: string,
  size: number,
  pages: readonly number[],
): Promise<Case> {
  const core = await Core.create({ wasm });
  const mm = new Mm(core);
  const loops = core.exports as unknown as LoadLoops;
  const addr = fillMemory(mm, size, pages);
  const clock = clockOf(() => void loops.sumLoads(mm.ptr, addr, size - 1, LOADS), LOADS);
  const raw = clockOf(() => void loops.sumRawLoads(size - 1, LOADS), LOADS);
  return { name, clock, baselines: { raw } };
}

async function* loadCases({ quick }: Setting): AsyncGenerator<Case> {
  const wasm = await compileCore();
  const sizes: [label: string, size: number][] = [
    ['16K', 2 ** 14],
    ['1M', 2 ** 20],
    ['64M', 2 ** 26],
  ];
  if (!quick) sizes.push(['1G', 2 ** 30]);
  for (const [label, size] of sizes)
    yield await loadCase(wasm, `load/${label}`, size, rising(size));
  for (const [label, size] of sizes.slice(1)) {
    yield await loadCase(wasm, `load-frag/${label}`, size, shuffled(size));
  }
}

/** Loads through translation. */
export const loadSuite: Suite = {
  name: 'load',
  title: 'one random 8-byte load in that much memory, through translation (frag: frames shuffled)',
  cases: loadCases,
};
