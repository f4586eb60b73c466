import { EPERM } from '../../assembly/abi/errno.js';
import { MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_SHARED } from '../../assembly/abi/mman.js';
import { checked, fail } from '../errno.js';
import { TASK_SIZE, coreAddress, pageAlign, pageFloor, type U64 } from './address.js';
import type { MmRules } from './limits.js';
import type { Mm } from './mm.js';

/** What a huge page covers. */
export const PMD_SIZE = 2 ** 21;
/** What the core takes for a mapping that huge pages need not fit into. */
const ANYWHERE = -1;
/** Fixed addresses above it read as errors, and are returned as such: IS_ERR_VALUE(). */
const LAST_ADDRESS = (1n << 64n) - 4096n;

/** Address and flags of a request for memory, and what else concerns its place. */
interface Placement {
  readonly addr: U64;
  readonly flags: number;
  readonly mapFile?: unknown;
  /** The file finds places so that huge pages of it would fit. */
  readonly placesHuge?: boolean;
  /** Byte offset in the file. */
  readonly offset?: U64;
}

/** The bounds that concern the place of a mapping. */
interface PlaceLimits {
  readonly mmapMinAddr: number;
  readonly lsmMmapMinAddr: number;
  readonly capSysRawio: boolean;
  readonly rules: MmRules;
}

/**
 * The address of a request as the core takes it: the place itself where `flags` fix it, otherwise a hint,
 * raised to what a mapping may have at least.
 * @see mm/mmap.c, round_hint_to_min()
 */
export function placeHint(addr: U64, flags: number, limits: PlaceLimits): number {
  const hint = coreAddress(addr);
  if (hint === 0 || flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) return hint;
  const page = pageFloor(hint);
  const min = Math.max(limits.mmapMinAddr, limits.lsmMmapMinAddr);
  return page !== 0 && page < min ? pageAlign(min) : page;
}

/** Is private anonymous memory of this length, without a hint, aligned for huge pages (K-506)? */
export function alignsHuge(length: number, { thpAlignment }: MmRules): boolean {
  // The low bits of a number are cheaper than its remainder.
  if (thpAlignment === 'multiples') return (length & (PMD_SIZE - 1)) === 0;
  return thpAlignment === 'large' && length >= PMD_SIZE;
}

/** Where in 2 MiB a mapping starts that is placed for huge pages: files that ask for it, private memory. */
function unitOffset(request: Placement, hint: number, length: number, rules: MmRules): number {
  if (request.mapFile !== undefined) {
    if (request.placesHuge !== true) return ANYWHERE;
    return Number(BigInt(request.offset ?? 0) % BigInt(PMD_SIZE));
  }
  // As shmem without huge pages, shared memory lies anywhere. MAP_DROPPABLE has no bit of it.
  if ((request.flags & MAP_SHARED) !== 0 || hint !== 0) return ANYWHERE;
  return alignsHuge(length, rules) ? 0 : ANYWHERE;
}

/**
 * Where a mapping of `length` bytes, whole pages, goes.
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
  const { addr, flags } = request;
  const fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0;
  const isError = fixed && typeof addr === 'bigint' && addr > LAST_ADDRESS;
  if (isError && length <= TASK_SIZE) fail(Number((1n << 64n) - addr));
  const hint = placeHint(addr, flags, limits);
  const within = unitOffset(request, hint, length, limits.rules);
  const at = checked(mm.core.exports.getUnmappedArea(mm.ptr, hint, length, flags, within));
  if (at < limits.mmapMinAddr && !limits.capSysRawio) fail(EPERM);
  return at;
}
