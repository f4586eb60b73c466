// What the core's TLB remembers, held against the page tables: read by layout, as check.ts does.
import * as layout from '../../assembly/abi/layout.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_PRESENT, PTE_RW } from '../../assembly/abi/pte.js';
import type { Core } from '../wasm/core.js';
import type { Mm } from './mm.js';

const LOAD_BITS = PTE_PRESENT | PTE_ACCESSED;
const STORE_BITS = LOAD_BITS | PTE_RW | PTE_DIRTY;
const REGION_SIZE = 2 ** 21;

/** An entry of one of the TLB's tables, its key taken apart. */
interface Entry {
  readonly mm: Mm;
  readonly addr: number;
  /** Its place in linear memory. */
  readonly at: number;
}

/** The entries that some address space would find: those of numbers given back are out of reach. */
function* entriesOf(core: Core, which: number, mms: ReadonlySet<Mm>): Generator<Entry> {
  const bySalt = new Map<number, Mm>();
  for (const mm of mms) bySalt.set(core.readU32(mm.ptr + layout.MM_SALT + 4) >>> 15, mm);
  const table = core.exports.tlbTable(which);
  for (let i = 0; i < layout.REGION_ENTRIES; i++) {
    const at = table + i * layout.REGION_ENTRY_SIZE;
    const low = core.readU32(at);
    const high = core.readU32(at + 4);
    const mm = bySalt.get(high >>> 15);
    if (mm === undefined) continue;
    const salt = core.readU32(mm.ptr + layout.MM_SALT);
    yield { mm, addr: (high & 0x7fff) * 2 ** 32 + ((low ^ salt) >>> 0), at };
  }
}

/** The entry for the page table of an address, walked to from the top; 0 where there is none. */
function pmdOf(core: Core, mm: Mm, addr: number): number {
  let entry = core.readU32(mm.ptr + layout.MM_PGD);
  for (const size of [2 ** 39, 2 ** 30, 2 ** 21]) {
    if (entry === 0) return 0;
    entry = core.readU32(tableOf(entry) + (Math.floor(addr / size) % 512) * 8);
  }
  return entry;
}

function tableOf(entry: number): number {
  return (entry & ~(PAGE_SIZE - 1)) >>> 0;
}

function checkRanges(core: Core, mms: ReadonlySet<Mm>, which: number, bits: number): string[] {
  const problems: string[] = [];
  for (const { mm, addr, at } of entriesOf(core, which, mms)) {
    const bytes = core.readU32(at + layout.RANGE_LAST) + 8;
    const place = core.readU32(at + layout.RANGE_PLACE);
    const pmd = pmdOf(core, mm, addr);
    const table = tableOf(pmd);
    // Both bits count only where the entry above has them too.
    const above = pmd | ~(PTE_RW | PTE_ACCESSED);
    for (let offset = 0; offset < bytes; offset += PAGE_SIZE) {
      const page = addr + offset;
      const low = table === 0 ? 0 : core.readU32(table + (Math.floor(page / PAGE_SIZE) % 512) * 8);
      const frame = (low & ~(PAGE_SIZE - 1)) >>> 0;
      const watched = mm.watched && core.exports.isWatched(mm.ptr, page, which - 1);
      const used = (low & above & bits) === bits && frame === place + offset;
      if (used && !watched) continue;
      const name = which === 1 ? 'loads' : 'stores';
      problems.push(`the TLB sends ${name} at 0x${page.toString(16)} where the table does not`);
    }
    if ((addr % REGION_SIZE) + bytes > REGION_SIZE) problems.push('a range leaves its region');
  }
  return problems;
}

/** Is a page of the region watched, for loads or, if those can be found there, for stores? */
function watchesRegion(core: Core, mm: Mm, addr: number, stores: boolean): boolean {
  const start = addr - (addr % REGION_SIZE);
  for (let page = start; page < start + REGION_SIZE; page += PAGE_SIZE) {
    if (core.exports.isWatched(mm.ptr, page, 0)) return true;
    if (stores && core.exports.isWatched(mm.ptr, page, 1)) return true;
  }
  return false;
}

/**
 * Checks every translation that the core would use without a walk. Changes nothing.
 * @returns what is wrong, a line each
 */
export function checkTlb(core: Core, mms: ReadonlySet<Mm>): string[] {
  const problems: string[] = [];
  for (const { mm, addr, at } of entriesOf(core, 0, mms)) {
    const pmd = pmdOf(core, mm, addr);
    const table = tableOf(pmd);
    const loads = core.readU32(at + layout.TABLE_LOADS);
    const stores = core.readU32(at + layout.TABLE_STORES);
    const storable = (pmd & PTE_RW) !== 0;
    const known = loads === table && (stores === 0 || (storable && stores === table));
    const watched = mm.watched && watchesRegion(core, mm, addr, stores !== 0);
    if (known && !watched) continue;
    problems.push(`the TLB has a page table of 0x${addr.toString(16)} that it should not`);
  }
  problems.push(...checkRanges(core, mms, 1, LOAD_BITS));
  problems.push(...checkRanges(core, mms, 2, STORE_BITS));
  return problems;
}
