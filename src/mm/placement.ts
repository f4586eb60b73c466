import { EINVAL, ENOMEM, EPERM } from '../../assembly/abi/errno.js';
import { MAP_FIXED, MAP_FIXED_NOREPLACE } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { checked, fail } from '../errno.js';
import { TASK_SIZE, pageAlign, pageFloor, type U64 } from './address.js';
import type { Mm } from './mm.js';

const PMD_SIZE = 2 ** 21;
/** TASK_UNMAPPED_BASE: where bottom-up placement starts when the top is full. */
const UNMAPPED_BASE = pageAlign(Math.floor(2 ** 47 / 3));

/** Address and flags of a request for memory, and the bounds that concern its place. */
interface Placement {
  readonly addr: U64;
  readonly flags: number;
  readonly mapFile?: unknown;
}

interface PlaceLimits {
  readonly mmapMinAddr: number;
  readonly lsmMmapMinAddr: number;
  readonly capSysRawio: boolean;
}

/** round_hint_to_min() */
function roundHint(addr: U64, limits: PlaceLimits): U64 {
  if (typeof addr === 'bigint') return addr;
  const hint = pageFloor(addr);
  const min = Math.max(limits.mmapMinAddr, limits.lsmMmapMinAddr);
  return hint !== 0 && hint < min ? pageAlign(min) : hint;
}

/** vm_unmapped_area(): top down from mmap_base, then anywhere above it. */
function searchHole(mm: Mm, length: number): number {
  const { exports } = mm.core;
  const base = exports.mmapBase(mm.ptr);
  const top = exports.unmappedArea(mm.ptr, length, PAGE_SIZE, base, PAGE_SIZE);
  if (top >= 0) return top;
  return checked(exports.unmappedArea(mm.ptr, length, UNMAPPED_BASE, TASK_SIZE, PAGE_SIZE));
}

/** __thp_get_unmapped_area(): whole 2 MiB units of anonymous memory are aligned to them (K-506). */
function searchHuge(mm: Mm, length: number): number {
  const { exports } = mm.core;
  const base = exports.mmapBase(mm.ptr);
  const padded = exports.unmappedArea(mm.ptr, length + PMD_SIZE, PAGE_SIZE, base, PAGE_SIZE);
  if (padded < 0) return searchHole(mm, length);
  const past = padded % PMD_SIZE;
  return past === 0 ? padded + PMD_SIZE : padded + PMD_SIZE - past;
}

/** The address without the final checks: arch_get_unmapped_area_topdown(). */
function choose(mm: Mm, request: Placement, hint: U64, length: number): U64 {
  if (request.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) return hint;
  if (typeof hint === 'number' && hint !== 0 && hint <= TASK_SIZE - length) {
    if (mm.core.exports.isFree(mm.ptr, hint, length)) return hint;
  }
  const huge = request.mapFile === undefined && hint === 0 && length % PMD_SIZE === 0;
  return huge ? searchHuge(mm, length) : searchHole(mm, length);
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
  const addr = choose(mm, request, hint, length);
  if (typeof addr === 'bigint' && addr > LAST_ADDRESS) fail(Number((1n << 64n) - addr));
  if (typeof addr === 'bigint' || addr > TASK_SIZE - length) fail(ENOMEM);
  if (addr % PAGE_SIZE !== 0) fail(EINVAL);
  if (addr < limits.mmapMinAddr && !limits.capSysRawio) fail(EPERM);
  return addr;
}
