// Which instructions a region has, in blocks, and how they jump. A block begins where something jumps to, and its
// instructions follow one another; branches leave it in the middle. Blocks are sorted by where they lie. What is
// jumped back to begins a loop, which goes on to the last jump back; loops lie in each other or side by side.
import { HART_SINK } from '../../assembly/abi/cpu.js';
import { ENTRIES_MAX } from '../../assembly/abi/jit.js';
import * as op from '../../assembly/abi/uop.js';
import type { CodePage, Insn } from './code-page.js';

/** Most instructions of a region. */
const INSNS_MAX = 1200;

export interface Block {
  readonly start: number;
  readonly insns: readonly Insn[];
  /** The offset behind it; null when its last instruction always jumps. */
  readonly next: number | null;
  /** Its number among the entries, from 1; 0: only the region itself jumps to it. */
  entry: number;
}

/** Blocks from `first` to `last`, of which some are loops inside. */
export interface Loop {
  readonly first: number;
  readonly last: number;
  readonly items: (Loop | number)[];
  /** Whether blocks other than the first are jumped to from outside. */
  entered: boolean;
}

export interface Flow {
  readonly blocks: readonly Block[];
  /** The block that begins at an offset. */
  readonly at: ReadonlyMap<number, number>;
  /** All of it; the loop around everything. */
  readonly body: Loop;
  readonly entries: number;
  readonly insns: number;
}

export const isBranch = (number: number): boolean =>
  number === op.UOP_BEQ || number === op.UOP_BNE || (number >= op.UOP_BLT && number <= op.UOP_BGEU);

/** What the interpreter does: what ends a region there, and begins it again behind. */
export const isLeft = (number: number): boolean =>
  number <= op.UOP_EBREAK || number === op.UOP_AMO || number === op.UOP_CSR;

const alwaysJumps = (number: number): boolean =>
  number === op.UOP_J ||
  number === op.UOP_JAL ||
  number === op.UOP_JALR ||
  number === op.UOP_JR ||
  number === op.UOP_FAR_JUMP;

/** The offset that a branch or jump within the page goes to. */
export const targetOf = (insn: Insn): number => insn.offset + (insn.imm >> 3);

/** Where to look from. */
export interface Roots {
  /** What is come to from elsewhere. */
  readonly arrivals: ReadonlySet<number>;
  /** Where runs ended: in the middle of anything. */
  readonly seeds: ReadonlySet<number>;
}

/** What was found: where blocks begin, and which of them are come to from elsewhere. */
interface Found {
  readonly leaders: Set<number>;
  readonly entries: Set<number>;
  readonly insns: Map<number, Insn>;
}

function discover(page: CodePage, roots: Roots, most: number): Found {
  const { arrivals, seeds } = roots;
  const entries = new Set<number>(arrivals);
  const work = [...arrivals, ...seeds];
  const leaders = new Set<number>();
  const jumped = new Set<number>(arrivals);
  const fallen = new Set<number>();
  const insns = new Map<number, Insn>();
  const jump = (offset: number): void => {
    jumped.add(offset);
    work.push(offset);
  };
  const enter = (offset: number): void => {
    entries.add(offset);
    jump(offset);
  };
  for (let i = 0; i < work.length && insns.size < most; i++) {
    leaders.add(work[i] as number);
    let insn = page.insnAt(work[i] as number);
    while (insn !== null && !insns.has(insn.offset)) {
      const { number, offset, bytes } = insn;
      if (isLeft(number)) {
        if (number >= op.UOP_ECALL) enter(offset + bytes);
        break;
      }
      insns.set(offset, insn);
      if (isBranch(number) || number === op.UOP_J) jump(targetOf(insn));
      if (number === op.UOP_JAL) enter(targetOf(insn));
      if (alwaysJumps(number)) {
        if (insn.target !== HART_SINK) enter(offset + bytes);
        break;
      }
      fallen.add(offset + bytes);
      insn = page.insnAt(offset + bytes);
    }
  }
  for (const offset of work) leaders.add(offset);
  for (const seed of seeds) {
    if (fallen.has(seed) && !jumped.has(seed)) leaders.delete(seed);
    else entries.add(seed);
  }
  return { leaders, entries, insns };
}

function blocksOf({ leaders, insns }: Found): Block[] {
  const starts = [...leaders].filter((start) => insns.has(start)).sort((a, b) => a - b);
  return starts.map((start) => {
    const own: Insn[] = [];
    let next: number | null = start;
    while (next !== null && (next === start || !leaders.has(next))) {
      const insn = insns.get(next);
      if (insn === undefined) break;
      own.push(insn);
      next = alwaysJumps(insn.number) ? null : next + insn.bytes;
    }
    return { start, insns: own, next, entry: 0 };
  });
}

/** Jumps within the region other than calls, from block to block. */
function* edgesOf(blocks: readonly Block[], at: ReadonlyMap<number, number>) {
  for (const [from, { insns }] of blocks.entries()) {
    for (const insn of insns) {
      if (!isBranch(insn.number) && insn.number !== op.UOP_J) continue;
      const to = at.get(targetOf(insn));
      if (to !== undefined) yield [from, to] as const;
    }
  }
}

/** First and last blocks of loops, none of which begins in another and ends behind it; outer ones first. */
function spansOf(edges: readonly (readonly [number, number])[]): [first: number, last: number][] {
  const ends = new Map<number, number>();
  for (const [from, to] of edges) if (to <= from) ends.set(to, Math.max(from, ends.get(to) ?? 0));
  const spans = [...ends].sort((a, b) => a[0] - b[0]);
  for (let changed = true; changed;) {
    changed = false;
    for (const [i, outer] of spans.entries()) {
      for (const inner of spans.slice(i + 1)) {
        if (inner[0] > outer[1] || inner[1] <= outer[1]) continue;
        outer[1] = inner[1];
        changed = true;
      }
    }
  }
  return spans;
}

function nest(first: number, last: number, spans: [number, number][]): Loop {
  const items: (Loop | number)[] = [];
  for (let block = first; block <= last; block++) {
    const span = spans[0];
    if (span === undefined || span[0] !== block) {
      items.push(block);
      continue;
    }
    spans.shift();
    items.push(nest(span[0], span[1], spans));
    block = span[1];
  }
  return { first, last, items, entered: false };
}

/** Of each block the loops around it, outermost first. */
function loopsAround(loop: Loop, outer: readonly Loop[] = [], all: (readonly Loop[])[] = []) {
  const around = [...outer, loop];
  for (const item of loop.items) {
    if (typeof item === 'number') all[item] = around;
    else loopsAround(item, around, all);
  }
  return all;
}

/**
 * Numbers what is entered: what is come to from elsewhere, what no loop has in it but as its first, and what is
 * jumped to into the middle of a loop.
 */
function chooseEntries(
  found: Found,
  blocks: readonly Block[],
  loops: readonly (readonly Loop[])[],
  needed: ReadonlySet<number>,
): number {
  let entry = 0;
  blocks.forEach((block, i) => {
    const around = loops[i] as readonly Loop[];
    const innermost = around.at(-1) as Loop;
    const isOutside = around.length === 1 || innermost.first === i;
    if (!isOutside && !needed.has(i) && !found.entries.has(block.start)) return;
    block.entry = ++entry;
    for (const loop of around.slice(1)) if (loop.first !== i) loop.entered = true;
  });
  return entry;
}

/**
 * The region that can be reached from `roots` by what jumps within the page; null when there is none. One with
 * more entries than a page has marks is made smaller.
 */
export function flowOf(page: CodePage, roots: Roots, most = INSNS_MAX): Flow | null {
  const found = discover(page, roots, most);
  const blocks = blocksOf(found);
  if (blocks.length === 0) return null;
  const at = new Map(blocks.map(({ start }, i) => [start, i]));
  const edges = [...edgesOf(blocks, at)];
  const spans = spansOf(edges);
  const body = nest(0, blocks.length - 1, [...spans]);
  const loops = loopsAround(body);
  const needed = new Set<number>();
  for (const [from, to] of edges) {
    const around = loops[to] as readonly Loop[];
    const isInto = ({ first, last }: Loop): boolean =>
      first !== to && (from < first || from > last);
    if (around.some(isInto)) needed.add(to);
  }
  const entries = chooseEntries(found, blocks, loops, needed);
  return entries > ENTRIES_MAX
    ? flowOf(page, roots, most >> 1)
    : { blocks, at, body, entries, insns: found.insns.size };
}
