import type { OpenFile } from '../../src/api/open-file.js';
import type { Task } from '../../src/api/task.js';
import { LinuxError } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';

export const PAGE = 4096;
/** Where the reader has memory of its own, four pages. */
export const SCRATCH = 0x200000000000;
const FIXED = 0x32;

export interface World {
  readonly machine: Machine;
  readonly target: Task;
  readonly reader: Task;
  /** Two pages of the target, all 0x61. */
  readonly addr: bigint;
  /** The target's mem, opened by the reader. */
  readonly mem: OpenFile;
}

/** A target, and a reader that has its mem open. */
export async function world(): Promise<World> {
  const machine = await Machine.create();
  const target = machine.spawn({ comm: 'target', argv: ['/bin/target'] });
  const reader = machine.spawn({ comm: 'reader' });
  const addr = target.mmap({ length: 2 * PAGE });
  target.store(addr, new Uint8Array(2 * PAGE).fill(0x61));
  reader.mmap({ addr: SCRATCH, length: 4 * PAGE, flags: FIXED });
  machine.addFile('/bin/other', new Uint8Array(100), 0o755);
  return { machine, target, reader, addr, mem: reader.open(`/proc/${target.pid}/mem`, 'r+') };
}

/** What a call gives: its result, or the name of its error. */
export function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof LinuxError) return error.code;
    throw error;
  }
}
