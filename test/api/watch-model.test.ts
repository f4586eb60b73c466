// Random watches, and random accesses by every path, held against a plain model: which bytes an access
// reached, what they were, and therefore who must have been told what.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ } from '../../assembly/abi/mman.js';
import type { OpenFile } from '../../src/api/open-file.js';
import { PageFault } from '../../src/api/page-fault.js';
import type { Watch, WatchEvent, WatchOn } from '../../src/api/task-hooks.js';
import type { Task } from '../../src/api/task.js';
import { LinuxError } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';

const PAGE = 4096;
const BASE = 0x10000000;
/** Where the other task keeps its own. */
const OTHER = 0x20000000;
/** What the watched task has: w writable, r readable only, - a hole. */
const PAGES = 'wwrw-w';
const SIZE = PAGES.length * PAGE;
const RUNS = Number(process.env['PROCMEM_MODEL_RUNS'] ?? 300);

/** Each path: what it does with `bytes` at `addr`, on which pages it may, and what it says it is. */
interface PathRow {
  readonly kind: 'read' | 'write';
  readonly by: WatchEvent['by'];
  readonly own: boolean;
  readonly may: string;
  /** Sizes it has, when not every. */
  readonly sizes?: readonly number[];
  /** Nothing is done unless all can be. */
  readonly whole?: boolean;
  readonly run: (pair: Pair, addr: number, bytes: Uint8Array) => unknown;
}

/** Two tasks, and what the first's memory must hold. */
class Pair {
  readonly model = new Uint8Array(SIZE);
  readonly watches: { watch: Watch; on: WatchOn; start: number; end: number }[] = [];
  readonly told: string[] = [];
  readonly task: Task;
  readonly other: Task;
  readonly mem: OpenFile;
  readonly file: OpenFile;

  constructor(machine: Machine) {
    this.task = machine.spawn({ comm: 'watched' });
    this.other = machine.spawn({ comm: 'other' });
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    this.task.mmap({ addr: BASE, length: SIZE, flags });
    this.other.mmap({ addr: OTHER, length: 2 * SIZE, flags });
    this.task.mprotect(BASE + PAGES.indexOf('r') * PAGE, PAGE, PROT_READ);
    this.task.munmap(BASE + PAGES.indexOf('-') * PAGE, PAGE);
    this.mem = this.other.open(`/proc/${this.task.pid}/mem`, 'r+');
    this.file = this.task.memfdCreate('file');
    this.other.ptraceAttach(this.task);
  }

  watch(on: WatchOn, at: number, length: number): void {
    const id = this.watches.length;
    const start = BASE + at;
    const hit = (event: WatchEvent): void => void this.told.push(shown(id, event));
    const watch = this.task.watch({ start, length, on, hit });
    this.watches.push({ watch, on, start, end: start + length });
  }

  end(): void {
    this.task.exit();
    this.other.exit();
  }
}

type Told = Pick<WatchEvent, 'kind' | 'address' | 'before' | 'after' | 'by' | 'task'>;

function shown(id: number, { kind, address, before, after, by, task }: Told): string {
  const where = `${Number(address) - BASE}+${after.length}`;
  return `${id}: ${kind} ${where} ${before.join()}>${after.join()} by ${by} of ${task?.comm}`;
}

const other = (pair: Pair, bytes: Uint8Array): number => {
  pair.other.store(OTHER, bytes);
  return OTHER;
};

/** An iovec of the other task behind its data. */
const iovec = (pair: Pair, addr: number, length: number, slot: number): number => {
  const at = OTHER + 2 * SIZE - PAGE + 16 * slot;
  pair.other.store64(at, addr);
  pair.other.store64(at + 8, length);
  return at;
};

const vmCall = (name: string) => (pair: Pair, addr: number, bytes: Uint8Array) => {
  const local = iovec(pair, other(pair, bytes), bytes.length, 0);
  const remote = iovec(pair, addr, bytes.length, 1);
  return pair.other.syscall(name, pair.task.pid, local, 1, remote, 1, 0);
};

const words = [1, 2, 4, 8];
const PATHS: Readonly<Record<string, PathRow>> = {
  load: {
    ...{ kind: 'read', by: 'cpu', own: true, may: 'wr', sizes: words, whole: true },
    run: ({ task }, addr, { length }) =>
      length === 8 ? task.load64(addr) : task[`load${(8 * length) as 8 | 16 | 32}`](addr),
  },
  store: {
    ...{ kind: 'write', by: 'cpu', own: true, may: 'w', sizes: words, whole: true },
    run: ({ task }, addr, bytes) => {
      const padded = new Uint8Array(8);
      padded.set(bytes);
      const value = new DataView(padded.buffer).getBigUint64(0, true);
      if (bytes.length === 8) task.store64(addr, value);
      else task[`store${(8 * bytes.length) as 8 | 16 | 32}`](addr, Number(value));
    },
  },
  loads: {
    ...{ kind: 'read', by: 'cpu', own: true, may: 'wr' },
    run: ({ task }, addr, { length }) => task.load(addr, length),
  },
  stores: {
    ...{ kind: 'write', by: 'cpu', own: true, may: 'w' },
    run: ({ task }, addr, bytes) => task.store(addr, bytes),
  },
  memRead: {
    ...{ kind: 'read', by: 'mem', own: false, may: 'wr' },
    run: ({ mem }, addr, { length }) => mem.pread(new Uint8Array(length), addr),
  },
  memWrite: {
    ...{ kind: 'write', by: 'mem', own: false, may: 'wr' },
    run: ({ mem }, addr, bytes) => mem.pwrite(bytes, addr),
  },
  memReadGuest: {
    ...{ kind: 'read', by: 'mem', own: false, may: 'wr' },
    run: (pair, addr, { length }) =>
      pair.other.syscall('pread64', pair.mem.fd, OTHER, length, addr),
  },
  memWriteGuest: {
    ...{ kind: 'write', by: 'mem', own: false, may: 'wr' },
    run: (pair, addr, bytes) => {
      const from = other(pair, bytes);
      return pair.other.syscall('pwrite64', pair.mem.fd, from, bytes.length, addr);
    },
  },
  vmRead: {
    ...{ kind: 'read', by: 'process_vm', own: false, may: 'wr' },
    run: ({ other, task }, addr, { length }) =>
      other.processVmRead(task, addr, new Uint8Array(length)),
  },
  vmWrite: {
    ...{ kind: 'write', by: 'process_vm', own: false, may: 'w' },
    run: ({ other, task }, addr, bytes) => other.processVmWrite(task, addr, bytes),
  },
  vmReadGuest: {
    ...{ kind: 'read', by: 'process_vm', own: false, may: 'wr' },
    run: vmCall('process_vm_readv'),
  },
  vmWriteGuest: {
    ...{ kind: 'write', by: 'process_vm', own: false, may: 'w' },
    run: vmCall('process_vm_writev'),
  },
  peek: {
    ...{ kind: 'read', by: 'ptrace', own: false, may: 'wr', sizes: [8] },
    run: ({ other, task }, addr) => other.ptracePeek(task, addr),
  },
  poke: {
    ...{ kind: 'write', by: 'ptrace', own: false, may: 'wr', sizes: [8] },
    run: ({ other, task }, addr, bytes) =>
      other.ptracePoke(task, addr, new DataView(bytes.buffer).getBigUint64(0, true)),
  },
  // A system call of its own that stores into its memory, and one that loads from there.
  fileRead: {
    ...{ kind: 'write', by: 'syscall', own: true, may: 'w' },
    run: ({ task, file }, addr, bytes) => {
      file.pwrite(bytes, 0);
      return task.syscall('pread64', file.fd, addr, bytes.length, 0);
    },
  },
  fileWrite: {
    ...{ kind: 'read', by: 'syscall', own: true, may: 'wr' },
    run: ({ task, file }, addr, { length }) => task.syscall('pwrite64', file.fd, addr, length, 0),
  },
};
const NAMES = Object.keys(PATHS);

const place = fc.oneof(
  fc.integer({ min: 0, max: SIZE - 1 }),
  // Around the borders of pages, where most of what can go wrong does.
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: PAGES.length }), fc.integer({ min: -9, max: 9 }))
      .map(([page, by]) => Math.min(SIZE - 1, Math.max(0, page * PAGE + by))),
  },
);
const length = fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 3 * PAGE }));
const step = fc.oneof(
  fc.record({
    do: fc.constant('watch' as const),
    on: fc.constantFrom<WatchOn[]>('read', 'write', 'access', 'execute'),
    at: place,
    length,
  }),
  fc.record({ do: fc.constant('remove' as const), which: fc.nat(5) }),
  ...[0, 1, 2].map(() =>
    fc.record({
      do: fc.constantFrom(...NAMES),
      at: place,
      length: fc.oneof(fc.constantFrom(...words), length),
      seed: fc.nat(255),
    }),
  ),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** How many bytes from `at` on lie in pages that a path may use. */
function reach(at: number, length: number, { may, whole }: PathRow): number {
  let done = 0;
  while (done < length && may.includes(PAGES[Math.floor((at + done) / PAGE)] ?? '-')) done += 1;
  return whole === true && done < length ? 0 : done;
}

function doAccess(pair: Pair, name: string, at: number, wanted: number, seed: number): void {
  const row = PATHS[name] as PathRow;
  const { kind, by, own, sizes } = row;
  const length = sizes === undefined || sizes.includes(wanted) ? wanted : (sizes.at(-1) as number);
  const bytes = Uint8Array.from({ length }, (_, i) => (seed + 7 * i) & 0xff);
  const done = reach(at, length, row);
  const before = pair.model.slice(at, at + done);
  if (kind === 'write') pair.model.set(bytes.subarray(0, done), at);
  const after = pair.model.slice(at, at + done);
  const expected: string[] = [];
  pair.watches.forEach(({ watch, on, start, end }, id) => {
    const from = Math.max(start - BASE, at);
    const to = Math.min(end - BASE, at + done);
    if (!watch.active || from >= to || (on !== kind && on !== 'access')) return;
    const cut = (all: Uint8Array): Uint8Array => all.slice(from - at, to - at);
    const address = BigInt(BASE + from);
    const task = own ? pair.task : pair.other;
    expected.push(shown(id, { kind, address, before: cut(before), after: cut(after), by, task }));
  });
  pair.told.length = 0;
  try {
    row.run(pair, BASE + at, bytes);
  } catch (error) {
    if (!(error instanceof PageFault || error instanceof LinuxError)) throw error;
  }
  // A copy that goes page by page reaches some watches before others.
  assert.equal([...pair.told].sort(), expected.sort(), `${name} at ${at}+${length}`);
}

function perform(pair: Pair, one: Step): void {
  if (one.do === 'watch' && 'on' in one) pair.watch(one.on, one.at, one.length);
  else if ('which' in one) pair.watches[one.which]?.watch.remove();
  else if ('seed' in one) doAccess(pair, one.do, one.at, one.length, one.seed);
}

/** What the memory holds at last, by a path that no watch is left on. */
function checkContents(pair: Pair): void {
  for (const { watch } of pair.watches) watch.remove();
  for (let page = 0; page < PAGES.length; page++) {
    if (PAGES[page] === '-') continue;
    const bytes = pair.task.load(BASE + page * PAGE, PAGE);
    assert.equal(bytes, pair.model.subarray(page * PAGE, (page + 1) * PAGE), `page ${page}`);
  }
}

const test = suite('api/watch-model');

test('every path tells exactly of the watched bytes that it reached', async () => {
  const machine = await Machine.create();
  machine.spawn().exit();
  const atRest = machine.stats().framesInUse;
  const hits = new Map(NAMES.map((name) => [name, 0]));
  const run = (steps: readonly Step[]): void => {
    const pair = new Pair(machine);
    try {
      for (const one of steps) {
        pair.told.length = 0;
        perform(pair, one);
        if (hits.has(one.do)) hits.set(one.do, (hits.get(one.do) ?? 0) + pair.told.length);
      }
      checkContents(pair);
      assert.equal(machine.check(), []);
    } finally {
      pair.end();
    }
  };
  fc.assert(fc.property(fc.array(step, { minLength: 40, maxLength: 100, size: 'max' }), run), {
    numRuns: RUNS,
  });
  assert.is(machine.stats().framesInUse, atRest);
  // No path was never watched.
  for (const [name, count] of hits) assert.ok(count > RUNS / 4, `${name}: ${count} hits`);
});

test.run();
