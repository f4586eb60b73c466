import type { Task } from '../api/task.js';
import type { ByteSource } from '../elf/source.js';
import { LinuxError } from '../errno.js';
import { PageFault } from '../api/page-fault.js';
import { parseMaps } from '../unwind/maps.js';
import type { ReadMemory } from '../unwind/memory.js';
import { registersFromUser } from '../unwind/registers.js';
import type { OpenedFile, OpenPath } from '../unwind/symbolize.js';
import { symbolize } from '../unwind/symbolize.js';
import type { StackFrame, StackTrace } from '../unwind/unwind.js';
import { unwind } from '../unwind/unwind.js';

/** System calls a symboliser made. */
export interface CallCounts {
  open: number;
  pread: number;
}

/** A crashed thread as code inside its own process sees it: through its CPU and its files. */
export class CrashedThread {
  /** What naming frames took so far. */
  readonly calls: CallCounts = { open: 0, pread: 0 };
  readonly #task: Task;

  constructor(task: Task) {
    this.#task = task;
  }

  /** The stack trace by loads of the thread's own CPU, as an unwinder in the process makes it. */
  traceByLoads(): StackTrace {
    return this.#trace((addr, length) => {
      try {
        return this.#task.load(addr, length);
      } catch (error) {
        if (error instanceof PageFault) return null;
        throw error;
      }
    });
  }

  /** The stack trace by reads of /proc/self/mem. */
  traceByMem(): StackTrace {
    const mem = this.#task.open('/proc/self/mem');
    const bytes = (addr: number, length: number): Uint8Array | null => {
      const found = preadAll(mem.pread.bind(mem), addr, length);
      return found.length < length ? null : found;
    };
    const trace = this.#trace(bytes);
    mem.close();
    return trace;
  }

  /** Names the function of a frame; a return address is named by the call before it. */
  readonly nameOf = ({ pc, exact }: StackFrame): string | null =>
    symbolize(exact || pc === 0n ? pc : pc - 1n, this.#open);

  #trace(read: ReadMemory): StackTrace {
    const maps = parseMaps(this.#task.readText('/proc/self/maps'));
    const regs = this.#task.struct.regs ?? new Uint8Array(27 * 8);
    const open = (path: string): ByteSource | null => this.#open(path);
    return unwind(registersFromUser(regs), { read, maps, open });
  }

  readonly #open: OpenPath = (path: string): OpenedFile | null => {
    this.calls.open++;
    try {
      const file = this.#task.open(path);
      const read = (offset: number, length: number): Uint8Array => {
        this.calls.pread++;
        return preadAll(file.pread.bind(file), offset, length);
      };
      return { name: path, size: Number(file.stat().size), read, close: () => file.close() };
    } catch (error) {
      if (error instanceof LinuxError) return null;
      throw error;
    }
  };
}

/** Bytes up to the end or the first error: this reader does not ask which. */
function preadAll(
  pread: (into: Uint8Array, position: number) => number,
  offset: number,
  length: number,
): Uint8Array {
  const bytes = new Uint8Array(length);
  try {
    return bytes.subarray(0, pread(bytes, offset));
  } catch (error) {
    if (error instanceof LinuxError) return bytes.subarray(0, 0);
    throw error;
  }
}
