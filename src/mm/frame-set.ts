import {
  FIRST_FRAME,
  PAGE_STRUCT_SIZE,
  SECTION_BITMAP_SIZE,
  SECTION_HEAD,
  SECTION_SIZE,
} from '../../assembly/abi/layout.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Core } from '../wasm/core.js';

const WORDS = SECTION_BITMAP_SIZE / 4;

/** Where the page struct of a frame lies. */
export function pageStruct(frame: number): number {
  const section = Math.floor(frame / SECTION_SIZE) * SECTION_SIZE;
  return section + ((frame - section) / PAGE_SIZE) * PAGE_STRUCT_SIZE;
}

/** How many sections the frames of a core lie in now. */
export function sectionCount(core: Core): number {
  return Math.ceil(core.exports.framesEnd() / SECTION_SIZE);
}

/** A set of frames, as one of the core's bitmaps has it (assembly/mm/checkpoint.ts). */
export class FrameSet {
  private readonly sections: Uint32Array[] = [];

  /** Copies the bitmap at `offset` of every section's head. */
  static of(core: Core, offset: number): FrameSet {
    const set = new FrameSet();
    for (let i = 0; i < sectionCount(core); i++) {
      const from = (i * SECTION_SIZE + offset) / 4;
      set.sections.push(core.u32.slice(from, from + WORDS));
    }
    return set;
  }

  has(frame: number): boolean {
    const word = this.sections[Math.floor(frame / SECTION_SIZE)]?.[wordOf(frame)] ?? 0;
    return ((word >>> bitOf(frame)) & 1) !== 0;
  }

  add(frame: number): void {
    const words = this.sections[Math.floor(frame / SECTION_SIZE)];
    if (words !== undefined) words[wordOf(frame)]! |= 1 << bitOf(frame);
  }

  delete(frame: number): void {
    const words = this.sections[Math.floor(frame / SECTION_SIZE)];
    if (words !== undefined) words[wordOf(frame)]! &= ~(1 << bitOf(frame));
  }

  /** Adds it to the core's bitmap at `offset`. */
  addTo(core: Core, offset: number): void {
    const memory = core.u32;
    for (const [i, words] of this.sections.entries()) {
      const to = (i * SECTION_SIZE + offset) / 4;
      for (let w = 0; w < WORDS; w++) memory[to + w]! |= words[w] as number;
    }
  }

  /** The frames that `other` lacks. */
  without(other: FrameSet): FrameSet {
    const set = new FrameSet();
    for (const [i, words] of this.sections.entries()) {
      const out = other.sections[i];
      set.sections.push(words.map((word, w) => word & ~(out?.[w] ?? 0)));
    }
    return set;
  }

  /** How many frames are in any of some sets. */
  static countAll(sets: Iterable<FrameSet>): number {
    const all = new FrameSet();
    for (const { sections } of sets) {
      for (const [i, words] of sections.entries()) {
        const sum = (all.sections[i] ??= new Uint32Array(WORDS));
        for (let w = 0; w < WORDS; w++) sum[w]! |= words[w] as number;
      }
    }
    let count = 0;
    for (const words of all.sections) for (const word of words) count += popcount(word);
    return count;
  }

  /** Neighbouring frames as runs: first byte and the first byte behind, in rising order. */
  *runs(): Generator<readonly [start: number, end: number], void, void> {
    let start = -1;
    for (const [i, words] of this.sections.entries()) {
      const first = SECTION_HEAD / PAGE_SIZE;
      for (let index = first; index < WORDS * 32; index++) {
        const word = words[index >>> 5] as number;
        // Whole words without an end of a run are the rule.
        if ((index & 31) === 0 && word === (start < 0 ? 0 : 0xffffffff)) {
          index += 31;
          continue;
        }
        const frame = i * SECTION_SIZE + index * PAGE_SIZE;
        const present = ((word >>> (index & 31)) & 1) !== 0;
        if (present && start < 0) start = frame;
        if (present || start < 0) continue;
        yield [start, frame];
        start = -1;
      }
      if (start >= 0) yield [start, (i + 1) * SECTION_SIZE];
      start = -1;
    }
  }
}

function popcount(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

/** How many frames lie below `end`. */
export function framesBelow(end: number): number {
  let bytes = 0;
  for (let section = 0; section < end; section += SECTION_SIZE) {
    const first = section === 0 ? FIRST_FRAME : section + SECTION_HEAD;
    bytes += Math.max(Math.min(section + SECTION_SIZE, end) - first, 0);
  }
  return bytes / PAGE_SIZE;
}

/** Empties the core's bitmap at `offset`. */
export function clearBitmap(core: Core, offset: number): void {
  for (let i = 0; i < sectionCount(core); i++) {
    const at = i * SECTION_SIZE + offset;
    core.u8.fill(0, at, at + SECTION_BITMAP_SIZE);
  }
}

function wordOf(frame: number): number {
  return ((frame % SECTION_SIZE) / PAGE_SIZE) >>> 5;
}

function bitOf(frame: number): number {
  return ((frame % SECTION_SIZE) / PAGE_SIZE) & 31;
}
