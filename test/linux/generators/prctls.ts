import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { becomeUser } from './credentials.js';
import type { Generator } from './generator.js';
import { mapPlaces, SINK } from './places.js';

const MAX_CHILDREN = 29;
/** Where protections are tried. */
const HERE = 0x100000100000;
const PR_SET_MDWE = 65;
const PR_GET_MDWE = 66;
const READ_IMPLIES_EXEC = 0x0400000;

/** Options whose arguments are values, and values to try; none stops or kills a task. */
const VALUES: readonly (readonly [option: Arg, values: readonly Arg[]])[] = [
  [1, [0, 1, 9, 64, 65, -1]], // PR_SET_PDEATHSIG
  [3, [0]], // PR_GET_DUMPABLE
  [4, [0, 1, 2, -1]],
  [5, [hex(SINK)]], // unaligned accesses, floating point, endianness: not on x86
  [6, [0, 1]],
  [7, [0]],
  [8, [0, 1, 2]],
  [9, [hex(SINK)]],
  [10, [0]],
  [11, [hex(SINK)]],
  [12, [0]],
  [13, [0]], // PR_GET_TIMING
  [14, [0, 1, 2]],
  [19, [hex(SINK)]],
  [20, [0]],
  [21, [0]], // PR_GET_SECCOMP
  [22, [0, 3, 99]],
  [26, [3, 0]], // PR_SET_TSC
  [23, [0, 12, 40, 41, -1]],
  [27, [0]],
  [29, [1000, 50000, 0]], // PR_SET_TIMERSLACK
  [30, [0]],
  [31, [0]],
  [32, [0]],
  [33, [0, 1, 2]], // PR_MCE_KILL
  [34, [0, 1]],
  [35, [1, 7, 14, 99]], // PR_SET_MM
  [36, [0, 1, 2]], // PR_SET_CHILD_SUBREAPER
  [39, [0, 1]],
  [41, [0, 1, 2]], // PR_SET_THP_DISABLE
  [42, [0, 1]],
  [43, [0]],
  [45, [0]],
  [47, [1, 2, 3, 4, 5, 0]],
  [50, [0]],
  [54, [0]],
  [55, [0]],
  [56, [0]],
  [57, [0, 1, 2]], // PR_SET_IO_FLUSHER
  [58, [0, 1]],
  [62, [0, 9]],
  [63, [0]],
  [67, [0, 1, 2]], // PR_SET_MEMORY_MERGE
  [68, [0, 1]],
  [69, [0]],
  [0x53564d41, [0, 1]], // PR_SET_VMA
  [0x59616d61, [0, -1]], // PR_SET_PTRACER
  [0, [0]],
  [9999, [0]],
  [-1, [0]],
];
/** Options that store an int where their argument points to. */
const ANSWERS = [2, 25, 37, 40];

/** prctl of every kind, personality, limits, and what those change about later mappings. */
export const prctls: Generator = {
  name: 'prctls',
  tasks: ['A'],
  run(s, steps) {
    mapPlaces(s, 'A');
    for (let born = 1; s.steps.length < steps && born <= MAX_CHILDREN; born++) {
      const child = `C${born}`;
      s.fork('A', child);
      if (s.rng.chance(0.4)) becomeUser(s, child);
      const until = Math.min(steps, s.steps.length + s.rng.between(40, 100));
      while (s.steps.length < until) act(s, child);
      s.exit(child, 0);
    }
  },
};

function act(s: Scenario, task: string): void {
  const { rng } = s;
  rng.weighted<() => void>([
    [12, () => value(s, task)],
    [3, () => answer(s, task)],
    [3, () => names(s, task)],
    [1, () => denyWriteExec(s, task)],
    [2, () => persona(s, task)],
    [5, () => protect(s, task)],
    [2, () => others(s, task)],
    [2, () => s.maps(task)],
  ])();
}

function value(s: Scenario, task: string): void {
  const { rng } = s;
  const [option, values] = rng.pick(VALUES);
  const rest = rng.chance(0.15) ? [rng.pick([0, 1]), rng.pick([0, 1]), 1] : [0, 0, 0];
  s.call(task, 'prctl', [option, rng.pick(values), ...rest]);
}

function answer(s: Scenario, task: string): void {
  const at: Arg = s.rng.chance(0.15) ? s.rng.pick(['0x8', '0x800000000000']) : { out: 8 };
  if (s.rng.chance(0.3)) s.bind(s.fresh('tid'), task, 'set_tid_address', [hex(SINK + 512)]);
  s.call(task, 'prctl', [s.rng.pick(ANSWERS), at, 0, 0, 0]);
}

function names(s: Scenario, task: string): void {
  const { rng } = s;
  const name: Arg = rng.chance(0.1)
    ? '0x8'
    : { str: rng.pick(['x', '', 'fifteen letters', 'sixteen letters!', 'a b\tc', 'é']) };
  s.call(task, 'prctl', [abi.PR_SET_NAME, name, 0, 0, 0]);
  s.call(task, 'prctl', [16, { out: 16 }, 0, 0, 0]);
}

/** Never undone, and inherited. */
function denyWriteExec(s: Scenario, task: string): void {
  s.call(task, 'prctl', [PR_SET_MDWE, s.rng.pick([1, 3, 0, 2, 4]), s.rng.pick([0, 0, 1]), 0, 0]);
  s.call(task, 'prctl', [PR_GET_MDWE, 0, 0, 0, s.rng.pick([0, 1])]);
}

/** With READ_IMPLIES_EXEC what may be read is mapped executable. */
function persona(s: Scenario, task: string): void {
  s.call(task, 'personality', [s.rng.pick(['0xffffffff', 0, 0, READ_IMPLIES_EXEC, 0x0040000])]);
}

function protect(s: Scenario, task: string): void {
  const { rng } = s;
  const at = HERE + PAGE * rng.int(8);
  const length = PAGE * rng.between(1, 3);
  const prot = rng.int(8);
  if (rng.chance(0.5)) s.call(task, 'mprotect', [hex(at), length, prot]);
  else s.call(task, 'mmap', [hex(at), length, prot, rng.pick([0x32, 0x32, 0x31]), -1, 0]);
}

function others(s: Scenario, task: string): void {
  s.call(task, 'getrlimit', [s.rng.pick([3, 7, 8, 9]), { out: 16 }]);
}
