import * as layout from '../../assembly/abi/layout.js';
import { ENOMEM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { NO_LIMIT } from './address.js';
import type { Core, Ptr } from '../wasm/core.js';
import { fileOf, putReleasedFiles, type MapFile } from './map-file.js';
import { liveObjects } from './registry.js';
import { SPECIAL_NAMES } from './special.js';
import type { UserfaultSink } from './userfault.js';
import { forgetWatches } from './watch.js';

/** Where top-down placement starts when nobody says otherwise: below an 8 MiB stack and its gap. */
export const DEFAULT_MMAP_BASE = 0x7ffff7fff000;
const DEFAULT_STACK_LIMIT = 8 * 2 ** 20;

/** One mapping, as it was when asked for. */
export interface VmaInfo {
  /** First byte, and the first byte after. */
  readonly start: number;
  readonly end: number;
  /** VM_* */
  readonly flags: number;
  /** Page index of `start` in the file. */
  readonly pgoff: number;
  readonly file: MapFile | null;
  /** The userfaultfd that watches it and how (assembly/abi/userfault.ts); 0 for none. */
  readonly uffd: number;
  /** Private memory that no page cache stands behind: vma_is_anonymous(). */
  readonly anonymous: boolean;
  /** VM_SOFTDIRTY: new, or merged with what is, since soft-dirty bits were cleared. */
  readonly softDirty: boolean;
  /** The kernel's own, such as [vdso]: it cannot be cut. */
  readonly special: boolean;
  /** The name /proc gives a mapping without a file: `[heap]`, `[stack]`, `[vdso]`…; null for none. */
  readonly name: string | null;
  /** The core's VMA; valid until the next change of the mappings. */
  readonly ptr: Ptr<'vma'>;
}

/** Sizes of an mm, in pages but for the page tables. */
export interface MmCounters {
  readonly totalVm: number;
  readonly hiwaterVm: number;
  readonly dataVm: number;
  readonly execVm: number;
  readonly stackVm: number;
  readonly lockedVm: number;
  readonly pinnedVm: number;
  readonly rssAnon: number;
  readonly rssFile: number;
  readonly rssShmem: number;
  readonly hiwaterRss: number;
  /** Page tables in bytes. */
  readonly pgtablesBytes: number;
  readonly mapCount: number;
}

/**
 * An address space: the memory half of Linux's mm_struct. It dies with its last user; whoever still
 * holds the object then (an open mem file) finds it not `alive` (K-100).
 *
 * @see include/linux/mm_types.h, struct mm_struct
 */
export class Mm {
  readonly core: Core;
  /** The core's mm; 0 once dead. */
  private place: Ptr<'mm'>;
  /** mm_users: tasks that run on it. */
  private users = 1;
  /** Whether any of its bytes are watched (watch.ts): what copies look at before they tell. */
  watched = false;
  /** Program text, data, heap, stack, argument and environment areas: set by exec, shown by /proc. */
  startCode = 0;
  endCode = 0;
  startData = 0;
  endData = 0;
  startBrk = 0;
  brk = 0;
  startStack = 0;
  argStart = 0;
  argEnd = 0;
  envStart = 0;
  envEnd = 0;
  /** RLIMIT_STACK of the tasks that run on it, bytes: how far their own accesses grow a stack. */
  stackLimit = DEFAULT_STACK_LIMIT;
  /** What limitGrowth() set last. */
  private growthLimit = Infinity;
  /** VM_* that every new mapping gets: VM_LOCKED and VM_LOCKONFAULT after mlockall(MCL_FUTURE). */
  defFlags = 0;
  /** PR_SET_MDWE: PR_MDWE_* bits, 0 while nothing is denied; never taken back. */
  mdwe = 0;
  /** Whether the one protection key was asked for. */
  pkeyTaken = false;
  /** The userfaultfds of it by their numbers; null while it never had one. */
  userfaultfds: Map<number, UserfaultSink> | null = null;

  /** @throws {LinuxError} ENOMEM: no frame for its page tables */
  constructor(core: Core) {
    this.core = core;
    this.place = core.exports.mmNew(DEFAULT_MMAP_BASE) as Ptr<'mm'>;
    if (this.place === 0) fail(ENOMEM);
    liveObjects(core).mms.add(this);
  }

  /** The core's mm; do not use it of a dead one. */
  get ptr(): Ptr<'mm'> {
    return this.place;
  }

  /** Does any task still run on it? */
  get alive(): boolean {
    return this.users > 0;
  }

  /** Whether more than one task runs on it. */
  get shared(): boolean {
    return this.users > 1;
  }

  /** Adds a user. */
  mmget(): this {
    this.users += 1;
    return this;
  }

  /** Drops a user; the last one takes all mappings and pages along. */
  mmput(): void {
    this.users -= 1;
    if (this.users > 0) return;
    if (this.watched) forgetWatches(this);
    liveObjects(this.core).mms.delete(this);
    this.core.exports.mmExit(this.place);
    this.place = 0 as Ptr<'mm'>;
    putReleasedFiles(this.core);
  }

  /**
   * Fills this new, empty mm with a copy of `old` whose pages are shared copy-on-write.
   * @throws {LinuxError} ENOMEM: no room for VMAs or page tables; this mm is left empty
   * @see kernel/fork.c, dup_mmap()
   */
  copyFrom(old: Mm): void {
    if (this.core.exports.mmDup(this.place, old.place) !== 0) {
      putReleasedFiles(this.core);
      fail(ENOMEM);
    }
    this.startCode = old.startCode;
    this.endCode = old.endCode;
    this.startData = old.startData;
    this.endData = old.endData;
    this.startBrk = old.startBrk;
    this.brk = old.brk;
    this.startStack = old.startStack;
    this.argStart = old.argStart;
    this.argEnd = old.argEnd;
    this.envStart = old.envStart;
    this.envEnd = old.envEnd;
    this.stackLimit = old.stackLimit;
    // arch_dup_pkeys()
    this.pkeyTaken = old.pkeyTaken;
    this.growthLimit = old.growthLimit;
  }

  /** RLIMIT_AS of the tasks that run on it, bytes: how large their own accesses let it become. */
  limitGrowth(bytes: number): void {
    this.growthLimit = bytes;
    this.core.exports.setGrowthLimit(this.place, Math.min(bytes, NO_LIMIT));
  }

  /** Whether that is the RLIMIT_AS it grows under now. */
  growsUnder(bytes: number): boolean {
    return bytes === this.growthLimit;
  }

  /** Makes an access under another RLIMIT_AS, that of a task from outside: growth counts as its. */
  growingUnder<T>(bytes: number, access: () => T): T {
    const own = this.growthLimit;
    if (bytes === own) return access();
    this.limitGrowth(bytes);
    try {
      return access();
    } finally {
      this.limitGrowth(own);
    }
  }

  /** Number of mappings: one field, where all counters() would be made for it alone. */
  get mapCount(): number {
    return this.core.readU32(this.place + layout.MM_MAP_COUNT);
  }

  /** Locked pages, by the same reason. */
  get lockedVm(): number {
    return this.core.readU64(this.place + layout.MM_LOCKED_VM);
  }

  counters(): MmCounters {
    const { core, place } = this;
    return {
      totalVm: core.readU64(place + layout.MM_TOTAL_VM),
      hiwaterVm: core.readU64(place + layout.MM_HIWATER_VM),
      dataVm: core.readU64(place + layout.MM_DATA_VM),
      execVm: core.readU64(place + layout.MM_EXEC_VM),
      stackVm: core.readU64(place + layout.MM_STACK_VM),
      lockedVm: core.readU64(place + layout.MM_LOCKED_VM),
      pinnedVm: 0,
      rssAnon: core.readU32(place + layout.MM_RSS_ANON),
      rssFile: core.readU32(place + layout.MM_RSS_FILE),
      rssShmem: core.readU32(place + layout.MM_RSS_SHMEM),
      hiwaterRss: core.readU32(place + layout.MM_HIWATER_RSS),
      pgtablesBytes: core.readU32(place + layout.MM_TABLES) * 4096,
      mapCount: core.readU32(place + layout.MM_MAP_COUNT),
    };
  }

  /** Most pages that it had at once (get_mm_hiwater_rss()); 0 of a dead one. */
  peakRss(): number {
    if (this.place === 0) return 0;
    const { hiwaterRss, rssAnon, rssFile, rssShmem } = this.counters();
    return Math.max(hiwaterRss, rssAnon + rssFile + rssShmem);
  }

  /** All mappings by rising address; none of a dead mm. */
  *vmas(): Generator<VmaInfo, void, void> {
    if (this.place === 0) return;
    let vma = this.core.readU32(this.place + layout.MM_FIRST);
    while (vma !== 0) {
      const info = this.describe(vma as Ptr<'vma'>);
      vma = this.core.readU32(vma + layout.VMA_NEXT);
      yield info;
    }
  }

  /** The first mapping that ends above `addr`, or null: find_vma(). */
  findVma(addr: number): VmaInfo | null {
    if (this.place === 0) return null;
    const vma = this.core.exports.vmaFind(this.place, addr);
    return vma === 0 ? null : this.describe(vma as Ptr<'vma'>);
  }

  /** The file behind a mapping, behind a special one too, which shows none. */
  backingOf(vma: VmaInfo): MapFile | null {
    const file = this.core.readU32(vma.ptr + layout.VMA_FILE);
    return file === 0 ? null : fileOf(this.core, file as Ptr<'file'>);
  }

  private describe(ptr: Ptr<'vma'>): VmaInfo {
    const { core } = this;
    const start = core.readU64(ptr + layout.VMA_START);
    const end = core.readU64(ptr + layout.VMA_END);
    const vmFile = core.readU32(ptr + layout.VMA_FILE);
    const marks = core.readU32(ptr + layout.VMA_NAME);
    const special = SPECIAL_NAMES.get(marks & 0xff) ?? null;
    return {
      start,
      end,
      flags: core.readU32(ptr + layout.VMA_FLAGS),
      pgoff: core.readU64(ptr + layout.VMA_PGOFF),
      uffd: core.readU32(ptr + layout.VMA_UFFD),
      anonymous: special === null && core.readU32(ptr + layout.VMA_MAPPING) === 0,
      special: special !== null,
      softDirty: (marks & 0xff00) !== 0,
      file: vmFile === 0 || special !== null ? null : fileOf(core, vmFile as Ptr<'file'>),
      name: special ?? (vmFile === 0 ? this.areaName(start, end) : null),
      ptr,
    };
  }

  /** vma_is_initial_heap() and vma_is_initial_stack() */
  private areaName(start: number, end: number): string | null {
    if (start < this.brk && end > this.startBrk) return '[heap]';
    if (start <= this.startStack && end >= this.startStack && this.startStack > 0) return '[stack]';
    return null;
  }
}
