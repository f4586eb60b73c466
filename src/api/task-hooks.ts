import { PROT_READ, PROT_WRITE } from '../../assembly/abi/mman.js';
import type { TaskStruct } from '../kernel/task.js';
import { acting, mustAct } from '../mm/acting.js';
import { TASK_SIZE } from '../mm/address.js';
import { cpuFetch } from '../mm/cpu.js';
import type { DeviceAccessSize } from '../mm/device.js';
import type { Mm } from '../mm/mm.js';
import * as ranges from '../mm/watch.js';
import type { AccessPath, WatchedRange, WatchKind } from '../mm/watch.js';
import { currentMm } from '../syscall/args.js';
import { mapDevice } from '../syscall/map-device.js';
import {
  bytesArgument,
  functionArgument,
  intArgument,
  objectArgument,
  oneOf,
  stringArgument,
  u64Argument,
} from './arguments.js';
import { PageFault } from './page-fault.js';
import { TaskAccess } from './task-access.js';
import type { Task } from './task.js';

/** What a watch is for: one kind of access, or `access` for reads and writes. */
export type WatchOn = WatchKind | 'access';

/** An access to watched bytes, told of after it was done. */
export interface WatchEvent {
  readonly kind: WatchKind;
  /** First of the watched bytes that the access touched. */
  readonly address: bigint;
  /** How many it touched, in one piece. */
  readonly length: number;
  /** What they were; of a write to a device nothing. The arrays are the hook's to keep. */
  readonly before: Uint8Array;
  /** What they are: of a read the same, which is what was read. */
  readonly after: Uint8Array;
  /** By which way they were reached. */
  readonly by: AccessPath;
  /** Whose call or CPU it was; null when no task's. */
  readonly task: Task | null;
}

/** Which bytes to watch, and whom to call. */
export interface WatchOptions {
  /** First byte; nothing need be mapped there. */
  readonly start: number | bigint;
  /** Bytes, at least one. */
  readonly length: number | bigint;
  readonly on: WatchOn;
  /** Called after each access, when the call that made it is over and may be followed by any other. */
  readonly hit: (event: WatchEvent) => void;
}

/** A device whose registers a task maps. */
export interface DeviceOptions {
  /** Where, a multiple of 4096, where nothing is mapped (default: the kernel chooses). */
  readonly addr?: number | bigint;
  /** Bytes of registers; the rest of the last page is a bus error. */
  readonly length: number;
  /** PROT_* bits (default PROT_READ | PROT_WRITE). */
  readonly prot?: number;
  /** What /proc/PID/maps calls it, below /dev (default `mmio`). */
  readonly name?: string;
  /** The value of `size` bytes at `offset`; higher bits do not count. */
  readonly read: (offset: number, size: DeviceAccessSize) => number | bigint;
  /** Takes a value: a bigint of 8 bytes, otherwise an unsigned number. */
  readonly write: (offset: number, size: DeviceAccessSize, value: number | bigint) => void;
}

/** A range of an address space that is watched: what task.watch() gives. */
export class Watch {
  readonly start: bigint;
  /** Bytes. */
  readonly length: number;
  readonly on: WatchOn;
  readonly #mm: Mm;
  readonly #range: WatchedRange;

  /** Use task.watch(). @internal */
  constructor(mm: Mm, range: WatchedRange, on: WatchOn) {
    this.#mm = mm;
    this.#range = range;
    this.start = BigInt(range.start);
    this.length = range.end - range.start;
    this.on = on;
  }

  /** Whether it can still be hit: not removed, and its memory not gone by exit or exec. */
  get active(): boolean {
    return ranges.isWatching(this.#mm, this.#range);
  }

  /** Stops watching. Accesses that were not told of yet are not told of any more. */
  remove(): void {
    ranges.removeWatch(this.#mm, this.#range);
  }
}

const KIND_BITS: Readonly<Record<WatchOn, number>> = { read: 1, write: 2, access: 3, execute: 4 };

/** Callbacks on the memory of a task: watches, and devices. Part of Task. */
export abstract class TaskHooks extends TaskAccess {
  /** The public face of a kernel task. @internal */
  protected abstract faceOf(struct: TaskStruct): Task;

  /**
   * Calls a function after each access to a range of this task's memory, whoever makes it and however: the
   * CPU, system calls, mem files, process_vm, ptrace. Exactly the bytes given are watched, by their address
   * in this memory; all its threads share the watch, a forked child has none, and exec ends it.
   *
   * @example
   * const watch = task.watch({
   *   start: addr,
   *   length: 4,
   *   on: 'write',
   *   hit: ({ before, after, by }) => console.log(by, before, after),
   * });
   * task.store32(addr, 1); // cpu Uint8Array(4) [ 0, 0, 0, 0 ] Uint8Array(4) [ 1, 0, 0, 0 ]
   * watch.remove();
   * @throws {LinuxError} ENOMEM: no frame for the list of watched pages
   * @throws {TypeError | RangeError} an argument that is none; a range that is empty or not user memory
   */
  watch(options: WatchOptions): Watch {
    objectArgument('options', options);
    const { on, hit } = options;
    const kinds = KIND_BITS[oneOf('on', on, ['read', 'write', 'access', 'execute'])];
    functionArgument('hit', hit);
    const start = intArgument('start', Number(u64Argument('start', options.start)), 0, TASK_SIZE);
    const length = Number(u64Argument('length', options.length));
    intArgument('length', length, 1, TASK_SIZE - start);
    const mm = currentMm(this.living);
    const range: WatchedRange = {
      start,
      end: start + length,
      kinds,
      hit: ({ kind, address, before, after, by, task }) => {
        const face = task === null ? null : this.faceOf(task as TaskStruct);
        const where = { address: BigInt(address), length: after.length };
        hit({ kind, ...where, before, after, by, task: face });
      },
    };
    ranges.addWatch(mm, range);
    return new Watch(mm, range, on);
  }

  /**
   * Maps registers of a device: loads and stores of the CPU, and copies by system calls from and to them,
   * call `read` and `write`. No memory is behind them, and nothing of them is reached by /proc/PID/mem (EIO),
   * process_vm_readv (EFAULT) or ptrace (EIO), as of a real device.
   *
   * @example
   * const uart = task.mapDevice({ length: 8, read: () => 0x20, write: (offset, size, value) => log(value) });
   * task.store8(uart, 0x41);
   * @returns the address; munmap takes the device away, mprotect and fork treat it as any mapping
   * @throws {LinuxError} EINVAL: addr unaligned; EEXIST: something is mapped there; ENOMEM, EPERM: as mmap
   * @throws {TypeError | RangeError} an argument that is none
   */
  mapDevice(options: DeviceOptions): bigint {
    objectArgument('options', options);
    const { addr, prot = PROT_READ | PROT_WRITE, name = 'mmio', length } = options;
    const read = functionArgument('read', options.read);
    const write = functionArgument('write', options.write);
    intArgument('length', length, 1, 2 ** 31);
    return BigInt(
      mapDevice(this.living, {
        addr: addr === undefined ? null : u64Argument('addr', addr),
        prot: intArgument('prot', prot, 0, 0xffffffff),
        name: stringArgument('name', name),
        device: { length, read, write },
      }),
    );
  }

  /**
   * Fetches the bytes of instructions, as a CPU that is about to execute them: what `execute` watches.
   *
   * @param into an array to fill, or how many bytes
   * @throws {PageFault} one is not executable; those before it are in `into`
   */
  fetch(addr: number | bigint, into: Uint8Array | number): Uint8Array {
    const task = this.living;
    if (mustAct(task)) return acting(task, this.fetch.bind(this, addr, into));
    const bytes =
      typeof into === 'number'
        ? new Uint8Array(intArgument('into', into, 0, 2 ** 31))
        : bytesArgument('into', into);
    const { fault } = cpuFetch(currentMm(task), u64Argument('addr', addr), bytes);
    if (fault !== null) throw new PageFault(fault);
    return bytes;
  }
}
