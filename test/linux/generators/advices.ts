import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { makeMemfd, resize, type Backing } from './backing.js';
import type { Generator } from './generator.js';
import { look, oddAddress, oddLength, runIn, store, type Run, type Window } from './window.js';

const HERE: Window = { start: 0x100000000000, pages: 40 };
/** Where mincore's answers go. */
const VECTOR = 0x100001000000;
const MAX_FORKS = 12;

/** Every advice there is, the frequent ones several times; and some that there is not. */
const ADVICE = [
  ...Array.from({ length: 26 }, (_, advice) => advice),
  abi.MADV_DONTNEED,
  abi.MADV_DONTNEED,
  abi.MADV_FREE,
  abi.MADV_REMOVE,
  abi.MADV_POPULATE_WRITE,
  abi.MADV_GUARD_INSTALL,
  abi.MADV_GUARD_INSTALL,
  abi.MADV_GUARD_REMOVE,
  26,
  -1,
  104,
].filter((advice) => advice !== abi.MADV_COLLAPSE && advice !== abi.MADV_POPULATE_READ);

/** What process_madvise knows of another process's memory. */
const REMOTE = [
  abi.MADV_COLD,
  abi.MADV_PAGEOUT,
  abi.MADV_WILLNEED,
  abi.MADV_DONTNEED,
  abi.MADV_FREE,
  abi.MADV_NORMAL,
  abi.MADV_GUARD_INSTALL,
  abi.MADV_GUARD_REMOVE,
  99,
];

interface Play {
  readonly files: readonly Backing[];
  readonly living: string[];
  forks: number;
}

/** madvise of every kind, process_madvise, mincore and msync, with what they leave behind compared. */
export const advices: Generator = {
  name: 'advices',
  tasks: ['A'],
  run(s, steps) {
    const files = [makeMemfd(s, 'A'), makeMemfd(s, 'A')];
    s.call('A', 'ftruncate', [{ ref: files[0]!.fd }, HERE.pages * PAGE]);
    s.call('A', 'mmap', [hex(VECTOR), PAGE, 3, 0x32, -1, 0]);
    s.poke('A', VECTOR, 'ff');
    const play: Play = { files, living: ['A'], forks: 0 };
    for (let n = 0; n < 10; n++) mapSome(s, 'A', files);
    while (s.steps.length < steps) act(s, play);
  },
};

function act(s: Scenario, play: Play): void {
  const { rng } = s;
  const task = rng.pick(play.living);
  const run = runIn(rng, HERE);
  rng.weighted<() => void>([
    [3, () => mapSome(s, task, play.files)],
    [7, () => store(s, task, run)],
    [10, () => s.call(task, 'madvise', [hex(run.start), run.length, rng.pick(ADVICE)])],
    [2, () => remote(s, play, task)],
    [3, () => residency(s, task, run)],
    [2, () => sync(s, task, run)],
    [1, () => s.call(task, 'munmap', [hex(run.start), run.length])],
    [1, () => s.call(task, 'mprotect', [hex(run.start), run.length, rng.pick([0, 1, 3, 3, 3])])],
    [1, () => s.call(task, rng.pick(['mlock', 'munlock']), [hex(run.start), run.length])],
    [1, () => refused(s, task, run)],
    [1, () => comeOrGo(s, play)],
    [rng.chance(0.2) ? 1 : 0, () => resize(s, task, play.files[1]!)],
    [6, () => look(s, task, HERE)],
  ])();
}

function mapSome(s: Scenario, task: string, files: readonly Backing[]): void {
  const { rng } = s;
  const { start, length } = runIn(rng, HERE);
  const file = rng.chance(0.35) ? rng.pick(files) : null;
  const sharing = rng.chance(0.65) ? abi.MAP_PRIVATE : abi.MAP_SHARED;
  const flags = abi.MAP_FIXED | sharing | (file === null ? abi.MAP_ANONYMOUS : 0);
  const fd: Arg = file === null ? -1 : { ref: file.fd };
  const offset = file === null ? 0 : rng.pick([start - HERE.start, 0, PAGE]);
  s.call(task, 'mmap', [hex(start), length, rng.pick([3, 3, 3, 7]), flags, fd, offset]);
  for (let n = rng.int(3); n > 0; n--) store(s, task, { start, length });
}

function remote(s: Scenario, play: Play, task: string): void {
  const { rng } = s;
  const target = rng.pick(play.living);
  const fd = s.fresh('pidfd');
  if (!s.bind(fd, task, 'pidfd_open', [{ ref: `${target}.pid` }, 0]).ok) return;
  const segments = Array.from({ length: rng.between(1, 3) }, () => {
    const { start, length } = runIn(rng, HERE);
    return [hex(start), rng.chance(0.1) ? oddLength(rng) : length] as const;
  });
  const flags = rng.chance(0.05) ? 1 : 0;
  const args: Arg[] = [{ iov: segments }, segments.length, rng.pick(REMOTE), flags];
  s.call(task, 'process_madvise', [{ ref: fd }, ...args]);
  s.call(task, 'close', [{ ref: fd }]);
}

function residency(s: Scenario, task: string, { start, length }: Run): void {
  const { rng } = s;
  const address = rng.chance(0.1) ? oddAddress(rng, start) : hex(start);
  const size = rng.chance(0.1) ? oddLength(rng) : length;
  const vector = rng.chance(0.1) ? rng.pick(['0x0', '0x800000000000']) : hex(VECTOR);
  if (s.call(task, 'mincore', [address, size, vector]).ok) s.peek(task, VECTOR, 8);
}

function sync(s: Scenario, task: string, { start, length }: Run): void {
  const { rng } = s;
  const address = rng.chance(0.1) ? oddAddress(rng, start) : hex(start);
  const size = rng.chance(0.1) ? oddLength(rng) : length;
  s.call(task, 'msync', [address, size, rng.pick([0, 1, 2, 4, 4, 5, 6, 3, 7, 8, -1])]);
}

/** Lengths that lead past the window would reach the rest of the task, so they go with odd addresses only. */
function refused(s: Scenario, task: string, { start }: Run): void {
  const { rng } = s;
  const wraps = rng.pick(['0xfffffffffffff000', '0xfffffffffffff001', '0xffffffffffffffff', 0, 1]);
  const address = rng.pick([hex(start + 1), '0x800000000000', '0xfffffffffffff000', hex(start)]);
  const advice = rng.pick([abi.MADV_DONTNEED, abi.MADV_NORMAL, abi.MADV_GUARD_REMOVE, 27, 105]);
  s.call(task, 'madvise', [address, wraps, advice]);
}

function comeOrGo(s: Scenario, play: Play): void {
  if (play.living.length < 3 && play.forks < MAX_FORKS) {
    const child = `C${++play.forks}`;
    if (s.fork(s.rng.pick(play.living), child)) play.living.push(child);
  } else if (play.living.length > 1) {
    s.exit(play.living.splice(s.rng.between(1, play.living.length - 1), 1)[0]!, 0);
  }
}
