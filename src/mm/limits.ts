import { EAGAIN, ENOMEM, EPERM } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { VM_LOCKED } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import { NO_LIMIT } from './address.js';
import type { Mm } from './mm.js';

/** Which mappings take MADV_GUARD_INSTALL: none (before 6.13), anonymous ones (before 6.15), all. */
export type GuardRegions = 'none' | 'anonymous' | 'all';

/**
 * Which anonymous mappings are placed at a multiple of 2 MiB: none (before 6.7), those of 2 MiB and more
 * (before 6.13), those of a multiple of 2 MiB (K-506).
 */
export type ThpAlignment = 'none' | 'large' | 'multiples';

/** What releases of Linux changed about mappings. */
export interface MmRules {
  /** mremap moves a range of several mappings (6.17), or refuses it with EFAULT (K-532). */
  readonly mremapSeveral: boolean;
  /** Which mappings take guard pages (K-542). */
  readonly guardRegions: GuardRegions;
  /** Which anonymous mappings are aligned for huge pages (K-506). */
  readonly thpAlignment: ThpAlignment;
  /** mmap knows MAP_DROPPABLE (6.11, K-502). */
  readonly mapDroppable: boolean;
}

/** The rules of Linux 6.18. */
export const LATEST_MM_RULES: MmRules = {
  mremapSeveral: true,
  guardRegions: 'all',
  thpAlignment: 'multiples',
  mapDroppable: true,
};

/** What bounds a task's mappings: an object whose plain values never change. */
export interface MmLimits {
  /** RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK in bytes; Infinity for none. */
  readonly as: number;
  readonly data: number;
  readonly memlock: number;
  /** The hard limit of RLIMIT_DATA, which counts where the soft one is 0. */
  readonly dataMax: number;
  /** vm.max_map_count */
  readonly maxMapCount: number;
  /** CONFIG_LSM_MMAP_MIN_ADDR: hints below it are raised to it (K-504). */
  readonly lsmMmapMinAddr: number;
  /** vm.mmap_min_addr: MAP_FIXED below it needs CAP_SYS_RAWIO. */
  readonly mmapMinAddr: number;
  readonly capIpcLock: boolean;
  readonly capSysRawio: boolean;
  readonly capSysAdmin: boolean;
  /** READ_IMPLIES_EXEC of personality(2): what can be read can be executed. */
  readonly readImpliesExec: boolean;
  /** vm.overcommit_memory, vm.overcommit_ratio (per cent), vm.overcommit_kbytes (0: by the ratio) */
  readonly overcommit: number;
  readonly overcommitRatio: number;
  readonly overcommitKbytes: number;
  /** Memory and swap of the machine in bytes: one larger request is refused under overcommit 0. */
  readonly totalRam: number;
  /** Which Linux it is. */
  readonly rules: MmRules;
}

/** No bounds but those of the address space. */
export const NO_LIMITS: MmLimits = {
  as: Infinity,
  data: Infinity,
  dataMax: Infinity,
  memlock: Infinity,
  maxMapCount: 0x7fffffff,
  mmapMinAddr: 4096,
  lsmMmapMinAddr: 65536,
  capIpcLock: true,
  capSysRawio: true,
  capSysAdmin: true,
  readImpliesExec: false,
  overcommit: 1,
  overcommitRatio: 50,
  overcommitKbytes: 0,
  totalRam: Infinity,
  rules: LATEST_MM_RULES,
};

/** vm.admin_reserve_kbytes: what only the privileged get of the last memory, in bytes. */
const ADMIN_RESERVE = 8192 * 1024;

/**
 * Most bytes that may be promised to all processes under vm.overcommit_memory 2.
 * @see mm/util.c, vm_commit_limit() and __vm_enough_memory()
 */
function commitLimit(limits: MmLimits): number {
  const { totalRam, overcommitRatio, overcommitKbytes } = limits;
  const bytes = overcommitKbytes > 0 ? overcommitKbytes * 1024 : (totalRam * overcommitRatio) / 100;
  return Math.floor(bytes / PAGE_SIZE) * PAGE_SIZE;
}

/** Tells the core what bounds the call that follows: whatever asks mayExpandVm() or enoughMemory(). */
export function applyLimits(mm: Mm, limits: MmLimits): void {
  const { core } = mm;
  // Limits never change: telling once is enough.
  if (core.limits === limits) return;
  const { exports } = core;
  const bounded = (bytes: number): number => Math.min(bytes, NO_LIMIT);
  exports.setSpaceLimits(bounded(limits.as), bounded(limits.data), bounded(limits.dataMax));
  const { overcommit } = limits;
  const reserve = overcommit !== 2 || limits.capSysAdmin ? 0 : ADMIN_RESERVE;
  const all = overcommit === 2 ? commitLimit(limits) - reserve : NO_LIMIT;
  exports.setCommitLimits(overcommit === 0 ? bounded(limits.totalRam) : NO_LIMIT, all);
  exports.setMmapMinAddr(limits.mmapMinAddr);
  // A capability, which is asked for each time, is no part of what stays.
  core.limits = overcommit === 2 ? null : limits;
}

/**
 * RLIMIT_AS for all mappings, RLIMIT_DATA for private writable ones; after applyLimits().
 * @throws {LinuxError} ENOMEM
 * @see mm/mmap.c, may_expand_vm()
 */
export function checkExpand(mm: Mm, bits: number, pages: number): void {
  if (!mm.core.exports.mayExpandVm(mm.ptr, bits, pages)) fail(ENOMEM);
}

/**
 * May `pages` more be promised (K-549)? After applyLimits().
 * @throws {LinuxError} ENOMEM
 * @see mm/util.c, __vm_enough_memory()
 */
export function checkEnough(mm: Mm, pages: number): void {
  if (!mm.core.exports.enoughMemory(mm.ptr, pages)) fail(ENOMEM);
}

/**
 * May the task lock memory at all?
 * @throws {LinuxError} EPERM: RLIMIT_MEMLOCK is 0
 * @see mm/mlock.c, can_do_mlock()
 */
export function checkMayLock(limits: MmLimits): void {
  if (limits.memlock === 0 && !limits.capIpcLock) fail(EPERM);
}

/**
 * Stay `pages` more of a mapping with `bits` within RLIMIT_MEMLOCK?
 * @throws {LinuxError} EAGAIN
 * @see mm/mmap.c, mlock_future_ok()
 */
export function checkLocked(mm: Mm, limits: MmLimits, bits: number, pages: number): void {
  if (!(bits & VM_LOCKED) || limits.memlock === Infinity || limits.capIpcLock) return;
  if (mm.lockedVm + pages > Math.floor(limits.memlock / PAGE_SIZE)) fail(EAGAIN);
}
