import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import type { Generator } from './generator.js';
import { look, runIn, type Run, type Window } from './window.js';

const HERE: Window = { start: 0x100000000000, pages: 32 };
const FILE_PAGES = 12;
const MAX_FILES = 40;
const MAX_FORKS = 8;
const SEALS = [1, 2, 4, 8, 16, 32];
const PUNCH = abi.FALLOC_FL_PUNCH_HOLE | abi.FALLOC_FL_KEEP_SIZE;

interface Play {
  readonly files: string[];
  readonly living: string[];
  made: number;
  forks: number;
}

/** memfds of every kind: seals, sizes and holes changed under mappings, shared and private, of relatives. */
export const memfds: Generator = {
  name: 'memfds',
  tasks: ['A'],
  run(s, steps) {
    const play: Play = { files: [], living: ['A'], made: 0, forks: 0 };
    for (let n = 0; n < 3; n++) make(s, play);
    while (s.steps.length < steps) act(s, play);
  },
};

function act(s: Scenario, play: Play): void {
  const { rng } = s;
  const task = rng.pick(play.living);
  const fd: Arg = { ref: rng.pick(play.files) };
  const run = runIn(rng, HERE);
  const at = run.start + rng.pick([0, 1, 8, PAGE - 1]);
  rng.weighted<() => void>([
    [play.made < MAX_FILES && play.living.length === 1 ? 1 : 0, () => make(s, play)],
    [7, () => map(s, task, fd)],
    [8, () => s.poke(task, at, rng.hexBytes(1))],
    [8, () => s.peek(task, at, rng.pick([1, 1, 2]))],
    [3, () => s.call(task, 'ftruncate', [fd, size(s)])],
    [4, () => allocate(s, task, fd)],
    [3, () => seal(s, task, fd)],
    [6, () => transfer(s, task, fd)],
    [2, () => s.call(task, 'lseek', [fd, PAGE * rng.int(FILE_PAGES), rng.pick([2, 3, 4, 4])])],
    [2, () => s.call(task, 'madvise', [hex(run.start), run.length, rng.pick(ADVICE)])],
    [2, () => s.call(task, 'mprotect', [hex(run.start), run.length, rng.pick([0, 1, 3, 3, 5])])],
    [1, () => s.call(task, 'munmap', [hex(run.start), run.length])],
    [1, () => remap(s, task, run)],
    [1, () => comeOrGo(s, play)],
    [1, () => secret(s, task, run)],
    [5, () => look(s, task, HERE)],
  ])();
}

const ADVICE = [
  abi.MADV_DONTNEED,
  abi.MADV_REMOVE,
  abi.MADV_REMOVE,
  abi.MADV_FREE,
  abi.MADV_POPULATE_WRITE,
  abi.MADV_POPULATE_READ,
  abi.MADV_GUARD_INSTALL,
  abi.MADV_GUARD_REMOVE,
  abi.MADV_WILLNEED,
];

/** The kinds that memfd_create knows, and those it refuses. */
function make(s: Scenario, play: Play): void {
  const { rng } = s;
  const name = `m${++play.made}`;
  const flags = rng.pick([0, 1, 2, 2, 2, 3, 8, 16, 10, 24, 0x20, 0x80000000]);
  const made = s.bind(name, 'A', 'memfd_create', [{ str: name }, flags]);
  if (!made.ok) return;
  play.files.push(name);
  if (rng.chance(0.8)) s.call('A', 'ftruncate', [{ ref: name }, FILE_PAGES * PAGE]);
}

function size(s: Scenario): Arg {
  const { rng } = s;
  if (rng.chance(0.05)) return rng.pick([-1, '0x7fffffffffffffff', '0x8000000000000000']);
  return PAGE * rng.int(FILE_PAGES + 3) + rng.pick([0, 0, 0, 1, 100, PAGE - 1]);
}

function map(s: Scenario, task: string, fd: Arg): void {
  const { rng } = s;
  const { start, length } = runIn(rng, HERE);
  const flags = abi.MAP_FIXED | (rng.chance(0.6) ? abi.MAP_SHARED : abi.MAP_PRIVATE);
  const populate = rng.chance(0.1) ? abi.MAP_POPULATE : 0;
  const offset = PAGE * rng.pick([0, 0, 1, 2, 5, FILE_PAGES - 1, FILE_PAGES]);
  s.call(task, 'mmap', [
    hex(start),
    length,
    rng.pick([0, 1, 3, 3, 3, 5, 7]),
    flags | populate,
    fd,
    offset,
  ]);
}

/** fallocate: more, holes, zeros, and modes that a memory file does not know. */
function allocate(s: Scenario, task: string, fd: Arg): void {
  const { rng } = s;
  const mode = rng.pick([0, 1, PUNCH, PUNCH, PUNCH, 2, 8, 16, 17, 32, 64, -1]);
  const offset = rng.chance(0.05) ? -1 : PAGE * rng.int(FILE_PAGES) + rng.pick([0, 0, 1, 2000]);
  const length = rng.chance(0.05)
    ? rng.pick([0, -1, '0x7fffffffffffffff'])
    : PAGE * rng.between(1, 3) + rng.pick([0, 0, -1, 5]);
  s.call(task, 'fallocate', [fd, mode, offset, length]);
}

function seal(s: Scenario, task: string, fd: Arg): void {
  const { rng } = s;
  rng.weighted<() => void>([
    [3, () => s.call(task, 'fcntl', [fd, abi.F_GET_SEALS, 0])],
    [2, () => s.call(task, 'fcntl', [fd, abi.F_ADD_SEALS, rng.pick(SEALS)])],
    [1, () => s.call(task, 'fcntl', [fd, abi.F_ADD_SEALS, rng.pick([64, -1, 6, 12, 24, 0])])],
  ])();
}

function transfer(s: Scenario, task: string, fd: Arg): void {
  const { rng } = s;
  const at = PAGE * rng.int(FILE_PAGES + 1) + rng.pick([0, 1, PAGE - 3]);
  const count = rng.between(1, 8);
  if (rng.chance(0.5)) s.call(task, 'pread64', [fd, { out: count }, count, at]);
  else s.call(task, 'pwrite64', [fd, { in: rng.hexBytes(count) }, count, at]);
}

function remap(s: Scenario, task: string, { start, length }: Run): void {
  const { rng } = s;
  const to = runIn(rng, HERE).start;
  const old = rng.chance(0.3) ? 0 : length;
  s.call(task, 'mremap', [
    hex(start),
    old,
    length + PAGE * rng.int(3),
    rng.pick([0, 3, 3]),
    hex(to),
  ]);
}

/** memfd_secret: mapped shared only, grown once, locked. */
function secret(s: Scenario, task: string, { start, length }: Run): void {
  const { rng } = s;
  const fd = s.fresh('secret');
  if (!s.bind(fd, task, 'memfd_secret', [rng.pick([0, 0, 0x80000, 1])]).ok) return;
  const file: Arg = { ref: fd };
  s.call(task, 'ftruncate', [file, rng.pick([0, length, 100])]);
  const flags = abi.MAP_FIXED | rng.pick([1, 1, 1, 2]);
  if (s.call(task, 'mmap', [hex(start), length, 3, flags, file, 0]).ok) {
    s.poke(task, start, rng.hexBytes(2));
    s.call(task, 'madvise', [hex(start), length, rng.pick([0, 4, 8, 9, 102, 23])]);
    s.call(task, rng.pick(['munlock', 'mlock']), [hex(start), length]);
    s.call(task, 'ftruncate', [file, rng.pick([0, length, 2 * length])]);
    s.call(task, 'pread64', [file, { out: 4 }, 4, 0]);
    s.call(task, 'fallocate', [file, 0, 0, PAGE]);
    s.smaps(task);
    s.call(task, 'munmap', [hex(start), length]);
  }
  s.call(task, 'close', [file]);
}

function comeOrGo(s: Scenario, play: Play): void {
  if (play.living.length < 3 && play.forks < MAX_FORKS) {
    const child = `C${++play.forks}`;
    if (s.fork(s.rng.pick(play.living), child)) play.living.push(child);
  } else if (play.living.length > 1) {
    s.exit(play.living.splice(s.rng.between(1, play.living.length - 1), 1)[0]!, 0);
  }
}
