// Does a machine with many tasks find one as fast as a machine with few?
import type { Case, Suite } from './bench.js';
import { type Clock, clockOf } from './clock.js';
import { makeGuest, mapMemory, openMem, touchPages } from './guest.js';

/** A reader, and `count` tasks with a page each. */
async function makeTargets(count: number) {
  const { machine, reader } = await makeGuest();
  const targets = Array.from({ length: count }, () => {
    const target = machine.spawn({ uid: 1000, gid: 1000, comm: 'target' });
    const addr = mapMemory(target, 8);
    touchPages(target, addr, 8);
    return { target, addr };
  });
  return { machine, reader, targets };
}

/** A part of the below: an 8-byte read of one of `count` mem files that are open already. */
export async function openedTasksClock(count: number): Promise<Clock> {
  const { machine, targets } = await makeTargets(count);
  // No task may have more than 1024 files open.
  const readers = Array.from({ length: Math.ceil(count / 1000) }, () =>
    machine.spawn({ uid: 1000, gid: 1000, comm: 'reader' }),
  );
  const files = targets.map(({ target, addr }, i) => {
    return { mem: openMem(readers[Math.floor(i / 1000)]!, target), addr };
  });
  const into = new Uint8Array(8);
  let next = 0;
  return clockOf(() => {
    next = (next + 7919) % count;
    const { mem, addr } = files[next]!;
    mem.pread(into, addr);
  });
}

/** One operation: open, read 8 bytes and close the mem file of one of `count` tasks. */
async function tasksClock(count: number): Promise<Clock> {
  const { reader, targets } = await makeTargets(count);
  const into = new Uint8Array(8);
  let next = 0;
  return clockOf(() => {
    // A stride that is prime to the count reaches all of them in no order.
    next = (next + 7919) % count;
    const { target, addr } = targets[next]!;
    const mem = openMem(reader, target);
    mem.pread(into, addr);
    mem.close();
  });
}

async function* tasksCases(): AsyncGenerator<Case> {
  const few = await tasksClock(10);
  yield { name: 'tasks/10', clock: few, baselines: {} };
  yield { name: 'tasks/10000', clock: await tasksClock(10000), baselines: { 'tasks/10': few } };
}

/** Opening and reading among many tasks. */
export const tasksSuite: Suite = {
  name: 'tasks',
  title: "open, 8-byte read and close of a random task's mem among that many",
  cases: tasksCases,
};
