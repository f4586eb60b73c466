// Page tables: four levels of 512 entries, as on x86-64 with 48-bit addresses.
//
//   addr:  47      39 38      30 29      21 20      12 11        0
//         +----------+----------+----------+----------+-----------+
//         | pgd      | pud      | pmd      | pte      | in page   |
//         +----------+----------+----------+----------+-----------+
//
// findSlot() is the walk: the place of the last-level entry, or 0 where a table is missing. A table is a
// frame whose mapcount counts its entries in use; one without any goes with the next zap that meets it.
//
// Last-level tables may be shared by several mms (share.ts). As in hardware, an entry means what it says
// and what the pmd entry above it says: PTE_RW is clear there while the table may be shared, and then
// nothing below may change; PTE_ACCESSED is clear while no entry below counts as accessed. So findSlot()
// is for looking, and whoever changes an entry asks ownSlot() or allocSlot() for its place.
import { PG_TABLE } from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NX_SHIFT,
  PTE_PRESENT,
  PTE_PROTNONE,
  PTE_RW,
  PTE_SOFT_DIRTY,
  PTE_SPECIAL,
  PTE_USER,
} from '../abi/pte';
import { VM_EXEC, VM_READ, VM_WRITE } from '../abi/vma';
import { beforeWrite } from './checkpoint';
import { allocZeroedFrame, mapcount, setMapcount, setPageFlags } from './frame';
import { Mm } from './mm';
import { ownTable } from './share';
import { flushPage } from './tlb';

/** Shift of the top level; each level below is 9 less, the last one 12. */
export const PGD_SHIFT: u64 = 39;
export const PMD_SHIFT: u64 = 21;
export const LEVEL_BITS: u64 = 9;
const INDEX_MASK: u64 = 511;
const FRAME_BITS: u64 = 0xfffff000;
export const TABLE_ENTRY: u64 = PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED | PTE_DIRTY;

export function pteFrame(pte: u64): usize {
  return <usize>(pte & FRAME_BITS);
}

/** True of an entry that holds a page, be it out of the CPU's reach: pte_present(). */
export function ptePresent(pte: u64): bool {
  return (pte & (PTE_PRESENT | PTE_PROTNONE)) != 0;
}

export function pteWritable(pte: u64): bool {
  return (pte & PTE_RW) != 0;
}

export function pteSpecial(pte: u64): bool {
  return (pte & PTE_SPECIAL) != 0;
}

/** The entry for a frame under the protection of `vmFlags`, not writable: mk_pte(). */
export function makePte(frame: usize, vmFlags: u32): u64 {
  const accessible = (vmFlags & (VM_READ | VM_WRITE | VM_EXEC)) != 0;
  let pte = (<u64>frame) | PTE_USER | PTE_ACCESSED | (accessible ? PTE_PRESENT : PTE_PROTNONE);
  if (!(vmFlags & VM_EXEC)) pte |= (<u64>1) << PTE_NX_SHIFT;
  return pte;
}

/** maybe_mkwrite(pte_mkdirty(pte)): writable only where the VMA is. */
export function makeDirty(pte: u64, vmFlags: u32): u64 {
  return pte | PTE_DIRTY | PTE_SOFT_DIRTY | (vmFlags & VM_WRITE ? PTE_RW : 0);
}

function entryAt(table: usize, addr: u64, shift: u64): usize {
  return table + ((<usize>((addr >> shift) & INDEX_MASK)) << 3);
}

/** Walks to the last-level table of `addr` and remembers it in mm.walk*; false where a table is missing. */
function walkTo(mm: Mm, addr: u64): bool {
  if (addr >> PMD_SHIFT == mm.walkRegion) return true;
  let table = mm.pgd;
  let entry: usize = 0;
  for (let shift = PGD_SHIFT; shift >= PMD_SHIFT; shift -= LEVEL_BITS) {
    entry = entryAt(table, addr, shift);
    table = pteFrame(load<u64>(entry));
    if (table == 0) return false;
  }
  rememberWalk(mm, addr, entry, table);
  return true;
}

function rememberWalk(mm: Mm, addr: u64, entry: usize, table: usize): void {
  mm.walkRegion = addr >> PMD_SHIFT;
  mm.walkEntry = entry;
  mm.walkTable = table;
}

/** The place of the last-level entry of `addr` for reading it, or 0 when its table does not exist. */
export function findSlot(mm: Mm, addr: u64): usize {
  return walkTo(mm, addr) ? entryAt(mm.walkTable, addr, PAGE_SHIFT) : 0;
}

/** Whether the table that findSlot() found last is the mm's own: its entries then say all there is to know. */
export function slotIsOwn(mm: Mm): bool {
  return (load<u32>(mm.walkEntry) & PTE_RW) != 0;
}

/** The same for changing the entry: a table shared with other mms is copied first, which cannot fail. */
export function ownSlot(mm: Mm, addr: u64): usize {
  if (!walkTo(mm, addr)) return 0;
  if (!(load<u32>(mm.walkEntry) & PTE_RW)) ownTable(mm);
  return entryAt(mm.walkTable, addr, PAGE_SHIFT);
}

/**
 * The same for an access by the CPU, which marks the entry as accessed, and as dirty with `write`: what is
 * marked already is only looked at.
 */
export function slotForUse(mm: Mm, addr: u64, write: bool): usize {
  if (!walkTo(mm, addr)) return 0;
  const slot = entryAt(mm.walkTable, addr, PAGE_SHIFT);
  const above = load<u32>(mm.walkEntry);
  if (above & PTE_RW || (!write && above & load<u32>(slot) & PTE_ACCESSED)) return slot;
  return ownSlot(mm, addr);
}

/** The entry of `addr` as it counts for this mm, with what the tables above forbid; 0 without a table. */
export function findPte(mm: Mm, addr: u64): u64 {
  if (!walkTo(mm, addr)) return 0;
  const above = load<u64>(mm.walkEntry) | ~(<u64>(PTE_RW | PTE_ACCESSED));
  return load<u64>(entryAt(mm.walkTable, addr, PAGE_SHIFT)) & above;
}

/** Bytes from `addr` on that lack a table, as far as the topmost missing one tells. */
export function missingSpan(mm: Mm, addr: u64): u64 {
  let table = mm.pgd;
  for (let shift = PGD_SHIFT; shift > PMD_SHIFT; shift -= LEVEL_BITS) {
    table = pteFrame(load<u64>(entryAt(table, addr, shift)));
    if (table == 0) return (((addr >> shift) + 1) << shift) - addr;
  }
  return (((addr >> PMD_SHIFT) + 1) << PMD_SHIFT) - addr;
}

/**
 * The first page from `addr` on that has a table, or `end`: loops over a range go from one to the next, so
 * that what is mapped and was never touched costs nothing.
 */
export function nextMapped(mm: Mm, addr: u64, end: u64): u64 {
  while (addr < end && findSlot(mm, addr) == 0) addr += missingSpan(mm, addr);
  return min(addr, end);
}

/** The place of the pmd entry of `addr`, the tables down to it made where missing; 0 without memory. */
export function allocEntry(mm: Mm, addr: u64): usize {
  let table = mm.pgd;
  for (let shift = PGD_SHIFT; shift > PMD_SHIFT; shift -= LEVEL_BITS) {
    const entry = entryAt(table, addr, shift);
    table = pteFrame(load<u64>(entry));
    if (table == 0) table = allocTable(mm, entry);
    if (table == 0) return 0;
  }
  return entryAt(table, addr, PMD_SHIFT);
}

/** Puts a new table below `entry`; 0 without memory. */
function allocTable(mm: Mm, entry: usize): usize {
  const table = allocZeroedFrame();
  if (table == 0) return 0;
  setPageFlags(table, PG_TABLE);
  setEntry(mm, entry, (<u64>table) | TABLE_ENTRY);
  return table;
}

/** Stores an entry of any level: the only way one changes, so that checkpoints keep what it was. */
export function storeEntry(entry: usize, value: u64): void {
  beforeWrite(entry & ~(PAGE_SIZE - 1));
  store<u64>(entry, value);
}

/** Fills an empty entry of an upper level with one for a table. */
export function setEntry(mm: Mm, entry: usize, value: u64): void {
  storeEntry(entry, value);
  const table = entry & ~(PAGE_SIZE - 1);
  setMapcount(table, mapcount(table) + 1);
  mm.tables++;
}

/** ownSlot(), making the tables that are missing; 0 when memory is exhausted. */
export function allocSlot(mm: Mm, addr: u64): usize {
  if (!walkTo(mm, addr)) {
    const entry = allocEntry(mm, addr);
    if (entry == 0) return 0;
    const table = allocTable(mm, entry);
    if (table == 0) return 0;
    rememberWalk(mm, addr, entry, table);
  }
  return ownSlot(mm, addr);
}

/** Stores a last-level entry of a table that is the mm's own, and counts it. */
export function setPte(mm: Mm, slot: usize, addr: u64, pte: u64): void {
  const old = load<u64>(slot);
  const table = slot & ~(PAGE_SIZE - 1);
  if (old == 0 && pte != 0) setMapcount(table, mapcount(table) + 1);
  else if (old != 0 && pte == 0) setMapcount(table, mapcount(table) - 1);
  storeEntry(slot, pte);
  // An empty entry is in no TLB.
  if (old != 0) flushPage(mm, addr);
}

/** Forgets the cached walk, whose table may have gone. */
export function forgetWalk(mm: Mm): void {
  mm.walkRegion = u64.MAX_VALUE;
}
