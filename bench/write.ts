// How fast is one write to another task's /proc/PID/mem, onto pages already its own?
import type { Case, Setting, Suite } from './bench.js';
import { clockOf } from './clock.js';
import { sharedGuest, mapMemory, openMem, touchPages } from './guest.js';
import { memcpyClock } from './read.js';
import { operationsPerCall, SIZES } from './sizes.js';
import { V86Memory } from './v86.js';

async function writeCase(size: number): Promise<Pick<Case, 'name' | 'bytes' | 'clock'>> {
  const { reader, target } = await sharedGuest();
  const addr = mapMemory(target, size);
  touchPages(target, addr, size);
  const mem = openMem(reader, target);
  const from = new Uint8Array(size).fill(1);
  const operations = operationsPerCall(size);
  const clock = clockOf(() => {
    for (let i = 0; i < operations; i++) mem.pwrite(from, addr);
  }, operations);
  return { name: `write/${size}`, bytes: size, clock };
}

async function* writeCases({ kernel }: Setting): AsyncGenerator<Case> {
  const v86 = await V86Memory.create();
  for (const size of SIZES) {
    const baselines = {
      memcpy: memcpyClock(size),
      kernel: kernel.write(size),
      v86: v86.write(size),
    };
    yield { ...(await writeCase(size)), baselines };
  }
  await v86.close();
}

/** Writes from a Uint8Array. */
export const writeSuite: Suite = {
  name: 'write',
  title: "one write from a Uint8Array to another task's /proc/PID/mem",
  cases: writeCases,
};
