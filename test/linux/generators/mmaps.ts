import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { makeFile, makeMemfd, makeSealedMemfd } from './backing.js';
import type { Generator } from './generator.js';
import { look, oddAddress, oddLength, runIn, store, type Window } from './window.js';

const HERE: Window = { start: 0x100000000000, pages: 48 };
/** Stacks among the window's mappings, so that hints meet their guard gap. */
const STACKS = 0x100000400000;

/** Flags that mean something, several of which may go together. */
const FLAGS = [
  abi.MAP_NORESERVE,
  abi.MAP_POPULATE,
  abi.MAP_STACK,
  abi.MAP_LOCKED,
  abi.MAP_GROWSDOWN,
  abi.MAP_SYNC,
  0x800, // MAP_DENYWRITE, ignored
  0x1000, // MAP_EXECUTABLE, ignored
  0x10000, // MAP_NONBLOCK
  0x4000000, // MAP_UNINITIALIZED, ignored
  0x200000, // none
];
const TYPES = [
  abi.MAP_PRIVATE,
  abi.MAP_PRIVATE,
  abi.MAP_PRIVATE,
  abi.MAP_SHARED,
  abi.MAP_SHARED,
  abi.MAP_SHARED_VALIDATE,
  abi.MAP_DROPPABLE,
  0,
  4,
];

/** mmap with every flag, protection and kind of file, places asked for and hinted at, legal and not. */
export const mmaps: Generator = {
  name: 'mmaps',
  tasks: ['A'],
  run(s, steps) {
    const files = openFiles(s);
    while (s.steps.length < steps) act(s, files);
  },
};

/** Descriptors of all kinds that a mapping may be asked of. */
function openFiles(s: Scenario): Arg[] {
  const memfds = [makeMemfd(s, 'A'), makeSealedMemfd(s, 'A'), ...makeFile(s, 'A')];
  const open = (path: string, flags: number): Arg => {
    const fd = s.fresh('fd');
    s.bind(fd, 'A', 'openat', [abi.AT_FDCWD, { str: path }, flags]);
    return { ref: fd };
  };
  return [
    ...memfds.map(({ fd }) => ({ ref: fd })),
    open('/dev/zero', abi.O_RDWR),
    open('/dev/zero', abi.O_RDONLY),
    open('/dev/null', abi.O_RDWR),
    open('/dev/full', abi.O_RDWR),
    open('/tmp', abi.O_RDONLY),
    open('/tmp/wo', abi.O_WRONLY | abi.O_CREAT),
    open('/tmp/wo', abi.O_PATH),
    open('/proc/self/mem', abi.O_RDWR),
    open('/proc/self/maps', abi.O_RDONLY),
    open('/proc/self/status', abi.O_RDONLY),
    999,
  ];
}

function act(s: Scenario, files: readonly Arg[]): void {
  const { rng } = s;
  const { start, length } = runIn(rng, HERE);
  rng.weighted<() => void>([
    [12, () => mapFixed(s, files)],
    [3, () => hint(s)],
    [2, () => low(s)],
    [2, () => misfit(s, files)],
    [5, () => store(s, 'A', { start, length })],
    [2, () => s.call('A', 'munmap', [hex(start), length])],
    [1, () => unmapOdd(s)],
    [6, () => look(s, 'A', HERE)],
    [0.2, () => s.call('A', 'munmap', [hex(HERE.start), 0x1000000])],
  ])();
}

function flagsOf(s: Scenario): number {
  let flags = s.rng.pick(TYPES);
  for (let n = s.rng.pick([0, 0, 1, 1, 2]); n > 0; n--) flags |= s.rng.pick(FLAGS);
  return flags;
}

/** Private memory that may not be written is not asked for at once: that would be a first load. */
function safely(flags: number, prot: number): number {
  const eager = abi.MAP_POPULATE | abi.MAP_LOCKED;
  return (prot & abi.PROT_WRITE) === 0 ? flags & ~eager : flags;
}

function mapFixed(s: Scenario, files: readonly Arg[]): void {
  const { rng } = s;
  const { start, length } = runIn(rng, HERE);
  const place = rng.pick([abi.MAP_FIXED, abi.MAP_FIXED, abi.MAP_FIXED_NOREPLACE, 0x100010]);
  const prot = rng.pick([0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 0x10, 0x1000003]);
  const flags = place | safely(flagsOf(s), prot);
  if (rng.chance(0.5)) {
    const offset = rng.pick([0, 0, 0, PAGE, 1, '0xfffffffffffff000', '0x7ffffffffffff000']);
    s.call('A', 'mmap', [hex(start), length, prot, flags | abi.MAP_ANONYMOUS, -1, offset]);
    return;
  }
  const offset = rng.pick([start - HERE.start, 0, PAGE, 2 * PAGE, 1, '0x7ffffffffffff000']);
  s.call('A', 'mmap', [hex(start), length, prot, flags, rng.pick(files), offset]);
}

/** A hint is taken where it is free and no stack's gap lies; else the kernel goes out of the arena. */
function hint(s: Scenario): void {
  const { rng } = s;
  const stack = STACKS + 0x400000 * rng.int(3);
  if (rng.chance(0.4)) s.call('A', 'mmap', [hex(stack), PAGE, 3, 0x132, -1, 0]);
  const near = stack + PAGE * rng.pick([-258, -257, -256, -255, -2, -1, 0, 1, 2, 100]);
  const at = rng.chance(0.5) ? near : runIn(rng, HERE).start;
  const name = s.fresh('at');
  const length = PAGE * rng.between(1, 3);
  const args = [hex(at + rng.pick([0, 0, 1, 4095])), length, 3, 0x22, -1, 0];
  const { ok, value } = s.bind(name, 'A', 'mmap', args);
  if (ok && (value < HERE.start || value > HERE.start + 0x10000000))
    s.call('A', 'munmap', [{ ref: name }, length]);
  else if (ok) s.maps('A');
}

/** Below mmap_min_addr, which root's capability allows. */
function low(s: Scenario): void {
  const at = s.rng.pick(['0x0', '0x1000', '0xf000', '0x10000']);
  const flags = s.rng.pick([0x32, 0x32, 0x100022]);
  if (s.call('A', 'mmap', [at, PAGE, 3, flags, -1, 0]).ok) s.call('A', 'munmap', [at, PAGE]);
}

/** Lengths that no address space has room for, and addresses that none has. */
function misfit(s: Scenario, files: readonly Arg[]): void {
  const { rng } = s;
  const at = oddAddress(rng, HERE.start);
  const placed = at.startsWith('0x1') || at === '0x0' ? rng.pick([0x32, 0x100032]) : 0x32;
  const length = rng.pick([
    0,
    '0x800000000000',
    '0x7ffffffffffff000',
    '0xfffffffffffff000',
    '0xfffffffffffff001',
    '0xffffffffffffffff',
  ]);
  if (rng.chance(0.5)) s.call('A', 'mmap', [at, length, 3, placed, -1, 0]);
  else s.call('A', 'mmap', [at, length, 1, placed & ~0x20, rng.pick(files), rng.pick([0, 1])]);
}

function unmapOdd(s: Scenario): void {
  const { rng } = s;
  const { start } = runIn(rng, HERE);
  const [at, length]: readonly [Arg, Arg] = rng.pick([
    [hex(start + 1), PAGE],
    [hex(start), 0],
    [hex(start), 1],
    [hex(start), PAGE + 1],
    [hex(start), '0x800000000000'],
    ['0x800000000000', PAGE],
    ['0x7ffffffff000', PAGE],
    ['0xfffffffffffff000', oddLength(rng)],
  ] as const);
  s.call('A', 'munmap', [at, length]);
}
