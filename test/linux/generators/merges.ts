import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { makeMemfd, type Backing } from './backing.js';
import type { Generator } from './generator.js';
import { look, runIn, store, type Window } from './window.js';

const HERE: Window = { start: 0x100000000000, pages: 28 };
const MAX_FORKS = 26;

interface Family {
  readonly living: string[];
  readonly files: readonly Backing[];
  forks: number;
}

/**
 * Which neighbours become one mapping: small mappings made, stored to, protected and unprotected, moved, forked and
 * stored to again, so that every constellation of anon_vma comes up. Private memory is only ever stored to.
 */
export const merges: Generator = {
  name: 'merges',
  tasks: ['A'],
  run(s, steps) {
    const files = [makeMemfd(s, 'A')];
    s.call('A', 'ftruncate', [{ ref: files[0]!.fd }, HERE.pages * PAGE]);
    const family: Family = { living: ['A'], files, forks: 0 };
    while (s.steps.length < steps) act(s, family);
  },
};

function act(s: Scenario, f: Family): void {
  const { rng } = s;
  const task = rng.pick(f.living);
  const { start, length } = runIn(rng, HERE);
  rng.weighted<() => void>([
    [9, () => map(s, f, task)],
    [9, () => store(s, task, { start, length })],
    [7, () => s.call(task, 'mprotect', [hex(start), length, rng.pick([1, 3, 3, 3])])],
    [3, () => s.call(task, 'munmap', [hex(start), length])],
    [3, () => s.call(task, 'madvise', [hex(start), length, rng.pick(ADVICE)])],
    [2, () => s.call(task, rng.pick(['mlock', 'munlock', 'munlock']), [hex(start), length])],
    [3, () => move(s, task)],
    [2, () => s.call(task, 'mremap', [hex(start), length, length + PAGE * rng.between(-1, 2), 0])],
    [2, () => comeOrGo(s, f)],
    [10, () => s.maps(task)],
    [2, () => look(s, task, HERE)],
  ])();
}

const ADVICE = [
  abi.MADV_DONTNEED,
  abi.MADV_DONTDUMP,
  abi.MADV_DODUMP,
  abi.MADV_DONTFORK,
  abi.MADV_DOFORK,
  abi.MADV_WIPEONFORK,
  abi.MADV_KEEPONFORK,
  abi.MADV_RANDOM,
  abi.MADV_NORMAL,
  abi.MADV_NORMAL,
];

/** Mostly anonymous and private; a file's pages lie where they would if all of it were mapped. */
function map(s: Scenario, f: Family, task: string): void {
  const { rng } = s;
  const { start, length } = runIn(rng, HERE);
  const file = rng.chance(0.2) ? rng.pick(f.files) : null;
  const flags =
    abi.MAP_FIXED |
    (rng.chance(0.85) ? abi.MAP_PRIVATE : abi.MAP_SHARED) |
    (file === null ? abi.MAP_ANONYMOUS : 0) |
    rng.pick([0, 0, 0, 0, abi.MAP_NORESERVE]);
  const fd: Arg = file === null ? -1 : { ref: file.fd };
  s.call(task, 'mmap', [
    hex(start),
    length,
    rng.pick([3, 3, 3, 1]),
    flags,
    fd,
    file === null ? 0 : start - HERE.start,
  ]);
}

/** One step up or down, or anywhere: memory that was stored to keeps its offset, other memory gets a new one. */
function move(s: Scenario, task: string): void {
  const { rng } = s;
  const { start, length } = runIn(rng, HERE);
  const to = rng.chance(0.5) ? runIn(rng, HERE).start : start + rng.pick([-1, 1]) * length;
  const flags = 3 | (rng.chance(0.2) ? abi.MREMAP_DONTUNMAP : 0);
  s.call(task, 'mremap', [hex(start), length, length, flags, hex(to)]);
}

function comeOrGo(s: Scenario, f: Family): void {
  if (f.living.length < 4 && f.forks < MAX_FORKS && s.rng.chance(0.6)) {
    const child = `C${++f.forks}`;
    if (s.fork(s.rng.pick(f.living), child)) f.living.push(child);
  } else if (f.living.length > 1) {
    s.exit(f.living.splice(s.rng.between(1, f.living.length - 1), 1)[0]!, 0);
  }
}
