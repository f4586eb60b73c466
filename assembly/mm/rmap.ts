// What maps a page: the counts that a page-table entry adds to its frame and to its mm.
import { PG_ANON } from '../abi/layout';
import { getFrame, mapcount, pageFlags, pageOwner, putFrame, setMapcount } from './frame';
import { MAPPING_HOST, Mapping } from './mapping';
import { Mm, noteRss } from './mm';

/** Counts a page of `mm` by kind, as mm_counter() of include/linux/mm.h chooses it. */
function countRss(mm: Mm, frame: usize, by: i32): void {
  if (pageFlags(frame) & PG_ANON) mm.rssAnon += by;
  else if (changetype<Mapping>(pageOwner(frame)).kind == MAPPING_HOST) mm.rssFile += by;
  else mm.rssShmem += by;
}

/** A page-table entry of `mm` now maps `frame` and takes over the caller's reference. */
export function addRmap(mm: Mm, frame: usize): void {
  setMapcount(frame, mapcount(frame) + 1);
  countRss(mm, frame, 1);
  noteRss(mm);
}

/** The same for a further mapping, with a reference of its own. */
export function dupRmap(mm: Mm, frame: usize): void {
  getFrame(frame);
  addRmap(mm, frame);
}

/** A page-table entry of `mm` let go of `frame`: its count and its reference. */
export function removeRmap(mm: Mm, frame: usize): void {
  countRss(mm, frame, -1);
  setMapcount(frame, mapcount(frame) - 1);
  putFrame(frame);
}
