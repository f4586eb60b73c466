import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import type { Generator } from './generator.js';
import { look, runIn, store, words, type Run, type Window } from './window.js';

const HERE: Window = { start: 0x100000000000, pages: 40 };
/** Pages where structures lie and answers go: the argument, names, regions. */
const ARGUMENT = 0x100002000000;
const VECTOR = ARGUMENT + PAGE;
const PAGEMAP_SCAN = 0xc0606610;
const PROCMAP_QUERY = 0xc0686611;
/** A mapping of every kind above the window: the next one that a query finds is never out of the arena. */
const FENCE = 0x100000100000;
const FD = 'file';
/** PAGE_IS_*: allowed, written, of a file, present, swapped; not the zero page nor soft-dirty, which not every kernel has. */
const CATEGORIES = 0x1f;

/** The ioctls of /proc/PID/pagemap and /proc/PID/maps, and what pread says of pagemap's upper bits. */
export const scans: Generator = {
  name: 'scans',
  tasks: ['A', 'B'],
  run(s, steps) {
    s.bind(FD, 'A', 'memfd_create', [{ str: 'a file' }, 0]);
    s.call('A', 'ftruncate', [{ ref: FD }, HERE.pages * PAGE]);
    s.call('A', 'mmap', [hex(FENCE), PAGE, 7, abi.MAP_SHARED | abi.MAP_FIXED, { ref: FD }, 0]);
    for (const task of ['A', 'B']) {
      s.call(task, 'mmap', [hex(ARGUMENT), 4 * PAGE, 3, 0x32, -1, 0]);
      for (let page = 0; page < 4; page++) s.poke(task, ARGUMENT + PAGE * page, '00');
      for (const name of ['pagemap', 'maps', 'smaps'])
        s.bind(`${task}.${name}`, task, 'openat', [
          abi.AT_FDCWD,
          { str: `/proc/\${A.pid}/${name}` },
          abi.O_RDONLY,
        ]);
    }
    while (s.steps.length < steps) act(s);
  },
};

function act(s: Scenario): void {
  const { rng } = s;
  const run = runIn(rng, HERE);
  const task = rng.pick(['A', 'A', 'B']);
  rng.weighted<() => void>([
    [5, () => map(s, run)],
    [6, () => store(s, 'A', run)],
    [2, () => s.call('A', 'madvise', [hex(run.start), run.length, rng.pick([4, 8, 102, 103, 9])])],
    [2, () => s.call('A', 'mprotect', [hex(run.start), run.length, rng.pick([0, 1, 3, 3])])],
    [1, () => s.call('A', 'munmap', [hex(run.start), run.length])],
    [7, () => scan(s, task, run)],
    [7, () => query(s, task, run)],
    [3, () => topBytes(s, task, run)],
    [2, () => look(s, 'A', HERE)],
  ])();
}

function map(s: Scenario, { start, length }: Run): void {
  const { rng } = s;
  const file = rng.chance(0.4);
  const flags = abi.MAP_FIXED | rng.pick([1, 2, 2]) | (file ? 0 : abi.MAP_ANONYMOUS);
  const offset = file ? start - HERE.start : 0;
  const fd: Arg = file ? { ref: FD } : -1;
  s.call('A', 'mmap', [hex(start), length, rng.pick([0, 1, 3, 3, 5]), flags, fd, offset]);
  if (rng.chance(0.5)) store(s, 'A', { start, length });
}

/** struct pm_scan_arg. */
function scan(s: Scenario, task: string, { start, length }: Run): void {
  const { rng } = s;
  const odd = rng.chance(0.15);
  const size = odd ? rng.pick([0, 88, 104, 96]) : 96;
  const flags = odd ? rng.pick([4, 1, 2, 3, 8]) : 0;
  const from = odd ? start + rng.pick([0, 1, 8]) : start;
  const vectorLength = rng.pick([16, 16, 16, 1, 2, 0]);
  const some = (): number => rng.pick([0, 0, rng.int(32), 8, 4, 1]);
  const masks = [some(), some(), some(), rng.pick([CATEGORIES, 8, 12, 4, 0, odd ? 0x100 : 31])];
  const maxPages = rng.pick([0, 0, 0, 1, 3]);
  const bytes = words(
    size,
    flags,
    from,
    from + length,
    0,
    VECTOR,
    vectorLength,
    maxPages,
    ...masks,
  );
  s.poke(task, ARGUMENT, bytes);
  const pagemap = odd && rng.chance(0.2) ? 'maps' : 'pagemap';
  const regions = s.call(task, 'ioctl', [
    { ref: `${task}.${pagemap}` },
    PAGEMAP_SCAN,
    hex(ARGUMENT),
  ]);
  s.peek(task, ARGUMENT + 32, 8);
  if (regions.value > 0) s.peek(task, VECTOR, Math.min(24 * regions.value, 96));
}

/** struct procmap_query: the address's mapping, or the next, or one of a kind. */
function query(s: Scenario, task: string, { start }: Run): void {
  const { rng } = s;
  const odd = rng.chance(0.1);
  const size = odd ? rng.pick([0, 8, 103, 112, PAGE + 8]) : 104;
  const flags = rng.pick([0, 0x10, 0x10, 0x11, 0x12, 0x14, 0x18, 0x30, 0x20, odd ? 0x40 : 0]);
  const nameSize = rng.pick([0, 32, 32, 3]);
  const address = start + rng.pick([0, 1, PAGE - 1]);
  const answers = words(0, 0, 0, 0, 0, 0);
  const tail = words(nameSize, nameSize === 0 ? 0 : VECTOR, 0, 0);
  s.poke(task, ARGUMENT, words(size, flags, address) + answers + tail.slice(0, 64));
  s.poke(task, VECTOR, '00'.repeat(24));
  const file = odd && rng.chance(0.3) ? 'smaps' : 'maps';
  const found = s.call(task, 'ioctl', [{ ref: `${task}.${file}` }, PROCMAP_QUERY, hex(ARGUMENT)]);
  if (!found.ok) return;
  const start0 = 24;
  s.peek(task, ARGUMENT + start0, 40); // vma_start, vma_end, vma_flags, vma_page_size, vma_offset
  s.peek(task, ARGUMENT + 80, 4); // vma_name_size
}

/** What is compared of an entry is its top byte: the others have the frame, and bits that not every kernel has. */
function topBytes(s: Scenario, task: string, { start }: Run): void {
  const { rng } = s;
  const count = rng.pick([8, 16, 24, 8, 7, 0]);
  const offset = (start / PAGE) * 8 + rng.pick([0, 0, 0, 0, 4]);
  const file: Arg = { ref: `${task}.pagemap` };
  if (!s.call(task, 'pread64', [file, hex(VECTOR), count, offset]).ok) return;
  for (let at = 7; at < count; at += 8) s.peek(task, VECTOR + at, 1);
}
