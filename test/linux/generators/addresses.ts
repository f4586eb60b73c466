import type { Rng } from '../rng.js';
import { hex, PAGE } from '../step.js';

/** A run of pages that a generator mapped, or believes it did. */
export interface Area {
  readonly start: number;
  readonly end: number;
}

/** Addresses that hold nothing in any process: below mmap_min_addr, beyond user space, non-canonical. */
const NOWHERE = [
  '0x0',
  '0x8',
  '0xfff',
  '0x1000',
  '0x7ffffffff000',
  '0x7ffffffffff8',
  '0x7fffffffffff',
  '0x800000000000',
  '0x7ffffffffffffff8',
  '0x7fffffffffffffff',
];
/** As above, but a negative offset to pread: only lseek and a pointer can name them. */
const NOWHERE_NEGATIVE = [
  '0x8000000000000000',
  '0xffff800000000000',
  '0xffff888000000000',
  '0xffffffff81000000',
  '0xffffffffff600000',
  '0xfffffffffffff000',
];

const NEAR = [-4097, -4096, -100, -9, -8, -7, -1, 0, 0, 0, 1, 3, 8, 100, 4088, 4095, 4096];

/** An address at or near one of `areas`: at its edges, at page edges, inside, or in the hole behind. */
export function addressNear(rng: Rng, areas: readonly Area[]): number {
  const { start, end } = rng.pick(areas);
  const page = start + PAGE * rng.int((end - start) / PAGE);
  return rng.weighted<() => number>([
    [3, () => start],
    [3, () => start + rng.pick(NEAR)],
    [3, () => end + rng.pick(NEAR)],
    [4, () => page + rng.pick(NEAR)],
    [4, () => page + rng.int(PAGE)],
  ])();
}

/** An address where nothing is. */
export function nowhere(rng: Rng): string {
  return rng.pick(rng.chance(0.7) ? NOWHERE : NOWHERE_NEGATIVE);
}

/** An offset for a mem file: mostly near `areas`, at times nowhere. */
export function memOffset(rng: Rng, areas: readonly Area[]): string {
  return rng.chance(0.06) ? nowhere(rng) : hex(addressNear(rng, areas));
}

/** A byte count: small ones often, the page's neighbours, and several chunks. */
export function byteCount(rng: Rng): number {
  return rng.weighted<() => number>([
    [1, () => 0],
    [4, () => rng.between(1, 16)],
    [3, () => rng.between(17, 300)],
    [2, () => rng.pick([4095, 4096, 4097])],
    [2, () => rng.pick([8191, 8192, 8193, 12288, 12289, 20000])],
    [1, () => rng.between(1, 3 * PAGE)],
  ])();
}

/** A count of bytes that no buffer has. */
export function absurdCount(rng: Rng): string {
  return rng.pick([
    '0x7fffffff',
    '0x7ffff000',
    '0x80000000',
    '0x100000000',
    '0x7fffffffffffffff',
    '0x8000000000000000',
    '0xfffffffffffff000',
    '0xffffffffffffffff',
  ]);
}
