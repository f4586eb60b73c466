import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import type { Generator } from './generator.js';
import { look, oddAddress, oddLength, runIn, store, type Run, type Window } from './window.js';

const HERE: Window = { start: 0x100000000000, pages: 32 };
const FD = 'file';
const SHARED = 'shm';
/** Where answers go. */
const SINK = 0x100002000000;

/**
 * Calls about memory that few programs make: protection keys (of a processor without), remap_file_pages, SysV
 * segments, shadow stacks, memory policies, mlock's and brk's oddities.
 */
export const keys: Generator = {
  name: 'keys',
  tasks: ['A'],
  run(s, steps) {
    s.bind(FD, 'A', 'memfd_create', [{ str: FD }, 0]);
    s.call('A', 'ftruncate', [{ ref: FD }, HERE.pages * PAGE]);
    s.call('A', 'mmap', [hex(SINK), PAGE, 3, 0x32, -1, 0]);
    s.poke('A', SINK, '00');
    s.bind(SHARED, 'A', 'shmget', [0, 4 * PAGE, 0o600]);
    while (s.steps.length < steps) act(s);
    s.call('A', 'shmctl', [{ ref: SHARED }, 0, 0]);
  },
};

function act(s: Scenario): void {
  const { rng } = s;
  const run = runIn(rng, HERE);
  const { start, length } = run;
  rng.weighted<() => void>([
    [5, () => map(s, run)],
    [5, () => store(s, 'A', run)],
    [3, () => protect(s, run)],
    [2, () => keyCalls(s)],
    [4, () => remapPages(s, run)],
    [3, () => segments(s, run)],
    [1, () => shadowStack(s, run)],
    [1, () => s.call('A', 'mprotect', [hex(start), length, rng.pick([0, 1, 3, 3, 7])])],
    [1, () => s.call('A', 'munmap', [hex(start), length])],
    [1, () => breaks(s)],
    [5, () => look(s, 'A', HERE)],
  ])();
}

function map(s: Scenario, { start, length }: Run): void {
  const { rng } = s;
  const file = rng.chance(0.6);
  const flags = abi.MAP_FIXED | rng.pick([1, 1, 2]) | (file ? 0 : abi.MAP_ANONYMOUS);
  const offset = file ? rng.pick([start - HERE.start, 0, PAGE]) : 0;
  const fd: Arg = file ? { ref: FD } : -1;
  s.call('A', 'mmap', [hex(start), length, rng.pick([1, 3, 3, 3]), flags, fd, offset]);
}

function protect(s: Scenario, { start, length }: Run): void {
  const { rng } = s;
  const at = rng.chance(0.1) ? oddAddress(rng, start) : hex(start);
  const key = rng.pick([-1, -1, -1, 0, 1, 15, 16, 1000]);
  s.call('A', 'pkey_mprotect', [at, length, rng.pick([0, 1, 3, 3, 7]), key]);
}

function keyCalls(s: Scenario): void {
  const { rng } = s;
  if (rng.chance(0.5)) s.call('A', 'pkey_alloc', [rng.pick([0, 1]), rng.pick([0, 1, 2, 3, 4])]);
  else s.call('A', 'pkey_free', [rng.pick([-1, 0, 1, 15, 16])]);
}

function remapPages(s: Scenario, { start, length }: Run): void {
  const { rng } = s;
  const at = rng.chance(0.1) ? oddAddress(rng, start) : hex(start);
  const size = rng.chance(0.1) ? oddLength(rng) : length;
  const pgoff = rng.chance(0.05) ? '0xfffffffffffffff' : rng.int(HERE.pages);
  const args = [at, size, rng.pick([0, 0, 0, 0, 1]), pgoff, rng.pick([0, 0, 0x10000, 1])];
  if (s.call('A', 'remap_file_pages', args).ok) s.maps('A');
}

/** Attaching to write, to read, over what is there, at odd places; and detaching where nothing is. */
function segments(s: Scenario, { start }: Run): void {
  const { rng } = s;
  const id: Arg = { ref: SHARED };
  const flags = rng.pick([0, 0o10000, 0o20000, 0o40000, 0o40000, 0o50000, 0o100000]);
  const at = start + rng.pick([0, 0, 0, 1, 4095]);
  rng.weighted<() => void>([
    [4, () => s.call('A', 'shmat', [id, hex(at), flags])],
    [3, () => s.call('A', 'shmdt', [hex(at)])],
    [1, () => s.call('A', 'shmat', [rng.pick([-1, 99999]), hex(at), flags])],
    [1, () => s.call('A', 'shmget', [0, rng.pick([0, -1, '0x8000000000000000']), 0o600])],
  ])();
}

function shadowStack(s: Scenario, { start, length }: Run): void {
  s.call('A', 'map_shadow_stack', [hex(start), length, s.rng.pick([0, 1, 2])]);
}

/** The break is wherever the task's program put it, so only calls that do not move it are made. */
function breaks(s: Scenario): void {
  const now = s.fresh('break');
  s.bind(now, 'A', 'brk', [s.rng.pick([0, 1, '0x7ffffffff000', '0xffffffffffffffff'])]);
  s.bind(s.fresh('break'), 'A', 'brk', [{ ref: now }]);
}
