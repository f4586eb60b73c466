import { Machine } from '../../src/machine.js';
import type { SpawnTaskOptions } from '../../src/api/machine-options.js';
import type { Task } from '../../src/api/task.js';

/** An argument as a test writes it: a string or bytes are placed in guest memory, and pointed to. */
export type GuestArg = number | bigint | string | Uint8Array;

/** Where a guest keeps strings and buffers. */
const SCRATCH = 0x200000000000;
const SCRATCH_SIZE = 0x100000;

/** A task with a place for strings and buffers, for tests of system calls. */
export class Guest {
  readonly machine: Machine;
  readonly task: Task;
  #next = SCRATCH;

  constructor(machine: Machine, task: Task) {
    this.machine = machine;
    this.task = task;
    task.mmap({ addr: SCRATCH, length: SCRATCH_SIZE, flags: 0x32 });
  }

  /** A guest on a machine of its own. */
  static async create(options: SpawnTaskOptions = {}): Promise<Guest> {
    const machine = await Machine.create();
    return new Guest(machine, machine.spawn(options));
  }

  /** A call whose arguments are placed as needed. */
  call(name: string, ...args: GuestArg[]): number | bigint {
    return this.task.syscall(name, ...args.map((arg) => this.#place(arg)));
  }

  /** `length` zero bytes; gives the address. */
  buffer(length: number): number {
    return this.put(new Uint8Array(length));
  }

  /** Puts bytes into guest memory; gives the address. */
  put(bytes: Uint8Array): number {
    const addr = this.#next;
    this.task.store(addr, bytes);
    this.#next += Math.ceil(bytes.length / 8) * 8;
    return addr;
  }

  /** 32-bit values at an address. */
  u32s(addr: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.task.load32(addr + 4 * i));
  }

  /** Struct iovecs of base and length. */
  iov(...segments: [base: number, length: number][]): number {
    const words = segments.flat().map(BigInt);
    return this.put(new Uint8Array(new BigUint64Array(words).buffer));
  }

  #place(arg: GuestArg): number | bigint {
    if (typeof arg === 'string') return this.put(new TextEncoder().encode(`${arg}\0`));
    return arg instanceof Uint8Array ? this.put(arg) : arg;
  }
}
