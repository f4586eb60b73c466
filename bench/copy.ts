// How fast does process_vm_readv move bytes from one task's memory to another's?
import type { Case, Setting, Suite } from './bench.js';
import { clockOf } from './clock.js';
import { makeGuest, mapMemory, touchPages } from './guest.js';
import { operationsPerCall } from './read.js';
import { wasmCopyClock } from './raw.js';

/** struct iovec: a base and a length of 8 bytes each. */
function iovec(base: bigint, length: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(base, BigInt(length)).buffer);
}

async function copyCase(size: number): Promise<Pick<Case, 'name' | 'bytes' | 'clock'>> {
  const { machine, reader, target } = await makeGuest();
  const from = mapMemory(target, size);
  touchPages(target, from, size);
  const into = mapMemory(reader, size);
  touchPages(reader, into, size);
  const local = mapMemory(reader, 32);
  const remote = local + 16n;
  reader.store(local, iovec(into, size));
  reader.store(remote, iovec(from, size));
  const args = [target.pid, local, 1, remote, 1, 0];
  const operations = operationsPerCall(size);
  const clock = clockOf(() => {
    for (let i = 0; i < operations; i++) machine.syscall(reader, 'process_vm_readv', args);
  }, operations);
  return { name: `copy/${size}`, bytes: size, clock };
}

async function* copyCases({ kernel }: Setting): AsyncGenerator<Case> {
  for (const size of [4096, 65536, 1048576]) {
    const memcpy = wasmCopyClock(size, operationsPerCall(size));
    const baselines = { memcpy, kernel: kernel.helperCase('copy', size) };
    yield { ...(await copyCase(size)), baselines };
  }
}

/** Copies that stay inside the machine. */
export const copySuite: Suite = {
  name: 'copy',
  title: "process_vm_readv from one task's memory into another's",
  cases: copyCases,
};
