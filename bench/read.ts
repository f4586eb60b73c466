// How fast is one read of another task's /proc/PID/mem?
import type { Case, Setting, Suite } from './bench.js';
import { clockOf } from './clock.js';
import { operationsPerCall, SIZES } from './sizes.js';
import { V86Memory } from './v86.js';
import { sharedGuest, mapMemory, openMem, shuffled, touchPages } from './guest.js';

/** `Uint8Array.set` between two JavaScript buffers. */
export function memcpyClock(size: number): Case['clock'] {
  const operations = operationsPerCall(size);
  const from = new Uint8Array(size).fill(1);
  const into = new Uint8Array(size);
  return clockOf(() => {
    for (let i = 0; i < operations; i++) into.set(from);
  }, operations);
}

async function readCase(name: string, size: number, order: number[] | undefined): Promise<Case> {
  const { reader, target } = await sharedGuest();
  const addr = mapMemory(target, size);
  touchPages(target, addr, size, order);
  const mem = openMem(reader, target);
  const into = new Uint8Array(size);
  const operations = operationsPerCall(size);
  const clock = clockOf(() => {
    for (let i = 0; i < operations; i++) mem.pread(into, addr);
  }, operations);
  return { name: `${name}/${size}`, bytes: size, clock, baselines: {} };
}

async function* readCases({ kernel }: Setting): AsyncGenerator<Case> {
  const v86 = await V86Memory.create();
  for (const size of SIZES) {
    const baselines = {
      memcpy: memcpyClock(size),
      kernel: kernel.read(size),
      v86: v86.read(size),
      gvisor: kernel.sandboxedCase('read', size),
    };
    yield { ...(await readCase('read', size, undefined)), baselines };
  }
  await v86.close();
}

async function* readFragCases(): AsyncGenerator<Case> {
  for (const size of [65536, 1048576]) {
    const baselines = { memcpy: memcpyClock(size) };
    yield { ...(await readCase('read-frag', size, shuffled(size))), baselines };
  }
}

/** Reads of memory whose frames lie in order. */
export const readSuite: Suite = {
  name: 'read',
  title: "one read of another task's /proc/PID/mem into a Uint8Array",
  cases: readCases,
};

/** The same reads where frames lie in shuffled order. */
export const readFragSuite: Suite = {
  name: 'read-frag',
  title: 'the same read over frames in shuffled order',
  cases: readFragCases,
};
