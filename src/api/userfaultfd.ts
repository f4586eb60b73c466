import { EINVAL } from '../../assembly/abi/errno.js';
import * as uffd from '../../assembly/abi/userfault.js';
import { fail, LinuxError } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import {
  checkRange,
  type Fill,
  type PageRange,
  type UserfaultfdContext,
  type UserfaultHandler,
} from '../mm/userfaultfd.js';
import { filesOf } from '../vfs/fdtable.js';
import { userfaultfdContext } from '../vfs/userfaultfd.js';
import {
  booleanArgument,
  bytesArgument,
  functionArgument,
  intArgument,
  u64Argument,
} from './arguments.js';
import { OpenFile } from './open-file.js';

/** A fault that a userfaultfd has: what its message says. */
export interface UserfaultEvent {
  /** The page that was to be had; with UFFD_FEATURE_EXACT_ADDRESS the byte. */
  readonly address: bigint;
  /** By a store. */
  readonly write: boolean;
  /** Of a page that is there and write-protected. */
  readonly wp: boolean;
  /** Of a page that the file has and the mapping does not. */
  readonly minor: boolean;
  /** The thread that waits. */
  readonly tid: number;
}

/**
 * Resolves a fault before it returns, by the methods of the Userfaultfd that it is given; the access then
 * goes on. Where it resolves nothing the access waits. What it throws reaches whoever made the access.
 */
export type UserfaultListener = (event: UserfaultEvent, uffd: Userfaultfd) => void;

/** The context, which goes back to checkpoints, knows who resolves faults; this is what it was made of. */
const listeners = new WeakMap<UserfaultHandler, UserfaultListener>();

/** How a userfaultfd is opened. */
export interface UserfaultfdOptions {
  /** UFFD_FEATURE_* bits (default none). */
  readonly features?: number;
  /** Only the task's own loads and stores wait; others fail, as with EFAULT or EIO (default false). */
  readonly userModeOnly?: boolean;
  readonly onFault?: UserfaultListener;
}

/** How pages are put in place. */
export interface FillOptions {
  /** They come write-protected (default false). */
  readonly wp?: boolean;
  /** Who waits for them goes on (default true). */
  readonly wake?: boolean;
}

/** How pages are moved. */
export interface MoveOptions {
  /** Pages may be absent where they come from (default false). */
  readonly holes?: boolean;
  /** Who waits for them goes on (default true). */
  readonly wake?: boolean;
}

/**
 * A userfaultfd of a task: it is told when pages of the task's memory are missing or write-protected, and
 * puts them in place. `onFault` does so while the access is made. Without it the access waits: a load or
 * store throws a PageFault of code USERFAULT, a call answers ERESTARTSYS; take() gives the event, and once
 * it is resolved the access is made again.
 *
 * @example
 * const addr = task.mmap({ length: 1 << 20 });
 * const pager = task.userfaultfd({
 *   onFault: ({ address }, uffd) => uffd.copy(address, pageAt(address)),
 * });
 * pager.register(addr, 1 << 20);
 * task.load8(addr + 5n); // pageAt() was asked for one page
 */
export class Userfaultfd extends OpenFile {
  readonly #task: TaskStruct;
  readonly #context: UserfaultfdContext;

  /**
   * Use task.userfaultfd() or userfaultfdOf().
   *
   * @internal
   */
  constructor(task: TaskStruct, fd: number) {
    super(task, fd, 'anon_inode:[userfaultfd]');
    this.#task = task;
    this.#context = userfaultfdContext(filesOf(task).get(fd)) ?? fail(EINVAL, 'ioctl', this.path);
  }

  /**
   * UFFDIO_API, as task.userfaultfd() does.
   *
   * @internal
   * @throws {LinuxError} EINVAL: the second time
   */
  initialize(features: number): void {
    this.#ioctl(() => this.#context.initialize(features));
  }

  /** Who resolves faults as they happen; null for nobody. */
  get onFault(): UserfaultListener | null {
    const { handler } = this.#context;
    return handler === null ? null : (listeners.get(handler) ?? null);
  }

  /** @throws {TypeError} neither a function nor null */
  set onFault(listener: UserfaultListener | null) {
    if (listener !== null) functionArgument('onFault', listener);
    this.#context.handler = listener === null ? null : this.#handlerOf(listener);
  }

  #handlerOf(listener: UserfaultListener): UserfaultHandler {
    const handler: UserfaultHandler = (fault) => listener(eventOf(fault), this);
    listeners.set(handler, listener);
    return handler;
  }

  /**
   * Watches the mappings of a range.
   *
   * @param modes UFFDIO_REGISTER_MODE_MISSING (default), _WP, _MINOR
   * @throws {LinuxError} EINVAL: unaligned, nothing mapped, or memory that cannot be watched so; EPERM: a
   *   shared mapping that may never be written; EBUSY: another userfaultfd has it; ENOMEM
   */
  register(addr: number | bigint, length: number | bigint, modes = uffd.UFFD_MISSING): void {
    intArgument('modes', modes, 1, uffd.UFFD_MODES);
    const [start, bytes] = [u64Argument('addr', addr), u64Argument('length', length)];
    this.#ioctl(() => this.#context.register(start, bytes, modes, this.#maxMaps));
  }

  /**
   * Watches the mappings of a range no more; who waits there goes on.
   *
   * @throws {LinuxError} EINVAL: unaligned, nothing mapped, or another userfaultfd's; ENOMEM
   */
  unregister(addr: number | bigint, length: number | bigint): void {
    const [start, bytes] = [u64Argument('addr', addr), u64Argument('length', length)];
    this.#ioctl(() => this.#context.unregister(start, bytes, this.#maxMaps));
  }

  /**
   * Puts bytes where pages are missing: UFFDIO_COPY.
   *
   * @param from whole pages
   * @returns bytes put in place, up to the first page that could not be
   * @throws {LinuxError} EEXIST: a page is there; ENOENT: not one watched mapping; EINVAL: unaligned; ENOMEM;
   *   ESRCH: the memory is gone
   */
  copy(addr: number | bigint, from: Uint8Array, options: FillOptions = {}): number {
    const { length } = bytesArgument('from', from);
    return this.#fill(addr, length, uffd.FILL_COPY, from, options);
  }

  /**
   * Moves private pages of the task to where none are: UFFDIO_MOVE.
   *
   * @param options holes: whether some may be absent (default false)
   * @returns bytes moved, up to the first page that could not be
   * @throws {LinuxError} EEXIST: a page is there; ENOENT: an absent page, or nothing mapped; EBUSY: a page
   *   that a fork shares; EINVAL: unaligned, or not for these mappings; ENOMEM; ESRCH
   */
  move(
    to: number | bigint,
    from: number | bigint,
    length: number | bigint,
    options: MoveOptions = {},
  ): number {
    const { holes = false, wake = true } = options;
    booleanArgument('holes', holes);
    booleanArgument('wake', wake);
    const { start, end } = this.#range(to, length);
    const source = this.#range(from, length);
    return this.#ioctl(() => {
      const done = this.#context.move(start, source.start, end - start, holes);
      if (wake) this.#context.queue.wake(start, start + done);
      return done;
    });
  }

  /** Puts zeros where pages are missing: UFFDIO_ZEROPAGE. @throws {LinuxError} as copy() */
  zeropage(addr: number | bigint, length: number, options: FillOptions = {}): number {
    return this.#fill(addr, length, uffd.FILL_ZEROPAGE, null, options);
  }

  /** Maps pages that the file has: UFFDIO_CONTINUE. @throws {LinuxError} as copy(); EFAULT: it has none */
  continue(addr: number | bigint, length: number, options: FillOptions = {}): number {
    return this.#fill(addr, length, uffd.FILL_CONTINUE, null, options);
  }

  /** Makes accesses to missing pages SIGBUS: UFFDIO_POISON. @throws {LinuxError} as copy() */
  poison(addr: number | bigint, length: number, options: FillOptions = {}): number {
    return this.#fill(addr, length, uffd.FILL_POISON, null, options);
  }

  /**
   * Write-protects pages, or lets them go and wakes who waits: UFFDIO_WRITEPROTECT.
   *
   * @throws {LinuxError} ENOENT: not registered for that; EINVAL: unaligned; ENOMEM; ESRCH
   */
  writeProtect(addr: number | bigint, length: number | bigint, protect = true): void {
    booleanArgument('protect', protect);
    const range = this.#range(addr, length);
    this.#ioctl(() => {
      this.#context.writeProtect(range.start, range.end - range.start, protect);
      if (!protect) this.#context.queue.wake(range.start, range.end);
    });
  }

  /** Lets who waits in a range try again: UFFDIO_WAKE. @throws {LinuxError} EINVAL: unaligned */
  wake(addr: number | bigint, length: number | bigint): void {
    const { start, end } = this.#range(addr, length);
    this.#context.queue.wake(start, end);
  }

  /** The next fault that waits and that nobody was told of, as reading the descriptor gives it; or null. */
  take(): UserfaultEvent | null {
    const fault = this.#context.queue.take();
    return fault === null ? null : eventOf(fault);
  }

  get #maxMaps(): number {
    return this.#task.kernel.sysctl.get('vm.max_map_count');
  }

  #range(addr: number | bigint, length: number | bigint): PageRange {
    const [start, bytes] = [u64Argument('addr', addr), u64Argument('length', length)];
    return this.#ioctl(() => checkRange(start, bytes));
  }

  #fill(
    addr: number | bigint,
    length: number,
    kind: number,
    source: Fill['source'],
    { wp = false, wake = true }: FillOptions,
  ): number {
    booleanArgument('wp', wp);
    booleanArgument('wake', wake);
    const { start } = this.#range(addr, length);
    return this.#ioctl(() => {
      const done = this.#context.fill(start, length, { kind, wp, source });
      if (wake) this.#context.queue.wake(start, start + done);
      return done;
    });
  }

  /** @throws {LinuxError} EBADF: closed, also by the task's exit; what `act` throws */
  #ioctl<T>(act: () => T): T {
    try {
      if (userfaultfdContext(filesOf(this.#task).get(this.fd)) !== this.#context) fail(EINVAL);
      return act();
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
      throw new LinuxError(-error.errno, 'ioctl', this.path);
    }
  }
}

function eventOf(fault: {
  readonly address: number;
  readonly flags: number;
  readonly tid: number;
}): UserfaultEvent {
  const { address, flags, tid } = fault;
  return {
    address: BigInt(address),
    write: (flags & uffd.UFFD_PAGEFAULT_FLAG_WRITE) !== 0,
    wp: (flags & uffd.UFFD_PAGEFAULT_FLAG_WP) !== 0,
    minor: (flags & uffd.UFFD_PAGEFAULT_FLAG_MINOR) !== 0,
    tid,
  };
}
