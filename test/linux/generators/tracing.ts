import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { nowhere } from './addresses.js';
import { becomeUser } from './credentials.js';
import type { Generator } from './generator.js';
import { mapLayout } from './layout.js';
import { addressNear, type Area } from './addresses.js';
import { CONTENT, mapPlaces } from './places.js';

const MAX_CHILDREN = 30;
const LAYOUT = 0x110000000000;
const WALL = 0x40000000;
const PTRACE_PEEKTEXT = 1;
const PTRACE_POKETEXT = 4;
const PTRACE_POKEDATA = 5;
const PTRACE_ATTACH = 16;

/** ptrace: attaching, peeking and poking a stopped child, detaching; and everything refused. */
export const tracing: Generator = {
  name: 'tracing',
  tasks: ['A', 'B'],
  run(s, steps) {
    mapPlaces(s, 'A');
    const areas = mapLayout(s, 'A', LAYOUT, 6, []);
    for (let born = 1; s.steps.length < steps && born <= MAX_CHILDREN; born++)
      playChild(s, `C${born}`, areas);
  },
};

function playChild(s: Scenario, child: string, areas: readonly Area[]): void {
  s.fork('A', child);
  if (s.rng.chance(0.3)) becomeUser(s, child);
  if (s.rng.chance(0.2)) return traceMe(s, child);
  const tracer = s.rng.pick(['A', 'B']);
  const other = tracer === 'A' ? 'B' : 'A';
  for (let n = s.rng.int(4); n > 0; n--) refused(s, other, child);
  const pid = { ref: `${child}.pid` };
  if (s.call(tracer, 'ptrace', [PTRACE_ATTACH, pid, 0, 0]).ok) {
    s.bind(s.fresh('wait'), tracer, 'wait4', [pid, { out: 4 }, WALL, 0]);
    for (let n = s.rng.between(5, 20); n > 0; n--) {
      if (s.rng.chance(0.15)) refused(s, other, child);
      else word(s, tracer, child, areas);
    }
    s.call(tracer, 'ptrace', [abi.PTRACE_DETACH, pid, 0, s.rng.chance(0.2) ? 999 : 0]);
    s.call(tracer, 'ptrace', [abi.PTRACE_DETACH, pid, 0, 0]);
  }
  s.peek(child, CONTENT, 16);
  s.exit(child, 0);
  refused(s, other, child);
}

/** The child offers itself to its parent, whether that may or may not. */
function traceMe(s: Scenario, child: string): void {
  for (let n = 0; n < 2; n++) s.call(child, 'ptrace', [abi.PTRACE_TRACEME, 0, 0, 0]);
  const pid: Arg = { ref: `${child}.pid` };
  s.call('B', 'ptrace', [PTRACE_ATTACH, pid, 0, 0]);
  s.call('A', 'ptrace', [abi.PTRACE_PEEKDATA, pid, hex(CONTENT), { out: 8 }]);
  s.call('B', 'process_vm_readv', [
    pid,
    { iov: [[{ out: 8 }, 8]] },
    1,
    { iov: [[hex(CONTENT), 8]] },
    1,
    0,
  ]);
  s.exit(child, 4);
  s.bind(s.fresh('wait'), 'A', 'wait4', [pid, { out: 4 }, WALL, 0]);
}

/** One word read or written at any alignment, through holes and past protections. */
function word(s: Scenario, tracer: string, child: string, areas: readonly Area[]): void {
  const pid: Arg = { ref: `${child}.pid` };
  const near = s.rng.chance(0.6)
    ? addressNear(s.rng, areas)
    : CONTENT + s.rng.pick([0, 1, 8, PAGE - 8, PAGE - 4]);
  const at = s.rng.chance(0.05) ? nowhere(s.rng) : hex(near);
  s.rng.weighted<() => void>([
    [
      5,
      () =>
        s.call(tracer, 'ptrace', [
          s.rng.pick([abi.PTRACE_PEEKDATA, PTRACE_PEEKTEXT]),
          pid,
          at,
          { out: 8 },
        ]),
    ],
    [
      1,
      () =>
        s.call(tracer, 'ptrace', [
          abi.PTRACE_PEEKDATA,
          pid,
          at,
          s.rng.pick(['0x0', '0x8', '0x800000000000']),
        ]),
    ],
    [
      4,
      () =>
        s.call(tracer, 'ptrace', [
          s.rng.pick([PTRACE_POKEDATA, PTRACE_POKETEXT]),
          pid,
          at,
          `0x${s.rng.hexBytes(8)}`,
        ]),
    ],
    [
      2,
      () =>
        s.call(tracer, 'process_vm_readv', [
          pid,
          { iov: [[{ out: 8 }, 8]] },
          1,
          { iov: [[at, 8]] },
          1,
          0,
        ]),
    ],
  ])();
}

/** What nobody may: oneself, nobody, init's kernel threads, the untraced, the traced by another. */
function refused(s: Scenario, task: string, child: string): void {
  const pid: Arg = { ref: `${child}.pid` };
  const requests: Arg[][] = [
    [PTRACE_ATTACH, { ref: `${task}.pid` }, 0, 0],
    [PTRACE_ATTACH, s.rng.pick([0, -1, 999999999]), 0, 0],
    [abi.PTRACE_SEIZE, { ref: `${task}.pid` }, 0, 0],
    [abi.PTRACE_SEIZE, pid, 1, 0],
    [abi.PTRACE_SEIZE, pid, 0, '0x80000000'],
    [abi.PTRACE_PEEKDATA, pid, hex(CONTENT), { out: 8 }],
    [PTRACE_POKEDATA, pid, hex(CONTENT), 1],
    [abi.PTRACE_DETACH, pid, 0, 0],
    [s.rng.pick([7, 12, 24, 999, 0x4200, 0x4207]), pid, 0, 0],
  ];
  s.call(task, 'ptrace', s.rng.pick(requests));
}
