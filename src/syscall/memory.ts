import { EFAULT, EINVAL, ENOMEM } from '../../assembly/abi/errno.js';
import { MAP_ANONYMOUS, MAP_HUGETLB } from '../../assembly/abi/mman.js';
import { PAGE_SHIFT, PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { brk } from '../mm/brk.js';
import { accessOk } from '../mm/address.js';
import { madvise } from '../mm/madvise.js';
import { mlock, munlock } from '../mm/mlock.js';
import { mmap, munmap } from '../mm/mmap.js';
import { mprotect } from '../mm/mprotect.js';
import { mseal } from '../mm/mseal.js';
import { mremap } from '../mm/mremap.js';
import { mincore, msync } from '../mm/residency.js';
import { filesOf } from '../vfs/fdtable.js';
import { mapFileChecked, sharedZeroFile } from '../vfs/mmap.js';
import type { U64 } from '../vfs/u64.js';
import { currentMm, done, int, type SyscallFamily, uint, writeUser } from './args.js';
import { TaskMmLimits } from './mm-limits.js';

/** mlock2: lock pages as they come rather than fault them in. */
const MLOCK_ONFAULT = 1;

/** The arguments of mmap(2). */
export interface MmapArgs {
  /** A hint, or the place itself with MAP_FIXED (default 0: the kernel chooses). */
  readonly addr?: U64;
  /** Bytes. */
  readonly length: U64;
  /** PROT_* bits. */
  readonly prot: number;
  /** MAP_* bits. */
  readonly flags: number;
  /** The file's descriptor; not looked at with MAP_ANONYMOUS. */
  readonly fd?: number;
  /** Where in the file, bytes; a multiple of the page size (default 0). */
  readonly offset?: U64;
}

/**
 * Maps memory or a file for a task; returns the address.
 *
 * @throws {LinuxError} EINVAL: offset unaligned; EBADF: no such descriptor; ENOMEM: huge pages, of
 * which there are none; and what mmap() and mapFileChecked() refuse
 * @see arch/x86/kernel/sys_x86_64.c and mm/mmap.c, ksys_mmap_pgoff()
 */
export function sysMmap(task: TaskStruct, args: MmapArgs): number {
  const { addr = 0, length, prot, flags, fd = -1, offset = 0 } = args;
  if (!isPageAligned(offset)) fail(EINVAL);
  const anonymous = (flags & MAP_ANONYMOUS) !== 0;
  // The descriptor is looked up before anything else is looked at.
  const file = anonymous ? null : filesOf(task).get(fd);
  if ((flags & MAP_HUGETLB) !== 0) fail(anonymous ? ENOMEM : EINVAL);
  const request = { addr, length, prot, flags, offset };
  const backing =
    file === null
      ? { sharedZero: sharedZeroFile.bind(null, task) }
      : { mapFile: () => mapFileChecked(task, file, { prot, flags, length: Number(length) }) };
  return mmap(currentMm(task), { ...request, ...backing }, new TaskMmLimits(task));
}

/** Unmaps memory of a task. @throws {LinuxError} see munmap() */
export function sysMunmap(task: TaskStruct, addr: U64, length: U64): void {
  munmap(currentMm(task), addr, length, new TaskMmLimits(task));
}

/** Changes the protection of memory of a task. @throws {LinuxError} see mprotect() */
export function sysMprotect(task: TaskStruct, addr: U64, length: U64, prot: number): void {
  mprotect(currentMm(task), addr, length, prot, new TaskMmLimits(task));
}

/** Gives advice about memory of a task. @throws {LinuxError} see madvise() */
export function sysMadvise(task: TaskStruct, addr: U64, length: U64, advice: number): void {
  madvise(currentMm(task), addr, length, advice, new TaskMmLimits(task));
}

/** The arguments of mremap(2). */
export interface MremapArgs {
  readonly addr: U64;
  /** Bytes. */
  readonly oldLength: U64;
  readonly newLength: U64;
  /** MREMAP_* bits. */
  readonly flags: number;
  /** Where to, with MREMAP_FIXED. */
  readonly newAddr?: U64;
}

/** Resizes or moves memory of a task; returns its address. @throws {LinuxError} see mremap() */
export function sysMremap(task: TaskStruct, args: MremapArgs): number {
  const { addr, oldLength, newLength, flags, newAddr = 0 } = args;
  const limits = new TaskMmLimits(task);
  return mremap(currentMm(task), addr, oldLength, newLength, flags, newAddr, limits);
}

/** Moves the end of a task's heap; returns where it is then. */
export function sysBrk(task: TaskStruct, addr: U64): number {
  return brk(currentMm(task), addr, new TaskMmLimits(task));
}

/**
 * Mappings of the caller.
 *
 * @see mm/mmap.c, mm/mprotect.c, mm/madvise.c
 */
export const memoryCalls: SyscallFamily = {
  mmap: (task, addr, length, prot, flags, fd, offset) =>
    sysMmap(task, { addr, length, prot: uint(prot), flags: uint(flags), fd: int(fd), offset }),
  munmap: (task, addr, length) => done(sysMunmap(task, addr, length)),
  mprotect: (task, addr, length, prot) => done(sysMprotect(task, addr, length, flagBits(prot))),
  // There are no protection keys: -1 asks for none, and no other exists.
  pkey_mprotect: (task, addr, length, prot, key) =>
    int(key) === -1 ? done(sysMprotect(task, addr, length, flagBits(prot))) : fail(EINVAL),
  pkey_alloc: () => fail(EINVAL),
  pkey_free: () => fail(EINVAL),
  madvise: (task, addr, length, advice) => done(sysMadvise(task, addr, length, int(advice))),
  mremap: (task, addr, oldLength, newLength, flags, newAddr) =>
    sysMremap(task, { addr, oldLength, newLength, flags: flagBits(flags), newAddr }),
  brk: (task, addr) => sysBrk(task, addr),

  mlock: (task, addr, length) => done(lock(task, addr, length, false)),
  mlock2(task, addr, length, flags) {
    if ((int(flags) & ~MLOCK_ONFAULT) !== 0) fail(EINVAL);
    return done(lock(task, addr, length, int(flags) !== 0));
  },
  munlock: (task, addr, length) =>
    done(munlock(currentMm(task), addr, length, new TaskMmLimits(task))),
  mseal: (task, addr, length, flags) =>
    done(mseal(currentMm(task), addr, length, flags, new TaskMmLimits(task))),
  msync: (task, addr, length, flags) => done(msync(currentMm(task), addr, length, int(flags))),
  mincore(task, addr, length, vec) {
    // A vector outside user memory is refused before the pages are looked at, any other after.
    const pages = Math.ceil(Number(length) / PAGE_SIZE);
    if (isPageAligned(addr) && !accessOk(vec, pages)) fail(EFAULT);
    return done(writeUser(task, vec, mincore(currentMm(task), addr, length)));
  },
};

function lock(task: TaskStruct, addr: U64, length: U64, onFault: boolean): void {
  mlock(currentMm(task), addr, length, onFault, new TaskMmLimits(task));
}

function isPageAligned(value: U64): boolean {
  // Beyond 2^53 values are bigints; the common case stays clear of their arithmetic.
  return typeof value === 'number'
    ? value % PAGE_SIZE === 0
    : BigInt.asUintN(PAGE_SHIFT, value) === 0n;
}

/** Flags declared `unsigned long`: what lies above 32 bits is unknown, as bit 31 is. */
function flagBits(value: U64): number {
  return value > 0xffffffff ? uint(value) | 0x80000000 : uint(value);
}
