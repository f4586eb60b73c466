import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../../assembly/abi/mman.js';
import { ofCall } from '../errno.js';
import { actAs } from '../kernel/rusage.js';
import { enterCall } from '../kernel/syscall-entry.js';
import type { TaskStruct } from '../kernel/task.js';
import { acting, mustAct } from '../mm/acting.js';
import { cpuLoad, cpuStore, load, load64, store, store64, takeFault } from '../mm/cpu.js';
import type { U64 } from '../mm/address.js';
import type { Mm } from '../mm/mm.js';
import { type PageWalk, walkPage } from '../mm/page-walk.js';
import { isReadable, readableRanges, type ReadPath } from '../mm/readable.js';
import { currentMm } from '../syscall/args.js';
import { sysMadvise } from '../syscall/memory-advice.js';
import { sysMmap, sysMprotect, sysMremap, sysMunmap } from '../syscall/memory.js';
import {
  bytesArgument,
  intArgument,
  livingArgument,
  objectArgument,
  oneOf,
  structArgument,
  u64Argument,
} from './arguments.js';
import { OpenFile } from './open-file.js';
import { PageFault } from './page-fault.js';

/** What to map: private anonymous memory, readable and writable, unless told otherwise. */
export interface MmapOptions {
  /** Bytes; rounded up to whole pages. */
  readonly length: number | bigint;
  /** A hint, or the place itself with MAP_FIXED (default: the kernel chooses). */
  readonly addr?: number | bigint;
  /** PROT_* bits (default PROT_READ | PROT_WRITE). */
  readonly prot?: number;
  /** MAP_* bits (default MAP_PRIVATE, and MAP_ANONYMOUS without a file). */
  readonly flags?: number;
  /** The file to map: opened by this task, or by one that shares its descriptors. */
  readonly file?: OpenFile;
  /** Where in the file, bytes; a multiple of 4096 (default 0). */
  readonly offset?: number | bigint;
}

/** Memory that can be read: whole pages, cut to the range that was asked about. */
export interface ReadableRange {
  readonly start: bigint;
  /** Exclusive. */
  readonly end: bigint;
}

/**
 * The memory of a task as its own CPU sees it: what it maps, and loads and stores that obey
 * protections and fault. Part of Task.
 *
 * @example
 * const addr = task.mmap({ length: 8192 });
 * task.store32(addr, 0xcafe);
 * console.log(task.load32(addr)); // 51966
 */
export abstract class TaskMemory {
  /** The kernel's object, for code below the object API. */
  readonly struct: TaskStruct;

  protected constructor(struct: TaskStruct) {
    this.struct = structArgument('struct', struct);
  }

  /**
   * The task to act: whatever it does besides telling about itself goes through here.
   *
   * @throws {TypeError} it has exited
   */
  protected get living(): TaskStruct {
    const { struct } = this;
    actAs(struct);
    return livingArgument('task', struct);
  }

  /**
   * The task to make a call: where all calls of the object API come in, as those by number do in
   * dispatch.ts.
   *
   * @throws {TypeError} it has exited
   * @throws {LinuxError} the kernel does not have the call, or a rule refuses it
   */
  protected calling(call: string): TaskStruct {
    const task = this.living;
    if (task.kernel.entry !== null) enterCall(task, call);
    return task;
  }

  /**
   * Makes a call: an error that comes out of it names it.
   *
   * @throws {TypeError | LinuxError} as calling(), and what `act` throws
   */
  protected making<T>(call: string, act: (task: TaskStruct) => T, path?: string): T {
    const task = this.calling(call);
    try {
      return act(task);
    } catch (error) {
      throw ofCall(error, call, path);
    }
  }

  /**
   * Maps memory or a file.
   *
   * @returns the address
   * @throws {LinuxError} as mmap(2): EINVAL, ENOMEM, EACCES, EBADF, ENODEV, EPERM, EEXIST
   * @throws {TypeError | RangeError} an argument that is none
   */
  mmap(options: MmapOptions): bigint {
    objectArgument('options', options);
    const { file, prot = PROT_READ | PROT_WRITE } = options;
    const { flags = MAP_PRIVATE | (file === undefined ? MAP_ANONYMOUS : 0) } = options;
    const addr = this.making('mmap', (task) =>
      sysMmap(task, {
        addr: u64Argument('addr', options.addr ?? 0),
        length: u64Argument('length', options.length),
        prot: intArgument('prot', prot, 0, 0xffffffff),
        flags: intArgument('flags', flags, 0, 0xffffffff),
        fd: file === undefined ? -1 : this.#fdOf(file),
        offset: u64Argument('offset', options.offset ?? 0),
      }),
    );
    return BigInt(addr);
  }

  /**
   * Unmaps what lies in a range; holes are fine.
   *
   * @throws {LinuxError} EINVAL: unaligned or empty; ENOMEM: too many mappings; EPERM: sealed
   */
  munmap(addr: number | bigint, length: number | bigint): void {
    this.making('munmap', (task) =>
      sysMunmap(task, u64Argument('addr', addr), u64Argument('length', length)),
    );
  }

  /**
   * Changes the protection of a range.
   *
   * @param prot PROT_* bits
   * @throws {LinuxError} EINVAL: unaligned; ENOMEM: a hole; EACCES: the file forbids it
   */
  mprotect(addr: number | bigint, length: number | bigint, prot: number): void {
    intArgument('prot', prot, 0, 0xffffffff);
    this.making('mprotect', (task) =>
      sysMprotect(task, u64Argument('addr', addr), u64Argument('length', length), prot),
    );
  }

  /**
   * Gives advice about a range, such as MADV_DONTNEED.
   *
   * @throws {LinuxError} EINVAL: unaligned, or not for this mapping; ENOMEM: a hole
   */
  madvise(addr: number | bigint, length: number | bigint, advice: number): void {
    intArgument('advice', advice, 0, 0x7fffffff);
    this.making('madvise', (task) =>
      sysMadvise(task, u64Argument('addr', addr), u64Argument('length', length), advice),
    );
  }

  /**
   * Resizes or moves a mapping.
   *
   * @param flags MREMAP_* bits (default 0: in place)
   * @returns its address afterwards
   * @throws {LinuxError} EINVAL, EFAULT, ENOMEM: as mremap(2)
   */
  mremap(
    addr: number | bigint,
    oldLength: number | bigint,
    newLength: number | bigint,
    flags = 0,
    newAddr: number | bigint = 0,
  ): bigint {
    const moved = this.making('mremap', (task) =>
      sysMremap(task, {
        addr: u64Argument('addr', addr),
        oldLength: u64Argument('oldLength', oldLength),
        newLength: u64Argument('newLength', newLength),
        flags: intArgument('flags', flags, 0, 0xffffffff),
        newAddr: u64Argument('newAddr', newAddr),
      }),
    );
    return BigInt(moved);
  }

  /** Loads a byte. @throws {PageFault} not readable */
  load8(addr: number | bigint): number {
    return this.#load(addr, 1);
  }

  /** Loads 16 bits, little endian, at any alignment. @throws {PageFault} not readable */
  load16(addr: number | bigint): number {
    return this.#load(addr, 2);
  }

  /** Loads 32 bits, unsigned. @throws {PageFault} not readable */
  load32(addr: number | bigint): number {
    return this.#load(addr, 4);
  }

  /** Loads 64 bits, unsigned. @throws {PageFault} not readable */
  load64(addr: number | bigint): bigint {
    const mm = this.#mm();
    return load64(mm, u64Argument('addr', addr), this.struct) ?? raise(mm);
  }

  /** Stores a byte. @throws {PageFault} not writable */
  store8(addr: number | bigint, value: number): void {
    this.#store(addr, 1, intArgument('value', value, -0x80, 0xff));
  }

  /** Stores 16 bits, little endian, at any alignment. @throws {PageFault} not writable */
  store16(addr: number | bigint, value: number): void {
    this.#store(addr, 2, intArgument('value', value, -0x8000, 0xffff));
  }

  /** Stores 32 bits. @throws {PageFault} not writable */
  store32(addr: number | bigint, value: number): void {
    this.#store(addr, 4, intArgument('value', value, -0x80000000, 0xffffffff));
  }

  /** Stores 64 bits. @throws {PageFault} not writable */
  store64(addr: number | bigint, value: number | bigint): void {
    const mm = this.#mm();
    const word = BigInt(u64Argument('value', value));
    if (!store64(mm, u64Argument('addr', addr), word, this.struct)) raise(mm);
  }

  /**
   * Loads bytes in rising order.
   *
   * @param into an array to fill, or how many bytes
   * @throws {PageFault} one is not readable; those before it are in `into`
   */
  load(addr: number | bigint, into: Uint8Array | number): Uint8Array {
    if (mustAct(this.struct)) return acting(this.struct, this.load.bind(this, addr, into));
    const bytes =
      typeof into === 'number'
        ? new Uint8Array(intArgument('into', into, 0, 2 ** 31))
        : bytesArgument('into', into);
    const { fault } = cpuLoad(this.#mm(), u64Argument('addr', addr), bytes);
    if (fault !== null) throw new PageFault(fault);
    return bytes;
  }

  /**
   * Stores bytes in rising order.
   *
   * @throws {PageFault} one is not writable; those before it are stored
   */
  store(addr: number | bigint, from: Uint8Array): void {
    if (mustAct(this.struct)) return acting(this.struct, this.store.bind(this, addr, from));
    bytesArgument('from', from);
    const { fault } = cpuStore(this.#mm(), u64Argument('addr', addr), from);
    if (fault !== null) throw new PageFault(fault);
  }

  /**
   * The parts of [start, end) that a read would get, in rising order, next to each other joined. Asking
   * changes nothing: no page appears in pagemap, none counts as used. A stack is taken as far as it reaches now,
   * and a page of a host's file that was never loaded is trusted to load.
   *
   * @param path how it would be read: `cpu` (default) by the task's own instructions; `mem` through
   * /proc/PID/mem, by a tracer where that makes a difference; `process_vm` by process_vm_readv
   * @throws {TypeError | RangeError} an argument that is none
   */
  readableRanges(
    start: number | bigint,
    end: number | bigint,
    path: ReadPath = 'cpu',
  ): Generator<ReadableRange, void, void> {
    const from = u64Argument('start', start);
    const to = u64Argument('end', end);
    return inBigInts(this.struct.mm, from, to, this.#readPath(path));
  }

  /**
   * Whether a read of `length` bytes at `addr` would get all of them, without reading: see
   * readableRanges().
   *
   * @throws {TypeError | RangeError} an argument that is none
   */
  isReadable(addr: number | bigint, length: number | bigint, path: ReadPath = 'cpu'): boolean {
    const at = u64Argument('addr', addr);
    const bytes = u64Argument('length', length);
    const { mm } = this.struct;
    const by = this.#readPath(path);
    return mm === null ? bytes === 0 : isReadable(mm, at, bytes, by);
  }

  /**
   * The walk of the page tables to an address, level by level, as the CPU's: asking changes nothing.
   *
   * @returns null where user memory ends, and of a task without memory
   * @throws {TypeError | RangeError} an address that is none
   */
  pageWalk(addr: number | bigint): PageWalk | null {
    const at = u64Argument('addr', addr);
    const { mm } = this.struct;
    return mm === null || typeof at === 'bigint' ? null : walkPage(mm, at);
  }

  /** Where mem never overrides protections it reads what process_vm_readv does. */
  #readPath(path: ReadPath): ReadPath {
    const { forceOverride } = this.struct.kernel.profile;
    oneOf('path', path, ['cpu', 'mem', 'process_vm']);
    return path === 'mem' && forceOverride === 'never' ? 'process_vm' : path;
  }

  #fdOf(file: OpenFile): number {
    if (!(file instanceof OpenFile)) throw new TypeError('file: not an OpenFile');
    if (!file.isOf(this.living)) throw new TypeError('file: an OpenFile of another task');
    return file.fd;
  }

  #mm(): Mm {
    const mm = this.struct.mm ?? currentMm(this.living);
    // What a userfaultfd tells of who waits.
    if (mm.userfaultfds !== null) mm.core.current = this.struct;
    return mm;
  }

  #load(addr: number | bigint, size: 1 | 2 | 4): number {
    const mm = this.#mm();
    return load(mm, u64Argument('addr', addr), size, this.struct) ?? raise(mm);
  }

  #store(addr: number | bigint, size: 1 | 2 | 4, value: number): void {
    const mm = this.#mm();
    if (!store(mm, u64Argument('addr', addr), size, value, this.struct)) raise(mm);
  }
}

/** Ranges as the public API has them; none of a task without memory. */
function* inBigInts(
  mm: Mm | null,
  start: U64,
  end: U64,
  path: ReadPath,
): Generator<ReadableRange, void, void> {
  if (mm === null) return;
  for (const range of readableRanges(mm, start, end, path)) {
    yield { start: BigInt(range.start), end: BigInt(range.end) };
  }
}

/** The fault that stopped the last access. */
function raise(mm: Mm): never {
  throw new PageFault(takeFault(mm));
}
