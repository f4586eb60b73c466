// Page tables: four levels of 512 entries, as on x86-64 with 48-bit addresses.
//
//   addr:  47      39 38      30 29      21 20      12 11        0
//         +----------+----------+----------+----------+-----------+
//         | pgd      | pud      | pmd      | pte      | in page   |
//         +----------+----------+----------+----------+-----------+
//
// findSlot() is the walk: the place of the last-level entry, or 0 where a table is missing. A table is a
// frame whose mapcount counts its entries in use; one without any goes with the next zap that meets it.
import { PG_TABLE } from '../abi/layout';
import { PAGE_SIZE } from '../abi/page';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NX_SHIFT,
  PTE_PRESENT,
  PTE_PROTNONE,
  PTE_RW,
  PTE_SPECIAL,
  PTE_USER,
} from '../abi/pte';
import { VM_EXEC, VM_READ, VM_WRITE } from '../abi/vma';
import { allocZeroedFrame, mapcount, setMapcount, setPageFlags } from './frame';
import { Mm } from './mm';
import { flushPage } from './tlb';

/** Shift of the top level; each level below is 9 less, the last one 12. */
export const PGD_SHIFT: u64 = 39;
export const PMD_SHIFT: u64 = 21;
export const LEVEL_BITS: u64 = 9;
const INDEX_MASK: u64 = 511;
const FRAME_BITS: u64 = 0xfffff000;
const TABLE_ENTRY: u64 = PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED | PTE_DIRTY;

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
  return pte | PTE_DIRTY | (vmFlags & VM_WRITE ? PTE_RW : 0);
}

function entryAt(table: usize, addr: u64, shift: u64): usize {
  return table + ((<usize>((addr >> shift) & INDEX_MASK)) << 3);
}

/** The place of the last-level entry of `addr`, or 0 when its table does not exist. */
export function findSlot(mm: Mm, addr: u64): usize {
  if (addr >> PMD_SHIFT == mm.walkRegion) return entryAt(mm.walkTable, addr, 12);
  let table = mm.pgd;
  for (let shift = PGD_SHIFT; shift >= PMD_SHIFT; shift -= LEVEL_BITS) {
    table = pteFrame(load<u64>(entryAt(table, addr, shift)));
    if (table == 0) return 0;
  }
  mm.walkRegion = addr >> PMD_SHIFT;
  mm.walkTable = table;
  return entryAt(table, addr, 12);
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

/** findSlot(), making the tables that are missing; 0 when memory is exhausted. */
export function allocSlot(mm: Mm, addr: u64): usize {
  if (addr >> PMD_SHIFT == mm.walkRegion) return entryAt(mm.walkTable, addr, 12);
  let table = mm.pgd;
  for (let shift = PGD_SHIFT; shift >= PMD_SHIFT; shift -= LEVEL_BITS) {
    const entry = entryAt(table, addr, shift);
    let child = pteFrame(load<u64>(entry));
    if (child == 0) {
      child = allocZeroedFrame();
      if (child == 0) return 0;
      setPageFlags(child, PG_TABLE);
      store<u64>(entry, (<u64>child) | TABLE_ENTRY);
      setMapcount(table, mapcount(table) + 1);
      mm.tables++;
    }
    table = child;
  }
  mm.walkRegion = addr >> PMD_SHIFT;
  mm.walkTable = table;
  return entryAt(table, addr, 12);
}

/** Stores a last-level entry: the only way one changes outside a zap. */
export function setPte(mm: Mm, slot: usize, addr: u64, pte: u64): void {
  const old = load<u64>(slot);
  const table = slot & ~(PAGE_SIZE - 1);
  if (old == 0 && pte != 0) setMapcount(table, mapcount(table) + 1);
  else if (old != 0 && pte == 0) setMapcount(table, mapcount(table) - 1);
  store<u64>(slot, pte);
  // What was not there cannot have been remembered.
  if (old != 0) flushPage(mm, addr);
}

/** Forgets the cached walk, before a table goes away. */
export function forgetWalk(mm: Mm): void {
  mm.walkRegion = u64.MAX_VALUE;
}
