import { EPERM } from '../../assembly/abi/errno.js';
import { MAP_FIXED, MAP_FIXED_NOREPLACE } from '../../assembly/abi/mman.js';
import { checked, fail } from '../errno.js';
import { coreAddress, pageAlign, pageFloor, type U64 } from './address.js';
import type { Mm } from './mm.js';

/** The bounds that concern the place of a mapping. */
interface PlaceLimits {
  readonly mmapMinAddr: number;
  readonly lsmMmapMinAddr: number;
  readonly capSysRawio: boolean;
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

/**
 * Where a mapping of `length` bytes, whole pages, goes.
 * @param anonymous private memory or shared, but of no file: large ones are aligned to 2 MiB
 * @throws {LinuxError} ENOMEM: no hole, or outside user memory; EINVAL: unaligned; EPERM: below
 * vm.mmap_min_addr
 * @see mm/mmap.c, __get_unmapped_area()
 */
export function placeMapping(
  mm: Mm,
  addr: U64,
  length: number,
  flags: number,
  anonymous: boolean,
  limits: PlaceLimits,
): number {
  const hint = placeHint(addr, flags, limits);
  const at = checked(mm.core.exports.getUnmappedArea(mm.ptr, hint, length, flags, anonymous));
  if (at < limits.mmapMinAddr && !limits.capSysRawio) fail(EPERM);
  return at;
}
