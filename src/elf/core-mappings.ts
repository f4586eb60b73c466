import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { CoreFileRange } from './core-notes.js';
import { ElfError } from './error.js';
import type { ElfMachine } from './machines.js';
import type { Segment } from './segments.js';
import { permissions } from './segments.js';

/** Bytes of a mapping that lie elsewhere in the source than those before them. */
export interface MappingPiece {
  /** Where in the mapping the first of them is. */
  readonly start: number;
  /** Where in the source. */
  readonly offset: number;
  readonly length: number;
}

/** One range of the process's memory. */
export interface CoreMapping {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** `rwx` with `-` where a permission is missing; null where the core does not say. */
  readonly perms: string | null;
  /** The file it maps and the byte offset there; null for anonymous memory. */
  readonly file: { readonly path: string; readonly offset: number } | null;
  /** Bytes of it that are in the core, from `start` on; the rest was not dumped. */
  readonly dumped: number;
  /** Where those bytes are in the core. */
  readonly offset: number;
  /**
   * Its bytes where they are not one stretch, by rising `start`, as a copy of a running process has them;
   * `dumped` is 0 then. What lies between them is zeros in memory of no file, and else not known.
   */
  readonly pieces?: readonly MappingPiece[];
  /** Whether it was shared, where that is known: a core does not say, a copy of a running process does. */
  readonly shared?: boolean;
  /** Where the core says this: the program header or the row of NT_FILE, for errors. */
  readonly at: number;
}

/** The legacy vsyscall page: the kernel dumps it, but it is in no process's page tables. */
const VSYSCALL = 0xffffffffff600000n;

/**
 * The process's mappings, in address order: what the segments say, joined with NT_FILE.
 *
 * gdb leaves unmodified file text out of the segments altogether: such ranges of NT_FILE become
 * mappings without permissions and without bytes.
 *
 * @throws {ElfError} mappings overlap, are not whole pages, or lie outside user space
 */
export function coreMappings(
  name: string,
  segments: readonly Segment[],
  files: readonly CoreFileRange[],
  machine: ElfMachine,
): CoreMapping[] {
  const loads = loadRanges(name, segments, machine);
  const ranges = [...files].sort((a, b) => a.start - b.start);
  ranges.forEach((range, i) => checkRange(name, range, ranges[i - 1]?.end ?? 0, machine));
  const mappings = loads.map((load) => withFile(name, load, ranges));
  return [...mappings, ...undumpedFiles(mappings, ranges)].sort((a, b) => a.start - b.start);
}

interface LoadRange {
  start: number;
  end: number;
  segment: Segment;
}

function loadRanges(name: string, segments: readonly Segment[], machine: ElfMachine): LoadRange[] {
  const loads: LoadRange[] = [];
  for (const segment of segments) {
    if (segment.memsz === 0 || segment.vaddr === VSYSCALL) continue;
    if (segment.filesz > segment.memsz) {
      throw new ElfError(name, segment.at + 32, 'the segment has more bytes than addresses');
    }
    const start = Number(segment.vaddr);
    const end = start + segment.memsz;
    checkAddresses(name, segment.at + 16, { start, end }, machine);
    loads.push({ start, end, segment });
  }
  loads.sort((a, b) => a.start - b.start);
  loads.forEach(({ start, segment }, i) => {
    if (start < (loads[i - 1]?.end ?? 0)) {
      throw new ElfError(name, segment.at + 16, `segments overlap at 0x${start.toString(16)}`);
    }
  });
  return loads;
}

function checkRange(
  name: string,
  range: CoreFileRange,
  previousEnd: number,
  machine: ElfMachine,
): void {
  checkAddresses(name, range.at, range, machine);
  if (range.start < previousEnd) {
    throw new ElfError(name, range.at, `mapped files overlap at 0x${range.start.toString(16)}`);
  }
  if (range.offset % PAGE_SIZE !== 0 || range.offset > Number.MAX_SAFE_INTEGER) {
    throw new ElfError(name, range.at + 16, 'a mapped file has an impossible offset');
  }
}

function checkAddresses(
  name: string,
  at: number,
  { start, end }: { readonly start: number; readonly end: number },
  machine: ElfMachine,
): void {
  const range = `0x${start.toString(16)}-0x${end.toString(16)}`;
  if (start % PAGE_SIZE !== 0 || end % PAGE_SIZE !== 0 || end <= start) {
    throw new ElfError(name, at, `${range} is not a range of whole pages`);
  }
  if (end > machine.userEnd) throw new ElfError(name, at, `${range} lies outside user space`);
}

function withFile(name: string, load: LoadRange, ranges: readonly CoreFileRange[]): CoreMapping {
  const { start, end, segment } = load;
  const range = lastStartingBefore(ranges, end);
  const touches = range !== undefined && range.end > start;
  if (touches && (range.start > start || range.end < end)) {
    throw new ElfError(name, range.at, 'a mapped file covers only part of a segment');
  }
  return {
    start,
    end,
    perms: permissions(segment.flags),
    file: touches ? { path: range.path, offset: range.offset + start - range.start } : null,
    dumped: segment.filesz,
    offset: segment.offset,
    at: segment.at,
  };
}

/** The last range that starts before `address`, by bisection. */
function lastStartingBefore(
  ranges: readonly CoreFileRange[],
  address: number,
): CoreFileRange | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.start ?? 0) < address) low = middle + 1;
    else high = middle;
  }
  return ranges[low - 1];
}

/** The parts of `ranges` that no mapping covers; both are sorted. */
function undumpedFiles(mappings: CoreMapping[], ranges: readonly CoreFileRange[]): CoreMapping[] {
  const rest: CoreMapping[] = [];
  let next = 0;
  for (const range of ranges) {
    let start = range.start;
    const leaveOut = (end: number): void => {
      if (end <= start) return;
      const file = { path: range.path, offset: range.offset + start - range.start };
      rest.push({ start, end, perms: null, file, dumped: 0, offset: 0, at: range.at });
    };
    while (next < mappings.length && (mappings[next]?.start ?? 0) < range.end) {
      const mapping = mappings[next++];
      if (mapping === undefined || mapping.end <= range.start) continue;
      leaveOut(mapping.start);
      start = mapping.end;
    }
    leaveOut(range.end);
  }
  return rest;
}
