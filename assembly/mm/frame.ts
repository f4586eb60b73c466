// Physical memory: frames of 4 KiB with a reference count each.
//
// Linear memory is cut into sections of 64 MiB. The head of each section describes it, so that the
// description of a frame is found by arithmetic and a small machine carries a small table:
//
//   section +0x00000   page structs, 16 bytes a frame (16384 of them)
//           +0x40000   free bitmap, one bit a frame (1 = free), 2 KiB
//           +0x40800   five more such bitmaps, for checkpoints (checkpoint.ts)
//           +0x43000   frames (in section 0: the module's static data first)
//
// A page struct:
//
//   +0   refcount   page-table entries, the page cache, and transient holders; 0 = free
//   +4   mapcount   page-table entries that map the frame (a table frame: its used entries)
//   +8   flags      PG_* (abi/layout.ts) in the low 12 bits; slab pages keep a link in the other 20
//   +12  owner      page cache: the Mapping; slab pages: a link
//
// The words of frame 0 of a section, which no one can own, hold the section's count of free frames.
import {
  FIRST_FRAME,
  PG_CODE,
  SECTION_BITMAP,
  SECTION_HEAD,
  SECTION_RESERVED,
  SECTION_SIZE,
} from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { dropCode, reclaimCode } from './code';

const SECTION_MASK: usize = SECTION_SIZE - 1;
const HEAD: usize = SECTION_HEAD;
const WORDS_PER_SECTION: usize = 256;
const GROW_STEP_MAX: usize = 1 << 26;
const WASM_PAGE: usize = 65536;

/** End of the memory that has been turned into frames. */
let memoryEnd: usize = 0;
/** Most bytes the linear memory may grow to. */
let memoryLimit: u64 = 0;
/** Where the next search for a free frame starts: runs of faults get neighbouring frames. */
let cursor: usize = 0;
/** Frames at or above it were never handed out, so they still hold zeros. */
let highWater: usize = 0;
/** Whether the chunk that was taken last lay beyond it. */
let chunkFresh: bool = false;
let freeFrames: u32 = 0;
let allFrames: u32 = 0;
let usedFrames: u32 = 0;
/** Free frames that are promised already (reserveFrame); nobody else gets them. */
let reserved: u32 = 0;
/** Whether there are checkpoints, which keep frames back. */
let keepsFrames: bool = false;
/** Allocations still allowed before they fail on purpose; negative is no limit. */
let allocBudget: i32 = -1;

export function pageStruct(frame: usize): usize {
  return (frame & ~SECTION_MASK) + ((frame & SECTION_MASK) >> 8);
}

export function refcount(frame: usize): u32 {
  return load<u32>(pageStruct(frame));
}

export function mapcount(frame: usize): u32 {
  return load<u32>(pageStruct(frame), 4);
}

export function setMapcount(frame: usize, count: u32): void {
  store<u32>(pageStruct(frame), count, 4);
}

export function pageFlags(frame: usize): u32 {
  return load<u32>(pageStruct(frame), 8);
}

export function setPageFlags(frame: usize, flags: u32): void {
  store<u32>(pageStruct(frame), flags, 8);
}

export function pageOwner(frame: usize): usize {
  return load<u32>(pageStruct(frame), 12);
}

export function setPageOwner(frame: usize, owner: usize): void {
  store<u32>(pageStruct(frame), <u32>owner, 12);
}

/** Starts the frame allocator behind the static data; `limit` is in bytes of linear memory. */
export function initFrames(limit: u64): void {
  memoryLimit = limit;
  memoryEnd = FIRST_FRAME;
  cursor = memoryEnd;
  highWater = memoryEnd;
  addFrames(<usize>memory.size() * WASM_PAGE);
}

/** Puts the frames from memoryEnd up to `end` on the free list, section by section. */
function addFrames(end: usize): void {
  let frame = memoryEnd;
  // The last frame of 4 GiB would have `end` = 2^32, which usize cannot hold: callers stop short of it.
  while (frame < end) {
    const inSection = frame & SECTION_MASK;
    if (inSection < HEAD) {
      frame += HEAD - inSection;
      continue;
    }
    markFree(frame);
    allFrames++;
    frame += PAGE_SIZE;
  }
  memoryEnd = end;
}

function markFree(frame: usize): void {
  const section = frame & ~SECTION_MASK;
  const index = (frame & SECTION_MASK) >> PAGE_SHIFT;
  const word = section + SECTION_BITMAP + ((index >> 6) << 3);
  store<u64>(word, load<u64>(word) | ((<u64>1) << ((index & 63) as u64)));
  store<u32>(section, load<u32>(section) + 1);
  freeFrames++;
}

/** Grows linear memory in big steps: each grow detaches every view that JavaScript holds. */
function growMemory(): bool {
  const size = <u64>memory.size() * WASM_PAGE;
  // The last 64 KiB stay unused so that the end of memory fits 32 bits.
  const most = min<u64>(memoryLimit, 0xffff0000);
  if (size >= most) return false;
  let step = min<u64>(max<u64>(size, 1 << 20), GROW_STEP_MAX);
  if (size + step > most) step = most - size;
  step &= ~(<u64>WASM_PAGE - 1);
  while (step >= WASM_PAGE) {
    if (memory.grow(<i32>(step / WASM_PAGE)) >= 0) {
      addFrames(<usize>(size + step));
      return freeFrames > reserved;
    }
    step = (step >> 1) & ~(<u64>WASM_PAGE - 1);
  }
  return false;
}

/** Somebody was refused a frame. */
let short: bool = false;

/** Whether somebody was refused a frame since this was last asked. */
export function ranShort(): bool {
  const was = short;
  short = false;
  return was;
}

/** Is there a free frame that nobody was promised? Memory grows for it; a spent budget says no. */
function mayTake(): bool {
  if (allocBudget >= 0) {
    if (allocBudget == 0) return false;
    allocBudget--;
  }
  if (freeFrames > reserved || growMemory() || reclaimCode()) return true;
  short = true;
  return false;
}

function takeFrame(): usize {
  return mayTake() ? takeFree() : 0;
}

/** Takes the first free frame at or after the cursor, wrapping once; there is one. */
function takeFree(): usize {
  let section = cursor & ~SECTION_MASK;
  let index = (cursor & SECTION_MASK) >> PAGE_SHIFT;
  while (true) {
    if (load<u32>(section) != 0) {
      let word = index >> 6;
      let bits =
        load<u64>(section + SECTION_BITMAP + (word << 3)) & ((<u64>-1) << ((index & 63) as u64));
      while (true) {
        if (bits != 0) return claim(section, word, ctz(bits));
        word++;
        if (word == WORDS_PER_SECTION) break;
        bits = load<u64>(section + SECTION_BITMAP + (word << 3));
      }
    }
    index = 0;
    section += SECTION_SIZE;
    if (section == 0 || section >= memoryEnd) section = 0;
  }
}

function claim(section: usize, word: usize, bit: u64): usize {
  const at = section + SECTION_BITMAP + (word << 3);
  store<u64>(at, load<u64>(at) & ~((<u64>1) << bit));
  store<u32>(section, load<u32>(section) - 1);
  freeFrames--;
  usedFrames++;
  const frame = section + (((word << 6) + <usize>bit) << PAGE_SHIFT);
  cursor = frame + PAGE_SIZE;
  const page = pageStruct(frame);
  store<u32>(page, 1);
  store<u32>(page, 0, 4);
  store<u64>(page, 0, 8);
  return frame;
}

/** Frames of a chunk: those of one word of a section's bitmap. */
const CHUNK_FRAMES: u32 = 64;

/** Sixty-four frames that lie together, which do not count as in use; 0 when there are none. */
export function takeChunk(): usize {
  let chunk = findChunk();
  if (chunk == 0 && growMemory()) chunk = findChunk();
  return chunk;
}

function findChunk(): usize {
  // What was promised to others is left.
  if (freeFrames < reserved + CHUNK_FRAMES) return 0;
  let section: usize = 0;
  while (section < memoryEnd) {
    for (let word: usize = 0; word < WORDS_PER_SECTION; word++) {
      const at = section + SECTION_BITMAP + (word << 3);
      if (load<u64>(at) != u64.MAX_VALUE) continue;
      store<u64>(at, 0);
      store<u32>(section, load<u32>(section) - CHUNK_FRAMES);
      freeFrames -= CHUNK_FRAMES;
      const chunk = section + (word << (6 + PAGE_SHIFT));
      chunkFresh = chunk >= highWater;
      highWater = max(highWater, chunk + (CHUNK_FRAMES << PAGE_SHIFT));
      return chunk;
    }
    section += SECTION_SIZE;
    if (section == 0) break;
  }
  return 0;
}

/** Whether the chunk that was taken last is zeros. */
export function chunkIsZeros(): bool {
  return chunkFresh;
}

export function putChunk(chunk: usize): void {
  const section = chunk & ~SECTION_MASK;
  const word = (chunk & SECTION_MASK) >> (6 + PAGE_SHIFT);
  store<u64>(section + SECTION_BITMAP + (word << 3), u64.MAX_VALUE);
  store<u32>(section, load<u32>(section) + CHUNK_FRAMES);
  freeFrames += CHUNK_FRAMES;
  if (chunk < cursor) cursor = chunk;
}

/**
 * Frames below hold something from now on. The page behind them is touched: a processor's copy of a page to
 * where it is not aligned reads a line further, which where the host has no page yet costs three times the copy.
 */
export function raiseHighWater(to: usize): void {
  if (to <= highWater) return;
  highWater = to;
  // No frame lies in the head of a section.
  if (to < memoryEnd && (to & SECTION_MASK) != 0) store<u8>(to, 0);
}

/** A frame with undefined contents and one reference; 0 when there is none. */
export function allocFrame(): usize {
  const frame = takeFrame();
  if (frame >= highWater) raiseHighWater(frame + PAGE_SIZE);
  return frame;
}

/** A frame of zeros with one reference; 0 when there is none. */
export function allocZeroedFrame(): usize {
  const frame = takeFrame();
  if (frame == 0) return 0;
  if (frame >= highWater) raiseHighWater(frame + PAGE_SIZE);
  else memory.fill(frame, 0, PAGE_SIZE);
  return frame;
}

/** Promises a frame to takeReserved(), so that it cannot fail; false when memory is exhausted. */
export function reserveFrame(): bool {
  if (!mayTake()) return false;
  reserved++;
  return true;
}

/** Gives a promise back. */
export function unreserveFrame(): void {
  reserved--;
}

/** The promised frame, with undefined contents and one reference. */
export function takeReserved(): usize {
  reserved--;
  const frame = takeFree();
  if (frame >= highWater) raiseHighWater(frame + PAGE_SIZE);
  return frame;
}

/** Frames promised and not yet taken. */
export function reservedFrames(): u32 {
  return reserved;
}

export function setReservedFrames(count: u32): void {
  reserved = count;
}

export function getFrame(frame: usize): void {
  const page = pageStruct(frame);
  store<u32>(page, load<u32>(page) + 1);
}

/** Drops one reference; the last one frees the frame. */
export function putFrame(frame: usize): void {
  const page = pageStruct(frame);
  const count = load<u32>(page) - 1;
  store<u32>(page, count);
  if (count == 0) {
    if (load<u32>(page, 8) & PG_CODE) dropCode(frame);
    usedFrames--;
    // What a checkpoint has in use stays off the free list until that is gone.
    if (keepsFrames && isReserved(frame)) return;
    markFree(frame);
    // Lowest free frame first: freed memory is warm, and holes fill up in address order.
    if (frame < cursor) cursor = frame;
  }
}

function isReserved(frame: usize): bool {
  const index = (frame & SECTION_MASK) >> PAGE_SHIFT;
  const byte = (frame & ~SECTION_MASK) + SECTION_RESERVED + (index >> 3);
  return ((load<u8>(byte) >> ((index & 7) as u8)) & 1) != 0;
}

/** Whether there is a checkpoint: only then do frees look at what is reserved. */
export function setKeepsFrames(on: bool): void {
  keepsFrames = on;
}

/** Turns a frame just allocated into one that is not the machine's: it counts as neither used nor free. */
export function hideFrame(frame: usize): void {
  store<u32>(pageStruct(frame), 0);
  usedFrames--;
}

/** Sets the free frames of one section from a bitmap, word by word; the counts start at 0 before the first. */
export function setFreeWord(section: usize, word: usize, bits: u64): void {
  store<u64>(section + SECTION_BITMAP + (word << 3), bits);
  const count = <u32>popcnt(bits);
  store<u32>(section, load<u32>(section) + count);
  freeFrames += count;
}

export function clearFreeCounts(used: u32): void {
  freeFrames = 0;
  usedFrames = used;
  cursor = FIRST_FRAME;
  let section: usize = 0;
  while (true) {
    store<u32>(section, 0);
    section += SECTION_SIZE;
    if (section == 0 || section >= memoryEnd) break;
  }
}

/** Grows linear memory until it has `end` bytes; false where it cannot. */
export function growMemoryTo(end: usize): bool {
  while (memoryEnd < end) if (!growMemory()) return false;
  return true;
}

export function frameHighWater(): usize {
  return highWater;
}

/** End of the memory that frames lie in. */
export function framesEnd(): usize {
  return memoryEnd;
}

/** Frames handed out and not yet returned, and those promised. */
export function framesInUse(): u32 {
  return usedFrames + reserved;
}

/** Frames that the machine does not use and cannot have: checkpoints hold them. */
export function heldFrames(): u32 {
  return allFrames - freeFrames - usedFrames;
}

/** Makes the allocation after the next `budget` ones fail; a negative budget lifts the limit. */
export function setAllocBudget(budget: i32): void {
  allocBudget = budget;
}
