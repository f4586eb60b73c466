import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { makeMemfd, type Backing } from './backing.js';
import type { Generator } from './generator.js';
import { look, oddAddress, rlimit, runIn, store, type Run, type Window } from './window.js';

const HERE: Window = { start: 0x100000000000, pages: 40 };
const MAX_CHILDREN = 20;
/** Soft limits, in pages, around what the window can hold. */
const LIMITS = [0, 1, 2, 4, 8, 16, 32, 2048];

/**
 * mlock, mlock2, munlock, mlockall and MAP_LOCKED, with and without CAP_IPC_LOCK, under an RLIMIT_MEMLOCK that
 * changes. What is locked may be written: locking what is not would be a first load of each page.
 */
export const locks: Generator = {
  name: 'locks',
  tasks: ['A'],
  run(s, steps) {
    const files = [makeMemfd(s, 'A')];
    s.call('A', 'ftruncate', [{ ref: files[0]!.fd }, HERE.pages * PAGE]);
    for (let born = 1; s.steps.length < steps && born <= MAX_CHILDREN; born++)
      playChild(s, `C${born}`, files, Math.min(steps, s.steps.length + s.rng.between(80, 200)));
  },
};

function playChild(s: Scenario, task: string, files: readonly Backing[], until: number): void {
  s.fork('A', task);
  const mayLock = s.rng.chance(0.4);
  if (!mayLock) s.call(task, 'setresuid', [1000, 1000, 1000]);
  for (let n = 0; n < 6; n++) mapSome(s, task, files);
  while (s.steps.length < until) act(s, task, files, mayLock);
  s.exit(task, 0);
}

function act(s: Scenario, task: string, files: readonly Backing[], mayLock: boolean): void {
  const { rng } = s;
  const run = runIn(rng, HERE);
  rng.weighted<() => void>([
    [4, () => mapSome(s, task, files)],
    [5, () => s.call(task, 'mlock', [hex(run.start + rng.pick([0, 0, 1])), run.length])],
    [4, () => s.call(task, 'mlock2', [hex(run.start), run.length, rng.pick([0, 1, 1, 2, -1])])],
    [5, () => s.call(task, 'munlock', [hex(run.start), run.length])],
    [mayLock ? 1 : 0, () => lockAll(s, task)],
    [2, () => s.call(task, 'munlockall', [])],
    [2, () => limit(s, task)],
    [4, () => store(s, task, run)],
    [2, () => s.call(task, 'madvise', [hex(run.start), run.length, advice(s)])],
    [2, () => s.call(task, 'munmap', [hex(run.start), run.length])],
    [1, () => s.call(task, 'msync', [hex(run.start), run.length, rng.pick([2, 4, 6, 3])])],
    [2, () => remap(s, task, run)],
    [1, () => refused(s, task, run)],
    [7, () => look(s, task, HERE)],
  ])();
}

function advice(s: Scenario): number {
  return s.rng.pick([
    abi.MADV_DONTNEED,
    abi.MADV_DONTNEED_LOCKED,
    abi.MADV_DONTNEED_LOCKED,
    abi.MADV_FREE,
    abi.MADV_REMOVE,
    abi.MADV_COLD,
    abi.MADV_PAGEOUT,
    abi.MADV_GUARD_INSTALL,
    abi.MADV_DONTFORK,
  ]);
}

function mapSome(s: Scenario, task: string, files: readonly Backing[]): void {
  const { rng } = s;
  const { start, length } = runIn(rng, HERE);
  const file = rng.chance(0.25) ? rng.pick(files) : null;
  const sharing = rng.chance(0.7) ? abi.MAP_PRIVATE : abi.MAP_SHARED;
  const flags =
    abi.MAP_FIXED |
    sharing |
    (file === null ? abi.MAP_ANONYMOUS : 0) |
    (rng.chance(0.3) ? abi.MAP_LOCKED : 0);
  const fd: Arg = file === null ? -1 : { ref: file.fd };
  const offset = file === null ? 0 : start - HERE.start;
  s.call(task, 'mmap', [hex(start), length, 3, flags, fd, offset]);
  if (rng.chance(0.6)) store(s, task, { start, length });
}

/** With the capability only: how much else a task has mapped is not defined. */
function lockAll(s: Scenario, task: string): void {
  s.call(task, 'mlockall', [s.rng.pick([1, 2, 3, 5, 6, 7, 0, 4, 8])]);
}

function limit(s: Scenario, task: string): void {
  const soft = s.rng.pick(LIMITS) * PAGE;
  s.call(task, 'prlimit64', [0, abi.RLIMIT_MEMLOCK, { in: rlimit(soft, 8 << 20) }, { out: 16 }]);
}

function remap(s: Scenario, task: string, { start, length }: Run): void {
  const { rng } = s;
  const to = runIn(rng, HERE).start;
  const size = Math.max(PAGE, length + PAGE * rng.between(-2, 3));
  if (rng.chance(0.5)) s.call(task, 'mremap', [hex(start), length, size, 0]);
  else s.call(task, 'mremap', [hex(start), length, size, 3, hex(to)]);
}

function refused(s: Scenario, task: string, { start }: Run): void {
  const { rng } = s;
  const call = rng.pick(['mlock', 'munlock', 'mlock2']);
  const length = rng.pick([0, '0xfffffffffffff000', '0xffffffffffffffff']);
  const address = rng.chance(0.5) ? oddAddress(rng, start) : hex(start);
  s.call(task, call, [address, length, 0]);
}
