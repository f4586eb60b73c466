// Files as memory sees them: page caches, and what mappings hold of open files.
import { PG_DIRTY, PG_FALLOCATED } from '../abi/layout';
import { beforeWrite } from '../mm/checkpoint';
import * as fault from '../mm/fault';
import { dropCode } from '../mm/code';
import * as frames from '../mm/frame';
import * as cache from '../mm/mapping';
import * as truncation from '../mm/truncate';
import * as writeback from '../mm/writeback';
import { Mapping, VmFile } from '../mm/mapping';

export function mappingNew(kind: u32, id: u32): usize {
  return changetype<usize>(cache.newMapping(kind, id));
}

export function mappingFree(mapping: usize): void {
  cache.freeMapping(changetype<Mapping>(mapping));
}

export function mappingSetSize(mapping: usize, size: f64): void {
  truncation.setSize(changetype<Mapping>(mapping), <u64>size);
}

export function mappingPunch(mapping: usize, start: f64, end: f64): void {
  truncation.punchHole(changetype<Mapping>(mapping), <u64>start, <u64>end);
}

/** The frame of page `index`, 0 when it is not cached or not in use. */
export function mappingFind(mapping: usize, index: f64): usize {
  return cache.findUptodate(changetype<Mapping>(mapping), <u64>index);
}

/** The index of the first cached page from `index` on; 2^64 when there is none. */
export function mappingNext(mapping: usize, index: f64): f64 {
  return <f64>cache.nextPage(changetype<Mapping>(mapping), <u64>index);
}

/** The frame of page `index`, made when absent (zeroed if `zero`); 0 when memory is exhausted. */
export function mappingGrab(mapping: usize, index: f64, zero: bool): usize {
  const cached = cache.usePage(changetype<Mapping>(mapping), <u64>index);
  // The host is about to write to it.
  if (cached) beforeWrite(cached);
  return cached ? cached : cache.addPage(changetype<Mapping>(mapping), <u64>index, zero);
}

/** Gives page `index` memory before it is used: 1 when it had none, 0, or -1 without memory. */
export function mappingReserve(mapping: usize, index: f64): i32 {
  const at = <u64>index;
  // What was reserved before and never used becomes a page of zeros now: SGP_FALLOC.
  let frame = cache.usePage(changetype<Mapping>(mapping), at);
  const fresh = frame == 0;
  if (fresh) frame = cache.addPage(changetype<Mapping>(mapping), at, true);
  if (frame == 0) return -1;
  const flags = frames.pageFlags(frame) | PG_DIRTY;
  frames.setPageFlags(frame, fresh ? flags | PG_FALLOCATED : flags);
  return fresh ? 1 : 0;
}

/** The page just grabbed was written to. */
export function mappingDirty(frame: usize): void {
  frames.setPageFlags(frame, frames.pageFlags(frame) | PG_DIRTY);
  dropCode(frame);
}

/** Forgets a page that was grabbed and could not be filled. */
export function mappingDrop(mapping: usize, index: f64): void {
  cache.dropPages(changetype<Mapping>(mapping), <u64>index, <u64>index);
}

/** Whether page `index` was written to, since it was last asked with `clean`. */
export function mappingTestDirty(mapping: usize, index: f64, clean: bool): bool {
  return writeback.testDirty(changetype<Mapping>(mapping), <u64>index, clean);
}

/** Forgets page `index`, from mappings too, unless it was written to. */
export function mappingInvalidate(mapping: usize, index: f64): void {
  writeback.invalidatePage(changetype<Mapping>(mapping), <u64>index);
}

/** Gives back the pages that can be read again and are in no mapping; how many. */
export function mappingReclaim(mapping: usize): u32 {
  return writeback.reclaimPages(changetype<Mapping>(mapping));
}

export function neededMapping(): u32 {
  return fault.neededMappingId();
}

export function neededPage(): f64 {
  return <f64>fault.neededPageIndex();
}

export function fileNew(mapping: usize, id: u32): usize {
  return changetype<usize>(cache.newVmFile(changetype<Mapping | null>(mapping), id));
}

export function fileGet(file: usize): void {
  changetype<VmFile>(file).refs++;
}

export function filePut(file: usize): void {
  cache.putVmFile(changetype<VmFile>(file));
}

export function takeReleasedFile(): u32 {
  return cache.takeReleasedFile();
}
