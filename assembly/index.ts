// The export list: what is not here does not cross. Addresses and lengths of guest memory cross as f64,
// which holds every user address exactly, so that JavaScript never makes a BigInt for one; places in
// linear memory and counts are i32. The core never throws: see each function for its error values.
import { checkLayouts } from './abi/check';
import { FOLL_PIN, FOLL_WRITE } from './abi/foll';
import { PG_DIRTY } from './abi/layout';
import * as access from './mm/access';
import * as cpu from './cpu/load-store';
import * as fault from './mm/fault';
import * as fork from './mm/fork';
import * as frames from './mm/frame';
import * as grow from './mm/grow';
import * as gup from './mm/gup';
import * as advise from './mm/madvise';
import * as cache from './mm/mapping';
import * as mms from './mm/mm';
import * as placement from './mm/place';
import * as region from './mm/region';
import * as remap from './mm/remap';
import * as report from './mm/report';
import * as runs from './mm/runs';
import * as tlb from './mm/tlb';
import * as truncation from './mm/truncate';
import * as user from './mm/user';
import { Mapping, VmFile } from './mm/mapping';
import { Mm } from './mm/mm';
import { Vma, findVma } from './mm/vma';

checkLayouts();

/** A page of linear memory through which small copies pass. */
const bounce = memory.data(4096, 16);

/** Starts the machine; `limit` is the most bytes of linear memory. 0, or -1 when nothing fits. */
export function init(limit: f64): i32 {
  frames.initFrames(__heap_base, <u64>limit);
  return fault.initFaults() ? 0 : -1;
}

export function bounceBuffer(): usize {
  return bounce;
}

export function runList(): usize {
  return runs.runList();
}

export function runCount(): usize {
  return runs.runCount();
}

export function tlbTable(): usize {
  return tlb.tlbTable();
}

export function framesInUse(): u32 {
  return frames.framesInUse();
}

export function setAllocBudget(budget: i32): void {
  frames.setAllocBudget(budget);
}

/** Whether reads of untouched anonymous memory show the shared zero page, as they do unless told. */
export function setUsesZeroPage(on: bool): void {
  fault.setUsesZeroPage(on);
}

// --- address spaces

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

// --- files

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

/** The frame of page `index`, 0 when it is not cached. */
export function mappingFind(mapping: usize, index: f64): usize {
  return cache.findPage(changetype<Mapping>(mapping), <u64>index);
}

/** The index of the first cached page from `index` on; 2^64 when there is none. */
export function mappingNext(mapping: usize, index: f64): f64 {
  return <f64>cache.nextPage(changetype<Mapping>(mapping), <u64>index);
}

/** The frame of page `index`, made when absent (zeroed if `zero`); 0 when memory is exhausted. */
export function mappingGrab(mapping: usize, index: f64, zero: bool): usize {
  const cached = cache.findPage(changetype<Mapping>(mapping), <u64>index);
  return cached ? cached : cache.addPage(changetype<Mapping>(mapping), <u64>index, zero);
}

/** The page just grabbed was written to. */
export function mappingDirty(frame: usize): void {
  frames.setPageFlags(frame, frames.pageFlags(frame) | PG_DIRTY);
}

/** Forgets a page that was grabbed and could not be filled. */
export function mappingDrop(mapping: usize, index: f64): void {
  cache.dropPages(changetype<Mapping>(mapping), <u64>index, <u64>index);
}

export function neededMapping(): u32 {
  return fault.neededMappingId();
}

export function neededPage(): f64 {
  return <f64>fault.neededPageIndex();
}

export function fileNew(mapping: usize, id: u32): usize {
  return changetype<usize>(cache.newVmFile(changetype<Mapping>(mapping), id));
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

// --- mappings

export function mapRegion(
  mm: usize,
  start: f64,
  end: f64,
  flags: u32,
  file: usize,
  pgoff: f64,
  name: u32,
  maxMaps: u32,
): i32 {
  return region.mapRegion(
    changetype<Mm>(mm),
    <u64>start,
    <u64>end,
    flags,
    changetype<VmFile | null>(file),
    <u64>pgoff,
    name,
    maxMaps,
  );
}

export function unmapRegion(mm: usize, start: f64, end: f64, maxMaps: u32): i32 {
  return region.unmapRegion(changetype<Mm>(mm), <u64>start, <u64>end, maxMaps);
}

export function protectRegion(mm: usize, start: f64, end: f64, prot: u32, maxMaps: u32): i32 {
  return region.protectRegion(changetype<Mm>(mm), <u64>start, <u64>end, prot, maxMaps);
}

/** Grows a VMA over the hole above it, up to `end`. */
export function expandInPlace(mm: usize, vma: usize, end: f64): void {
  remap.expandInPlace(changetype<Mm>(mm), changetype<Vma>(vma), <u64>end);
}

/** Moves part of a VMA to a free range; 0 or a negative errno. */
export function moveRegion(
  mm: usize,
  vma: usize,
  from: f64,
  oldLen: f64,
  to: f64,
  newLen: f64,
  keep: bool,
  maxMaps: u32,
): i32 {
  return remap.moveRegion(
    changetype<Mm>(mm),
    changetype<Vma>(vma),
    <u64>from,
    <u64>oldLen,
    <u64>to,
    <u64>newLen,
    keep,
    maxMaps,
  );
}

/** The address for a new mapping, or a negative errno. */
export function unmappedArea(mm: usize, len: f64, low: f64, high: f64, align: f64): f64 {
  return <f64>(
    placement.unmappedAreaTopdown(changetype<Mm>(mm), <u64>len, <u64>low, <u64>high, <u64>align)
  );
}

export function mmapBase(mm: usize): f64 {
  return <f64>changetype<Mm>(mm).mmapBase;
}

export function isFree(mm: usize, addr: f64, len: f64): bool {
  return placement.isFree(changetype<Mm>(mm), <u64>addr, <u64>len);
}

/** The VMA that ends first above `addr`, or 0. */
export function vmaFind(mm: usize, addr: f64): usize {
  return changetype<usize>(findVma(changetype<Mm>(mm), <u64>addr));
}

export function dropRange(mm: usize, start: f64, end: f64): void {
  advise.dropRange(changetype<Mm>(mm), <u64>start, <u64>end);
}

export function changeFlags(
  mm: usize,
  vma: usize,
  start: f64,
  end: f64,
  set: u32,
  clear: u32,
  maxMaps: u32,
): i32 {
  return advise.changeFlags(
    changetype<Mm>(mm),
    changetype<Vma>(vma),
    <u64>start,
    <u64>end,
    set,
    clear,
    maxMaps,
  );
}

export function installGuard(mm: usize, vma: usize, start: f64, end: f64): i32 {
  return advise.installGuard(changetype<Mm>(mm), changetype<Vma>(vma), <u64>start, <u64>end);
}

/** MADV_FREE inside one VMA: its private pages become clean. */
export function cleanRange(mm: usize, start: f64, end: f64): void {
  advise.cleanRange(changetype<Mm>(mm), <u64>start, <u64>end);
}

export function removeGuard(mm: usize, start: f64, end: f64): void {
  advise.removeGuard(changetype<Mm>(mm), <u64>start, <u64>end);
}

export function populateRange(mm: usize, start: f64, end: f64, write: bool): i32 {
  return advise.populateRange(changetype<Mm>(mm), <u64>start, <u64>end, write);
}

/** Page-table entries of `count` pages as pagemap shows them, into `out`. */
export function pagemap(mm: usize, addr: f64, count: usize, out: usize): void {
  report.pagemap(changetype<Mm>(mm), <u64>addr, count, out);
}

/** Page counts of a VMA; returns the place of the record (abi/layout.ts, VMA_PAGES_*). */
export function vmaPages(mm: usize, vma: usize): usize {
  report.vmaPages(changetype<Mm>(mm), changetype<Vma>(vma));
  return report.pagesRecord();
}

// --- access from outside

/** access_remote_vm() between linear memory and `mm`; bytes copied. */
export function accessRemoteVm(
  mm: usize,
  addr: f64,
  buf: usize,
  len: usize,
  gupFlags: u32,
  stackLimit: f64,
): usize {
  return access.accessRemoteVm(changetype<Mm>(mm), <u64>addr, buf, len, gupFlags, <u64>stackLimit);
}

/** Why the last remote access stopped: 0, EFAULT, ENOMEM, NEED_PAGE. */
export function gupStop(): i32 {
  return gup.gupStop();
}

/** The runs of an access from outside; bytes covered, at most `len` and what the list holds. */
export function accessRuns(
  mm: usize,
  addr: f64,
  len: usize,
  gupFlags: u32,
  stackLimit: f64,
  grows: bool,
): usize {
  return access.accessRuns(changetype<Mm>(mm), <u64>addr, len, gupFlags, <u64>stackLimit, grows);
}

/** mem_rw() with a buffer in guest memory. */
export function memRw(
  mm: usize,
  addr: f64,
  local: usize,
  buf: f64,
  count: usize,
  from: usize,
  gupFlags: u32,
  stackLimit: f64,
): i32 {
  return access.memRw(
    changetype<Mm>(mm),
    <u64>addr,
    changetype<Mm>(local),
    <u64>buf,
    count,
    from,
    gupFlags,
    <u64>stackLimit,
  );
}

export function memRwDone(): usize {
  return access.memRwDone();
}

export function processVmCopy(
  remote: usize,
  remoteAddr: f64,
  local: usize,
  localAddr: f64,
  len: usize,
  write: bool,
  stackLimit: f64,
): usize {
  return access.processVmCopy(
    changetype<Mm>(remote),
    <u64>remoteAddr,
    changetype<Mm>(local),
    <u64>localAddr,
    len,
    FOLL_PIN | (write ? FOLL_WRITE : 0),
    <u64>stackLimit,
  );
}

export function processVmStop(): u32 {
  return access.processVmStop();
}

// --- access by the CPU

/** The runs of loads or stores over a range; bytes before a fault. */
export function userRuns(mm: usize, addr: f64, len: usize, write: bool, stackLimit: f64): usize {
  return user.userRuns(changetype<Mm>(mm), <u64>addr, len, write, <u64>stackLimit);
}

/** FAULT_* of the last access by the CPU. */
export function lastFault(): u32 {
  return user.lastFault();
}

export function lastFaultAddr(): f64 {
  return <f64>user.lastFaultAddr();
}

export function load8(mm: usize, addr: f64, stackLimit: f64): u32 {
  return cpu.load8(changetype<Mm>(mm), <u64>addr, <u64>stackLimit);
}

export function load16(mm: usize, addr: f64, stackLimit: f64): u32 {
  return cpu.load16(changetype<Mm>(mm), <u64>addr, <u64>stackLimit);
}

export function load32(mm: usize, addr: f64, stackLimit: f64): u32 {
  return cpu.load32(changetype<Mm>(mm), <u64>addr, <u64>stackLimit);
}

export function load64(mm: usize, addr: f64, stackLimit: f64): u64 {
  return cpu.load64(changetype<Mm>(mm), <u64>addr, <u64>stackLimit);
}

export function store8(mm: usize, addr: f64, value: u32, stackLimit: f64): void {
  cpu.store8(changetype<Mm>(mm), <u64>addr, value, <u64>stackLimit);
}

export function store16(mm: usize, addr: f64, value: u32, stackLimit: f64): void {
  cpu.store16(changetype<Mm>(mm), <u64>addr, value, <u64>stackLimit);
}

export function store32(mm: usize, addr: f64, value: u32, stackLimit: f64): void {
  cpu.store32(changetype<Mm>(mm), <u64>addr, value, <u64>stackLimit);
}

export function store64(mm: usize, addr: f64, value: u64, stackLimit: f64): void {
  cpu.store64(changetype<Mm>(mm), <u64>addr, value, <u64>stackLimit);
}
