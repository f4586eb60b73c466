import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { makeMemfd, type Backing } from './backing.js';
import type { Generator } from './generator.js';
import {
  look,
  oddAddress,
  oddLength,
  runIn,
  someProtection,
  store,
  type Run,
  type Window,
} from './window.js';

/** Mappings are moved within the first and from it to the second. */
const HERE: Window = { start: 0x100000000000, pages: 32 };
const THERE: Window = { start: 0x100000100000, pages: 32 };
const MAYMOVE = abi.MREMAP_MAYMOVE;
const FIXED = MAYMOVE | abi.MREMAP_FIXED;
const DONTUNMAP = MAYMOVE | abi.MREMAP_DONTUNMAP;

/** mremap in every mode, over private and shared, anonymous and file mappings, one or several at once. */
export const remaps: Generator = {
  name: 'remaps',
  tasks: ['A'],
  run(s, steps) {
    const files = [makeMemfd(s, 'A'), makeMemfd(s, 'A')];
    s.call('A', 'ftruncate', [{ ref: files[0]!.fd }, HERE.pages * PAGE]);
    for (let n = 0; n < 8; n++) mapSome(s, files);
    while (s.steps.length < steps) act(s, files);
  },
};

function act(s: Scenario, files: readonly Backing[]): void {
  const { rng } = s;
  const run = runIn(rng, rng.chance(0.75) ? HERE : THERE);
  rng.weighted<() => void>([
    [5, () => mapSome(s, files)],
    [6, () => store(s, 'A', run)],
    [4, () => resize(s, run)],
    [6, () => moveTo(s, run)],
    [3, () => moveAway(s, run)],
    [2, () => duplicate(s, run)],
    [2, () => refused(s, run)],
    [2, () => s.call('A', 'mprotect', [hex(run.start), run.length, someProtection(rng)])],
    [2, () => s.call('A', 'munmap', [hex(run.start), run.length])],
    [1, () => s.call('A', 'madvise', [hex(run.start), run.length, rng.pick(SPLITTING)])],
    [6, () => look(s, 'A', rng.pick([HERE, THERE]))],
  ])();
}

const SPLITTING = [
  abi.MADV_DONTNEED,
  abi.MADV_DONTFORK,
  abi.MADV_DOFORK,
  abi.MADV_SEQUENTIAL,
  abi.MADV_NORMAL,
  abi.MADV_DONTDUMP,
];

function mapSome(s: Scenario, files: readonly Backing[]): void {
  const { rng } = s;
  const { start, length } = runIn(rng, HERE);
  const file = rng.chance(0.35) ? rng.pick(files) : null;
  const sharing = rng.chance(0.7) ? abi.MAP_PRIVATE : abi.MAP_SHARED;
  const flags =
    abi.MAP_FIXED |
    sharing |
    (file === null ? abi.MAP_ANONYMOUS : 0) |
    (rng.chance(0.1) ? abi.MAP_NORESERVE : 0);
  const fd: Arg = file === null ? -1 : { ref: file.fd };
  const offset = file === null ? 0 : rng.pick([start - HERE.start, 0, PAGE]);
  s.call('A', 'mmap', [hex(start), length, someProtection(rng), flags, fd, offset]);
  for (let n = rng.int(3); n > 0; n--) store(s, 'A', { start, length });
}

/** Without MAYMOVE: in place, or not at all. */
function resize(s: Scenario, { start, length }: Run): void {
  const size = Math.max(0, length + PAGE * s.rng.between(-3, 4));
  s.call('A', 'mremap', [hex(start), length, size - s.rng.pick([0, 0, 0, 1]), 0]);
}

/** To a chosen place: of another size, or several mappings with their holes. */
function moveTo(s: Scenario, { start, length }: Run): void {
  const { rng } = s;
  const to = runIn(rng, rng.chance(0.7) ? THERE : HERE).start;
  const several = rng.chance(0.3) ? length + PAGE * rng.between(1, 6) : length;
  const size = rng.chance(0.6) ? several : Math.max(1, several + PAGE * rng.between(-2, 3));
  const flags = rng.chance(0.25) ? FIXED | abi.MREMAP_DONTUNMAP : FIXED;
  s.call('A', 'mremap', [hex(start), several, size, flags, hex(to)]);
}

/** To where the kernel likes, and back to where others can see it. */
function moveAway(s: Scenario, { start, length }: Run): void {
  const { rng } = s;
  const at = s.fresh('at');
  const flags = rng.chance(0.3) ? DONTUNMAP : MAYMOVE;
  const size = flags === DONTUNMAP ? length : length + PAGE * rng.between(0, 4);
  const { ok, value } = s.bind(at, 'A', 'mremap', [hex(start), length, size, flags]);
  if (!ok || value === start) return;
  const back = runIn(rng, THERE).start;
  if (rng.chance(0.8)) s.call('A', 'mremap', [{ ref: at }, size, size, FIXED, hex(back)]);
  else s.call('A', 'munmap', [{ ref: at }, size]);
}

/** An old length of 0: another mapping of what is shared. */
function duplicate(s: Scenario, { start, length }: Run): void {
  const to = runIn(s.rng, THERE).start;
  s.call('A', 'mremap', [hex(start), 0, length, s.rng.pick([FIXED, FIXED, FIXED, 0]), hex(to)]);
}

function refused(s: Scenario, { start, length }: Run): void {
  const { rng } = s;
  const old: Arg = rng.chance(0.3) ? oddAddress(rng, start) : hex(start);
  const oldLength = rng.chance(0.2) ? oddLength(rng) : length;
  const size = rng.chance(0.3) ? oddLength(rng) : length;
  const flags = rng.pick([
    abi.MREMAP_FIXED,
    abi.MREMAP_DONTUNMAP,
    8,
    FIXED,
    FIXED,
    FIXED | abi.MREMAP_DONTUNMAP,
    '0x100000000',
  ]);
  const to = rng.chance(0.4) ? oddAddress(rng, start) : hex(start + PAGE * rng.between(-2, 2));
  s.call('A', 'mremap', [old, oldLength, size, flags, to]);
}
