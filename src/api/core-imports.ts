import type { TaskStruct } from '../kernel/task.js';
import { load, load64, store, store64, takeFault } from '../mm/cpu.js';
import type { Mm } from '../mm/mm.js';
import { currentMm } from '../syscall/args.js';
import { functionArgument, livingArgument, objectArgument, structArgument } from './arguments.js';
import { PageFault } from './page-fault.js';
import type { Task } from './task.js';

/**
 * What another WebAssembly module imports to use a task's memory as a CPU of it does. `load8` to `store64`,
 * `userRuns`, `runList` and `lastFault` are the core's own functions: a call of them is one from module to
 * module, without JavaScript. An address is an f64, a whole number from 0 to 2^53.
 */
export interface CoreImportObject {
  /** Linear memory of the machine. All of it is the core's: read and write where `userRuns` says, nowhere else. */
  readonly memory: WebAssembly.Memory;
  /** A mutable i32, the first argument of every access; 0, with which all of them fault, outside of enter(). */
  readonly mm: WebAssembly.Global<'i32'>;
  /** A mutable f64, the last argument of every access: how far the stack may grow. */
  readonly stackLimit: WebAssembly.Global<'f64'>;
  readonly load8: (mm: number, addr: number, stackLimit: number) => number;
  readonly load16: (mm: number, addr: number, stackLimit: number) => number;
  readonly load32: (mm: number, addr: number, stackLimit: number) => number;
  readonly load64: (mm: number, addr: number, stackLimit: number) => bigint;
  readonly store8: (mm: number, addr: number, value: number, stackLimit: number) => void;
  readonly store16: (mm: number, addr: number, value: number, stackLimit: number) => void;
  readonly store32: (mm: number, addr: number, value: number, stackLimit: number) => void;
  readonly store64: (mm: number, addr: number, value: bigint, stackLimit: number) => void;
  /** Not 0: the last access has not happened. Make it again by slowLoad() or slowStore(). */
  readonly lastFault: () => number;
  /**
   * The bytes of [addr, addr + len) that can be loaded (or stored) before a fault. Where they lie is listed at
   * `runList()` until the next call: their number as u32, then from the eighth byte on pairs of u32, place and length.
   */
  readonly userRuns: (
    mm: number,
    addr: number,
    len: number,
    write: boolean,
    stackLimit: number,
  ) => number;
  readonly runList: () => number;
  /**
   * A load of 1, 2, 4 or 8 bytes with all that the host has part in: watches, devices, a userfaultfd, pages of files.
   *
   * @throws {PageFault} through the module that called: it keeps no state on its stack
   */
  readonly slowLoad: (addr: number, size: number) => bigint;
  /** The same for a store. @throws {PageFault} */
  readonly slowStore: (addr: number, size: number, value: bigint) => void;
}

/** The imports, and the way to run with them. */
export interface CoreImports {
  readonly imports: CoreImportObject;
  /**
   * Runs the module: its imports are good until `run` returns or throws. System calls come after it.
   *
   * @throws {TypeError} the task has exited
   * @throws {LinuxError} EFAULT: a thread of the kernel, which has no memory
   */
  enter<T>(run: () => T): T;
}

/** The value that was loaded, or the fault. */
function slowLoad(mm: Mm, addr: number, size: number, task: TaskStruct): bigint {
  const value = size === 8 ? load64(mm, addr, task) : load(mm, addr, sizeOf(size), task);
  if (value === null) throw new PageFault(takeFault(mm));
  return BigInt(value);
}

function slowStore(mm: Mm, addr: number, size: number, value: bigint, task: TaskStruct): void {
  const stored =
    size === 8
      ? store64(mm, addr, value, task)
      : store(mm, addr, sizeOf(size), Number(BigInt.asUintN(32, value)), task);
  if (!stored) throw new PageFault(takeFault(mm));
}

function sizeOf(size: number): 1 | 2 | 4 {
  if (size === 1 || size === 2 || size === 4) return size;
  throw new RangeError(`size must be 1, 2, 4 or 8, got ${size}`);
}

/**
 * What a WebAssembly module of yours imports to load and store in the memory of a task through the core's walk:
 * protections, copy-on-write, holes, files, watches. docs/embedding.md has such a module.
 *
 * @example
 * const { imports, enter } = coreImports(task);
 * const { exports } = await WebAssembly.instantiate(cpu, { procmem: imports });
 * enter(() => exports.run(1000));
 * @throws {TypeError} no Task, or one that has exited
 */
export function coreImports(task: Task): CoreImports {
  const struct = livingArgument(
    'task',
    structArgument('task', objectArgument('task', task).struct),
  );
  const { core } = struct.kernel;
  const mm = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  const stackLimit = new WebAssembly.Global({ value: 'f64', mutable: true }, 0);
  /** Execs and limits change both, and whoever has a hook may do either. */
  const refresh = (): void => {
    const now = currentMm(livingArgument('task', struct));
    mm.value = now.ptr;
    stackLimit.value = now.stackLimit;
  };
  const slowly = <T>(access: (mm: Mm) => T): T => {
    // Only between enter() and its end is the task known to have a memory.
    if (mm.value === 0) throw new TypeError('coreImports: used outside of enter()');
    const result = access(currentMm(struct));
    refresh();
    return result;
  };
  return {
    imports: {
      ...core.cpuExports(),
      mm,
      stackLimit,
      slowLoad: (addr, size) => slowly((now) => slowLoad(now, addr, size, struct)),
      slowStore: (addr, size, value) => slowly((now) => slowStore(now, addr, size, value, struct)),
    },
    enter: (run) => {
      functionArgument('run', run);
      refresh();
      try {
        return run();
      } finally {
        mm.value = 0;
      }
    },
  };
}
