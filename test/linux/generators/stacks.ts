import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import type { Generator } from './generator.js';
import { rlimit } from './window.js';

const FIRST = 0x100000000000;
/** Bytes between the stacks of a round; guard gaps reach from one to the next below it. */
const STRIDE = 0x200000;
const COUNT = 3;
const ROUND = 0x10000000;
const MAX_FORKS = 24;
const DEPTHS = [1, 1, 2, 3, 5, 60, 200, 254, 255, 256, 257, 300, 400, 511, 512];

/**
 * Mappings that grow down, several of them: by stores and mem files, under RLIMIT_STACK, locked, sealed, split, moved,
 * protected with PROT_GROWSDOWN, in a child. What grows is stored to.
 */
export const stacks: Generator = {
  name: 'stacks',
  tasks: ['A', 'B'],
  run(s, steps) {
    s.bind('sink', 'A', 'memfd_create', [{ str: 'sink' }, 0]);
    for (let round = 0, forks = 0; s.steps.length < steps; round++) {
      const base = FIRST + round * ROUND;
      let task = 'A';
      mapStacks(s, task, base);
      const child = forks < MAX_FORKS && s.rng.chance(0.6) ? `C${++forks}` : null;
      for (let n = s.rng.between(10, 25); n > 0; n--) act(s, task, base);
      if (child !== null && s.fork('A', child)) {
        task = child;
        s.bind(`${child}.mem`, child, 'openat', [abi.AT_FDCWD, { str: '/proc/self/mem' }, 2]);
        for (let n = s.rng.between(10, 25); n > 0; n--) act(s, task, base);
        s.exit(child, 0);
      }
      s.maps('A');
      s.call('A', 'munmap', [hex(base), hex(ROUND)]);
    }
  },
};

function stackAt(s: Scenario, base: number): number {
  return base + STRIDE * s.rng.between(1, COUNT);
}

function mapStacks(s: Scenario, task: string, base: number): void {
  const { rng } = s;
  s.bind('A.mem', 'A', 'openat', [abi.AT_FDCWD, { str: '/proc/self/mem' }, abi.O_RDWR]);
  for (let n = 1; n <= COUNT; n++) {
    const flags = 0x32 | (rng.chance(0.85) ? abi.MAP_GROWSDOWN : 0);
    const extra = rng.pick([0, 0, 0, abi.MAP_NORESERVE, abi.MAP_STACK, abi.MAP_LOCKED]);
    const start = hex(base + STRIDE * n);
    const pages = rng.between(1, 4);
    s.call(task, 'mmap', [start, pages * PAGE, rng.pick([3, 3, 3, 7]), flags | extra, -1, 0]);
    s.poke(task, base + STRIDE * n, rng.hexBytes(1));
  }
}

function act(s: Scenario, task: string, base: number): void {
  const { rng } = s;
  const stack = stackAt(s, base);
  const at = stack - PAGE * rng.pick(DEPTHS) + rng.pick([0, 8, PAGE - 1]);
  const page = hex(stack + PAGE * rng.between(-2, 2));
  const length = PAGE * rng.between(1, 3);
  rng.weighted<() => void>([
    [6, () => s.poke(task, at, rng.hexBytes(1))],
    [4, () => s.call(task, 'pwrite64', [{ ref: `${task}.mem` }, { in: '5a5a' }, 2, hex(at)])],
    [2, () => remoteStore(s, task, at)],
    [1, () => s.call(task, 'pwrite64', [{ ref: 'sink' }, hex(at), 1, 0])],
    [2, () => s.call(task, 'mprotect', [page, length, rng.pick([1, 3, 0x1000001, 0x1000003])])],
    [1, () => s.call(task, 'mprotect', [page, length, rng.pick([0x2000003, 0x3000003])])],
    [2, () => setLimit(s, task)],
    [1, () => s.call(task, 'munmap', [page, length])],
    [1, () => s.call(task, 'mlock', [hex(stack), PAGE])],
    [1, () => s.call(task, 'madvise', [page, length, rng.pick([4, 8, 10, 16, 18, 102, 103])])],
    [1, () => s.call(task, 'mremap', [hex(stack), PAGE, PAGE * rng.between(1, 2), 0])],
    [1, () => s.call(task, 'mremap', [hex(stack), PAGE, PAGE, 3, hex(base + 0x40000)])],
    [1, () => neighbour(s, task, stack)],
    [5, () => s.maps(task)],
    [1, () => s.smaps(task)],
  ])();
}

function remoteStore(s: Scenario, task: string, at: number): void {
  const pid: Arg = { ref: `${task}.pid` };
  const local = { iov: [[{ in: s.rng.hexBytes(2) }, 2]] as const };
  const remote = { iov: [[hex(at), 2]] as const };
  s.call(s.rng.pick([task, 'B']), 'process_vm_writev', [pid, local, 1, remote, 1, 0]);
}

function setLimit(s: Scenario, task: string): void {
  const soft = PAGE * s.rng.pick([0, 1, 4, 100, 256, 257, 300, 512, 2048]);
  s.call(task, 'prlimit64', [0, abi.RLIMIT_STACK, { in: rlimit(soft, 8 << 20) }, 0]);
}

/** Something below a stack, near enough for the gap. */
function neighbour(s: Scenario, task: string, stack: number): void {
  const { rng } = s;
  const at = hex(stack - PAGE * rng.pick([1, 2, 100, 256, 257, 258]));
  s.call(task, 'mmap', [at, PAGE, rng.pick([0, 0, 3]), rng.pick([0x32, 0x132, 0x100022]), -1, 0]);
}
