import { EEXIST, EINVAL, ENOMEM, EPERM } from '../../assembly/abi/errno.js';
import {
  MAP_ANONYMOUS,
  MAP_DROPPABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_STACK,
  MAP_SYNC,
  MAP_TYPE,
  NEED_RAWIO,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import { checked, fail } from '../errno.js';
import { coreAddress, pageAlign, pageFloor, type U64 } from './address.js';
import { dropVmFile, putReleasedFiles, takeVmFile, type MapFile } from './map-file.js';
import { applyLimits, checkLocked, checkMayLock, NO_LIMITS, type MmLimits } from './limits.js';
import { checkWriteExec } from './mdwe.js';
import type { Mm } from './mm.js';
import { PageCache } from './page-cache.js';
import { alignsHuge, placeHint, placeMapping, PMD_SIZE } from './placement.js';
import { populate } from './populate.js';

export type { MapFile } from './map-file.js';

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
  /** The file finds places so that huge pages of it would fit (thp_get_unmapped_area()). */
  readonly placesHuge?: boolean;
  /** Makes the file behind shared anonymous memory, around its pages. */
  readonly sharedZero?: (pages: PageCache) => MapFile;
}

/** calc_vm_prot_bits() and calc_vm_flag_bits() */
function baseFlags(mm: Mm, prot: number, flags: number): number {
  let bits = (prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) | mm.defFlags;
  if (flags & MAP_GROWSDOWN) bits |= vm.VM_GROWSDOWN;
  if (flags & MAP_LOCKED) bits |= vm.VM_LOCKED;
  if (flags & MAP_SYNC) bits |= vm.VM_SYNC;
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
  /** Shared anonymous memory, whose file is new. */
  shared?: boolean;
}

/** The anonymous half of do_mmap()'s switch. */
function planAnonymous(
  mm: Mm,
  request: MmapRequest,
  limits: MmLimits,
  bits: number,
  length: number,
): Plan {
  const type = request.flags & MAP_TYPE;
  if (type === MAP_SHARED) {
    if (bits & vm.VM_GROWSDOWN) fail(EINVAL);
    if (request.sharedZero === undefined) fail(EINVAL);
    const pages = new PageCache(mm.core, { kind: 'memory' });
    pages.resize(length);
    bits |= vm.VM_SHARED | vm.VM_MAYSHARE;
    return { bits, file: request.sharedZero(pages), pgoff: 0, shared: true };
  }
  if (type === MAP_DROPPABLE && limits.rules.mapDroppable) {
    if (request.flags & MAP_LOCKED || bits & vm.VM_GROWSDOWN) fail(EINVAL);
    bits |= vm.VM_DROPPABLE | vm.VM_NORESERVE | vm.VM_WIPEONFORK | vm.VM_DONTDUMP;
    return { bits, file: null, pgoff: null };
  }
  if (type !== MAP_PRIVATE) fail(EINVAL);
  return { bits, file: null, pgoff: null };
}

function plan(mm: Mm, request: MmapRequest, limits: MmLimits, length: number, pgoff: number): Plan {
  const readExecutes = limits.readImpliesExec && (request.prot & PROT_READ) !== 0;
  const implied = readExecutes ? vm.VM_EXEC : 0;
  const asked = baseFlags(mm, request.prot, request.flags);
  if (request.mapFile === undefined) {
    return planAnonymous(mm, request, limits, asked | implied, length);
  }
  const mapped = request.mapFile();
  const bits = mapped.mayExec ? asked | implied : asked;
  const type = request.flags & MAP_TYPE;
  if (bits & vm.VM_GROWSDOWN) {
    mapped.file.put();
    fail(EINVAL);
  }
  const withFile = fileFlags(bits, type, mapped) | mapped.file.vmFlags;
  return { bits: withFile, file: mapped.file, pgoff };
}

/** __mmap_complete(): mappings of the special kinds are never locked, droppable ones neither. */
function settleLock(bits: number): number {
  const special = vm.VM_IO | vm.VM_DONTEXPAND | vm.VM_PFNMAP | vm.VM_MIXEDMAP;
  return bits & (special | vm.VM_DROPPABLE) ? bits & ~(vm.VM_LOCKED | vm.VM_LOCKONFAULT) : bits;
}

/** MAP_NORESERVE as a VM_* bit, which counts unless nothing may be promised that is not there. */
function reserveFlag(flags: number, limits: MmLimits): number {
  return flags & MAP_NORESERVE && limits.overcommit !== 2 ? vm.VM_NORESERVE : 0;
}

/**
 * What secret memory refuses of a mapping: a private one, or one over RLIMIT_MEMLOCK. It is asked when what
 * was there is gone, so nothing comes back.
 * @see mm/secretmem.c, secretmem_mmap_prepare()
 */
function prepareSecret(mm: Mm, wanted: Plan, addr: number, length: number, limits: MmLimits): void {
  const error = mm.core.exports.unmapRegion(mm.ptr, addr, addr + length, limits.maxMapCount);
  // Before the file is taken again: it may be the one that just lost its last VMA.
  putReleasedFiles(mm.core);
  checked(error);
  if (!(wanted.bits & vm.VM_MAYSHARE)) fail(EINVAL);
  checkLocked(mm, limits, wanted.bits, length / PAGE_SIZE);
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

/** mmap_region(): puts the mapping where it was found to go. */
function region(mm: Mm, wanted: Plan, addr: number, length: number, limits: MmLimits): void {
  const { exports } = mm.core;
  const { file } = wanted;
  const end = addr + length;
  const max = limits.maxMapCount;
  try {
    checkWriteExec(mm, wanted.bits);
    const shared = wanted.shared === true;
    const set = checked(exports.setupRegion(mm.ptr, addr, end, wanted.bits, shared, max));
    const bits = settleLock(set);
    if (bits & vm.VM_SECRETMEM) prepareSecret(mm, wanted, addr, length, limits);
    const vmFile = file === null ? 0 : takeVmFile(mm.core, file);
    const at = wanted.pgoff ?? addr / PAGE_SIZE;
    const error = exports.mapRegion(mm.ptr, addr, end, bits, vmFile, at, 0, max);
    if (error < 0 && vmFile !== 0) dropVmFile(mm.core, vmFile);
    checked(error);
  } finally {
    // The mapping holds its own reference by now.
    file?.put();
    putReleasedFiles(mm.core);
  }
}

/** Is it private anonymous memory that nothing but the limits has a say in? */
function isPlain(mm: Mm, addr: U64, flags: number): addr is number {
  const type = flags & (MAP_TYPE | MAP_LOCKED);
  if (type !== MAP_PRIVATE || typeof addr === 'bigint') return false;
  return mm.defFlags === 0 && mm.mdwe === 0;
}

/**
 * The same as mmap() for private anonymous memory, in one call of the core and without an object: what
 * programs ask for most.
 * @throws {LinuxError} see mmap()
 */
export function mmapAnonymous(
  mm: Mm,
  addr: U64,
  length: U64,
  prot: number,
  flags: number,
  limits: MmLimits,
): number {
  if (!isPlain(mm, addr, flags)) return mmap(mm, { addr, length, prot, flags, offset: 0 }, limits);
  if (length === 0) fail(EINVAL);
  if (typeof length === 'bigint') fail(ENOMEM);
  const size = pageAlign(length);
  const implied = limits.readImpliesExec && prot & PROT_READ ? vm.VM_EXEC : 0;
  const bits = baseFlags(mm, prot, flags) | implied | reserveFlag(flags, limits);
  applyLimits(mm, limits);
  const { exports } = mm.core;
  const max = limits.maxMapCount;
  const hint = placeHint(addr, flags, limits);
  const aligns = alignsHuge(size, limits.rules);
  const low = limits.mmapMinAddr;
  let at = exports.mmapAnonymous(mm.ptr, hint, size, bits, flags, aligns, low, max);
  if (at === -NEED_RAWIO) {
    if (!limits.capSysRawio) fail(EPERM);
    at = exports.mmapAnonymous(mm.ptr, hint, size, bits, flags, aligns, 0, max);
  }
  if (at < 0 || at & 1) putReleasedFiles(mm.core);
  at = pageFloor(checked(at));
  if (isPopulated(flags)) populate(mm, at, at + size);
  return at;
}

function isPopulated(flags: number): boolean {
  return (flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE;
}

/** What the two below answer when mmap() and munmap() have to be called; no address, and no errno. */
export const NOT_READY = 1;
/** What may stand beside MAP_PRIVATE for mmapReady(). */
const READY_FLAGS = MAP_TYPE | MAP_ANONYMOUS | MAP_FIXED | MAP_FIXED_NOREPLACE;
const MAY_ALL = vm.VM_MAYREAD | vm.VM_MAYWRITE | vm.VM_MAYEXEC;
const PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXEC;

/**
 * mmap() for the requests that most are: private anonymous memory without a hint, under limits that the core knows
 * already. Registers are those of the system call, signed; what goes on as double makes no object on the way.
 * @returns the address or a negative errno; NOT_READY, and nothing was done
 */
export function mmapReady(mm: Mm, registers: Float64Array, limits: MmLimits): number {
  const { core } = mm;
  const flags = (registers[3] as number) | 0;
  const addr = registers[0] as number;
  const length = registers[1] as number;
  const fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0;
  const usual = (flags & ~READY_FLAGS) === 0 && (flags & MAP_ANONYMOUS) !== 0;
  if (!usual || (flags & MAP_TYPE) !== MAP_PRIVATE || (mm.defFlags | mm.mdwe) !== 0)
    return NOT_READY;
  if (core.limits !== limits || limits.readImpliesExec) return NOT_READY;
  // A hint, the kernel's half, no length, or an offset that counts.
  if (!(fixed ? addr >= 0 : addr === 0) || length <= 0 || registers[5] !== 0) return NOT_READY;
  const size = pageAlign(length);
  const bits = ((registers[2] as number) & PROT_ALL) | MAY_ALL;
  const aligns = size >= PMD_SIZE && alignsHuge(size, limits.rules);
  const { mmapMinAddr, maxMapCount } = limits;
  const { exports } = core;
  const at = exports.mmapAnonymous(
    mm.ptr,
    addr,
    size,
    bits,
    flags,
    aligns,
    mmapMinAddr,
    maxMapCount,
  );
  if (at >= 0 && (at & 1) === 0) return at;
  if (at === -NEED_RAWIO) return NOT_READY;
  putReleasedFiles(core);
  return at < 0 ? at : at - 1;
}

/** The same of munmap(): 0, a negative errno, or NOT_READY. */
export function munmapReady(mm: Mm, registers: Float64Array, limits: MmLimits): number {
  const addr = registers[0] as number;
  const length = registers[1] as number;
  if (addr < 0 || length < 0) return NOT_READY;
  const n = mm.core.exports.munmap(mm.ptr, addr, length, limits.maxMapCount);
  if (n <= 0) return n;
  putReleasedFiles(mm.core);
  return 0;
}

/**
 * Maps memory or a file; returns the address.
 * @throws {LinuxError} EINVAL: length 0, no type, unaligned fixed address; ENOMEM: no room, a limit, no
 * frame; EPERM: below vm.mmap_min_addr, locking is not allowed, or over a sealed mapping; EEXIST:
 * MAP_FIXED_NOREPLACE over a mapping; EAGAIN: over RLIMIT_MEMLOCK; EACCES: writable and executable under
 * PR_SET_MDWE; and what `mapFile` throws
 * @see mm/mmap.c, do_mmap()
 */
export function mmap(mm: Mm, request: MmapRequest, limits: MmLimits = NO_LIMITS): number {
  const { prot, flags } = request;
  if (request.mapFile === undefined && isPlain(mm, request.addr, flags)) {
    return mmapAnonymous(mm, request.addr, request.length, prot, flags, limits);
  }
  const { length, pgoff } = checkShape(request);
  applyLimits(mm, limits);
  if (mm.mapCount > limits.maxMapCount) fail(ENOMEM);
  const addr = placeMapping(mm, request, length, limits);
  if (flags & MAP_FIXED_NOREPLACE) {
    const there = mm.findVma(addr);
    if (there !== null && there.start < addr + length) fail(EEXIST);
  }
  if (flags & MAP_LOCKED) checkMayLock(limits);
  const bits = baseFlags(mm, prot, flags);
  checkLocked(mm, limits, bits, length / PAGE_SIZE);
  const wanted = plan(mm, request, limits, length, pgoff);
  wanted.bits |= reserveFlag(flags, limits);
  region(mm, wanted, addr, length, limits);
  if (isPopulated(flags) || bits & vm.VM_LOCKED) populate(mm, addr, addr + length);
  return addr;
}

/**
 * Unmaps [addr, addr + length), length rounded up; holes are fine.
 * @throws {LinuxError} EINVAL: unaligned, empty or outside user memory; ENOMEM: a split is over
 * vm.max_map_count; EPERM: a sealed mapping
 * @see mm/vma.c, do_vmi_munmap()
 */
export function munmap(mm: Mm, addr: U64, length: U64, limits: MmLimits = NO_LIMITS): void {
  const { exports } = mm.core;
  const from = coreAddress(addr);
  if (checked(exports.munmap(mm.ptr, from, coreAddress(length), limits.maxMapCount)) > 0) {
    putReleasedFiles(mm.core);
  }
}
