// The machine's invariants, checked from outside: everything here reads linear memory by layout and
// shares no code with the core, so that a mistake there is not made here again.
import * as layout from '../../assembly/abi/layout.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import {
  PTE_MARKER_GUARD,
  PTE_MARKER_POISONED,
  PTE_MARKER_UFFD_WP,
  PTE_PRESENT,
  PTE_PROTNONE,
  PTE_RW,
  PTE_SPECIAL,
  PTE_UFFD_WP,
} from '../../assembly/abi/pte.js';
import { UFFD_MODES, UFFD_NUMBER_SHIFT } from '../../assembly/abi/userfault.js';
import { VM_MAYWRITE, VM_SHARED, VM_WRITE } from '../../assembly/abi/vma.js';
import type { Core } from '../wasm/core.js';
import { checkTlb } from './check-tlb.js';
import type { Mm } from './mm.js';
import type { PageCache } from './page-cache.js';
import { liveObjects } from './registry.js';

const FRAME_BITS = 0xfffff000;
const ENTRIES = 512;
const NODE_SLOTS = 64;
/** What an entry can hold in place of a page. */
const MARKERS: ReadonlySet<number> = new Set([
  PTE_MARKER_GUARD,
  PTE_MARKER_POISONED,
  PTE_MARKER_UFFD_WP,
]);
/** Levels of a tree of VMAs, and of pages, at most. */
const MAX_DEPTH = 48;
const MAX_LEVELS = 11;

/** What the tables and caches say of frames, to be held against what frames say of themselves. */
class Census {
  readonly problems: string[] = [];
  readonly refs = new Map<number, number>();
  readonly maps = new Map<number, number>();
  /** Page tables, and how many address spaces lead to each. */
  readonly tables = new Map<number, number>();
  readonly nodes = new Set<number>();
  /** Places in linear memory of every VMA met, by its mapping. */
  readonly vmasOf = new Map<number, Set<number>>();
  readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  word(at: number): number {
    return this.core.readU32(at);
  }

  expect(holds: boolean, problem: string): void {
    if (!holds) this.problems.push(problem);
  }

  count(map: Map<number, number>, frame: number): void {
    map.set(frame, (map.get(frame) ?? 0) + 1);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function pageStruct(frame: number): number {
  const section = Math.floor(frame / layout.SECTION_SIZE) * layout.SECTION_SIZE;
  return section + ((frame - section) / PAGE_SIZE) * layout.PAGE_STRUCT_SIZE;
}

interface VmaFacts {
  readonly ptr: number;
  readonly start: number;
  readonly end: number;
  readonly flags: number;
}

/** The list of an mm's VMAs, checked for order and for what the tree says of it. */
function checkVmas(census: Census, mm: Mm): VmaFacts[] {
  const { core } = census;
  const list: VmaFacts[] = [];
  const counted = census.word(mm.ptr + layout.MM_MAP_COUNT);
  let prev = 0;
  for (let ptr = census.word(mm.ptr + layout.MM_FIRST); ptr !== 0;) {
    const start = core.readU64(ptr + layout.VMA_START);
    const end = core.readU64(ptr + layout.VMA_END);
    const below = list.at(-1)?.end ?? 0;
    census.expect(start < end && start >= below, `VMA ${hex(start)}-${hex(end)} is out of order`);
    census.expect(census.word(ptr + layout.VMA_PREV) === prev, `VMA ${hex(start)}: wrong prev`);
    census.expect(census.word(ptr + layout.VMA_MM) === mm.ptr, `VMA ${hex(start)}: wrong mm`);
    list.push({ ptr, start, end, flags: census.word(ptr + layout.VMA_FLAGS) });
    checkUffd(census, mm, ptr);
    // Memory out of a forged snapshot may lead in circles.
    if (list.length > counted) break;
    noteMapping(census, ptr);
    prev = ptr;
    ptr = census.word(ptr + layout.VMA_NEXT);
  }
  const inTree = checkTree(census, census.word(mm.ptr + layout.MM_ROOT), list, 0, 0).next;
  census.expect(inTree === list.length, `the tree has ${inTree} VMAs, the list ${list.length}`);
  census.expect(counted === list.length, `map_count is ${counted} of ${list.length} VMAs`);
  return list;
}

/** A VMA that is watched: in some mode, by a userfaultfd that is there. */
function checkUffd(census: Census, mm: Mm, vma: number): void {
  const uffd = census.word(vma + layout.VMA_UFFD);
  if (uffd === 0) return;
  const known = mm.userfaultfds?.has(uffd >>> UFFD_NUMBER_SHIFT) === true;
  census.expect(known, `VMA ${hex(vma)} is watched by a userfaultfd that is closed`);
  census.expect((uffd & UFFD_MODES) !== 0, `VMA ${hex(vma)} is watched in no mode`);
}

function noteMapping(census: Census, vma: number): void {
  const mapping = census.word(vma + layout.VMA_MAPPING);
  if (mapping === 0) return;
  let known = census.vmasOf.get(mapping);
  if (known === undefined) census.vmasOf.set(mapping, (known = new Set()));
  known.add(vma);
}

/** Order, ranks and gaps below one node; `next` is the index in the list behind the subtree. */
function checkTree(
  census: Census,
  node: number,
  list: readonly VmaFacts[],
  first: number,
  depth: number,
): { next: number; rank: number; gap: number } {
  // A balanced tree of all VMAs that fit memory is not as deep.
  if (node === 0 || depth > MAX_DEPTH) return { next: first, rank: -1, gap: 0 };
  const left = checkTree(census, census.word(node + layout.VMA_LEFT), list, first, depth + 1);
  const facts = list[left.next];
  census.expect(facts?.ptr === node, 'the tree is not in the order of the list');
  if (facts === undefined) return left;
  const right = checkTree(
    census,
    census.word(node + layout.VMA_RIGHT),
    list,
    left.next + 1,
    depth + 1,
  );
  const rank = census.word(node + layout.VMA_NAME) >>> 16;
  const own = facts.start - (list[left.next - 1]?.end ?? 0);
  const gap = Math.max(own, left.gap, right.gap);
  const name = `VMA ${hex(facts.start)}`;
  for (const below of [left.rank, right.rank]) {
    const step = rank - below;
    census.expect(step === 1 || step === 2, `${name}: rank ${rank} above ${below}`);
  }
  const isLeaf = left.rank < 0 && right.rank < 0;
  census.expect(!isLeaf || rank === 0, `${name}: a leaf of rank ${rank}`);
  for (const side of [layout.VMA_LEFT, layout.VMA_RIGHT]) {
    const child = census.word(node + side);
    const linked = child === 0 || census.word(child + layout.VMA_PARENT) === node;
    census.expect(linked, `${name}: a child has another parent`);
  }
  census.expect(census.core.readU64(node + layout.VMA_MAX_GAP) >= gap, `${name}: hides a hole`);
  return { next: right.next, rank, gap };
}

/** A last-level entry: what it says with the tables above it, and whether it is in its page's counts. */
interface Leaf {
  readonly addr: number;
  readonly low: number;
  readonly inRefcount: boolean;
  readonly inMapcount: boolean;
}

/**
 * The entries below one table, level 3 at the top; counts tables and their entries. `above` is what the
 * entries on the way down allow. What several share counts its pages once, and their mappings for each
 * of them if it is PG_SETTLED.
 */
function checkTable(
  census: Census,
  table: number,
  level: number,
  base: number,
  above: number,
  leaf: (entry: Leaf) => void,
): void {
  const page = pageStruct(table);
  const first = !census.tables.has(table);
  const settled = (census.word(page + layout.PAGE_FLAGS) & layout.PG_SETTLED) !== 0;
  census.count(census.tables, table);
  census.expect(first || level === 0, `the table at ${hex(base)} is shared and no last-level one`);
  // Memory out of a forged snapshot may lead in circles, or to one table without end.
  const sharers = census.word(page + layout.PAGE_REFCOUNT);
  if ((!first && level > 0) || (census.tables.get(table) ?? 0) > sharers) return;
  let used = 0;
  const span = PAGE_SIZE * ENTRIES ** level;
  for (let i = 0; i < ENTRIES; i++) {
    const low = census.word(table + i * 8);
    const high = census.word(table + i * 8 + 4);
    if (low === 0 && high === 0) continue;
    used += 1;
    const addr = base + i * span;
    if (level > 0) {
      checkTable(census, (low & FRAME_BITS) >>> 0, level - 1, addr, above & low, leaf);
    } else {
      // Markers are the same for all who share them.
      const present = (low & (PTE_PRESENT | PTE_PROTNONE)) !== 0;
      const allowed = present ? low & (above | ~PTE_RW) : low;
      leaf({ addr, low: allowed, inRefcount: first, inMapcount: first || settled });
    }
  }
  const counted = census.word(page + layout.PAGE_MAPCOUNT);
  census.expect(counted === used, `table at ${hex(base)} counts ${counted} entries of ${used}`);
  const shared = census.word(page + layout.PAGE_REFCOUNT) > 1;
  census.expect(!shared || !(above & PTE_RW), `the shared table at ${hex(base)} may change`);
}

/** One address space: VMAs, tables, and the resident set that the tables amount to. */
function checkMm(census: Census, mm: Mm): void {
  const vmas = checkVmas(census, mm);
  const listed = census.word(mm.ptr + layout.MM_WATCHES) !== 0;
  census.expect(listed === Boolean(mm.watched), 'the lists of watched pages are not the watches');
  let index = 0;
  let resident = 0;
  const tablesBefore = sum(census.tables);
  const pgd = census.word(mm.ptr + layout.MM_PGD);
  checkTable(census, pgd, 3, 0, PTE_RW, (entry) => {
    const { addr, low } = entry;
    while (index < vmas.length && (vmas[index] as VmaFacts).end <= addr) index += 1;
    const vma = vmas[index];
    const inside = vma !== undefined && vma.start <= addr;
    census.expect(inside, `an entry at ${hex(addr)} lies in no VMA`);
    if (!(low & (PTE_PRESENT | PTE_PROTNONE))) {
      census.expect(MARKERS.has(low), `the entry at ${hex(addr)} is no page and no marker`);
      return;
    }
    const open = (low & (PTE_RW | PTE_UFFD_WP)) === (PTE_RW | PTE_UFFD_WP);
    census.expect(!open, `the entry at ${hex(addr)} is protected and writable`);
    if (low & PTE_SPECIAL) return;
    const frame = (low & FRAME_BITS) >>> 0;
    resident += 1;
    if (entry.inRefcount) census.count(census.refs, frame);
    if (entry.inMapcount) census.count(census.maps, frame);
    if (low & PTE_RW && inside) checkWritable(census, addr, frame, vma.flags);
  });
  const { rssAnon, rssFile, rssShmem, pgtablesBytes } = mm.counters();
  const counted = rssAnon + rssFile + rssShmem;
  census.expect(counted === resident, `rss is ${counted} pages of ${resident}`);
  const tables = sum(census.tables) - tablesBefore;
  census.expect(pgtablesBytes === tables * PAGE_SIZE, `${pgtablesBytes} bytes of ${tables} tables`);
}

/** A writable entry: in a writable VMA, and of a page that is shared on purpose or nobody else's. */
function checkWritable(census: Census, addr: number, frame: number, flags: number): void {
  census.expect((flags & VM_WRITE) !== 0, `the entry at ${hex(addr)} is writable, its VMA is not`);
  if (flags & VM_SHARED) return;
  const page = pageStruct(frame);
  const sole = census.word(page + layout.PAGE_REFCOUNT) === 1;
  const anon = (census.word(page + layout.PAGE_FLAGS) & layout.PG_ANON) !== 0;
  census.expect(sole && anon, `the private entry at ${hex(addr)} writes to a shared page`);
}

/** Pages below one node of a page cache. */
function checkNode(census: Census, cache: PageCache, node: number, level: number): number {
  census.expect(!census.nodes.has(node), 'a node of a cache is met twice');
  if (census.nodes.has(node)) return 0;
  census.nodes.add(node);
  let pages = 0;
  for (let i = 0; i < NODE_SLOTS; i++) {
    const child = census.word(node + i * 4);
    if (child === 0) continue;
    if (level > 0) {
      pages += checkNode(census, cache, child, level - 1);
      continue;
    }
    pages += 1;
    census.count(census.refs, child);
    const owner = census.word(pageStruct(child) + layout.PAGE_OWNER);
    census.expect(owner === cache.ptr, `the cached page ${hex(child)} has another owner`);
  }
  return pages;
}

/** One page cache: its tree, and the list of VMAs that map it. */
function checkCache(census: Census, cache: PageCache): void {
  const root = census.word(cache.ptr + layout.MAPPING_ROOT);
  const levels = census.word(cache.ptr + layout.MAPPING_LEVELS);
  census.expect(levels <= MAX_LEVELS, `a cache has ${levels} levels`);
  if (levels > MAX_LEVELS) return;
  const pages = root === 0 ? 0 : checkNode(census, cache, root, levels - 1);
  census.expect(
    pages === cache.cachedPages,
    `a cache counts ${cache.cachedPages} of ${pages} pages`,
  );
  const known = census.vmasOf.get(cache.ptr) ?? new Set<number>();
  let listed = 0;
  let writers = 0;
  for (let vma = census.word(cache.ptr + layout.MAPPING_VMAS); vma !== 0;) {
    listed += 1;
    census.expect(known.has(vma), 'a cache lists a VMA that does not map it');
    const flags = census.word(vma + layout.VMA_FLAGS);
    if ((flags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE)) writers += 1;
    if (listed > known.size) break;
    vma = census.word(vma + layout.VMA_MAP_NEXT);
  }
  census.expect(listed === known.size, `a cache lists ${listed} of its ${known.size} VMAs`);
  census.expect(writers === cache.writableMappings, 'a cache miscounts its writers');
}

function sum(counts: ReadonlyMap<number, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

/** Every frame's own counts against the census; one is reserved for every sharer of a table but one. */
function checkFrames(census: Census): void {
  const end = census.core.memoryBytes;
  let used = 0;
  for (let frame = 0; frame < end; frame += PAGE_SIZE) {
    const inSection = frame % layout.SECTION_SIZE;
    if (inSection < layout.SECTION_HEAD) continue;
    const bitmap = frame - inSection + layout.SECTION_BITMAP;
    const index = inSection / PAGE_SIZE;
    const free = (census.word(bitmap + (index >>> 5) * 4) >>> (index & 31)) & 1;
    const page = pageStruct(frame);
    const refs = census.word(page + layout.PAGE_REFCOUNT);
    if (free !== 0) {
      census.expect(refs === 0, `the free frame ${hex(frame)} has ${refs} references`);
    } else if (refs !== 0) {
      used += 1;
      checkFrame(census, frame, page, refs);
    }
  }
  const inUse = used + sum(census.tables) - census.tables.size;
  const counted = census.core.framesInUse;
  census.expect(counted === inUse, `${counted} frames are counted in use, ${inUse} are`);
}

function checkFrame(census: Census, frame: number, page: number, refs: number): void {
  const flags = census.word(page + layout.PAGE_FLAGS);
  const found = census.refs.get(frame) ?? 0;
  if (flags & (layout.PG_ANON | layout.PG_CACHE)) {
    census.expect(refs === found, `frame ${hex(frame)} counts ${refs} references of ${found}`);
    const maps = census.word(page + layout.PAGE_MAPCOUNT);
    const mapped = census.maps.get(frame) ?? 0;
    census.expect(maps === mapped, `frame ${hex(frame)} counts ${maps} mappings of ${mapped}`);
  } else {
    census.expect(found === 0, `the kernel's frame ${hex(frame)} is mapped`);
    if (!(flags & layout.PG_TABLE)) return;
    const users = census.tables.get(frame) ?? 0;
    census.expect(users > 0, `table ${hex(frame)} belongs to no mm`);
    census.expect(users === refs, `table ${hex(frame)} counts ${refs} mms of ${users}`);
  }
}

/**
 * Checks every invariant of a machine's memory: order, balance and gaps of VMAs, page tables and their
 * counts, reference and mapping counts of frames, page caches, the free list, the TLB. Changes nothing.
 * @returns what is wrong, a line each; nothing when all holds
 */
export function checkMemory(core: Core): string[] {
  const census = new Census(core);
  const { mms, caches } = liveObjects(core);
  for (const mm of mms) checkMm(census, mm);
  for (const cache of caches) checkCache(census, cache);
  checkFrames(census);
  return [...census.problems, ...checkTlb(core, mms)];
}
