import { ENOMEM, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import {
  MAP_ANONYMOUS,
  MAP_HUGETLB,
  MAP_PRIVATE,
  MAP_TYPE,
  PROT_READ,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import { fail } from '../errno.js';
import { doExitGroup, exitStatus } from '../kernel/exit.js';
import { copyProcess } from '../kernel/fork.js';
import { mmLimits } from '../kernel/mm-limits.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { processVmArray } from '../kernel/process-vm.js';
import { SIGCHLD } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { cpuLoad, cpuStore, load, load64, store, store64, takeFault } from '../mm/cpu.js';
import { mmapAnonymous, munmap } from '../mm/mmap.js';
import { mprotect, NO_PKEY } from '../mm/mprotect.js';
import {
  bytesArgument,
  intArgument,
  livingArgument,
  objectArgument,
  oneOf,
  u64Argument,
} from './arguments.js';
import { MemFile, openMemFile } from './mem-file.js';
import { PageFault } from './page-fault.js';

const SIZES = [1, 2, 4] as const;

/** What CoreTask.mmap() maps. */
export interface CoreMmapOptions {
  /** Bytes. */
  readonly length: number | bigint;
  /** A hint, or the place itself with MAP_FIXED (default: the kernel chooses). */
  readonly addr?: number | bigint;
  /** PROT_* bits (default PROT_READ | PROT_WRITE). */
  readonly prot?: number;
  /** MAP_* bits beside MAP_PRIVATE and MAP_ANONYMOUS (default none); what Linux ignores is ignored. */
  readonly flags?: number;
}

/** A task of a CoreMachine: the same calls as those of Task, with the same errors, as far as they are here. */
export class CoreTask {
  /** The kernel's object. */
  readonly struct: TaskStruct;

  /**
   * Use machine.spawn() or fork().
   *
   * @internal
   */
  constructor(struct: TaskStruct) {
    this.struct = struct;
  }

  /** Number of the process. */
  get pid(): number {
    return this.struct.tgid;
  }

  /** The name, at most 15 bytes. */
  get comm(): string {
    return this.struct.comm;
  }

  /** Whether it has exited. */
  get exited(): boolean {
    return this.struct.exited;
  }

  /**
   * Maps private anonymous memory.
   *
   * @throws {LinuxError} as mmap(2); ENOMEM also: MAP_HUGETLB, as there are no huge pages
   * @throws {TypeError | RangeError} an option that is none; another type than MAP_PRIVATE
   */
  mmap(options: CoreMmapOptions): bigint {
    const {
      addr = 0,
      length,
      prot = PROT_READ | PROT_WRITE,
      flags = 0,
    } = objectArgument('options', options);
    const kinds = intArgument('flags', flags, 0, 0xffffffff) | MAP_PRIVATE | MAP_ANONYMOUS;
    if ((kinds & MAP_TYPE) !== MAP_PRIVATE) {
      throw new RangeError('flags: a CoreTask maps with MAP_PRIVATE alone');
    }
    const at = u64Argument('addr', addr);
    const bytes = u64Argument('length', length);
    intArgument('prot', prot, 0, 0xffffffff);
    if ((kinds & MAP_HUGETLB) !== 0) fail(ENOMEM, 'mmap');
    return BigInt(mmapAnonymous(this.#mm(), at, bytes, prot, kinds, mmLimits(this.struct)));
  }

  /** Unmaps what lies in a range. @throws {LinuxError} EINVAL: unaligned or empty; ENOMEM: too many mappings */
  munmap(addr: number | bigint, length: number | bigint): void {
    const limits = mmLimits(this.#living());
    munmap(this.#mm(), u64Argument('addr', addr), u64Argument('length', length), limits);
  }

  /** Changes the protection of a range. @throws {LinuxError} EINVAL: unaligned; ENOMEM: a hole */
  mprotect(addr: number | bigint, length: number | bigint, prot: number): void {
    const [at, bytes] = [u64Argument('addr', addr), u64Argument('length', length)];
    intArgument('prot', prot, 0, 0xffffffff);
    mprotect(this.#mm(), at, bytes, prot, mmLimits(this.struct), NO_PKEY);
  }

  /** Loads bytes in rising order. @throws {PageFault} one is not readable */
  load(addr: number | bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(intArgument('length', length, 0, 2 ** 31));
    const { fault } = cpuLoad(this.#mm(), u64Argument('addr', addr), bytes);
    if (fault !== null) throw new PageFault(fault);
    return bytes;
  }

  /** Stores bytes in rising order. @throws {PageFault} one is not writable; those before it are stored */
  store(addr: number | bigint, from: Uint8Array): void {
    const { fault } = cpuStore(this.#mm(), u64Argument('addr', addr), bytesArgument('from', from));
    if (fault !== null) throw new PageFault(fault);
  }

  /** Loads 1, 2 or 4 bytes, unsigned. @throws {PageFault} not readable @throws {RangeError} another size */
  loadUint(addr: number | bigint, size: 1 | 2 | 4): number {
    const mm = this.#mm();
    oneOf('size', size, SIZES);
    return load(mm, u64Argument('addr', addr), size) ?? raise(mm);
  }

  /**
   * Stores 1, 2 or 4 bytes.
   *
   * @param value signed or unsigned
   * @throws {PageFault} not writable
   * @throws {TypeError | RangeError} another size; a value that is no integer of so many bytes
   */
  storeUint(addr: number | bigint, size: 1 | 2 | 4, value: number): void {
    const mm = this.#mm();
    const end = 2 ** (8 * oneOf('size', size, SIZES));
    intArgument('value', value, -end / 2, end - 1);
    if (!store(mm, u64Argument('addr', addr), size, value)) raise(mm);
  }

  /** Loads 64 bits, unsigned. @throws {PageFault} not readable */
  load64(addr: number | bigint): bigint {
    const mm = this.#mm();
    return load64(mm, u64Argument('addr', addr)) ?? raise(mm);
  }

  /**
   * Stores 64 bits.
   *
   * @throws {PageFault} not writable
   * @throws {TypeError | RangeError} no bigint, or one beyond 64 bits
   */
  store64(addr: number | bigint, value: bigint): void {
    const mm = this.#mm();
    if (typeof value !== 'bigint') throw new TypeError('value: not a bigint');
    u64Argument('value', value);
    if (!store64(mm, u64Argument('addr', addr), value)) raise(mm);
  }

  /**
   * Opens /proc/PID/mem of a task.
   *
   * @param mode `r` (default), `w` or `r+`
   * @throws {LinuxError} EACCES: not the owner of the file, or may not attach to the task; ENOENT: reaped;
   * ESRCH: no memory
   */
  openMem(target: CoreTask, mode: 'r' | 'w' | 'r+' = 'r'): MemFile {
    return openMemFile(this.#living(), this.#target(target), mode);
  }

  /** As process_vm_readv: protections count. @throws {LinuxError} EPERM, ESRCH, EFAULT: not one byte */
  processVmRead(target: CoreTask, addr: number | bigint, into: Uint8Array): number {
    const { leader } = this.#target(target).group;
    bytesArgument('into', into);
    return processVmArray(this.#living(), leader, u64Argument('addr', addr), into, false);
  }

  /** As process_vm_writev: protections count. @throws {LinuxError} EPERM, ESRCH, EFAULT: not one byte */
  processVmWrite(target: CoreTask, addr: number | bigint, from: Uint8Array): number {
    const { leader } = this.#target(target).group;
    bytesArgument('from', from);
    return processVmArray(this.#living(), leader, u64Argument('addr', addr), from, true);
  }

  /** Makes a copy of the process. @throws {LinuxError} EAGAIN: no number free; ENOMEM: no memory */
  fork(): CoreTask {
    return new CoreTask(copyProcess(this.#living(), { flags: SIGCHLD }));
  }

  /** Ends the process. @throws {LinuxError} EPERM: pid 1 */
  exit(code = 0): void {
    const status = exitStatus(intArgument('code', code, -0x80000000, 0x7fffffff));
    if (this.struct.group.unkillable) fail(EPERM, 'exit_group');
    if (!this.struct.exited) doExitGroup(this.#living(), status);
  }

  #living(): TaskStruct {
    const task = livingArgument('task', this.struct);
    task.kernel.core.current = task;
    return task;
  }

  #mm(): MmStruct {
    return this.#living().mm ?? fail(ESRCH);
  }

  #target(target: CoreTask): TaskStruct {
    if (!(target instanceof CoreTask)) throw new TypeError('target: not a CoreTask');
    if (target.struct.kernel !== this.struct.kernel) {
      throw new TypeError('target: a task of another machine');
    }
    return target.struct.state === 'X' ? fail(ESRCH) : target.struct;
  }
}

/** The fault that stopped the last access. */
function raise(mm: MmStruct): never {
  throw new PageFault(takeFault(mm));
}
