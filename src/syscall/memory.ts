import { EEXIST, EINVAL, ENOMEM, ENOSPC, EOVERFLOW } from '../../assembly/abi/errno.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_HUGETLB,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_TYPE,
} from '../../assembly/abi/mman.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { isPageAligned, pageAlign, TASK_SIZE } from '../mm/address.js';
import { brk } from '../mm/brk.js';
import { mmap, mmapAnonymous, mmapReady, munmap, munmapReady, NOT_READY } from '../mm/mmap.js';
import { mprotect, NO_PKEY } from '../mm/mprotect.js';
import { mremap } from '../mm/mremap.js';
import { filesOf } from '../vfs/fdtable.js';
import { mapFileChecked, sharedZeroFile } from '../vfs/mmap.js';
import type { U64 } from '../vfs/u64.js';
import { currentMm, done, int, type ReadyHandler, type SyscallFamily, uint } from './args.js';
import { mmLimits } from '../kernel/mm-limits.js';
import { sysRemapFilePages } from './remap-file-pages.js';

/** PKEY_DISABLE_ACCESS and PKEY_DISABLE_WRITE. */
const PKEY_ACCESS_MASK = 3;
/** The size of huge pages in the flags, as a power of two; 0 is the default, 2 MiB. */
const MAP_HUGE_SHIFT = 26;
const MAP_HUGE_MASK = 0x3f;
const HUGE_LOGS = [0, 21, 30];
const DEFAULT_HUGE_LOG = 21;
/** What most calls ask for: private anonymous memory of pages of the usual size. */
const PLAIN = MAP_ANONYMOUS | MAP_PRIVATE;

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
  return mmapPgoff(task, addr, length, prot, flags, fd, offset);
}

/** The same as the registers have it. */
function mmapPgoff(
  task: TaskStruct,
  addr: U64,
  length: U64,
  prot: number,
  flags: number,
  fd: U64,
  offset: U64,
): number {
  if (!isPageAligned(offset)) fail(EINVAL);
  if ((flags & (MAP_ANONYMOUS | MAP_HUGETLB | MAP_TYPE)) === PLAIN) {
    return mmapAnonymous(currentMm(task), addr, length, prot, flags, mmLimits(task));
  }
  return mmapOther(task, { addr, length, prot, flags, fd: int(fd), offset });
}

/** What is no plain anonymous memory. */
function mmapOther(task: TaskStruct, args: Required<MmapArgs>): number {
  const { addr, length, prot, flags, fd, offset } = args;
  const anonymous = (flags & MAP_ANONYMOUS) !== 0;
  // The descriptor is looked up before anything else is looked at.
  const file = anonymous ? null : filesOf(task).get(fd);
  if ((flags & MAP_HUGETLB) !== 0) refuseHuge(task, args);
  const limits = mmLimits(task);
  const mm = currentMm(task);
  if (file !== null) {
    const extent = { length: pageAlign(Number(length)), pgoff: Number(BigInt(offset) >> 12n) };
    const mapFile = () => mapFileChecked(task, file, { prot, flags, ...extent });
    const placesHuge = file.placesHuge((flags & MAP_SHARED) !== 0);
    return mmap(mm, { addr, length, prot, flags, offset, mapFile, placesHuge }, limits);
  }
  const sharedZero = sharedZeroFile.bind(null, task);
  return mmap(mm, { addr, length, prot, flags, offset, sharedZero }, limits);
}

/**
 * There are no huge pages; what is wrong with a request for some is said first (K-551).
 * @see mm/mmap.c, ksys_mmap_pgoff() and do_mmap(); mm/hugetlb.c, hugetlb_get_unmapped_area()
 */
function refuseHuge(task: TaskStruct, args: Required<Omit<MmapArgs, 'fd'>>): never {
  const { addr, length, flags, offset } = args;
  if ((flags & MAP_ANONYMOUS) === 0) fail(EINVAL);
  const log = (flags >>> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;
  if (!HUGE_LOGS.includes(log) || length === 0) fail(EINVAL);
  const size = 2 ** (log || DEFAULT_HUGE_LOG);
  const whole = Math.ceil(Number(length) / size) * size;
  if (whole > TASK_SIZE) fail(ENOMEM);
  if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0) {
    if (BigInt(addr) % BigInt(size) !== 0n) fail(EINVAL);
    if (addr > TASK_SIZE - whole) fail(ENOMEM);
    const there = currentMm(task).findVma(Number(addr));
    const replaces = there !== null && there.start < Number(addr) + whole;
    if ((flags & MAP_FIXED_NOREPLACE) !== 0 && replaces) fail(EEXIST);
  }
  return fail(BigInt(offset) + BigInt(whole) >= 1n << 63n ? EOVERFLOW : ENOMEM);
}

/** Unmaps memory of a task. @throws {LinuxError} see munmap() */
export function sysMunmap(task: TaskStruct, addr: U64, length: U64): void {
  munmap(currentMm(task), addr, length, mmLimits(task));
}

/** Changes the protection of memory of a task. @throws {LinuxError} see mprotect() */
export function sysMprotect(
  task: TaskStruct,
  addr: U64,
  length: U64,
  prot: number,
  pkey = NO_PKEY,
): void {
  mprotect(currentMm(task), addr, length, prot, mmLimits(task), pkey);
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
  const limits = mmLimits(task);
  return mremap(currentMm(task), addr, oldLength, newLength, flags, newAddr, limits);
}

/** Moves the end of a task's heap; returns where it is then. */
function sysBrk(task: TaskStruct, addr: U64): number {
  return brk(currentMm(task), addr, mmLimits(task));
}

/**
 * Mappings of the caller.
 *
 * @see mm/mmap.c, mm/mprotect.c, mm/madvise.c
 */
export const memoryCalls: SyscallFamily = {
  mmap: (task, addr, length, prot, flags, fd, offset) =>
    mmapPgoff(task, addr, length, uint(prot), uint(flags), fd, offset),
  munmap: (task, addr, length) => done(sysMunmap(task, addr, length)),
  mprotect: (task, addr, length, prot) => done(sysMprotect(task, addr, length, flagBits(prot))),
  // There are no protection keys: -1 asks for none, and no other exists.
  pkey_mprotect: (task, addr, length, prot, key) =>
    done(sysMprotect(task, addr, length, flagBits(prot), int(key))),
  pkey_alloc: (task, flags, rights) => pkeyAlloc(task, flags, rights),
  pkey_free: () => fail(EINVAL),
  mremap: (task, addr, oldLength, newLength, flags, newAddr) =>
    sysMremap(task, { addr, oldLength, newLength, flags: flagBits(flags), newAddr }),
  brk: (task, addr) => sysBrk(task, addr),
  remap_file_pages: (task, addr, size, prot, pgoff, flags) =>
    done(sysRemapFilePages(task, { addr, size, prot, pgoff, flags: uint(flags) })),
};

/** The short forms of the two that programs make most. */
export const memoryReady: Readonly<Record<string, ReadyHandler>> = {
  mmap: (task, registers) =>
    task.mm === null ? NOT_READY : mmapReady(task.mm, registers, mmLimits(task)),
  munmap: (task, registers) =>
    task.mm === null ? NOT_READY : munmapReady(task.mm, registers, mmLimits(task)),
};

/**
 * Without hardware for them there is one key, which the first call takes and cannot use.
 * @throws {LinuxError} EINVAL: flags, unknown rights, or the first call; ENOSPC: any later one
 * @see mm/mprotect.c, SYSCALL_DEFINE2(pkey_alloc); arch/x86/include/asm/pkeys.h
 */
function pkeyAlloc(task: TaskStruct, flags: U64, rights: U64): never {
  if (flags !== 0 || rights > PKEY_ACCESS_MASK) fail(EINVAL);
  const mm = currentMm(task);
  if (mm.pkeyTaken) fail(ENOSPC);
  mm.pkeyTaken = true;
  return fail(EINVAL);
}

/** Flags declared `unsigned long`: what lies above 32 bits is unknown, as bit 31 is. */
function flagBits(value: U64): number {
  return value > 0xffffffff ? uint(value) | 0x80000000 : uint(value);
}
