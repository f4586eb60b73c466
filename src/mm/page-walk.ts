import * as layout from '../../assembly/abi/layout.js';
import { PAGE_SHIFT, PAGE_SIZE } from '../../assembly/abi/page.js';
import {
  PTE_ACCESSED,
  PTE_DEVICE_SHIFT,
  PTE_PRESENT,
  PTE_PROTNONE,
  PTE_RW,
  PTE_SPECIAL,
} from '../../assembly/abi/pte.js';
import type { Core } from '../wasm/core.js';
import { TASK_SIZE } from './address.js';
import type { Mm } from './mm.js';
import { vmaStats } from './pagemap.js';

const ENTRIES = 512;
const FRAME_BITS = 0xfffff000;

/** The levels from the top with the lowest bit of the address that each one looks at. */
const LEVELS = [
  ['pgd', 39],
  ['pud', 30],
  ['pmd', 21],
  ['pte', 12],
] as const;

/** One step of a walk: which entry of which table was read, and what it says. */
export interface PageWalkLevel {
  /** Linux's name of the level; with four levels there is no p4d. */
  readonly level: 'pgd' | 'pud' | 'pmd' | 'pte';
  /** Number of the frame that holds the table. */
  readonly table: number;
  /** How many address spaces use this very table: more than one after a fork, until one changes it. */
  readonly sharers: number;
  /** Which of its 512 entries: nine bits of the address. */
  readonly index: number;
  /** All 64 bits of the entry, laid out as on x86-64. */
  readonly entry: bigint;
}

/** The page that a walk ends at. */
export interface WalkedPage {
  /** Number of its frame: physical address divided by 4096. */
  readonly frame: number;
  /** Page-table entries that map it, in all address spaces; 0 of the zero page and of a device. */
  readonly mapcount: number;
  /** `zero` is the page that all untouched memory reads from; `device` is no memory. */
  readonly kind: 'anonymous' | 'file' | 'zero' | 'device';
}

/** What the tables say of an address. */
export interface PageWalk {
  /** From the top to the last table there is. */
  readonly levels: readonly PageWalkLevel[];
  /** The last-level entry with what the tables above forbid; 0 where there is none. */
  readonly entry: bigint;
  /** The page, even one that the CPU may not touch (PROT_NONE); null where none is. */
  readonly page: WalkedPage | null;
}

/**
 * Walks the page tables to an address and tells each step. Only looks: no table is made, no bit changes.
 *
 * @param addr at any byte; null is the answer where user memory ends, and for a dead mm
 */
export function walkPage(mm: Mm, addr: number): PageWalk | null {
  if (!mm.alive || addr >= TASK_SIZE) return null;
  const { core } = mm;
  const levels: PageWalkLevel[] = [];
  let table = core.readU32(mm.ptr + layout.MM_PGD);
  for (const [level, shift] of LEVELS) {
    if (table === 0) break;
    const index = Math.floor(addr / 2 ** shift) % ENTRIES;
    const entry = readEntry(core, table + index * 8);
    const sharers = core.readU32(pageStruct(table) + layout.PAGE_REFCOUNT);
    levels.push({ level, table: table / PAGE_SIZE, sharers, index, entry });
    table = frameOf(entry);
  }
  const entry = effectiveEntry(levels);
  return { levels, entry, page: pageOf(mm, addr, entry) };
}

function readEntry(core: Core, at: number): bigint {
  return (BigInt(core.readU32(at + 4)) << 32n) | BigInt(core.readU32(at));
}

function frameOf(entry: bigint): number {
  return (Number(entry & 0xffffffffn) & FRAME_BITS) >>> 0;
}

function pageStruct(frame: number): number {
  const section = Math.floor(frame / layout.SECTION_SIZE) * layout.SECTION_SIZE;
  return section + ((frame - section) / PAGE_SIZE) * layout.PAGE_STRUCT_SIZE;
}

/** As findPte() of assembly/mm/pgtable.ts has it: a shared table is protected by the entry above it. */
function effectiveEntry(levels: readonly PageWalkLevel[]): bigint {
  const [, , pmd, pte] = levels;
  if (pmd === undefined || pte === undefined) return 0n;
  return isPresent(pte.entry)
    ? pte.entry & (pmd.entry | ~BigInt(PTE_RW | PTE_ACCESSED))
    : pte.entry;
}

/** pte_present() */
function isPresent(entry: bigint): boolean {
  return (entry & BigInt(PTE_PRESENT | PTE_PROTNONE)) !== 0n;
}

function pageOf(mm: Mm, addr: number, entry: bigint): WalkedPage | null {
  if (!isPresent(entry)) return null;
  const at = frameOf(entry);
  const frame = at >>> PAGE_SHIFT;
  if ((entry >> BigInt(PTE_DEVICE_SHIFT)) & 1n) return { frame, mapcount: 0, kind: 'device' };
  if (entry & BigInt(PTE_SPECIAL)) return { frame, mapcount: 0, kind: 'zero' };
  // Counting a mapping makes the mapcounts of its pages those that every sharer of a table has a part in.
  const vma = mm.findVma(addr);
  if (vma !== null) vmaStats(mm, vma);
  const { core } = mm;
  const mapcount = core.readU32(pageStruct(at) + layout.PAGE_MAPCOUNT);
  const anonymous = (core.readU32(pageStruct(at) + layout.PAGE_FLAGS) & layout.PG_ANON) !== 0;
  return { frame, mapcount, kind: anonymous ? 'anonymous' : 'file' };
}
