import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE } from '../step.js';
import { makeMemfd, resize, type Backing } from './backing.js';
import type { Generator } from './generator.js';
import { openMem } from './memfiles.js';

const ANONYMOUS = 0x100000000000;
const SHARED = 0x100000100000;
const FILES = 0x100000200000;
/** Pages of each area, more than the 16 that a fault of a file page maps around it. */
const PAGES = 40;
const MAX_FORKS = 24;
const ADVICE = [
  abi.MADV_DONTNEED,
  abi.MADV_DONTNEED,
  abi.MADV_WILLNEED,
  abi.MADV_NORMAL,
  abi.MADV_REMOVE,
];

interface Family {
  readonly living: string[];
  readonly files: readonly Backing[];
  /** A mem file of A, which the others inherit. */
  readonly mem: string;
  forks: number;
}

/**
 * Which pages are there and whose: pagemap and smaps over stores, forks, exits, forced writes, madvise
 * and files read and written. Private anonymous memory is only ever stored to, because what a first
 * load of it maps depends on the kernel having a zero page.
 */
export const residency: Generator = {
  name: 'residency',
  tasks: ['A'],
  run(s, steps) {
    const files = [makeMemfd(s, 'A'), makeMemfd(s, 'A')];
    s.call('A', 'ftruncate', [{ ref: files[0]!.fd }, PAGES * PAGE]);
    mapAreas(s, files);
    const family = {
      living: ['A'],
      files,
      mem: openMem(s, 'A', '/proc/self/mem', abi.O_RDWR),
      forks: 0,
    };
    while (s.steps.length < steps) act(s, family);
  },
};

function mapAreas(s: Scenario, files: readonly Backing[]): void {
  const map = (
    start: number,
    prot: number,
    flags: number,
    fd: string | null,
    offset: number,
  ): void => {
    const file = fd === null ? -1 : { ref: fd };
    s.call('A', 'mmap', [hex(start), PAGES * PAGE, prot, flags | abi.MAP_FIXED, file, offset]);
  };
  map(ANONYMOUS, 3, abi.MAP_PRIVATE | abi.MAP_ANONYMOUS, null, 0);
  map(SHARED, 3, abi.MAP_SHARED | abi.MAP_ANONYMOUS, null, 0);
  files.forEach(({ fd }, i) => {
    map(FILES + 0x100000 * i, 3, i === 0 ? abi.MAP_SHARED : abi.MAP_PRIVATE, fd, 0);
    map(
      FILES + 0x200000 + 0x100000 * i,
      s.rng.pick([1, 3]),
      abi.MAP_PRIVATE,
      fd,
      PAGE * s.rng.int(3),
    );
  });
}

function act(s: Scenario, f: Family): void {
  const task = s.rng.pick(f.living);
  const [area, isPrivate] = pickArea(s);
  const page = area + PAGE * s.rng.int(PAGES);
  const length = PAGE * s.rng.pick([1, 1, 2, 3, 8]);
  s.rng.weighted<() => void>([
    [10, () => s.poke(task, page + s.rng.int(PAGE), s.rng.hexBytes(1))],
    [isPrivate ? 0 : 6, () => s.peek(task, page + s.rng.int(PAGE), 1)],
    [3, () => s.call(task, 'pwrite64', [{ ref: f.mem }, { in: '5a' }, 1, hex(page)])],
    [isPrivate ? 0 : 2, () => s.call(task, 'pread64', [{ ref: f.mem }, { out: 1 }, 1, hex(page)])],
    [2, () => s.call(task, 'madvise', [hex(page), length, s.rng.pick(ADVICE)])],
    [2, () => s.call(task, 'mprotect', [hex(page), length, s.rng.pick([1, 3, 3, 0])])],
    [1, () => changeFile(s, f, task)],
    [2, () => comeOrGo(s, f, task)],
    [7, () => s.pagemap(task, page, s.rng.between(1, 20))],
    [3, () => s.smaps(task)],
  ])();
}

/** Where an area starts, and whether it is private and anonymous. */
function pickArea(s: Scenario): readonly [number, boolean] {
  const file = FILES + 0x100000 * s.rng.int(4);
  return s.rng.weighted<readonly [number, boolean]>([
    [4, [ANONYMOUS, true]],
    [2, [SHARED, false]],
    [4, [file, false]],
  ]);
}

function changeFile(s: Scenario, f: Family, task: string): void {
  const file = s.rng.pick(f.files);
  const at = PAGE * s.rng.int(PAGES);
  s.rng.weighted<() => void>([
    [2, () => s.call(task, 'pwrite64', [{ ref: file.fd }, { in: '77' }, 1, at])],
    [1, () => s.call(task, 'pread64', [{ ref: file.fd }, { out: 1 }, 1, at])],
    [1, () => resize(s, task, file)],
  ])();
}

function comeOrGo(s: Scenario, f: Family, task: string): void {
  if (f.living.length < 4 && f.forks < MAX_FORKS && s.rng.chance(0.5)) {
    const child = `C${++f.forks}`;
    if (s.fork(task, child)) f.living.push(child);
  } else if (f.living.length > 1) {
    s.exit(f.living.splice(s.rng.between(1, f.living.length - 1), 1)[0]!, 0);
  }
}
