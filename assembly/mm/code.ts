// Decoded code: for a frame that instructions were fetched from, a block of micro-operations, one for every
// two bytes. Blocks are a cache of what frames hold. They hang on the frame, not on an address, so that all
// mappings of a page share them; PG_CODE marks the frame, and whoever writes to a frame that has the mark
// calls dropCode(). Stores find the mark because a store range of the TLB never has such a frame in it.
//
//   block   +0       2048 micro-operations of 16 bytes (assembly/cpu/uop.ts); zeros: not decoded yet
//           +32768   one more, which what runs off the page comes to
//           +32784   frame, next block of the bucket or of the free list, whether it was ever written to
//           +32796   serial number: 0 while nothing is decoded, another for each use
//           +32800   for each entry of a region (abi/jit.ts) its function's place in the table
//
//   chunk   64 frames that lie together (one word of a section's bitmap): seven blocks of nine frames, and a
//           frame whose first word links the chunks
//
// Chunks do not count as frames in use: they are given back when frames run out.
import { BLOCK_FRAME, BLOCK_SERIAL, HEAT_DROPS, HEAT_EPOCH, HEAT_SIZE } from '../abi/jit';
import { PG_CODE } from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { UOP_PAGE_END } from '../abi/uop';
import { chunkIsZeros, pageFlags, setPageFlags, takeChunk, putChunk } from './frame';

const BLOCK_SIZE: usize = 36864;
const BLOCKS_PER_CHUNK: usize = 7;
const CHUNK_LINK: usize = 63 * PAGE_SIZE;
const PAGE_END: usize = 32768;
const FRAME: usize = BLOCK_FRAME;
const NEXT: usize = 32788;
const USED: usize = 32792;
const SERIAL: usize = BLOCK_SERIAL;
/** 896 pages, 3.5 MiB of code: what runs at a time. A program with more is decoded again. */
const CHUNKS_MAX: u32 = 128;

const BUCKET_MASK: usize = 1023 << 2;
const buckets = memory.data(4096, 16);
/** The pages fetched from lately: key as in tlb.ts, block. */
const FETCH_MASK: usize = 255 << 4;
const fetches = memory.data(4096, 16);

let freeBlocks: usize = 0;
let chunks: usize = 0;
let chunkCount: u32 = 0;
/** Frames with the mark. */
let marked: u32 = 0;
/** Set when what a running hart knows of its page may no longer hold. */
let stale: bool = false;
/** A hart runs: its blocks must not be given back. */
let running: bool = false;
/** The last serial number given. */
let serial: u32 = 0;
/** What the host looks at to find code worth compiling, and code that is gone: abi/jit.ts. */
export const heat = memory.data(HEAT_SIZE, 16);

export class Code {
  @inline
  static isStale(): bool {
    return stale;
  }

  @inline
  static isMarked(frame: usize): bool {
    return (pageFlags(frame) & PG_CODE) != 0;
  }

  /** The block of a page whose key (address ^ salt, low bits clear) was fetched from; 0 when unknown. */
  @inline
  static fetched(key: u64): usize {
    const at = (<usize>(key >> 8)) & FETCH_MASK;
    return load<u64>(at, fetches) == key ? <usize>load<u32>(at, fetches + 8) : 0;
  }
}

export function clearStale(): void {
  stale = false;
}

export function setRunning(on: bool): void {
  running = on;
}

export function rememberFetch(key: u64, block: usize): void {
  const at = (<usize>(key >> 8)) & FETCH_MASK;
  store<u64>(at, key, fetches);
  store<u32>(at, <u32>block, fetches + 8);
}

/** A translation of one page goes: called by tlb.ts. */
export function forgetFetch(key: u64): void {
  const at = (<usize>(key >> 8)) & FETCH_MASK;
  if (load<u64>(at, fetches) != key) return;
  store<u64>(at, 0, fetches);
  stale = true;
}

/** All of an address space go: their keys are never asked for again. */
export function forgetSpace(): void {
  stale = true;
}

export function forgetFetches(): void {
  memory.fill(fetches, 0, 4096);
  stale = true;
}

function bucketOf(frame: usize): usize {
  return buckets + ((frame >> (PAGE_SHIFT - 2)) & BUCKET_MASK);
}

/** The block of a frame, or 0. */
export function findCode(frame: usize): usize {
  if (!Code.isMarked(frame)) return 0;
  let block = <usize>load<u32>(bucketOf(frame));
  while (block != 0 && load<u32>(block, FRAME) != <u32>frame) block = load<u32>(block, NEXT);
  return block;
}

/** A block for a frame that has none, nothing in it decoded; 0 without memory. The caller forgets stores. */
export function newCode(frame: usize): usize {
  if (freeBlocks == 0 && !addChunk()) {
    if (chunks == 0) return 0;
    dropAllCode();
    if (!addChunk()) return 0;
  }
  const block = freeBlocks;
  freeBlocks = load<u32>(block, NEXT);
  // Zeros of a host that nobody touched cost nothing yet, and most of a page's code never runs.
  if (load<u32>(block, USED) != 0) memory.fill(block, 0, PAGE_END + 16);
  store<u32>(block, 1, USED);
  store<u32>(block, ++serial, SERIAL);
  store<u16>(block, UOP_PAGE_END, PAGE_END);
  store<u32>(block, <u32>frame, FRAME);
  const bucket = bucketOf(frame);
  store<u32>(block, load<u32>(bucket), NEXT);
  store<u32>(bucket, <u32>block);
  setPageFlags(frame, pageFlags(frame) | PG_CODE);
  marked++;
  return block;
}

function addChunk(): bool {
  if (chunkCount == CHUNKS_MAX) return false;
  const chunk = takeChunk();
  if (chunk == 0) return false;
  const used: u32 = chunkIsZeros() ? 0 : 1;
  store<u32>(chunk + CHUNK_LINK, <u32>chunks);
  chunks = chunk;
  chunkCount++;
  let i = BLOCKS_PER_CHUNK;
  while (i > 0) {
    i--;
    const block = chunk + i * BLOCK_SIZE;
    store<u32>(block, 0, FRAME);
    store<u32>(block, <u32>freeBlocks, NEXT);
    store<u32>(block, used, USED);
    freeBlocks = block;
  }
  return true;
}

/** The bytes of a marked frame change, or it is freed. */
export function dropCode(frame: usize): void {
  const flags = pageFlags(frame);
  if (!(flags & PG_CODE)) return;
  setPageFlags(frame, flags & ~PG_CODE);
  marked--;
  let link = bucketOf(frame);
  let block = <usize>load<u32>(link);
  while (load<u32>(block, FRAME) != <u32>frame) {
    link = block + NEXT;
    block = <usize>load<u32>(link);
  }
  store<u32>(link, load<u32>(block, NEXT));
  store<u32>(block, 0, FRAME);
  store<u32>(block, 0, SERIAL);
  store<u32>(heat, load<u32>(heat, HEAT_DROPS) + 1, HEAT_DROPS);
  store<u32>(block, <u32>freeBlocks, NEXT);
  freeBlocks = block;
  for (let at = fetches; at < fetches + 4096; at += 16) {
    if (load<u32>(at, 8) == <u32>block) store<u64>(at, 0);
  }
  stale = true;
}

/** Gives all blocks back. */
export function dropAllCode(): void {
  while (chunks != 0) {
    const chunk = chunks;
    for (let i: usize = 0; i < BLOCKS_PER_CHUNK; i++) {
      const frame = <usize>load<u32>(chunk + i * BLOCK_SIZE, FRAME);
      if (frame != 0) setPageFlags(frame, pageFlags(frame) & ~PG_CODE);
    }
    chunks = load<u32>(chunk + CHUNK_LINK);
    putChunk(chunk);
  }
  store<u32>(heat, load<u32>(heat, HEAT_EPOCH) + 1, HEAT_EPOCH);
  chunkCount = 0;
  marked = 0;
  freeBlocks = 0;
  memory.fill(buckets, 0, 4096);
  forgetFetches();
}

/** Frames have run out: gives blocks back unless a hart stands in one; false when that freed nothing. */
export function reclaimCode(): bool {
  if (running || chunks == 0) return false;
  dropAllCode();
  return true;
}

/** Pages that are decoded. */
export function decodedPages(): u32 {
  return marked;
}
