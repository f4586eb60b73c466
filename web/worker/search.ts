import { LinuxError, type MapsLine, type OpenFile, parseMaps } from '../../src/index.js';
import type { Call } from './call.js';
import { FarMatcher } from './far-matcher.js';
import { type MemoryOf, presentRanges } from './maps.js';
import { makePattern, type Pattern, type SearchKind } from './search-pattern.js';
import type { Session } from './session.js';

/** What is searched, and where. */
export interface SearchArgs extends MemoryOf {
  readonly kind: SearchKind;
  readonly value: string;
  readonly ignoreCase: boolean;
  /** Only addresses that are multiples of it. */
  readonly align: number;
  /** Letters that a mapping's permissions must have, such as rw. */
  readonly perms: string;
  /** Finds to stop after. */
  readonly limit: number;
}

/** One find. */
export interface Found {
  readonly addr: number;
  /** Bytes of the match. */
  readonly length: number;
  /** The match and what follows it. */
  readonly bytes: Uint8Array;
  readonly path: string;
}

/** How far a search is: bytes looked through of all, and what was found since the last report. */
export interface SearchProgress {
  readonly done: number;
  readonly total: number;
  readonly found: readonly Found[];
}

/** Bytes looked through at a time. */
const CHUNK = 1024 * 1024;
const PAGE = 4096;
/** Bytes shown of a match and what follows it. */
const SHOWN = 32;
/** Milliseconds between reports. */
const REPORT = 60;
const TASK_SIZE = 2 ** 47 - PAGE;

/** Searching memory. */
export const searchHandlers = {
  /**
   * Looks through memory as a task reads it. Finds come as progress; gives how many there were.
   *
   * @throws {TypeError} the value makes no sense
   * @throws {LinuxError} EACCES: the task may not read that memory
   */
  'search.run': async (session: Session, args: SearchArgs, call: Call): Promise<number> => {
    const pattern = makePattern(args.kind, args.value, args.ignoreCase);
    const caller = session.caller(args.as);
    const own = `/proc/${session.task(args.task).tid}`;
    const ranges = rangesOf(session, args, parseMaps(caller.readText(`${own}/maps`)));
    const mem = caller.open(`${own}/mem`);
    const { source } = pattern;
    const matcher =
      source === null ? null : new FarMatcher({ source, ignoreCase: args.ignoreCase });
    call.whenCancelled(() => matcher?.end());
    try {
      return await new Search(mem, pattern, matcher, args, call).run(ranges);
    } finally {
      matcher?.end();
      mem.close();
    }
  },
};

interface Range {
  readonly start: number;
  readonly end: number;
  readonly line: MapsLine;
}

/**
 * What is looked through. Pages of anonymous memory that were never touched hold zeros and are left
 * out: a reservation may have terabytes of them. A core's are read from its file when they are touched.
 */
function rangesOf(session: Session, args: SearchArgs, maps: readonly MapsLine[]): readonly Range[] {
  const whole = session.opened.info.kind === 'core';
  return maps.flatMap((line): Range[] => {
    const { start, end, path } = line;
    const fits = [...args.perms].every((letter) => line.perms.includes(letter));
    if (!fits || end > TASK_SIZE) return [];
    if (whole || path.startsWith('/')) return [{ start, end, line }];
    return presentRanges(session, { task: args.task, as: args.as, start, end }).map(
      ([first, last]) => ({ start: first * PAGE, end: last * PAGE, line }),
    );
  });
}

class Search {
  readonly #mem: OpenFile;
  readonly #pattern: Pattern;
  readonly #matcher: FarMatcher | null;
  readonly #args: SearchArgs;
  readonly #call: Call;
  #count = 0;
  #done = 0;
  #total = 0;
  #found: Found[] = [];
  #reported = 0;

  constructor(
    mem: OpenFile,
    pattern: Pattern,
    matcher: FarMatcher | null,
    args: SearchArgs,
    call: Call,
  ) {
    this.#mem = mem;
    this.#pattern = pattern;
    this.#matcher = matcher;
    this.#args = args;
    this.#call = call;
  }

  async run(ranges: readonly Range[]): Promise<number> {
    this.#total = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    this.#report(true);
    for (const range of ranges) {
      if (!(await this.#lookThrough(range))) break;
    }
    this.#report(true);
    return this.#count;
  }

  /**
   * A match may lie across two chunks: each is read with as much of the next as a match can have.
   *
   * @returns whether to go on
   */
  async #lookThrough({ start, end, line }: Range): Promise<boolean> {
    const { align, limit } = this.#args;
    const buffer = new Uint8Array(CHUNK + Math.max(this.#pattern.longest, SHOWN));
    let from = start;
    for (let at = start; at < end;) {
      const n = this.#read(at, buffer.subarray(0, Math.min(buffer.length, end - at)));
      const bytes = buffer.subarray(0, n);
      const last = n < buffer.length;
      await this.#each(bytes, (offset, length) => {
        if (offset >= CHUNK && !last) return false;
        const addr = at + offset;
        if (addr % align !== 0 || addr < from) return true;
        const shown = bytes.slice(offset, offset + Math.max(SHOWN, Math.min(length, SHOWN)));
        this.#found.push({ addr, length, bytes: shown, path: line.path });
        from = addr + (this.#pattern.overlaps ? 1 : length);
        return ++this.#count < limit;
      });
      const next = last ? Math.min(end, at + n - ((at + n) % PAGE) + PAGE) : at + CHUNK;
      this.#done += Math.min(next, end) - at;
      at = next;
      this.#report(false);
      if (this.#count >= limit || !(await this.#call.rest())) return false;
    }
    return true;
  }

  /** Calls `found` for each match that begins in `bytes`, in order, until it says false. */
  async #each(bytes: Uint8Array, found: (at: number, length: number) => boolean): Promise<void> {
    if (this.#matcher === null) return this.#pattern.each(bytes, found);
    const matched = (await this.#matcher.find(bytes)) ?? [];
    for (let i = 0; i < matched.length; i += 2) {
      if (!found(matched[i] ?? 0, matched[i + 1] ?? 0)) return;
    }
  }

  /** Fills `into` as far as it can be read. */
  #read(addr: number, into: Uint8Array): number {
    let done = 0;
    try {
      while (done < into.length) {
        const n = this.#mem.pread(into.subarray(done), addr + done);
        if (n === 0) break;
        done += n;
      }
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
    }
    return done;
  }

  #report(last: boolean): void {
    const now = performance.now();
    if (!last && now - this.#reported < REPORT) return;
    this.#reported = now;
    const progress: SearchProgress = { done: this.#done, total: this.#total, found: this.#found };
    this.#call.progress(progress);
    this.#found = [];
  }
}
