import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import type { Generator } from './generator.js';
import { look, oddAddress, oddLength, runIn, words, type Run, type Window } from './window.js';

const HERE: Window = { start: 0x100000000000, pages: 40 };
/** Pages where structures lie, answers go and copies come from; nobody watches them. */
const ARGUMENT = 0x100002000000;
const VECTOR = ARGUMENT + PAGE;
const SOURCE = ARGUMENT + 2 * PAGE;
const SOURCE_PAGES = 6;
const FD = 'file';
const PAGEMAP_SCAN = 0xc0606610;

const UFFDIO_API = 0xc018aa3f;
const UFFDIO_REGISTER = 0xc020aa00;
const UFFDIO_UNREGISTER = 0x8010aa01;
const UFFDIO_WAKE = 0x8010aa02;
const UFFDIO_COPY = 0xc028aa03;
const UFFDIO_ZEROPAGE = 0xc020aa04;
const UFFDIO_MOVE = 0xc028aa05;
const UFFDIO_WRITEPROTECT = 0xc018aa06;
const UFFDIO_CONTINUE = 0xc020aa07;
const UFFDIO_POISON = 0xc020aa08;

const FEATURE_SIGBUS = 1 << 7;
const FEATURE_THREAD_ID = 1 << 8;
const FEATURE_EXACT_ADDRESS = 1 << 11;
const FEATURE_WP_UNPOPULATED = 1 << 13;
const FEATURE_WP_ASYNC = 1 << 15;
/** UFFDIO_REGISTER_MODE_WP. */
const WP = 2;

/** What accesses by the CPU of the watched task may do. */
type Kind = 'waits' | 'sigbus' | 'async';

/** One descriptor and how it was opened. */
interface Watch {
  readonly fd: string;
  readonly kind: Kind;
}

/**
 * userfaultfd by the ioctls of its descriptor. An access that would wait hangs the task, so with the usual features
 * only others look at the window, as the kernel, which UFFD_USER_MODE_ONLY fails; with UFFD_FEATURE_SIGBUS or
 * UFFD_FEATURE_WP_ASYNC the task stores and loads itself.
 */
export const uffds: Generator = {
  name: 'uffds',
  tasks: ['A', 'B'],
  run(s, steps) {
    s.bind(FD, 'A', 'memfd_create', [{ str: 'a file' }, 0]);
    s.call('A', 'ftruncate', [{ ref: FD }, (HERE.pages - 4) * PAGE]);
    s.call('A', 'mmap', [hex(ARGUMENT), (2 + SOURCE_PAGES) * PAGE, 3, 0x32, -1, 0]);
    for (let page = 0; page < 2 + SOURCE_PAGES; page++)
      s.poke('A', ARGUMENT + PAGE * page, s.rng.hexBytes(2));
    for (const name of ['pagemap', 'mem'])
      s.bind(name, 'A', 'openat', [
        abi.AT_FDCWD,
        { str: `/proc/self/${name}` },
        abi.O_RDWR & (name === 'mem' ? 3 : 0),
      ]);
    s.bind('B.mem', 'B', 'openat', [abi.AT_FDCWD, { str: '/proc/${A.pid}/mem' }, abi.O_RDWR]);
    // Linux moves no page that was shared with a child before it is written again; the machine does.
    let moves = true;
    while (s.steps.length < steps) moves = !round(s, moves) && moves;
  },
};

/** One userfaultfd from its making to its end; whether there was a child. */
function round(s: Scenario, moves: boolean): boolean {
  const { rng } = s;
  const kind = rng.pick(['waits', 'sigbus', 'sigbus', 'async', 'async'] as const);
  const watch = { ...open(s, kind), moves };
  for (let n = 3; n > 0; n--) map(s, watch, runIn(rng, HERE));
  for (let n = 4; n > 0; n--) register(s, watch, runIn(rng, HERE));
  for (let n = rng.between(40, 120); n > 0; n--) act(s, watch);
  const parent = rng.chance(0.5);
  if (parent) inherit(s);
  s.call('A', 'close', [{ ref: watch.fd }]);
  s.maps('A');
  if (rng.chance(0.5)) s.smaps('A');
  // What is left is nobody's now: all of it can be touched.
  for (let n = 4; n > 0; n--) s.poke('A', runIn(rng, HERE).start, rng.hexBytes(1));
  return parent;
}

/** A child, whose memory nobody watches. */
function inherit(s: Scenario): void {
  const child = s.fresh('C');
  if (!s.fork('A', child)) return;
  s.maps(child);
  s.pagemap(child, HERE.start, HERE.pages);
  for (let n = 6; n > 0; n--) {
    const at = runIn(s.rng, HERE).start;
    if (s.rng.chance(0.7)) s.poke(child, at, s.rng.hexBytes(1));
    else s.peek(child, at, 1);
  }
  s.smaps(child);
  s.exit(child, 0);
}

function open(s: Scenario, kind: Kind): Watch {
  const { rng } = s;
  const fd = s.fresh('uffd');
  if (rng.chance(0.2)) s.call('A', 'userfaultfd', [rng.pick([2, 4, 0x800000, -1])]);
  s.bind(fd, 'A', 'userfaultfd', [1 | rng.pick([0, abi.O_NONBLOCK, abi.O_CLOEXEC])]);
  if (rng.chance(0.2)) register(s, { fd, kind }, runIn(rng, HERE));
  const usual =
    rng.pick([0, FEATURE_THREAD_ID, FEATURE_EXACT_ADDRESS]) | rng.pick([0, FEATURE_WP_UNPOPULATED]);
  const own = { waits: 0, sigbus: FEATURE_SIGBUS, async: FEATURE_WP_ASYNC }[kind];
  const ask = (version: number, features: number | bigint): void => {
    s.poke('A', ARGUMENT, words(version, features, 0));
    if (!s.call('A', 'ioctl', [{ ref: fd }, UFFDIO_API, hex(ARGUMENT)]).ok)
      s.peek('A', ARGUMENT, 24);
  };
  if (rng.chance(0.2)) ask(rng.pick([0, 0xa9, 0xaa]), rng.pick([1n << 40n, 1n << 31n, 1n << 17n]));
  ask(0xaa, usual | own);
  if (rng.chance(0.2)) ask(0xaa, rng.pick([0, usual | own]));
  return { fd, kind };
}

function act(s: Scenario, watch: Watch & { readonly moves: boolean }): void {
  const { rng } = s;
  const run = runIn(rng, HERE);
  rng.weighted<() => void>([
    [4, () => map(s, watch, run)],
    [5, () => register(s, watch, run)],
    [2, () => unregister(s, watch, run)],
    [8, () => copy(s, watch, run)],
    [4, () => fill(s, watch, run)],
    [watch.moves ? 4 : 0, () => movePages(s, watch, run)],
    [7, () => writeProtect(s, watch, run)],
    [1, () => s.call('A', 'ioctl', [{ ref: watch.fd }, UFFDIO_WAKE, { in: range(s, run) }])],
    [1, () => oddIoctl(s, watch, run)],
    [8, () => touch(s, watch, run)],
    [5, () => fromOutside(s, run)],
    [
      3,
      () =>
        s.call('A', 'madvise', [
          hex(run.start),
          run.length,
          rng.pick([4, 4, 8, 9, 14, 21, 22, 23]),
        ]),
    ],
    [2, () => s.call('A', 'mprotect', [hex(run.start), run.length, rng.pick([0, 1, 3, 3])])],
    [1, () => s.call('A', 'munmap', [hex(run.start), run.length])],
    [2, () => move(s, run)],
    [
      1,
      () =>
        s.call('A', 'fallocate', [
          { ref: FD },
          rng.pick([0, 3]),
          run.start - HERE.start,
          run.length,
        ]),
    ],
    [4, () => topBytes(s, run)],
    [7, () => scan(s, run)],
    [4, () => look(s, 'A', HERE)],
    [1, () => other(s, run)],
    [1, () => s.call('A', 'read', [{ ref: watch.fd }, hex(VECTOR), rng.pick([0, 31])])],
  ])();
}

function map(s: Scenario, watch: Watch, { start, length }: Run): void {
  const { rng } = s;
  const file = rng.chance(0.4);
  const flags = abi.MAP_FIXED | rng.pick([1, 2, 2]) | (file ? 0 : abi.MAP_ANONYMOUS);
  const offset = file ? start - HERE.start : 0;
  const fd: Arg = file ? { ref: FD } : -1;
  const prot = rng.pick([0, 1, 3, 3, 3, 3]);
  if (!s.call('A', 'mmap', [hex(start), length, prot, flags, fd, offset]).ok) return;
  if (rng.chance(0.5)) touch(s, watch, { start, length });
  if (rng.chance(0.6)) register(s, watch, { start, length });
}

/** struct uffdio_range, mostly of the run. */
function range(s: Scenario, { start, length }: Run): string {
  const { rng } = s;
  if (rng.chance(0.94)) return words(start, length);
  return rng.chance(0.5)
    ? words(BigInt(oddAddress(rng, start)), length)
    : words(start, BigInt(oddLength(rng) as string | number));
}

function register(s: Scenario, { fd, kind }: Watch, run: Run): void {
  const { rng } = s;
  const modes = kind === 'async' ? [WP, WP, WP, WP, WP, 0, 16] : [1, 2, 3, 3, 3, 4, 5, 7, 0, 8];
  const mode = rng.pick(modes);
  s.poke('A', ARGUMENT, range(s, run) + words(mode, 0));
  const done = s.call('A', 'ioctl', [{ ref: fd }, UFFDIO_REGISTER, hex(ARGUMENT)]);
  if (done.ok) s.peek('A', ARGUMENT + 24, 8);
}

function unregister(s: Scenario, { fd }: Watch, run: Run): void {
  s.call('A', 'ioctl', [{ ref: fd }, UFFDIO_UNREGISTER, { in: range(s, run) }]);
}

function copy(s: Scenario, { fd }: Watch, run: Run): void {
  const { rng } = s;
  const source = SOURCE + rng.pick([0, 0, 0, 8, 2 * PAGE, 5 * PAGE]);
  const from = rng.chance(0.9)
    ? BigInt(source)
    : rng.pick([0n, 0x1000n, BigInt(HERE.start), BigInt(run.start)]);
  const mode = rng.pick([0, 0, 0, 1, 2, 2, 3, rng.pick([4, 8])]);
  const [at, length] = [range(s, run).slice(0, 16), range(s, run).slice(16)];
  s.poke('A', ARGUMENT, at + words(from) + length + words(mode, 0));
  s.call('A', 'ioctl', [{ ref: fd }, UFFDIO_COPY, hex(ARGUMENT)]);
  s.peek('A', ARGUMENT + 32, 8);
}

function fill(s: Scenario, { fd }: Watch, run: Run): void {
  const { rng } = s;
  const ioctl = rng.pick([UFFDIO_ZEROPAGE, UFFDIO_ZEROPAGE, UFFDIO_POISON, UFFDIO_CONTINUE]);
  s.poke('A', ARGUMENT, range(s, run) + words(rng.pick([0, 0, 0, 1, 2, 4]), 0));
  s.call('A', 'ioctl', [{ ref: fd }, ioctl, hex(ARGUMENT)]);
  s.peek('A', ARGUMENT + 24, 8);
}

/** UFFDIO_MOVE within the window or from where pages always are. */
function movePages(s: Scenario, { fd }: Watch, run: Run): void {
  const { rng } = s;
  const from = rng.pick([runIn(rng, HERE).start, runIn(rng, HERE).start, run.start, SOURCE]);
  const [at, length] = [range(s, run).slice(0, 16), range(s, run).slice(16)];
  s.poke('A', ARGUMENT, at + words(from) + length + words(rng.pick([0, 2, 2, 3, 1, 4]), 0));
  s.call('A', 'ioctl', [{ ref: fd }, UFFDIO_MOVE, hex(ARGUMENT)]);
  s.peek('A', ARGUMENT + 32, 8);
  for (let page = 0; page < SOURCE_PAGES; page++)
    s.poke('A', SOURCE + PAGE * page, rng.hexBytes(1));
}

function writeProtect(s: Scenario, { fd }: Watch, run: Run): void {
  const mode = s.rng.pick([1, 1, 1, 0, 0, 2, 3, 4]);
  s.call('A', 'ioctl', [{ ref: fd }, UFFDIO_WRITEPROTECT, { in: range(s, run) + words(mode) }]);
}

function oddIoctl(s: Scenario, { fd }: Watch, run: Run): void {
  const cmd = s.rng.pick([0xaa00, 0xc028aa0a, UFFDIO_REGISTER, UFFDIO_COPY, UFFDIO_UNREGISTER]);
  s.call('A', 'ioctl', [{ ref: fd }, cmd, s.rng.pick([0, hex(HERE.start - PAGE), hex(run.start)])]);
}

/** A store or load of the task itself, where that does not wait; else one through its own mem file. */
function touch(s: Scenario, { kind }: Watch, { start, length }: Run): void {
  const { rng } = s;
  const at = start + PAGE * rng.int(length / PAGE) + rng.pick([0, 8, PAGE - 1]);
  if (kind === 'waits')
    s.call('A', 'pwrite64', [{ ref: 'mem' }, { in: rng.hexBytes(2) }, 2, hex(at)]);
  else if (rng.chance(0.7)) s.poke('A', at, rng.hexBytes(1));
  else s.peek('A', at, 1);
}

function fromOutside(s: Scenario, { start }: Run): void {
  const { rng } = s;
  const at = hex(start + rng.pick([0, PAGE - 2]));
  const mine = rng.chance(0.5) ? ['A', 'mem'] : ['B', 'B.mem'];
  const [task = '', mem = ''] = mine;
  const segments = (arg: Arg): Arg[] => [
    { ref: 'A.pid' },
    { iov: [[arg, 4]] },
    1,
    { iov: [[at, 4]] },
    1,
    0,
  ];
  rng.pick<() => void>([
    () => s.call(task, 'pread64', [{ ref: mem }, { out: 4 }, 4, at]),
    () => s.call(task, 'pwrite64', [{ ref: mem }, { in: rng.hexBytes(4) }, 4, at]),
    () => s.call(task, 'process_vm_readv', segments({ out: 4 })),
    () => s.call(task, 'process_vm_writev', segments({ in: rng.hexBytes(4) })),
    // As a buffer of a call of the task itself.
    () => s.call('A', 'pread64', [{ ref: 'mem' }, at, 4, hex(SOURCE)]),
    () => s.call('A', 'pwrite64', [{ ref: 'mem' }, at, 4, hex(VECTOR)]),
  ])();
}

function move(s: Scenario, { start, length }: Run): void {
  const { rng } = s;
  const to = hex(runIn(rng, HERE).start);
  const size = rng.pick([length, length, length + PAGE, Math.max(PAGE, length - PAGE)]);
  s.call('A', 'mremap', [hex(start), length, size, rng.pick([0, 3, 3, 7]), to]);
}

/** A second userfaultfd comes too late for what the first has. */
function other(s: Scenario, run: Run): void {
  const fd = s.fresh('other');
  s.bind(fd, 'A', 'userfaultfd', [1]);
  s.call('A', 'ioctl', [{ ref: fd }, UFFDIO_API, { in: words(0xaa, FEATURE_SIGBUS, 0) }]);
  register(s, { fd, kind: 'sigbus' }, run);
  unregister(s, { fd, kind: 'sigbus' }, run);
  s.maps('A');
  s.call('A', 'close', [{ ref: fd }]);
}

function topBytes(s: Scenario, { start }: Run): void {
  const count = 8 * s.rng.between(1, 4);
  if (!s.call('A', 'pread64', [{ ref: 'pagemap' }, hex(VECTOR), count, (start / PAGE) * 8]).ok)
    return;
  for (let at = 7; at < count; at += 8) s.peek('A', VECTOR + at, 1);
}

function scan(s: Scenario, { start, length }: Run): void {
  const { rng } = s;
  const flags = rng.pick([0, 0, 1, 1, 1, 2, 3]);
  const room = rng.pick([16, 16, 16, 2, 1, 0]);
  const vector = room === 0 ? 0 : VECTOR;
  const some = (): number => rng.pick([0, 0, 1, 2, 3, 8, rng.int(32)]);
  const masks = [rng.pick([0, 0, 0, 1, 2, 8]), some(), some(), rng.pick([31, 31, 2, 3, 0])];
  const pages = rng.pick([0, 0, 0, 1, 3]);
  s.poke('A', ARGUMENT, words(96, flags, start, start + length, 0, vector, room, pages, ...masks));
  const regions = s.call('A', 'ioctl', [{ ref: 'pagemap' }, PAGEMAP_SCAN, hex(ARGUMENT)]);
  s.peek('A', ARGUMENT + 32, 8);
  if (regions.value > 0) s.peek('A', VECTOR, Math.min(24 * regions.value, 96));
}
