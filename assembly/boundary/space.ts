// Address spaces.
import * as fork from '../mm/fork';
import * as grow from '../mm/grow';
import * as mms from '../mm/mm';
import { Mm } from '../mm/mm';

export function mmNew(mmapBase: f64): usize {
  return changetype<usize>(mms.newMm(<u64>mmapBase));
}

/** Fills the new mm `child` with a copy of `parent`; 0, or -1 without memory. */
export function mmDup(child: usize, parent: usize): i32 {
  return fork.dupMm(changetype<Mm>(child), changetype<Mm>(parent)) ? 0 : -1;
}

export function mmExit(mm: usize): void {
  mms.exitMm(changetype<Mm>(mm));
}

export function setGrowthLimits(minAddr: f64, asLimit: f64): void {
  grow.setGrowthLimits(<u64>minAddr, <u64>asLimit);
}
