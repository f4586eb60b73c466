import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE } from '../step.js';
import type { Generator } from './generator.js';
import { openMem } from './memfiles.js';

const FIRST = 0x100000000000;
/** Bytes between the stacks of successive rounds. */
const STRIDE = 0x4000000;
/** stack_guard_gap, and RLIMIT_STACK's pages. */
const GAP = 256;
const LIMIT = 2048;
/** Pages below a stack, around the limits that growth has. */
const DEPTHS = [
  1,
  1,
  2,
  3,
  10,
  100,
  254,
  255,
  256,
  257,
  258,
  500,
  1000,
  LIMIT - 6,
  LIMIT - 5,
  LIMIT - 4,
  LIMIT - 3,
  LIMIT,
];

/** MAP_GROWSDOWN mappings that grow by CPU accesses, mem files and not by process_vm calls. */
export const grow: Generator = {
  name: 'grow',
  tasks: ['A'],
  run(s, steps) {
    for (let round = 0; s.steps.length < steps; round++) playStack(s, FIRST + STRIDE * (round + 1));
  },
};

/** A stack of a few pages, a neighbour below at some distance, and accesses in between. */
function playStack(s: Scenario, stack: number): void {
  const { rng } = s;
  const fd = openMem(s, 'A', '/proc/self/mem', abi.O_RDWR);
  const flags = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_FIXED;
  const prot = rng.pick([3, 3, 3, 1, 0, 7]);
  s.call('A', 'mmap', [
    hex(stack),
    rng.between(1, 4) * PAGE,
    prot,
    flags | abi.MAP_GROWSDOWN,
    -1,
    0,
  ]);
  const distance = rng.pick([1, 2, 100, GAP - 1, GAP, GAP + 1, GAP + 2, GAP + 40, 600, 3000]);
  if (rng.chance(0.7)) {
    const kind = rng.chance(0.15) ? flags | abi.MAP_GROWSDOWN : flags;
    s.call('A', 'mmap', [
      hex(stack - (distance + 1) * PAGE),
      PAGE,
      rng.pick([0, 0, 1, 3]),
      kind,
      -1,
      0,
    ]);
  }
  for (let left = rng.between(6, 20); left > 0; left--) {
    touch(s, fd, stack, distance);
    if (rng.chance(0.6)) s.maps('A');
  }
  s.call('A', 'close', [{ ref: fd }]);
  s.call('A', 'munmap', [hex(FIRST), hex(0x80000000)]);
}

function touch(s: Scenario, fd: string, stack: number, distance: number): void {
  const { rng } = s;
  const depth = rng.chance(0.4)
    ? Math.max(1, distance - rng.pick([0, 1, GAP - 1, GAP, GAP + 1]))
    : rng.pick(DEPTHS);
  const at = stack - depth * PAGE + rng.pick([0, 1, 8, PAGE - 1]);
  const count = rng.pick([1, 8, 8, PAGE, 3 * PAGE]);
  const short = Math.min(count, 8);
  rng.weighted<() => void>([
    [4, () => s.peek('A', at, 1)],
    [3, () => s.poke('A', at, rng.hexBytes(1))],
    [4, () => s.call('A', 'pread64', [{ ref: fd }, { out: short }, short, hex(at)])],
    [2, () => s.call('A', 'pread64', [{ ref: fd }, { out: count }, count, hex(at)])],
    [3, () => s.call('A', 'pwrite64', [{ ref: fd }, { in: rng.hexBytes(short) }, short, hex(at)])],
    [
      2,
      () =>
        s.call('A', 'process_vm_readv', [
          { ref: 'A.pid' },
          { iov: [[{ out: 8 }, 8]] },
          1,
          { iov: [[hex(at), 8]] },
          1,
          0,
        ]),
    ],
    [
      1,
      () =>
        s.call('A', 'prlimit64', [0, 3, { in: limit(rng.pick([1 << 20, 4 << 20, 8 << 20])) }, 0]),
    ],
    [
      1,
      () =>
        s.call('A', 'mprotect', [
          hex(stack),
          PAGE,
          rng.pick([1, 3, 0x1000001, 0x1000003, 0x2000003]),
        ]),
    ],
    [1, () => s.call('A', 'munmap', [hex(stack - 2 * PAGE), 3 * PAGE])],
    [1, () => s.call('A', 'read', ['0x0', hex(at), 0])],
  ])();
}

/** struct rlimit64 with a soft limit; the hard limit stays as the trace's header has it. */
function limit(soft: number): string {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt(soft), 0);
  bytes.writeBigUInt64LE(BigInt(8 << 20), 8);
  return bytes.toString('hex');
}
