import { EINVAL, ENOMEM, EPERM } from '../../assembly/abi/errno.js';
import { MAP_32BIT, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_SHARED } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { checked, fail } from '../errno.js';
import { TASK_SIZE, pageAlign, pageFloor, type U64 } from './address.js';
import type { MmRules } from './limits.js';
import type { Mm } from './mm.js';

const PMD_SIZE = 2 ** 21;
/** Where MAP_32BIT looks for room, from the bottom up. */
const LOW_START = 0x40000000;
const LOW_END = 0x80000000;
/** TASK_UNMAPPED_BASE: where bottom-up placement starts when the top is full. */
const UNMAPPED_BASE = pageAlign(Math.floor(2 ** 47 / 3));

/** Address and flags of a request for memory, and the bounds that concern its place. */
interface Placement {
  readonly addr: U64;
  readonly flags: number;
  readonly mapFile?: unknown;
  /** The file finds places so that huge pages of it would fit. */
  readonly placesHuge?: boolean;
  /** Byte offset in the file. */
  readonly offset?: U64;
}

interface PlaceLimits {
  readonly mmapMinAddr: number;
  readonly lsmMmapMinAddr: number;
  readonly capSysRawio: boolean;
  readonly rules: MmRules;
}

/** round_hint_to_min() */
function roundHint(addr: U64, limits: PlaceLimits): U64 {
  if (typeof addr === 'bigint') return addr;
  const hint = pageFloor(addr);
  const min = Math.max(limits.mmapMinAddr, limits.lsmMmapMinAddr);
  return hint !== 0 && hint < min ? pageAlign(min) : hint;
}

/** arch_get_unmapped_area(): the hint, or the lowest hole. */
function searchUp(mm: Mm, length: number, hint: U64, start: number, end: number): number {
  const { exports } = mm.core;
  if (isRoom(mm, hint, length, end)) return hint;
  return exports.unmappedAreaBottomup(mm.ptr, length, start, end);
}

function isRoom(mm: Mm, hint: U64, length: number, end: number): hint is number {
  if (typeof hint === 'bigint' || hint === 0 || hint > end - length) return false;
  return mm.core.exports.isFree(mm.ptr, hint, length);
}

/**
 * The hint, or the highest hole below mmap_base, or else the lowest above TASK_UNMAPPED_BASE; with
 * MAP_32BIT from the bottom up below 2 GiB. Negative errno without one.
 * @see arch/x86/kernel/sys_x86_64.c, arch_get_unmapped_area_topdown()
 */
function search(mm: Mm, length: number, hint: U64, flags: number): number {
  if (flags & MAP_32BIT) return searchUp(mm, length, hint, LOW_START, LOW_END);
  if (isRoom(mm, hint, length, TASK_SIZE)) return hint;
  const { exports } = mm.core;
  const top = exports.unmappedArea(mm.ptr, length, PAGE_SIZE, exports.mmapBase(mm.ptr));
  return top >= 0 ? top : exports.unmappedAreaBottomup(mm.ptr, length, UNMAPPED_BASE, TASK_SIZE);
}

/**
 * A place where address and offset agree within 2 MiB, for at least one whole such unit of the file;
 * null where that makes no sense, or there is no room (K-506).
 * @see mm/huge_memory.c, __thp_get_unmapped_area()
 */
function searchHuge(mm: Mm, length: number, hint: U64, request: Placement): number | null {
  const offset = request.mapFile === undefined ? 0 : (request.offset ?? 0);
  const within = Number(BigInt(offset) % BigInt(PMD_SIZE));
  const toUnit = (PMD_SIZE - within) % PMD_SIZE;
  if (length - toUnit < PMD_SIZE) return null;
  const found = search(mm, length + PMD_SIZE, hint, request.flags);
  if (found < 0) return null;
  if (found === hint) return found;
  const past = (within + PMD_SIZE - (found % PMD_SIZE)) % PMD_SIZE;
  return found + (past === 0 ? PMD_SIZE : past);
}

/** Whether private anonymous memory of this length is aligned for huge pages (K-506). */
function alignsHuge(length: number, { thpAlignment }: MmRules): boolean {
  if (thpAlignment === 'multiples') return length % PMD_SIZE === 0;
  return thpAlignment === 'large' && length >= PMD_SIZE;
}

/** Files that ask for it, and private anonymous memory without a hint. */
function wantsHuge(request: Placement, hint: U64, length: number, rules: MmRules): boolean {
  if (request.mapFile !== undefined) return request.placesHuge === true;
  // As shmem without huge pages, shared memory lies anywhere. MAP_DROPPABLE has no bit of it.
  return (request.flags & MAP_SHARED) === 0 && hint === 0 && alignsHuge(length, rules);
}

/** The address without the final checks: __get_unmapped_area(). */
function choose(mm: Mm, request: Placement, hint: U64, length: number, rules: MmRules): U64 {
  if (request.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) return hint;
  const wants = wantsHuge(request, hint, length, rules);
  const huge = wants ? searchHuge(mm, length, hint, request) : null;
  return huge ?? checked(search(mm, length, hint, request.flags));
}

/** Fixed addresses above it read as errors, and are returned as such: IS_ERR_VALUE(). */
const LAST_ADDRESS = (1n << 64n) - 4096n;

/**
 * Where a mapping of `length` bytes goes.
 * @throws {LinuxError} ENOMEM: no hole, or outside user memory; EINVAL: unaligned; EPERM: below
 * vm.mmap_min_addr; any error: what a fixed address in the topmost page says as a negative number
 * @see mm/mmap.c, __get_unmapped_area()
 */
export function placeMapping(
  mm: Mm,
  request: Placement,
  length: number,
  limits: PlaceLimits,
): number {
  const fixed = (request.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0;
  const hint = fixed ? request.addr : roundHint(request.addr, limits);
  if (length > TASK_SIZE) fail(ENOMEM);
  const addr = choose(mm, request, hint, length, limits.rules);
  if (typeof addr === 'bigint' && addr > LAST_ADDRESS) fail(Number((1n << 64n) - addr));
  if (typeof addr === 'bigint' || addr > TASK_SIZE - length) fail(ENOMEM);
  if (addr % PAGE_SIZE !== 0) fail(EINVAL);
  if (addr < limits.mmapMinAddr && !limits.capSysRawio) fail(EPERM);
  return addr;
}
