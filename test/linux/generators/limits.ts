import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import type { Generator } from './generator.js';
import { rlimit } from './window.js';

/** Slots of 64 GiB each, so that what else a task has mapped makes no difference. */
const FIRST = 0x100000000000;
const SLOT = 0x1000000000;
const SLOTS = 24;
const GIB = 0x40000000;
const MAX_CHILDREN = 24;
const INFINITY = 0xffffffffffffffffn;
/** Sizes in GiB. */
const SIZES = [1, 2, 3, 4, 7, 8, 15, 16, 31, 32];
/** Soft limits in GiB, half a GiB above a whole number of them: the rest of the task fits into the half. */
const LIMITS = [0.5, 1.5, 3.5, 4.5, 8.5, 16.5, 20.5, 40.5, 100.5];

/** RLIMIT_AS, RLIMIT_DATA and overcommit over mappings of gibibytes that nobody touches, and prlimit64. */
export const limits: Generator = {
  name: 'limits',
  tasks: ['A', 'B'],
  run(s, steps) {
    for (let born = 1; s.steps.length < steps && born <= MAX_CHILDREN; born++) {
      const child = `C${born}`;
      s.fork('A', child);
      const until = Math.min(steps, s.steps.length + s.rng.between(60, 160));
      while (s.steps.length < until) act(s, child);
      s.exit(child, 0);
    }
  },
};

function act(s: Scenario, task: string): void {
  const { rng } = s;
  const start = FIRST + SLOT * rng.int(SLOTS);
  rng.weighted<() => void>([
    [10, () => map(s, task, start)],
    [4, () => setLimit(s, task)],
    [2, () => oddLimits(s, task)],
    [2, () => s.call(task, 'munmap', [hex(start), hex(GIB * rng.pick(SIZES))])],
    [3, () => s.call(task, 'mprotect', [hex(start), hex(GIB), rng.pick([0, 1, 3])])],
    [3, () => remap(s, task, start)],
    [2, () => s.poke(task, start, rng.hexBytes(1))],
    [1, () => tooMuch(s, task, start)],
    [1, () => s.call(task, 'munmap', [hex(FIRST), hex(SLOT * SLOTS)])],
    [4, () => s.maps(task)],
  ])();
}

/** NORESERVE, for the kernel's heuristic counts no such mapping against its memory. */
function map(s: Scenario, task: string, start: number): void {
  const { rng } = s;
  const flags = abi.MAP_ANONYMOUS | abi.MAP_FIXED | abi.MAP_NORESERVE;
  const sharing = rng.chance(0.8) ? abi.MAP_PRIVATE : abi.MAP_SHARED;
  const prot = rng.pick([0, 1, 3, 3, 3]);
  s.call(task, 'mmap', [hex(start), hex(GIB * rng.pick(SIZES)), prot, flags | sharing, -1, 0]);
}

function setLimit(s: Scenario, task: string): void {
  const { rng } = s;
  const resource = rng.pick([abi.RLIMIT_AS, abi.RLIMIT_DATA]);
  const soft = rng.chance(0.2) ? INFINITY : BigInt(rng.pick(LIMITS) * GIB);
  s.call(task, 'prlimit64', [0, resource, { in: rlimit(soft, INFINITY) }, { out: 16 }]);
}

/** Limits refused, asked for, of nobody, of what is none; and hard limits lowered by one who may not raise them. */
function oddLimits(s: Scenario, task: string): void {
  const { rng } = s;
  const other: Arg = rng.pick([{ ref: 'B.pid' }, { ref: 'A.pid' }, 0, -1, 999999999]);
  const resource = rng.pick([2, 3, 7, 8, 9, 16, -1]);
  rng.weighted<() => void>([
    [3, () => s.call(task, 'prlimit64', [other, rng.pick([2, 3, 7, 8, 9]), 0, { out: 16 }])],
    [1, () => s.call(task, 'prlimit64', [0, resource, { in: rlimit(2n, 1n) }, 0])],
    [1, () => s.call(task, 'prlimit64', [0, 8, { in: rlimit(1 << 20, 9 << 20) }, 0])],
    [1, () => s.call(task, 'prlimit64', [other, 3, 0, rng.pick(['0x8', '0x800000000000'])])],
    [1, () => s.call(task, 'prlimit64', [0, 3, rng.pick(['0x8', '0x800000000000']), 0])],
    [2, () => s.call(task, 'getrlimit', [rng.pick([2, 3, 7, 8, 9, 16]), { out: 16 }])],
    [
      1,
      () => s.call(task, 'setrlimit', [3, { in: rlimit(rng.pick([1 << 20, 8 << 20]), 8 << 20) }]),
    ],
  ])();
}

function remap(s: Scenario, task: string, start: number): void {
  const { rng } = s;
  const [old, size] = [rng.pick(SIZES) * GIB, rng.pick(SIZES) * GIB];
  const to = FIRST + SLOT * rng.int(SLOTS);
  const flags = rng.pick([0, 0, 3, 3, 7]);
  s.call(task, 'mremap', [hex(start), hex(old), hex(size), flags, hex(to)]);
}

/** More than any machine has: refused when it counts. */
function tooMuch(s: Scenario, task: string, start: number): void {
  const { rng } = s;
  const kind = rng.pick([0x32, 0x31, 0x4032]);
  const at = start + 2 * PAGE;
  const length = hex(0x80000000000 - (start % 0x80000000000) - 0x100000);
  s.call(task, 'mmap', [hex(at), length, rng.pick([0, 1, 3]), (kind & ~0x10) | 0x100000, -1, 0]);
}
