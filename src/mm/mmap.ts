import { EAGAIN, EEXIST, EINVAL, ENOMEM, EOVERFLOW, EPERM } from '../../assembly/abi/errno.js';
import {
  MAP_DROPPABLE,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_STACK,
  MAP_TYPE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import { TASK_SIZE, pageAlign, type U64 } from './address.js';
import { dropVmFile, putReleasedFiles, takeVmFile, type MapFile } from './map-file.js';
import type { Mm } from './mm.js';
import { PageCache } from './page-cache.js';
import { placeMapping } from './placement.js';
import { populate } from './populate.js';

export type { MapFile } from './map-file.js';

/** What bounds a task's mappings. */
export interface MmLimits {
  /** RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK in bytes; Infinity for none. */
  readonly as: number;
  readonly data: number;
  readonly memlock: number;
  /** vm.max_map_count */
  readonly maxMapCount: number;
  /** CONFIG_LSM_MMAP_MIN_ADDR: hints below it are raised to it (K-504). */
  readonly lsmMmapMinAddr: number;
  /** vm.mmap_min_addr: MAP_FIXED below it needs CAP_SYS_RAWIO. */
  readonly mmapMinAddr: number;
  readonly capIpcLock: boolean;
  readonly capSysRawio: boolean;
  /** vm.overcommit_memory */
  readonly overcommit: number;
  /** Memory and swap of the machine in bytes: one larger request is refused under overcommit 0. */
  readonly totalRam: number;
}

/** What a file says of a mapping of it, once its own checks have passed. */
export interface MappedFile {
  readonly file: MapFile;
  /** The file is open for writing. */
  readonly fileWritable: boolean;
  /** mprotect may add PROT_WRITE, PROT_EXEC. */
  readonly mayWrite: boolean;
  readonly mayExec: boolean;
}

/** The arguments of mmap(2). */
export interface MmapRequest {
  readonly addr: U64;
  readonly length: U64;
  /** PROT_*, MAP_* */
  readonly prot: number;
  readonly flags: number;
  /** Byte offset in the file, a multiple of the page size. */
  readonly offset: U64;
  /**
   * Checks the file and gives it; called where do_mmap() checks it, after an address was found. Without
   * it the mapping is anonymous. A MAP_SHARED|MAP_ANONYMOUS mapping gets its file from `sharedZero`.
   */
  readonly mapFile?: () => MappedFile;
  /** Makes the file behind shared anonymous memory, around its pages. */
  readonly sharedZero?: (pages: PageCache) => MapFile;
}

/** No bounds but those of the address space. */
export const NO_LIMITS: MmLimits = {
  as: Infinity,
  data: Infinity,
  memlock: Infinity,
  maxMapCount: 0x7fffffff,
  mmapMinAddr: 4096,
  lsmMmapMinAddr: 65536,
  capIpcLock: true,
  capSysRawio: true,
  overcommit: 1,
  totalRam: Infinity,
};

/** Whole pages below MAX_LFS_FILESIZE, 2^63 - 1: file_mmap_ok(). */
const MAX_FILE_PAGES = 2 ** 51 - 1;

/** calc_vm_prot_bits() and calc_vm_flag_bits() */
function baseFlags(prot: number, flags: number): number {
  let bits = prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
  if (flags & MAP_GROWSDOWN) bits |= vm.VM_GROWSDOWN;
  if (flags & MAP_LOCKED) bits |= vm.VM_LOCKED;
  if (flags & MAP_STACK) bits |= vm.VM_NOHUGEPAGE;
  return bits | vm.VM_MAYREAD | vm.VM_MAYWRITE | vm.VM_MAYEXEC;
}

/** The file's part in vm_flags, as do_mmap() and the file's own mmap decide it. */
function fileFlags(bits: number, type: number, mapped: MappedFile): number {
  if (!mapped.mayExec) bits &= ~vm.VM_MAYEXEC;
  if (type === MAP_PRIVATE) return bits;
  bits |= vm.VM_SHARED | vm.VM_MAYSHARE;
  if (!mapped.fileWritable) bits &= ~(vm.VM_MAYWRITE | vm.VM_SHARED);
  if (!mapped.mayWrite) bits &= ~vm.VM_MAYWRITE;
  return bits;
}

/** What becomes of a request once its flags and file are known. */
interface Plan {
  bits: number;
  file: MapFile | null;
  /** Page index in the file; null: that of the address. */
  pgoff: number | null;
}

/** The anonymous half of do_mmap()'s switch. */
function planAnonymous(mm: Mm, request: MmapRequest, bits: number, length: number): Plan {
  const type = request.flags & MAP_TYPE;
  if (type === MAP_SHARED) {
    if (bits & vm.VM_GROWSDOWN) fail(EINVAL);
    if (request.sharedZero === undefined) fail(EINVAL);
    const pages = new PageCache(mm.core, { kind: 'memory' });
    pages.resize(length);
    bits |= vm.VM_SHARED | vm.VM_MAYSHARE;
    return { bits, file: request.sharedZero(pages), pgoff: 0 };
  }
  if (type === MAP_DROPPABLE) {
    if (bits & vm.VM_LOCKED) fail(EINVAL);
    bits |= vm.VM_DROPPABLE | vm.VM_NORESERVE | vm.VM_WIPEONFORK | vm.VM_DONTDUMP;
    return { bits, file: null, pgoff: null };
  }
  if (type !== MAP_PRIVATE) fail(EINVAL);
  return { bits, file: null, pgoff: null };
}

function plan(mm: Mm, request: MmapRequest, length: number, pgoff: number): Plan {
  const bits = baseFlags(request.prot, request.flags);
  if (request.mapFile === undefined) return planAnonymous(mm, request, bits, length);
  if (pgoff + length / PAGE_SIZE > MAX_FILE_PAGES) fail(EOVERFLOW);
  const mapped = request.mapFile();
  const type = request.flags & MAP_TYPE;
  if (bits & vm.VM_GROWSDOWN) {
    mapped.file.put();
    fail(EINVAL);
  }
  const withFile = fileFlags(bits, type, mapped) | mapped.file.vmFlags;
  return { bits: withFile, file: mapped.file, pgoff };
}

/** Private and writable: memory that must be accounted for (accountable_mapping). */
function isAccountable(bits: number): boolean {
  return (bits & (vm.VM_NORESERVE | vm.VM_SHARED | vm.VM_WRITE)) === vm.VM_WRITE;
}

/**
 * may_expand_vm(): RLIMIT_AS for all mappings, RLIMIT_DATA for private writable ones.
 * @throws {LinuxError} ENOMEM
 */
export function checkExpand(mm: Mm, limits: MmLimits, bits: number, pages: number): void {
  const { totalVm, dataVm } = mm.counters();
  if ((totalVm + pages) * PAGE_SIZE > limits.as) fail(ENOMEM);
  const isData = (bits & (vm.VM_WRITE | vm.VM_SHARED | vm.VM_GROWSDOWN)) === vm.VM_WRITE;
  if (isData && (dataVm + pages) * PAGE_SIZE > limits.data) fail(ENOMEM);
}

/** VM_ACCOUNT and VM_NORESERVE, and the refusal of what no machine could hold (K-549). */
function account(bits: number, flags: number, length: number, limits: MmLimits): number {
  if (flags & MAP_NORESERVE && limits.overcommit !== 2) bits |= vm.VM_NORESERVE;
  if (!isAccountable(bits)) return bits;
  if (limits.overcommit !== 1 && length > limits.totalRam) fail(ENOMEM);
  return bits | vm.VM_ACCOUNT;
}

/** mlock_future_ok() and can_do_mlock() */
function checkLocked(mm: Mm, limits: MmLimits, bits: number, pages: number): void {
  if (!(bits & vm.VM_LOCKED) || limits.capIpcLock) return;
  if (limits.memlock === 0) fail(EPERM);
  if ((mm.counters().lockedVm + pages) * PAGE_SIZE > limits.memlock) fail(EAGAIN);
}

/** The length in whole pages, and the offset as a page index, after do_mmap()'s first checks. */
function checkShape(request: MmapRequest): { length: number; pgoff: number } {
  if (request.length === 0) fail(EINVAL);
  if (typeof request.length === 'bigint') fail(ENOMEM);
  const length = pageAlign(request.length);
  const { offset } = request;
  const pgoff = typeof offset === 'number' ? Math.floor(offset / PAGE_SIZE) : Number(offset >> 12n);
  return { length, pgoff };
}

/**
 * Maps memory or a file; returns the address.
 * @throws {LinuxError} EINVAL: length 0, no type, unaligned fixed address; ENOMEM: no room, a limit, no
 * frame; EPERM: below vm.mmap_min_addr, or locking is not allowed; EEXIST: MAP_FIXED_NOREPLACE over a
 * mapping; EAGAIN: over RLIMIT_MEMLOCK; EOVERFLOW: offset and length wrap; and what `mapFile` throws
 * @see mm/mmap.c, do_mmap()
 */
export function mmap(mm: Mm, request: MmapRequest, limits: MmLimits = NO_LIMITS): number {
  const { length, pgoff } = checkShape(request);
  const pages = length / PAGE_SIZE;
  if (mm.counters().mapCount > limits.maxMapCount) fail(ENOMEM);
  const addr = placeMapping(mm, request, length, limits);
  const { exports } = mm.core;
  if (request.flags & MAP_FIXED_NOREPLACE) {
    const there = mm.findVma(addr);
    if (there !== null && there.start < addr + length) fail(EEXIST);
  }
  checkLocked(mm, limits, baseFlags(request.prot, request.flags), pages);
  const wanted = plan(mm, request, length, pgoff);
  const { file } = wanted;
  try {
    checkExpand(mm, limits, wanted.bits, pages - pagesInside(mm, addr, length));
    const bits = account(wanted.bits, request.flags, length, limits);
    const vmFile = file === null ? 0 : takeVmFile(mm.core, file);
    const at = wanted.pgoff ?? addr / PAGE_SIZE;
    const max = limits.maxMapCount;
    const error = exports.mapRegion(mm.ptr, addr, addr + length, bits, vmFile, at, 0, max);
    if (error < 0 && vmFile !== 0) dropVmFile(mm.core, vmFile);
    checked(error);
  } finally {
    // The mapping holds its own reference by now.
    file?.put();
    putReleasedFiles(mm.core);
  }
  const locked = (wanted.bits & vm.VM_LOCKED) !== 0;
  if (locked || (request.flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE) {
    populate(mm, addr, addr + length);
  }
  return addr;
}

/** Pages of [addr, addr + length) that are mapped now and will be replaced: count_vma_pages_range(). */
function pagesInside(mm: Mm, addr: number, length: number): number {
  let pages = 0;
  for (let vma = mm.findVma(addr); vma !== null && vma.start < addr + length;) {
    pages += (Math.min(vma.end, addr + length) - Math.max(vma.start, addr)) / PAGE_SIZE;
    vma = mm.findVma(vma.end);
  }
  return pages;
}

/**
 * Unmaps [addr, addr + length), length rounded up; holes are fine.
 * @throws {LinuxError} EINVAL: unaligned, empty or outside user memory; ENOMEM: a split is over
 * vm.max_map_count; EPERM: a sealed mapping
 * @see mm/vma.c, do_vmi_munmap()
 */
export function munmap(mm: Mm, addr: U64, length: U64, limits: MmLimits = NO_LIMITS): void {
  if (typeof addr === 'bigint' || typeof length === 'bigint') fail(EINVAL);
  if (addr % PAGE_SIZE !== 0 || addr > TASK_SIZE || length > TASK_SIZE - addr) fail(EINVAL);
  const end = addr + pageAlign(length);
  if (end === addr) fail(EINVAL);
  const error = mm.core.exports.unmapRegion(mm.ptr, addr, end, limits.maxMapCount);
  putReleasedFiles(mm.core);
  checked(error);
}
