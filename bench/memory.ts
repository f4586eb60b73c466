// What do a mapping and a task weigh, and does making one cost more among very many?
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { type Machine, MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE } from '../src/index.js';
import type { Case, Footprint, Setting, Suite } from './bench.js';
import { type Clock, clockOf } from './clock.js';
import { makeGuest, mapMemory, touchPages } from './guest.js';

const FEW_VMAS = 1000;
const FEW_TASKS = 10;
const SIGKILL = 9;
const AT = 0x100000000000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

interface Weighed {
  readonly clock: Clock;
  readonly footprint: Footprint;
}

/** What `make` adds to both memories, for each of `count` things. */
function weigh(machine: Machine, count: number, make: () => void): Footprint {
  const inUse = (): Footprint => {
    collectGarbage();
    const core = machine.stats().framesInUse * PAGE_SIZE;
    return { core, heap: process.memoryUsage().heapUsed };
  };
  const before = inUse();
  make();
  const after = inUse();
  return { core: (after.core - before.core) / count, heap: (after.heap - before.heap) / count };
}

/** One operation: mmap and munmap of one page in the middle of `count` mappings with gaps between. */
async function vmaClock(count: number): Promise<Weighed> {
  const { machine, target } = await makeGuest({ 'vm.max_map_count': count + 100 });
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  const map = (slot: number): void => {
    machine.syscall(target, 'mmap', [AT + 2 * slot * PAGE_SIZE, PAGE_SIZE, 3, flags, -1n, 0]);
  };
  const footprint = weigh(machine, count, () => {
    for (let slot = 0; slot < count; slot++) map(slot);
  });
  const middle = count >> 1;
  const unmapArgs = [AT + 2 * middle * PAGE_SIZE, PAGE_SIZE];
  const clock = clockOf(() => {
    machine.syscall(target, 'munmap', unmapArgs);
    map(middle);
  });
  return { clock, footprint };
}

/** One operation: fork, SIGKILL and wait, by a parent of `count` children with a page of their own. */
async function taskClock(count: number): Promise<Weighed> {
  const { machine } = await makeGuest({ 'kernel.pid_max': 4194304 });
  const target = machine.spawn({ comm: 'target' }); // of root, whom RLIMIT_NPROC does not bound
  const addr = mapMemory(target, PAGE_SIZE);
  touchPages(target, addr, PAGE_SIZE);
  const footprint = weigh(machine, count, () => {
    for (let i = 0; i < count; i++) target.fork().store8(addr, 1);
  });
  const clock = clockOf(() => {
    const { pid } = target.fork();
    target.kill(pid, SIGKILL);
    target.wait(pid);
  });
  return { clock, footprint };
}

async function* memoryCases({ quick }: Setting): AsyncGenerator<Case> {
  const vmas = quick ? 100_000 : 1_000_000;
  const tasks = quick ? 10_000 : 100_000;
  yield* pair('memory-vma', FEW_VMAS, vmas, vmaClock);
  yield* pair('memory-task', FEW_TASKS, tasks, taskClock);
}

/** The same among few and among many; of few only the time means something. */
async function* pair(
  name: string,
  few: number,
  many: number,
  make: (count: number) => Promise<Weighed>,
): AsyncGenerator<Case> {
  const { clock } = await make(few);
  yield { name: `${name}/${few}`, clock, baselines: {} };
  yield {
    name: `${name}/${many}`,
    ...(await make(many)),
    baselines: { [`${name}/${few}`]: clock },
  };
}

/** Bytes of a mapping and of a task. */
export const memorySuite: Suite = {
  name: 'memory',
  title:
    'mmap and munmap, or fork, kill and wait, among that many mappings or tasks; bytes of each',
  cases: memoryCases,
};
