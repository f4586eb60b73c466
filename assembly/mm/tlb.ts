// The software TLB of the emulation core, shared by all address spaces. Its tables have an entry for every
// 2 MiB, which one page table describes; they are direct-mapped and look an address up by
//
//   key = addr ^ mm.salt      salt:  63     47 46    30 29   21 20         0
//                                   +---------+--------+-------+------------+
//                                   | asid    | 0      | mix   | 0          |
//                                   +---------+--------+-------+------------+
//
// An asid is one address space's alone, and user addresses end below bit 47, so that keys of two spaces
// never meet; `mix` lets spaces laid out alike use different entries.
//
// Ranges, for loads and for stores: the longest known row of pages that lie side by side in linear memory
// as well. A hit is one comparison, whatever the size of what lies there:
//
//   +0   key of the first byte
//   +8   bytes less 8: the last place that a value of 8 bytes fits
//   +12  place of the first byte
//
// Tables, for what is scattered: the page table itself, whose entries are read and obeyed afresh.
//
//   +0   key of the region
//   +8   page table for loads
//   +12  page table for stores
//
// While there are checkpoints no table is known for stores, and no range for stores has a page that its first
// store must copy aside: that store comes to the walk.
//
// An entry of zeros is empty: no key is below 2^47. Whoever takes something away from a page-table entry,
// or a page table from an address space, ends in flushPage(), flushRange() or flushMm(). What only adds
// (an entry where none was, an accessed or dirty bit) need not: nothing absent is ever remembered.
import { REGION_ENTRIES, REGION_INDEX_SHIFT } from '../abi/layout';
import { PAGE_OFFSET_MASK, PAGE_SHIFT, PAGE_SIZE, TASK_SIZE_SHIFT } from '../abi/page';
import { PTE_ACCESSED, PTE_DIRTY, PTE_PRESENT, PTE_RW } from '../abi/pte';
import { dropSalt, takeSalt } from './asid';
import { isWritten, watchesStores } from './checkpoint';
import { Code, forgetFetch, forgetFetches, forgetSpace } from './code';
import { Mm } from './mm';

const REGION_SHIFT: u64 = 21;
const REGION_MASK: u64 = ((<u64>1) << REGION_SHIFT) - 1;
/** Shift and mask that make the place of an entry in its table of a key. */
const INDEX_SHIFT: u64 = REGION_INDEX_SHIFT;
const INDEX_MASK: usize = (REGION_ENTRIES - 1) << 4;
const BEYOND_USER: u64 = ~(((<u64>1) << TASK_SIZE_SHIFT) - 1);
/** Widest value that one access moves. */
const WIDEST: u32 = 8;
/** Above this many pages a new salt is cheaper: arch/x86/mm/tlb.c, tlb_single_page_flush_ceiling. */
const FLUSH_EACH_MAX: u64 = 33;

const FRAME_BITS: u64 = 0xfffff000;
/** What an entry has for which a load or a store leaves nothing to do. */
const LOAD_BITS: u64 = PTE_PRESENT | PTE_ACCESSED;
const STORE_BITS: u64 = PTE_PRESENT | PTE_ACCESSED | PTE_RW | PTE_DIRTY;

const loadRanges = memory.data(32768, 16);
const storeRanges = memory.data(32768, 16);
const tables = memory.data(32768, 16);
const TABLES_SIZE: usize = REGION_ENTRIES << 4;

/** What every load and store goes through: in a class, for only its methods can be made inline. */
export class Tlb {
  /** The place of `addr` in linear memory when its range is known and 8 bytes fit; otherwise 0. */
  @inline
  static rangePlace(mm: Mm, addr: u64, write: bool): usize {
    const key = addr ^ mm.salt;
    const at = (<usize>(key >> INDEX_SHIFT)) & INDEX_MASK;
    // Bits above a user address stay, so that no address outside the user's half is near anything.
    if (write) {
      const distance = (key - load<u64>(at, storeRanges)) | (addr & BEYOND_USER);
      if (distance > <u64>load<u32>(at, storeRanges + 8)) return 0;
      return <usize>load<u32>(at, storeRanges + 12) + <usize>distance;
    }
    const distance = (key - load<u64>(at, loadRanges)) | (addr & BEYOND_USER);
    if (distance > <u64>load<u32>(at, loadRanges + 8)) return 0;
    return <usize>load<u32>(at, loadRanges + 12) + <usize>distance;
  }

  /** The frame of `addr` when its page table is known and its entry asks for nothing; otherwise 0. */
  @inline
  static pageFrame(mm: Mm, addr: u64, write: bool): usize {
    const key = addr ^ mm.salt;
    const at = (<usize>(key >> INDEX_SHIFT)) & INDEX_MASK;
    if (((load<u64>(at, tables) ^ key) | (addr & BEYOND_USER)) > REGION_MASK) return 0;
    const table = write ? load<u32>(at, tables + 12) : load<u32>(at, tables + 8);
    if (write && table == 0) return 0;
    const pte = load<u64>(<usize>table + (((<usize>(addr >> PAGE_SHIFT)) & 511) << 3));
    const bits = write ? STORE_BITS : LOAD_BITS;
    if ((pte & bits) != bits) return 0;
    const frame = <usize>(pte & FRAME_BITS);
    return write && Code.isMarked(frame) ? 0 : frame;
  }
}

/** Bytes from `addr` on to the end of the range that rangePlace() found it in. */
export function rangeRest(mm: Mm, addr: u64, write: bool): usize {
  const key = addr ^ mm.salt;
  const entry = (write ? storeRanges : loadRanges) + ((<usize>(key >> INDEX_SHIFT)) & INDEX_MASK);
  return <usize>(load<u32>(entry, 8) + WIDEST) - <usize>(key - load<u64>(entry));
}

/** Remembers what the entry at `slot`, which lets loads through, or stores as well, tells of its region. */
export function fillTlb(mm: Mm, addr: u64, slot: usize, write: bool): void {
  const key = (addr ^ mm.salt) & ~(<u64>PAGE_OFFSET_MASK);
  const at = (<usize>(key >> INDEX_SHIFT)) & INDEX_MASK;
  const table = <u32>(slot & ~(PAGE_SIZE - 1));
  // Only a store has made sure that its entry may change: for stores the table is known by stores alone.
  const known = load<u64>(at, tables) == (key & ~REGION_MASK) && load<u32>(at, tables + 8) == table;
  store<u64>(at, key & ~REGION_MASK, tables);
  store<u32>(at, table, tables + 8);
  if (write) store<u32>(at, watchesStores() ? 0 : table, tables + 12);
  else if (!known) store<u32>(at, 0, tables + 12);
  fillRange(loadRanges + at, key, slot, LOAD_BITS);
  if (write) fillRange(storeRanges + at, key, slot, STORE_BITS);
}

/**
 * The same of the page alone, for one that must not be joined with its neighbours unseen, and without the
 * page table, through which all of them would be found.
 */
export function fillTlbPage(mm: Mm, addr: u64, slot: usize, write: bool): void {
  const key = (addr ^ mm.salt) & ~(<u64>PAGE_OFFSET_MASK);
  const entry = (write ? storeRanges : loadRanges) + ((<usize>(key >> INDEX_SHIFT)) & INDEX_MASK);
  const frame = <u32>(load<u64>(slot) & FRAME_BITS);
  const bytes = load<u32>(entry, 8) + WIDEST;
  if (key == load<u64>(entry) + bytes && frame == load<u32>(entry, 12) + bytes) {
    if ((key & REGION_MASK) != 0) {
      store<u32>(entry, bytes + PAGE_SIZE - WIDEST, 8);
      return;
    }
  }
  store<u64>(entry, key);
  store<u32>(entry, PAGE_SIZE - WIDEST, 8);
  store<u32>(entry, frame, 12);
}

/**
 * Adds a page to the range of its region: at either end in one step, so that pages touched in order cost
 * no search; one that lies elsewhere has its neighbourhood looked through.
 */
function fillRange(entry: usize, key: u64, slot: usize, bits: u64): void {
  const start = load<u64>(entry);
  const bytes = load<u32>(entry, 8) + WIDEST;
  const place = load<u32>(entry, 12);
  const frame = <u32>(load<u64>(slot) & FRAME_BITS);
  if (start >> REGION_SHIFT == key >> REGION_SHIFT) {
    if (key == start + bytes && frame == place + bytes) {
      store<u32>(entry, bytes + PAGE_SIZE - WIDEST, 8);
      return;
    }
    if (key - start < bytes) return;
  }
  scanRange(entry, key, slot, bits, false);
}

/** Whether a page that may be used as `bits` say may be so without the walk. */
function mayJoin(pte: u64, bits: u64): bool {
  if (bits == LOAD_BITS) return true;
  const frame = <usize>(pte & FRAME_BITS);
  return isWritten(frame) && !Code.isMarked(frame);
}

/**
 * Remembers the range around a page that pageFrame() found, whatever is known of its region: for one who comes
 * to pages of another row again and again.
 */
export function rememberRange(mm: Mm, addr: u64, write: bool): void {
  const key = (addr ^ mm.salt) & ~(<u64>PAGE_OFFSET_MASK);
  const at = (<usize>(key >> INDEX_SHIFT)) & INDEX_MASK;
  const table = <usize>(write ? load<u32>(at, tables + 12) : load<u32>(at, tables + 8));
  const slot = table + (((<usize>(addr >> PAGE_SHIFT)) & 511) << 3);
  if (write) scanRange(storeRanges + at, key, slot, STORE_BITS, true);
  else scanRange(loadRanges + at, key, slot, LOAD_BITS, true);
}

/**
 * The range around the entry at `slot`: neighbours in its table with the same bits, frame by frame.
 *
 * @param smaller whether it may push out a larger one
 */
function scanRange(entry: usize, key: u64, slot: usize, bits: u64, smaller: bool): void {
  const table = slot & ~(PAGE_SIZE - 1);
  const mask = bits | FRAME_BITS;
  const own = load<u64>(slot) & mask;
  let first = slot;
  let wanted = own - PAGE_SIZE;
  while (first > table && (load<u64>(first - 8) & mask) == wanted && mayJoin(wanted, bits)) {
    first -= 8;
    wanted -= PAGE_SIZE;
  }
  let end = slot + 8;
  wanted = own + PAGE_SIZE;
  const tableEnd = table + PAGE_SIZE;
  while (end < tableEnd && (load<u64>(end) & mask) == wanted && mayJoin(wanted, bits)) {
    end += 8;
    wanted += PAGE_SIZE;
  }
  const before = (<u32>(slot - first)) << (PAGE_SHIFT - 3);
  const bytes = (<u32>(end - first)) << (PAGE_SHIFT - 3);
  // One that was met once would only push out a larger one.
  const same = load<u64>(entry) >> REGION_SHIFT == key >> REGION_SHIFT;
  if (same && !smaller && bytes - WIDEST < load<u32>(entry, 8)) return;
  store<u64>(entry, key - before);
  store<u32>(entry, bytes - WIDEST, 8);
  store<u32>(entry, <u32>(own & FRAME_BITS) - before, 12);
}

/** Forgets the range of an entry if it has the page of `key`. */
function flushEntry(entry: usize, key: u64): void {
  if (key - load<u64>(entry) <= <u64>load<u32>(entry, 8)) store<u64>(entry, 0);
}

/** Forgets the translation of one page, and the page table that it is in. */
export function flushPage(mm: Mm, addr: u64): void {
  const key = (addr ^ mm.salt) & ~(<u64>PAGE_OFFSET_MASK);
  const at = (<usize>(key >> INDEX_SHIFT)) & INDEX_MASK;
  flushEntry(loadRanges + at, key);
  flushEntry(storeRanges + at, key);
  forgetFetch(key);
  // The next access walks anew, and finds the ranges that are left.
  if ((load<u64>(at, tables) ^ key) <= REGION_MASK) store<u64>(at, 0, tables);
}

/** Forgets the 2 MiB around an address: its page table is about to be another, or to be shared. */
export function flushRegion(mm: Mm, addr: u64): void {
  const key = (addr ^ mm.salt) & ~REGION_MASK;
  const at = (<usize>(key >> INDEX_SHIFT)) & INDEX_MASK;
  if ((load<u64>(at, loadRanges) ^ key) <= REGION_MASK) store<u64>(at, 0, loadRanges);
  if ((load<u64>(at, storeRanges) ^ key) <= REGION_MASK) store<u64>(at, 0, storeRanges);
  if (load<u64>(at, tables) == key) store<u64>(at, 0, tables);
  forgetFetches();
}

/** Forgets all translations of an address space: under its new salt none is found. */
export function flushMm(mm: Mm): void {
  dropSalt(mm.salt);
  mm.salt = takeSalt();
  forgetSpace();
}

/** Forgets all ranges of stores: a frame in one of them is about to be marked PG_CODE. */
export function flushStores(): void {
  memory.fill(storeRanges, 0, TABLES_SIZE);
}

/** Forgets the translations of [start, end), and the page tables that it touches. */
export function flushRange(mm: Mm, start: u64, end: u64): void {
  if ((end - start) >> PAGE_SHIFT > FLUSH_EACH_MAX) {
    flushMm(mm);
    return;
  }
  for (let addr = start; addr < end; addr += PAGE_SIZE) flushPage(mm, addr);
}

/** Forgets all translations of all address spaces. */
export function flushTlb(): void {
  memory.fill(loadRanges, 0, TABLES_SIZE);
  memory.fill(storeRanges, 0, TABLES_SIZE);
  memory.fill(tables, 0, TABLES_SIZE);
  forgetFetches();
}

/** Where the tables lie, for a check from outside: 0 tables, 1 ranges of loads, 2 ranges of stores. */
export function tlbTable(which: u32): usize {
  return which == 0 ? tables : which == 1 ? loadRanges : storeRanges;
}
