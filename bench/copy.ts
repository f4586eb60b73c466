// How fast does process_vm_readv move bytes from one task's memory to another's?
import type { Case, Setting, Suite } from './bench.js';
import { clockOf } from './clock.js';
import { sharedGuest, mapMemory, touchPages } from './guest.js';
import { operationsPerCall } from './sizes.js';
import { wasmCopyClock } from './raw.js';

/** struct iovec: a base and a length of 8 bytes each. */
function iovec(base: bigint, length: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(base, BigInt(length)).buffer);
}

/** The same work twice: by the task's method, and by the system call with its arrays in guest memory. */
async function copyCase(
  size: number,
  bySyscall: boolean,
): Promise<Pick<Case, 'name' | 'bytes' | 'clock'>> {
  const { machine, reader, target } = await sharedGuest();
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
  const work = bySyscall
    ? () => void machine.syscall(reader, 'process_vm_readv', args)
    : () => void reader.processVmCopy(target, from, into, size);
  const clock = clockOf(() => {
    for (let i = 0; i < operations; i++) work();
  }, operations);
  return { name: `${bySyscall ? 'copy-syscall' : 'copy'}/${size}`, bytes: size, clock };
}

async function* copyCases({ kernel }: Setting): AsyncGenerator<Case> {
  for (const bySyscall of [false, true]) {
    for (const size of bySyscall ? [4096] : [4096, 65536, 1048576]) {
      const memcpy = wasmCopyClock(size, operationsPerCall(size));
      const baselines = { memcpy, kernel: kernel.helperCase('copy', size) };
      yield { ...(await copyCase(size, bySyscall)), baselines };
    }
  }
}

/** Copies that stay inside the machine. */
export const copySuite: Suite = {
  name: 'copy',
  title: "process_vm_readv from one task's memory into another's",
  cases: copyCases,
};
