import { LinuxError, parseMaps, type Task } from '../../src/index.js';
import type { Session } from './session.js';

/** Whose memory, and who asks. */
export interface MemoryOf {
  readonly task: number;
  /** The task that opens the files; 0 is the explorer. */
  readonly as: number;
}

/** All mappings of a process in columns: 100,000 rows must cross to the page at once. */
export interface MapColumns {
  readonly count: number;
  readonly start: Float64Array;
  /** Exclusive. */
  readonly end: Float64Array;
  /** Bits: 1 r, 2 w, 4 x, 8 shared. */
  readonly perms: Uint8Array;
  /** Bytes into the file. */
  readonly offset: Float64Array;
  /** Index into `paths`. */
  readonly path: Uint32Array;
  /** `paths[0]` is that of anonymous memory, empty. */
  readonly paths: readonly string[];
}

/** What is in memory of a stretch of pages, in buckets of about equally many. */
export interface PageCounts {
  /** Per bucket: pages, those in memory, those of them that are nobody else's, and those of files or shared. */
  readonly pages: Float64Array;
  readonly present: Float64Array;
  readonly exclusive: Float64Array;
  readonly shared: Float64Array;
}

const PAGE = 4096;
/** User addresses end here; what maps lists above is no memory that can be looked at. */
const TASK_SIZE = 2 ** 47 - PAGE;
/** Pages of pagemap read at a time. */
const CHUNK = 32 * 1024;

/** The address space: mappings and the pages in them. */
export const mapHandlers = {
  'maps.rows': (session: Session, { task, as }: MemoryOf): MapColumns => {
    const path = `/proc/${session.task(task).tid}/maps`;
    return toColumns(session.caller(as).readText(path));
  },

  'maps.pages': (
    session: Session,
    args: MemoryOf & { readonly start: number; readonly end: number; readonly buckets: number },
  ): PageCounts => countPages(session, args),
};

function toColumns(text: string): MapColumns {
  const lines = parseMaps(text).filter(({ end }) => end <= TASK_SIZE);
  const paths = new Map([['', 0]]);
  const columns = {
    count: lines.length,
    start: new Float64Array(lines.length),
    end: new Float64Array(lines.length),
    perms: new Uint8Array(lines.length),
    offset: new Float64Array(lines.length),
    path: new Uint32Array(lines.length),
  };
  lines.forEach(({ start, end, perms, offset, path }, i) => {
    columns.start[i] = start;
    columns.end[i] = end;
    columns.perms[i] = permBits(perms);
    columns.offset[i] = offset;
    const known = paths.get(path) ?? paths.size;
    paths.set(path, known);
    columns.path[i] = known;
  });
  return { ...columns, paths: [...paths.keys()] };
}

function permBits(perms: string): number {
  return ['r', 'w', 'x', 's'].reduce(
    (bits, letter, i) => (perms[i] === letter ? bits | (1 << i) : bits),
    0,
  );
}

/**
 * Counts by /proc/PID/pagemap:
 *
 *     63 present   61 of a file, or shared   56 mapped by nobody else
 */
function countPages(
  session: Session,
  args: MemoryOf & { readonly start: number; readonly end: number; readonly buckets: number },
): PageCounts {
  const { start, end, buckets } = args;
  const total = Math.max(0, Math.round((end - start) / PAGE));
  const count = Math.min(buckets, total);
  const counts = {
    pages: new Float64Array(count),
    present: new Float64Array(count),
    exclusive: new Float64Array(count),
    shared: new Float64Array(count),
  };
  for (const [first, last] of presentRanges(session, args)) {
    readPagemap(session, args, first, last, (page, high) => {
      const bucket = Math.floor(((page - start / PAGE) * count) / total);
      counts.present[bucket]!++;
      if ((high & (1 << 24)) !== 0) counts.exclusive[bucket]!++;
      if ((high & (1 << 29)) !== 0) counts.shared[bucket]!++;
    });
  }
  for (let i = 0; i < count; i++) {
    counts.pages[i] = Math.ceil(((i + 1) * total) / count) - Math.ceil((i * total) / count);
  }
  return counts;
}

/** Calls back for each page in memory of [first, last), with the upper half of its entry. */
function readPagemap(
  session: Session,
  { task, as }: MemoryOf,
  first: number,
  last: number,
  found: (page: number, high: number) => void,
): void {
  const file = session.caller(as).open(`/proc/${session.task(task).tid}/pagemap`);
  const bytes = new Uint8Array(CHUNK * 8);
  const view = new DataView(bytes.buffer);
  try {
    for (let page = first; page < last;) {
      const wanted = Math.min(CHUNK, last - page);
      const n = Math.floor(file.pread(bytes.subarray(0, wanted * 8), page * 8) / 8);
      if (n === 0) break;
      for (let i = 0; i < n; i++) {
        const high = view.getUint32(i * 8 + 4, true);
        if (high >>> 31 === 1) found(page + i, high);
      }
      page += n;
    }
  } finally {
    file.close();
  }
}

/** Pages that are looked at one by one: 4 GiB. */
const FEW = 2 ** 20;

/**
 * Where pages in memory can be, as page numbers: of a small stretch all of it; of a large one what
 * PAGEMAP_SCAN finds, which steps over page tables that are not there.
 */
export function presentRanges(
  session: Session,
  { task, start, end }: MemoryOf & { readonly start: number; readonly end: number },
): readonly (readonly [number, number])[] {
  if ((end - start) / PAGE <= FEW) return [[start / PAGE, end / PAGE]];
  return scanPagemap(session, session.task(task), start, end);
}

const PAGEMAP_SCAN = 0xc0606610;
const PAGE_IS_PRESENT = 8n;
/** Regions asked for at once: 24 bytes each. */
const REGIONS = 4096;

/**
 * @see include/uapi/linux/fs.h, struct pm_scan_arg: 12 fields of 64 bits
 */
function scanPagemap(
  session: Session,
  target: Task,
  start: number,
  end: number,
): readonly (readonly [number, number])[] {
  const { machine, viewer } = session;
  const buffer = viewer.mmap({ length: PAGE + REGIONS * 24 });
  const regions = buffer + BigInt(PAGE);
  const file = viewer.open(`/proc/${target.tid}/pagemap`);
  const ranges: [number, number][] = [];
  try {
    for (let at = start; at < end;) {
      const words = [96n, 0n, BigInt(at), BigInt(end), 0n, regions, BigInt(REGIONS), 0n];
      words.push(0n, PAGE_IS_PRESENT, 0n, PAGE_IS_PRESENT);
      words.forEach((word, i) => viewer.store64(buffer + BigInt(i * 8), word));
      const n = Number(machine.syscall(viewer, 'ioctl', [file.fd, PAGEMAP_SCAN, buffer]));
      if (n < 0) throw new LinuxError(-n, 'ioctl', file.path);
      for (let i = 0; i < n; i++) {
        const region = regions + BigInt(i * 24);
        ranges.push([
          Number(viewer.load64(region)) / PAGE,
          Number(viewer.load64(region + 8n)) / PAGE,
        ]);
      }
      at = n < REGIONS ? end : Number(viewer.load64(buffer + 32n));
    }
  } finally {
    file.close();
    viewer.munmap(buffer, PAGE + REGIONS * 24);
  }
  return ranges;
}
