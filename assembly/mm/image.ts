// The machine's memory as bytes: what lies outside of frames, and a checksum of what lies in them.
import { IMAGE_STATE_SIZE } from '../abi/layout';
import { PAGE_SIZE } from '../abi/page';
import { lastAnonVmaId, setLastAnonVmaId } from './anon-vma';
import { lastAsid, resetAsids } from './asid';
import { setUsesZeroPage, setZeroFrame, zeroFrame, zeroPageIsUsed } from './fault';
import { frameHighWater, raiseHighWater, reservedFrames, setReservedFrames } from './frame';
import { lowestGrowth, setMmapMinAddr } from './grow';
import { committedPages, setCommittedPages } from './limits';
import { setUnsettledTables, unsettledTables } from './share';
import { SLAB_CACHES, slabHeads } from './slab';

/**
 * The state of the core that is in no frame, as it crosses:
 *
 *   +0   u64  pages promised            +16  u32  last anon_vma      +24  u32  frame of zeros
 *   +8   u64  vm.mmap_min_addr          +20  u32  uses that frame    +28  u32  high water of frames
 *   +32  u32  first page with room of each slab cache (five)
 *   +52  u32  shared tables unsettled  +56  u32  frames promised      +60  u32  last number of the TLB
 */
const state = memory.data(64, 8);
const HEADS: usize = 32;
const UNSETTLED: usize = 52;
const PROMISED: usize = 56;
const LAST_ASID: usize = 60;

export function saveState(): usize {
  memory.fill(state, 0, IMAGE_STATE_SIZE);
  store<u64>(state, <u64>committedPages());
  store<u64>(state, lowestGrowth(), 8);
  store<u32>(state, lastAnonVmaId(), 16);
  store<u32>(state, zeroPageIsUsed() ? 1 : 0, 20);
  store<u32>(state, <u32>zeroFrame(), 24);
  store<u32>(state, <u32>frameHighWater(), 28);
  memory.copy(state + HEADS, slabHeads(), SLAB_CACHES << 2);
  store<u32>(state, unsettledTables(), UNSETTLED);
  store<u32>(state, reservedFrames(), PROMISED);
  store<u32>(state, lastAsid(), LAST_ASID);
  return state;
}

/**
 * Takes over what is at the place that saveState() gave. The TLB knows nothing then; the host has each address
 * space keep its number of it (asid.ts).
 */
export function loadState(): void {
  setCommittedPages(<i64>load<u64>(state));
  setMmapMinAddr(load<u64>(state, 8));
  setLastAnonVmaId(load<u32>(state, 16));
  setUsesZeroPage(load<u32>(state, 20) != 0);
  setZeroFrame(<usize>load<u32>(state, 24));
  raiseHighWater(<usize>load<u32>(state, 28));
  memory.copy(slabHeads(), state + HEADS, SLAB_CACHES << 2);
  setUnsettledTables(load<u32>(state, UNSETTLED));
  setReservedFrames(load<u32>(state, PROMISED));
  resetAsids(load<u32>(state, LAST_ASID));
}

// A checksum of whole pages, 64 bits, at the speed of a copy: eight lanes of 64 bits take in 64 bytes a
// round, each the product of two keyed words of 32 bits and a keyed word of 64, as the stripes of XXH3 do
// (Collet, xxHash); keys rise with each page and in it, so that nothing can change places.
let lane0: v128 = i64x2.splat(0);
let lane1: v128 = i64x2.splat(0);
let lane2: v128 = i64x2.splat(0);
let lane3: v128 = i64x2.splat(0);
let pages: u64 = 0;

const PRIME_1: u64 = 0x9e3779b185ebca87;
const PRIME_2: u64 = 0xc2b2ae3d27d4eb4f;

export function hashStart(): void {
  lane0 = i64x2.splat(<i64>PRIME_1);
  lane1 = i64x2.splat(<i64>PRIME_2);
  lane2 = i64x2.splat(<i64>(PRIME_1 ^ PRIME_2));
  lane3 = i64x2.splat(<i64>(PRIME_1 + PRIME_2));
  pages = 0;
}

function mix(lane: v128, word: v128, key: v128): v128 {
  const keyed = v128.xor(word, key);
  const beside = v128.shuffle<u64>(keyed, keyed, 1, 0);
  return i64x2.add(i64x2.add(lane, i64x2.extmul_low_i32x4_u(keyed, beside)), beside);
}

function scramble(lane: v128): v128 {
  const folded = v128.xor(lane, i64x2.shr_u(lane, 47));
  return i64x2.mul(folded, i64x2.splat(<i64>(PRIME_2 | 1)));
}

/** Takes in `count` pages from `at` on. */
export function hashPages(at: usize, count: u32): void {
  let a = lane0;
  let b = lane1;
  let c = lane2;
  let d = lane3;
  for (let page: u32 = 0; page < count; page++) {
    pages++;
    let key = i64x2.splat(<i64>(pages * PRIME_1));
    const step = i64x2.splat(<i64>PRIME_2);
    const end = at + PAGE_SIZE;
    while (at < end) {
      a = mix(a, v128.load(at), key);
      b = mix(b, v128.load(at, 16), key);
      c = mix(c, v128.load(at, 32), key);
      d = mix(d, v128.load(at, 48), key);
      key = i64x2.add(key, step);
      at += 64;
    }
    a = scramble(a);
    b = scramble(b);
    c = scramble(c);
    d = scramble(d);
  }
  lane0 = a;
  lane1 = b;
  lane2 = c;
  lane3 = d;
}

function fold(sum: u64, lane: v128): u64 {
  const first = sum ^ (<u64>i64x2.extract_lane(lane, 0));
  const second = (first ^ (first >> 32)) * PRIME_1;
  const third = second ^ (<u64>i64x2.extract_lane(lane, 1));
  return (third ^ (third >> 29)) * PRIME_2;
}

/** The checksum of the pages since hashStart(). */
export function hashEnd(): u64 {
  const sum = fold(fold(fold(fold(pages, lane0), lane1), lane2), lane3);
  return sum ^ (sum >> 32);
}
