import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
} from '../abi.js';
import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE } from '../step.js';
import type { Area } from './addresses.js';
import type { Backing } from './backing.js';

/** A protection: any of the eight, the usual ones more often. */
export function protection(rng: Rng): number {
  return rng.chance(0.5) ? rng.pick([1, 3, 3, 5]) : rng.int(8);
}

/**
 * Maps one area at a place: anonymous or of a file, private or shared, of any protection; at times
 * filled before its protection is taken away.
 *
 * Private anonymous memory is always stored to first: a first load makes an area that has been written
 * no other, but whether it makes one that has not been (its anon_vma, which decides merges) depends on
 * the kernel having a zero page.
 */
export function mapArea(
  s: Scenario,
  task: string,
  start: number,
  pages: number,
  files: readonly Backing[],
): Area {
  const { rng } = s;
  const file = files.length > 0 && rng.chance(0.5) ? rng.pick(files) : null;
  const sharing = rng.chance(0.6) ? MAP_PRIVATE : MAP_SHARED;
  const extra = rng.chance(0.1) ? rng.pick([MAP_NORESERVE, MAP_POPULATE]) : 0;
  const flags = sharing | MAP_FIXED | extra | (file === null ? MAP_ANONYMOUS : 0);
  const offset = file === null ? 0 : PAGE * rng.pick([0, 0, 1, 2]);
  const late = rng.chance(0.4) || (file === null && sharing === MAP_PRIVATE);
  const prot = late ? PROT_READ | PROT_WRITE : protection(rng);
  const fd = file === null ? -1 : { ref: file.fd };
  const mapped = s.call(task, 'mmap', [hex(start), pages * PAGE, prot, flags, fd, offset]);
  const area = { start, end: start + pages * PAGE };
  if (mapped.ok && prot & PROT_WRITE) {
    s.poke(task, start, rng.hexBytes(1));
    scatter(s, task, area);
  }
  if (mapped.ok && late && rng.chance(0.8)) protectSome(s, task, area);
  return area;
}

/** Stores a few bytes into some pages of an area. */
export function scatter(s: Scenario, task: string, { start, end }: Area): void {
  for (let page = start; page < end; page += PAGE) {
    if (s.rng.chance(0.5))
      s.poke(task, page + s.rng.pick([0, 1, 100, 4090]), s.rng.hexBytes(s.rng.between(1, 6)));
  }
}

/** Changes the protection of all or a part of an area. */
export function protectSome(s: Scenario, task: string, { start, end }: Area): void {
  const pages = (end - start) / PAGE;
  const from = s.rng.chance(0.6) ? 0 : s.rng.int(pages);
  const count = s.rng.chance(0.6) ? pages - from : s.rng.between(1, pages - from);
  s.call(task, 'mprotect', [hex(start + from * PAGE), count * PAGE, protection(s.rng)]);
}

/** A window of areas with holes between some of them. */
export function mapLayout(
  s: Scenario,
  task: string,
  start: number,
  count: number,
  files: readonly Backing[],
): Area[] {
  const areas: Area[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    const area = mapArea(s, task, at, s.rng.between(1, 5), files);
    areas.push(area);
    at = area.end + (s.rng.chance(0.5) ? 0 : PAGE * s.rng.between(1, 3));
  }
  return areas;
}
