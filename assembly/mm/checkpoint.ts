// Checkpoints of the machine: what they need of frames stays as it was, and costs nothing until it changes.
//
// A checkpoint copies the kernel's small frames (slabs) and the page structs when it is made; of pages and page
// tables it only notes which there were. The first write to such a frame afterwards copies its contents aside.
// Each section has, a bit a frame:
//
//   clean      a checkpoint needs the contents, and they are still in the frame
//   reserved   a checkpoint had the frame in use: freed, it is not handed out again
//   used       in use by the machine, as markFrames() found it
//   data       of those, pages and page tables: the rest are copied when the checkpoint is made
//   copies     holds the former contents of such a frame, and belongs to no one but checkpoints
//
// Which checkpoint needs what is the host's to know (src/mm/checkpoint.ts). What was copied aside since it
// last asked is a list through the page structs of the copies: mapcount names the page, owner the next copy.
import {
  FIRST_FRAME,
  PG_ANON,
  PG_CACHE,
  PG_ROOT,
  PG_TABLE,
  SECTION_BITMAP_SIZE,
  SECTION_CLEAN,
  SECTION_COPIES,
  SECTION_DATA,
  SECTION_HEAD,
  SECTION_RESERVED,
  SECTION_SIZE,
  SECTION_USED,
} from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { dropAllCode } from './code';
import {
  allocFrame,
  clearFreeCounts,
  framesEnd,
  hideFrame,
  pageStruct,
  setFreeWord,
  setKeepsFrames,
  setMapcount,
  setPageOwner,
} from './frame';
import { flushTlb } from './tlb';

const SECTION_MASK: usize = SECTION_SIZE - 1;
/** What a write copies aside. */
const KEPT_BY_COPY: u32 = PG_ANON | PG_CACHE | PG_TABLE | PG_ROOT;
const WORDS: usize = SECTION_BITMAP_SIZE >> 3;

/** Whether any checkpoint stands. */
let active: bool = false;
/** Copies made since the host last took them, newest first. */
let copied: usize = 0;
/** Whether a copy could not be made for lack of memory. */
let failed: bool = false;

function bitByte(frame: usize, bitmap: usize): usize {
  return (frame & ~SECTION_MASK) + bitmap + ((frame & SECTION_MASK) >> (PAGE_SHIFT + 3));
}

function bitMask(frame: usize): u8 {
  return (1 as u8) << (((frame >> PAGE_SHIFT) & 7) as u8);
}

/** Every path that is about to write to a page, or to a page table, calls this first. */
export function beforeWrite(frame: usize): void {
  if (active && load<u8>(bitByte(frame, SECTION_CLEAN)) & bitMask(frame)) copyAside(frame);
}

/** Whether a store to the page needs no beforeWrite(). */
export function isWritten(frame: usize): bool {
  return !active || (load<u8>(bitByte(frame, SECTION_CLEAN)) & bitMask(frame)) == 0;
}

/** Whether there are pages that stores must not reach unnoticed. */
export function watchesStores(): bool {
  return active;
}

function copyAside(frame: usize): void {
  const byte = bitByte(frame, SECTION_CLEAN);
  store<u8>(byte, load<u8>(byte) & ~bitMask(frame));
  const copy = allocFrame();
  if (copy == 0) {
    failed = true;
    return;
  }
  memory.copy(copy, frame, PAGE_SIZE);
  hideFrame(copy);
  const owned = bitByte(copy, SECTION_COPIES);
  store<u8>(owned, load<u8>(owned) | bitMask(copy));
  setMapcount(copy, <u32>frame);
  setPageOwner(copy, copied);
  copied = copy;
}

/** Takes the newest copy off the list; 0 when the host has them all. */
export function takeCopy(): usize {
  const copy = copied;
  if (copy != 0) copied = <usize>load<u32>(pageStruct(copy), 12);
  return copy;
}

/** Whether memory ran out for a copy since the last time this was asked. */
export function takeFailure(): bool {
  const was = failed;
  failed = false;
  return was;
}

/** A copy that no checkpoint needs any more; rebuildFree() makes it a free frame. */
export function dropCopy(copy: usize): void {
  const byte = bitByte(copy, SECTION_COPIES);
  store<u8>(byte, load<u8>(byte) & ~bitMask(copy));
}

/** Begins to keep frames for checkpoints, or ends it. */
export function setActive(on: bool): void {
  active = on;
  setKeepsFrames(on);
  // A store through an old translation would not be noticed.
  flushTlb();
}

/** Notes for 64 frames which are in use and which of those are pages or page tables. */
function markWord(section: usize, word: usize): u32 {
  let used: u64 = 0;
  let data: u64 = 0;
  const first = section + (word << 10);
  for (let bit: usize = 0; bit < 64; bit++) {
    const page = first + (bit << 4);
    if (load<u32>(page) == 0) continue;
    used |= (<u64>1) << (bit as u64);
    if (load<u32>(page, 8) & KEPT_BY_COPY) data |= (<u64>1) << (bit as u64);
  }
  store<u64>(section + SECTION_USED + (word << 3), used);
  store<u64>(section + SECTION_DATA + (word << 3), data);
  return <u32>popcnt(used);
}

/** The words of frame 0 of a section are its count of free frames; frames of the head are nobody's. */
function firstWord(section: usize): usize {
  return (section == 0 ? FIRST_FRAME : SECTION_HEAD) >> (PAGE_SHIFT + 6);
}

/**
 * Fills the bitmaps of used and data frames; returns how many frames are in use. Decoded code is no part of
 * the machine's state: it is given back, so that no frame has a mark and no block a frame that becomes another.
 */
export function markFrames(): u32 {
  dropAllCode();
  let count: u32 = 0;
  let section: usize = 0;
  while (true) {
    memory.fill(section + SECTION_USED, 0, SECTION_BITMAP_SIZE);
    memory.fill(section + SECTION_DATA, 0, SECTION_BITMAP_SIZE);
    for (let word = firstWord(section); word < WORDS; word++) {
      if (section + (word << (PAGE_SHIFT + 6)) >= framesEnd()) break;
      count += markWord(section, word) - headFrames(section, word);
    }
    section += SECTION_SIZE;
    if (section == 0 || section >= framesEnd()) break;
  }
  return count;
}

/** Takes the frames of the head out of its last, shared word; returns how many those had been. */
function headFrames(section: usize, word: usize): u32 {
  const head: usize = section == 0 ? FIRST_FRAME : SECTION_HEAD;
  const inWord = (head >> PAGE_SHIFT) & 63;
  if (word != firstWord(section) || inWord == 0) return 0;
  const keep = (<u64>-1) << (inWord as u64);
  const used = section + SECTION_USED + (word << 3);
  const data = section + SECTION_DATA + (word << 3);
  const taken = <u32>popcnt(load<u64>(used) & ~keep);
  store<u64>(used, load<u64>(used) & keep);
  store<u64>(data, load<u64>(data) & keep);
  return taken;
}

/** The 64 frames of a word that exist at all. */
function validWord(section: usize, word: usize): u64 {
  const head: usize = section == 0 ? FIRST_FRAME : SECTION_HEAD;
  const first = section + (word << (PAGE_SHIFT + 6));
  let bits: u64 = <u64>-1;
  if (first < section + head) {
    const below = (section + head - first) >> PAGE_SHIFT;
    bits = below >= 64 ? 0 : bits << (below as u64);
  }
  const end = framesEnd();
  if (first >= end) return 0;
  const left = (end - first) >> PAGE_SHIFT;
  return left >= 64 ? bits : bits & (((<u64>1) << (left as u64)) - 1);
}

/** Frees exactly the frames that the machine does not use, no checkpoint reserves, and hold no copy. */
export function rebuildFree(): void {
  clearFreeCounts(markFrames());
  let section: usize = 0;
  while (true) {
    for (let word: usize = 0; word < WORDS; word++) {
      const at = section + (word << 3);
      const taken =
        load<u64>(at + SECTION_USED) |
        load<u64>(at + SECTION_RESERVED) |
        load<u64>(at + SECTION_COPIES);
      setFreeWord(section, word, validWord(section, word) & ~taken);
    }
    section += SECTION_SIZE;
    if (section == 0 || section >= framesEnd()) break;
  }
}
