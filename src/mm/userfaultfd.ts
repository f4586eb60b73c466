import { EAGAIN, EFAULT, EINVAL, ENOMEM, ESRCH } from '../../assembly/abi/errno.js';
import { NEED_HOST } from '../../assembly/abi/fault.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as uffd from '../../assembly/abi/userfault.js';
import { checked, fail } from '../errno.js';
import type { U64 } from './address.js';
import { TASK_SIZE } from './address.js';
import type { Mm } from './mm.js';
import { checkRegister, checkUnregister } from './userfault-check.js';
import { stopMended } from './stop.js';
import { loadUser } from './user.js';
import type { UserfaultSink, Userfault } from './userfault.js';
import { UserfaultQueue, type WaitingFault } from './userfault-queue.js';

// include/uapi/linux/userfaultfd.h
export const UFFD_FEATURE_SIGBUS = 0x80;
export const UFFD_FEATURE_THREAD_ID = 0x100;
export const UFFD_FEATURE_EXACT_ADDRESS = 0x800;
export const UFFD_FEATURE_WP_UNPOPULATED = 0x2000;
export const UFFD_FEATURE_WP_ASYNC = 0x8000;
/** Not of the interface: UFFDIO_API has been called. */
const UFFD_FEATURE_INITIALIZED = 0x80000000;

/** All of Linux but the events of fork, mremap, munmap and madvise. */
export const UFFD_FEATURES = 0x1ffff & ~0x4e;

/** Guest memory that a copy takes its pages from. */
interface GuestSource {
  readonly mm: Mm;
  readonly addr: number;
}

/** Where a copy takes its pages from: guest memory, or bytes of the host. */
export type FillSource = GuestSource | Uint8Array;

/** What to put at absent pages of a range. */
export interface Fill {
  /** FILL_* of assembly/abi/userfault.ts */
  readonly kind: number;
  /** The pages come write-protected. */
  readonly wp: boolean;
  readonly source: FillSource | null;
}

/** Called with each fault, to resolve it before it returns; see Userfaultfd in the public API. */
export type UserfaultHandler = (fault: Userfault & { readonly tid: number }) => void;

/**
 * A userfaultfd: what its descriptor knows of the memory that it watches.
 * @see fs/userfaultfd.c, struct userfaultfd_ctx
 */
export class UserfaultfdContext implements UserfaultSink {
  readonly mm: Mm;
  readonly userModeOnly: boolean;
  readonly queue: UserfaultQueue;
  /** UFFD_FEATURE_*, unsigned; 0 before UFFDIO_API. */
  features = 0;
  /** Resolves faults as they happen; null where whoever reads the descriptor does. */
  handler: UserfaultHandler | null = null;
  /** What Vma.uffd has above the modes and features. */
  private readonly number: number;
  /** Faults that the handler is at. */
  private readonly handling = new Set<WaitingFault>();
  /** Changes made through it: a handler that makes none has not resolved anything. */
  private changes = 0;

  constructor(mm: Mm, userModeOnly: boolean) {
    this.mm = mm;
    this.userModeOnly = userModeOnly;
    this.queue = new UserfaultQueue(mm.core);
    const taken = (mm.userfaultfds ??= new Map<number, UserfaultSink>());
    let number = 1;
    while (taken.has(number)) number += 1;
    this.number = number;
    taken.set(number, this);
  }

  /**
   * UFFDIO_API: what it has to do, once.
   * @param features UFFD_FEATURE_*, checked against UFFD_FEATURES
   * @throws {LinuxError} EINVAL: the second time
   */
  initialize(features: number): void {
    if (this.features !== 0) fail(EINVAL);
    const implied = features & UFFD_FEATURE_WP_ASYNC ? UFFD_FEATURE_WP_UNPOPULATED : 0;
    this.features = (features | implied | UFFD_FEATURE_INITIALIZED) >>> 0;
  }

  has(feature: number): boolean {
    return (this.features & feature) !== 0;
  }

  /** Whether messages name the thread that waits. */
  get tellsThread(): boolean {
    return this.has(UFFD_FEATURE_THREAD_ID);
  }

  /** Vma.uffd of a VMA registered for UFFD_MISSING, UFFD_WP and UFFD_MINOR bits. */
  private word(modes: number): number {
    let word = (this.number << uffd.UFFD_NUMBER_SHIFT) | modes;
    if (this.has(UFFD_FEATURE_WP_ASYNC)) word |= uffd.UFFD_WP_ASYNC;
    if (this.has(UFFD_FEATURE_WP_UNPOPULATED)) word |= uffd.UFFD_WP_UNPOPULATED;
    if (this.has(UFFD_FEATURE_SIGBUS)) word |= uffd.UFFD_SIGBUS;
    return this.userModeOnly ? word | uffd.UFFD_USER_ONLY : word;
  }

  fault({ address, flags }: Userfault): boolean {
    const exact = this.has(UFFD_FEATURE_EXACT_ADDRESS);
    const seen = exact ? address : address - (address % PAGE_SIZE);
    const entry = this.queue.add(seen, flags);
    // A handler that makes the access itself waits like anybody.
    if (this.handler === null || this.handling.has(entry)) return false;
    const before = this.changes;
    const actor = this.mm.core.current;
    this.handling.add(entry);
    try {
      this.handler({ address: seen, flags, tid: entry.tid });
    } finally {
      this.handling.delete(entry);
      this.mm.core.current = actor;
    }
    // Woken, and not for nothing: what changes nothing would be asked for ever.
    return !this.queue.has(entry) && this.changes !== before;
  }

  /**
   * Watches the mappings of a range.
   * @param modes UFFD_MISSING, UFFD_WP, UFFD_MINOR
   * @param maxMaps vm.max_map_count
   * @throws {LinuxError} EINVAL: nothing mapped, or memory that cannot be watched so; EPERM: a file that
   *   may not be written; EBUSY: another has it; ENOMEM; see also checkRange()
   * @see fs/userfaultfd.c, userfaultfd_register()
   */
  register(start: U64, length: U64, modes: number, maxMaps: number): void {
    const range = checkRange(start, length);
    if (!this.mm.alive) fail(ENOMEM);
    const word = this.word(modes);
    checkRegister(this.mm, range, word);
    const { exports } = this.mm.core;
    checked(exports.uffdRegister(this.mm.ptr, range.start, range.end, word, maxMaps));
    this.changes += 1;
  }

  /**
   * Watches the mappings of a range no more; who waits there goes on.
   * @throws {LinuxError} EINVAL: nothing mapped, memory that cannot be watched, or that another watches;
   *   ENOMEM
   * @see fs/userfaultfd.c, userfaultfd_unregister()
   */
  unregister(start: U64, length: U64, maxMaps: number): void {
    const range = checkRange(start, length);
    if (!this.mm.alive) fail(ENOMEM);
    checkUnregister(this.mm, range, this.word(0));
    this.changes += 1;
    const { exports } = this.mm.core;
    this.queue.wake(range.start, range.end);
    checked(exports.uffdRegister(this.mm.ptr, range.start, range.end, 0, maxMaps));
  }

  /**
   * Puts pages where there are none.
   * @returns bytes filled: fewer than the range has where something stopped it
   * @throws {LinuxError} ENOENT: no one mapping that is watched has the range; EEXIST: a page is there;
   *   EINVAL: not for this memory; EFAULT: the source, or beyond the end of the file; ENOMEM; ESRCH: the
   *   memory is gone
   * @see mm/userfaultfd.c, mfill_atomic()
   */
  fill(start: number, length: number, { kind, wp, source }: Fill): number {
    if (!this.mm.alive) fail(ESRCH);
    const { core } = this.mm;
    const { exports } = core;
    let done = 0;
    // One page that the core could not take from guest memory itself.
    let taken: Uint8Array | null = null;
    while (done < length) {
      const at = start + done;
      let filled: number;
      if (source instanceof Uint8Array || taken !== null) {
        const bytes = source instanceof Uint8Array ? source.subarray(done) : taken;
        core.fillBounce((bytes as Uint8Array).subarray(0, PAGE_SIZE));
        const to = at + PAGE_SIZE;
        filled = exports.uffdFill(this.mm.ptr, at, to, kind, wp, 0, core.bounce, 0);
      } else {
        const [ptr, from] = source === null ? [0, 0] : [source.mm.ptr, source.addr + done];
        const stack = source?.mm.stackLimit ?? 0;
        filled = exports.uffdFill(this.mm.ptr, at, start + length, kind, wp, ptr, from, stack);
      }
      if (filled > 0) this.changes += 1;
      done += filled;
      taken = null;
      const stop = exports.uffdFillStop();
      if (stop === NEED_HOST) {
        taken = takePage(source as GuestSource, done);
        if (taken !== null) continue;
        return done > 0 ? done : fail(EFAULT);
      }
      if (stop === 0 || stopMended(this.mm, stop)) continue;
      return done > 0 ? done : fail(stop);
    }
    return done;
  }

  /**
   * Moves private anonymous pages to where none are: UFFDIO_MOVE.
   * @param holes whether pages may be absent
   * @returns bytes moved: fewer than asked for where something stopped it
   * @throws {LinuxError} ENOENT: nothing mapped, or an absent page; EEXIST: a page is there; EBUSY: one that
   *   others share; EINVAL: not for these mappings; EFAULT: no page that can move; ENOMEM; ESRCH
   * @see mm/userfaultfd.c, move_pages()
   */
  move(to: number, from: number, length: number, holes: boolean): number {
    if (!this.mm.alive) fail(ESRCH);
    const { exports } = this.mm.core;
    const moved = exports.uffdMove(this.mm.ptr, this.number, to, from, length, holes);
    this.changes += 1;
    return checked(moved);
  }

  /**
   * Write-protects the pages of a range, or lets them go.
   * @throws {LinuxError} ENOENT: a mapping that is not registered for that; ENOMEM; ESRCH
   * @see mm/userfaultfd.c, mwriteprotect_range()
   */
  writeProtect(start: number, length: number, protect: boolean): void {
    if (!this.mm.alive) fail(ESRCH);
    this.changes += 1;
    checked(this.mm.core.exports.uffdWriteProtect(this.mm.ptr, start, start + length, protect));
  }

  /** The descriptor is closed: nothing is watched any more, and nobody waits (userfaultfd_release()). */
  release(): void {
    this.changes += 1;
    this.handler = null;
    this.queue.wake(0, Infinity);
    this.mm.userfaultfds?.delete(this.number);
    if (this.mm.alive) this.mm.core.exports.uffdRelease(this.mm.ptr, this.number);
  }
}

/** A range of whole pages. */
export interface PageRange {
  readonly start: number;
  readonly end: number;
}

/**
 * @throws {LinuxError} EINVAL: empty, no whole pages, or no user memory
 * @see fs/userfaultfd.c, validate_range()
 */
export function checkRange(start: U64, length: U64): PageRange {
  if (BigInt(start) % BigInt(PAGE_SIZE) !== 0n) fail(EINVAL);
  return checkUnalignedRange(start, length);
}

/** The same for the source of a copy, which may start anywhere. */
export function checkUnalignedRange(start: U64, length: U64): PageRange {
  if (typeof start !== 'number' || typeof length !== 'number') fail(EINVAL);
  if (length === 0 || length % PAGE_SIZE !== 0) fail(EINVAL);
  if (start >= TASK_SIZE || length > TASK_SIZE - start) fail(EINVAL);
  return { start, end: start + length };
}

/** What an ioctl that came `done` of `length` bytes far answers: 0, or EAGAIN to go on. */
export function partialResult(done: number, length: number): void {
  if (done < length) fail(EAGAIN);
}

/** A page of what a copy is made from that is watched, or a device's; null where it cannot be read. */
function takePage({ mm, addr }: GuestSource, offset: number): Uint8Array | null {
  const bytes = new Uint8Array(PAGE_SIZE);
  return loadUser(mm, addr + offset, bytes) === PAGE_SIZE ? bytes : null;
}
