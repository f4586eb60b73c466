import * as abi from '../abi.js';
import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { makeMemfd, type Backing } from './backing.js';
import type { Generator } from './generator.js';

const WINDOW = 0x100000000000;
const PAGES = 24;

const ADVICE = [
  abi.MADV_NORMAL,
  abi.MADV_RANDOM,
  abi.MADV_SEQUENTIAL,
  abi.MADV_WILLNEED,
  abi.MADV_DONTNEED,
  abi.MADV_DONTNEED,
  abi.MADV_DONTFORK,
  abi.MADV_DOFORK,
  abi.MADV_DONTDUMP,
  abi.MADV_DODUMP,
  abi.MADV_WIPEONFORK,
  abi.MADV_KEEPONFORK,
  7,
  99,
];

/** A run of pages in the window. */
interface Run {
  readonly start: number;
  readonly length: number;
}

/** mmap, munmap, mprotect and madvise in a window, with the mappings compared every few steps. */
export const vma: Generator = {
  name: 'vma',
  tasks: ['A'],
  run(s, steps) {
    const files = [makeMemfd(s, 'A'), makeMemfd(s, 'A')];
    while (s.steps.length < steps) {
      act(s, files);
      if (s.rng.chance(0.3)) s.maps('A');
      if (s.rng.chance(0.02)) s.smaps('A');
      if (s.rng.chance(0.01)) s.call('A', 'munmap', [hex(WINDOW), PAGES * PAGE]);
    }
  },
};

function act(s: Scenario, files: readonly Backing[]): void {
  const { start, length } = someRun(s.rng);
  s.rng.weighted<() => void>([
    [12, () => mapFixed(s, files)],
    [1, () => mapElsewhere(s)],
    [2, () => s.call('A', 'munmap', [hex(start), length])],
    [6, () => s.call('A', 'mprotect', [hex(start), length, protection(s.rng)])],
    [4, () => s.call('A', 'madvise', [hex(start), length, s.rng.pick(ADVICE)])],
    [6, () => touch(s, start + s.rng.int(PAGE))],
    [2, () => s.pagemap('A', start, s.rng.between(1, 8))],
    [1, () => misfit(s)],
  ])();
}

/**
 * A store, and a look at it when it succeeded. What was never stored to is not looked at: a kernel may
 * give a first load a page of its own or the shared zero page, and what `pagemap`, `smaps` and later
 * merges say depends on it.
 */
function touch(s: Scenario, address: number): void {
  if (s.poke('A', address, s.rng.hexBytes(1)) === null && s.rng.chance(0.4))
    s.peek('A', address, 1);
}

function someRun(rng: Rng): Run {
  const first = rng.int(PAGES);
  const count = Math.min(rng.pick([1, 1, 2, 2, 3, 3, 5, 8]), PAGES - first);
  return { start: WINDOW + first * PAGE, length: count * PAGE };
}

function protection(rng: Rng): number {
  return rng.chance(0.8) ? rng.pick([0, 1, 3, 3, 5, 7]) : rng.int(8);
}

function mapFixed(s: Scenario, files: readonly Backing[]): void {
  const { rng } = s;
  const { start, length } = someRun(rng);
  const file = rng.chance(0.3) ? rng.pick(files) : null;
  const place = rng.chance(0.15) ? abi.MAP_FIXED_NOREPLACE : abi.MAP_FIXED;
  const sharing = rng.chance(0.75) ? abi.MAP_PRIVATE : abi.MAP_SHARED;
  const prot = protection(rng);
  const populate = prot & abi.PROT_WRITE ? abi.MAP_POPULATE : 0; // else it is a first load of each page
  const extra = rng.weighted([
    [12, 0],
    [1, abi.MAP_NORESERVE],
    [1, populate],
    [1, abi.MAP_STACK],
  ]);
  const flags = place | sharing | extra | (file === null ? abi.MAP_ANONYMOUS : 0);
  /* A file's pages are mapped where they would be if all of it were: neighbours can merge. */
  const offset = rng.chance(0.7) ? start - WINDOW : PAGE * rng.int(4);
  const fd: Arg = file === null ? -1 : { ref: file.fd };
  s.call('A', 'mmap', [hex(start), length, prot, flags, fd, file === null ? 0 : offset]);
}

/** No MAP_FIXED: the hint is taken when it is free, else the kernel goes out of the arena. */
function mapElsewhere(s: Scenario): void {
  const { start, length } = someRun(s.rng);
  const hint = start + s.rng.pick([0, 1, 4095]);
  const flags = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS;
  const name = s.fresh('at');
  const { value, ok } = s.bind(name, 'A', 'mmap', [hex(hint), length, 3, flags, -1, 0]);
  if (ok && value !== start) s.call('A', 'munmap', [{ ref: name }, length]);
}

/** Arguments that the kernel refuses, or that reach out of what is mapped. */
function misfit(s: Scenario): void {
  const { rng } = s;
  const { start, length } = someRun(rng);
  const addr = rng.pick([
    hex(start + 1),
    hex(start),
    '0x7ffffffff000',
    '0xfffffffffffff000',
    '0x8000000000000000',
  ]);
  const size = rng.pick([
    0,
    1,
    length + 1,
    '0x7ffffffff000',
    '0x800000000000',
    '0xfffffffffffff001',
    '0xffffffffffffffff',
  ]);
  const safe = addr === hex(start) && size !== length + 1 && size !== 0 && size !== 1;
  rng.weighted<() => void>([
    [
      2,
      () =>
        s.call('A', 'mmap', [
          addr,
          size,
          3,
          rng.pick([0x32, 0x31, 0x30, 0x33, 0x34, 0x100032]),
          -1,
          rng.pick([0, 1, PAGE]),
        ]),
    ],
    [safe ? 0 : 2, () => s.call('A', 'munmap', [addr, size])],
    [
      safe ? 0 : 2,
      () =>
        s.call('A', 'mprotect', [
          addr,
          size,
          rng.pick([1, 8, 0x10, 0x1000000, 0x2000000, 0x3000000]),
        ]),
    ],
    [safe ? 0 : 2, () => s.call('A', 'madvise', [addr, size, rng.pick([0, 4, 10])])],
  ])();
}
