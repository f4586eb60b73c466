// Page tables that several address spaces share until one of them changes an entry: fork() copies a
// pointer for each 2 MiB, not an entry for each page. After "On-Demand-Fork" (Zhao, Gong, Fonseca,
// EuroSys 2021), but so that nobody can tell: every count is what it would be had fork copied.
//
//   parent pmd   [ table | no RW         ] --+
//                                            +--> last-level table, refcount 2, and one frame reserved
//   child pmd    [ table | no RW, no A   ] --+    for the copy that the first to change it will need
//
// - The table's refcount counts the mms. Each but the last has a frame reserved, so that a copy cannot
//   fail; the memory is in use from the fork on, as it is in Linux.
// - Entries are write-protected when the table is copied; until then the pmd entry protects them.
// - The child has used no page yet: without PTE_ACCESSED in its pmd entry no entry counts as accessed.
// - A frame's refcount counts tables, not mms. So does its mapcount, until somebody asks how many map the
//   page: settleTables() then adds the other sharers of every table (PG_SETTLED).
// - Only tables of private memory are shared; a VM_SHARED entry changes when it is copied.
import {
  PG_ANON,
  PG_COUNTED,
  PG_SETTLED,
  PG_TABLE,
  SECTION_HEAD,
  SECTION_SIZE,
} from '../abi/layout';
import { PAGE_SIZE } from '../abi/page';
import { PTE_ACCESSED, PTE_RW } from '../abi/pte';
import {
  framesEnd,
  getFrame,
  mapcount,
  pageFlags,
  pageOwner,
  putFrame,
  refcount,
  reserveFrame,
  setMapcount,
  setPageFlags,
  setPageOwner,
  takeReserved,
  unreserveFrame,
} from './frame';
import { MAPPING_HOST, Mapping } from './mapping';
import { Mm } from './mm';
import {
  PMD_SHIFT,
  TABLE_ENTRY,
  allocEntry,
  pteFrame,
  ptePresent,
  pteSpecial,
  setEntry,
  storeEntry,
} from './pgtable';
import { flushRegion } from './tlb';

/** Resident pages of a table by kind, ten bits each, in its owner word: anon, file, shmem. */
const FILE_SHIFT: u32 = 10;
const SHMEM_SHIFT: u32 = 20;
const COUNT_MASK: u32 = 1023;

/** Shared tables that are not PG_SETTLED. */
let unsettled: u32 = 0;

export function unsettledTables(): u32 {
  return unsettled;
}

export function setUnsettledTables(count: u32): void {
  unsettled = count;
}

/** Do other mms share the table that a last-level entry lies in? */
export function isSharedTable(slot: usize): bool {
  return refcount(slot & ~(PAGE_SIZE - 1)) > 1;
}

/** A present entry of a page with counts. */
function countsPage(pte: u64): bool {
  return ptePresent(pte) && !pteSpecial(pte);
}

/** Adds `by` to the mapcount of every page of a table. */
function addMapcounts(table: usize, by: i32): void {
  for (let slot = table; slot < table + PAGE_SIZE; slot += 8) {
    const pte = load<u64>(slot);
    if (!countsPage(pte)) continue;
    const frame = pteFrame(pte);
    setMapcount(frame, mapcount(frame) + by);
  }
}

/** Makes the mapcounts of a table's pages count it once again, before its sharers change. */
function unsettle(table: usize): void {
  const flags = pageFlags(table);
  if (!(flags & PG_SETTLED)) return;
  addMapcounts(table, 1 - <i32>refcount(table));
  setPageFlags(table, flags & ~PG_SETTLED);
  unsettled++;
}

function settle(table: usize): void {
  addMapcounts(table, <i32>refcount(table) - 1);
  setPageFlags(table, pageFlags(table) | PG_SETTLED);
  unsettled--;
}

/** Makes the mapcount of every page the number of entries that map it, as if no table were shared. */
export function settleTables(): void {
  const end = framesEnd();
  let frame: usize = SECTION_HEAD;
  while (unsettled != 0 && frame < end) {
    const sharable = pageFlags(frame) & (PG_TABLE | PG_SETTLED);
    if (sharable == PG_TABLE && refcount(frame) > 1) settle(frame);
    frame += PAGE_SIZE;
    if ((frame & (SECTION_SIZE - 1)) == 0) frame += SECTION_HEAD;
  }
}

/** Counts the pages of a table by kind, unless nothing changed since that was done last. */
function countPages(table: usize): void {
  if (pageFlags(table) & PG_COUNTED) return;
  let counts: u32 = 0;
  for (let slot = table; slot < table + PAGE_SIZE; slot += 8) {
    const pte = load<u64>(slot);
    if (!countsPage(pte)) continue;
    const frame = pteFrame(pte);
    if (pageFlags(frame) & PG_ANON) counts += 1;
    else if (changetype<Mapping>(pageOwner(frame)).kind == MAPPING_HOST) counts += 1 << FILE_SHIFT;
    else counts += 1 << SHMEM_SHIFT;
  }
  setPageOwner(table, counts);
  setPageFlags(table, pageFlags(table) | PG_COUNTED);
}

/** Adds the pages of a counted table to the resident set of `mm`, or takes them away. */
function addResident(mm: Mm, table: usize, by: i32): void {
  const counts = <u32>pageOwner(table);
  mm.rssAnon += by * (counts & COUNT_MASK);
  mm.rssFile += by * ((counts >> FILE_SHIFT) & COUNT_MASK);
  mm.rssShmem += by * (counts >> SHMEM_SHIFT);
}

/**
 * Gives `child`, which has none there, the last-level table of `addr` that `parent` was just walked to;
 * false without memory. The caller flushes the TLB.
 */
export function shareTable(child: Mm, parent: Mm, addr: u64): bool {
  const table = parent.walkTable;
  const from = parent.walkEntry;
  const to = allocEntry(child, addr);
  if (to == 0 || !reserveFrame()) return false;
  if (refcount(table) == 1) {
    countPages(table);
    unsettled++;
  } else {
    unsettle(table);
  }
  getFrame(table);
  const entry = load<u64>(from) & ~(<u64>PTE_RW);
  storeEntry(from, entry);
  setEntry(child, to, entry & ~(<u64>PTE_ACCESSED));
  addResident(child, table, 1);
  return true;
}

/** One mm fewer shares a table. */
function leaveTable(table: usize): void {
  unsettle(table);
  putFrame(table);
  if (refcount(table) == 1) unsettled--;
}

/** Takes a shared table from an mm with all that it maps; the caller clears the entry. */
export function dropTable(mm: Mm, table: usize): void {
  addResident(mm, table, -1);
  leaveTable(table);
  unreserveFrame();
}

/** Write-protects the entries of `shared`, and fills `copy` with them and references to their pages. */
function copyEntries(copy: usize, shared: usize, mask: u64): void {
  for (let offset: usize = 0; offset < <usize>PAGE_SIZE; offset += 8) {
    let pte = load<u64>(shared + offset);
    if (ptePresent(pte)) {
      if (pte & PTE_RW) {
        pte &= ~(<u64>PTE_RW);
        storeEntry(shared + offset, pte);
      }
      if (!pteSpecial(pte)) {
        const frame = pteFrame(pte);
        getFrame(frame);
        setMapcount(frame, mapcount(frame) + 1);
      }
      pte &= mask;
    }
    store<u64>(copy + offset, pte);
  }
}

/** No entry of the table counts as accessed any more. */
function makeOld(table: usize): void {
  for (let slot = table; slot < table + PAGE_SIZE; slot += 8) {
    const pte = load<u64>(slot);
    if (ptePresent(pte)) storeEntry(slot, pte & ~(<u64>PTE_ACCESSED));
  }
}

/**
 * Makes the table that `mm` was just walked to its own, to change: a copy of it while others share it, or
 * the table itself once nobody else does.
 */
export function ownTable(mm: Mm): void {
  const shared = mm.walkTable;
  const old = !(load<u32>(mm.walkEntry) & PTE_ACCESSED);
  if (refcount(shared) == 1) {
    if (old) makeOld(shared);
    setPageFlags(shared, PG_TABLE);
  } else {
    unsettle(shared);
    const copy = takeReserved();
    setPageFlags(copy, PG_TABLE);
    setMapcount(copy, mapcount(shared));
    copyEntries(copy, shared, old ? ~(<u64>PTE_ACCESSED) : ~(<u64>0));
    leaveTable(shared);
    mm.walkTable = copy;
    // The pages are the same, the table is another.
    flushRegion(mm, mm.walkRegion << PMD_SHIFT);
  }
  storeEntry(mm.walkEntry, (<u64>mm.walkTable) | TABLE_ENTRY);
}
