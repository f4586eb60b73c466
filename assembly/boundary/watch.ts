// Watched pages, and accesses that the host does in the core's place.
import * as user from '../mm/user';
import * as watch from '../mm/watch';
import { Mm } from '../mm/mm';

/** Empties the lists of watched pages; 0, or -ENOMEM with nothing changed. */
export function clearWatches(mm: usize): i32 {
  return watch.clearWatches(changetype<Mm>(mm));
}

/** Appends a stretch of pages to list 0 (loads), 1 (stores) or 2 (fetches). */
export function addWatch(mm: usize, which: u32, start: f64, end: f64): void {
  watch.addWatch(changetype<Mm>(mm), which, <u64>start, <u64>end);
}

/** Gives the lists back: nothing is watched. */
export function dropWatches(mm: usize): void {
  watch.dropWatches(changetype<Mm>(mm));
}

/** Whether the page of `addr` is on a list. */
export function isWatched(mm: usize, addr: f64, which: u32): bool {
  return watch.isWatched(changetype<Mm>(mm), <u64>addr, which);
}

/** Whether accesses by the CPU go on where pages are watched; the host says so only around its own. */
export function passWatches(on: bool): void {
  user.passWatches(on);
}

/** Makes a bus error the last fault: the host could not do what it was left with. */
export function failAccess(addr: f64): void {
  user.failAccess(<u64>addr);
}
