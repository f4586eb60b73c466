// Address spaces.
import { keepSalt } from '../mm/asid';
import * as fork from '../mm/fork';
import * as grow from '../mm/grow';
import { limitPages } from '../mm/limits';
import * as mms from '../mm/mm';
import { Mm } from '../mm/mm';

export function mmNew(mmapBase: f64): usize {
  return changetype<usize>(mms.newMm(<u64>mmapBase));
}

/** Fills the new mm `child` with a copy of `parent`; 0, or -1 without memory. */
export function mmDup(child: usize, parent: usize): i32 {
  return fork.dupMm(changetype<Mm>(child), changetype<Mm>(parent)) ? 0 : -1;
}

/** After loadState() has taken all numbers of the TLB back: an mm keeps its own. */
export function mmKeepSalt(mm: usize): void {
  const space = changetype<Mm>(mm);
  space.salt = keepSalt(space.salt);
}

export function mmExit(mm: usize): void {
  mms.exitMm(changetype<Mm>(mm));
}

/** RLIMIT_AS in bytes for the growth of stacks by accesses. */
export function setGrowthLimit(mm: usize, bytes: f64): void {
  changetype<Mm>(mm).growthLimit = limitPages(bytes);
}

/** vm.mmap_min_addr, below which nothing grows. */
export function setMmapMinAddr(minAddr: f64): void {
  grow.setMmapMinAddr(<u64>minAddr);
}
