import * as abi from '../abi.js';
import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { openMem } from './memfiles.js';
import type { Generator } from './generator.js';
import { look, runIn, someProtection, type Window } from './window.js';

const HERE: Window = { start: 0x100000000000, pages: 48 };
const FILES = ['one', 'two'];
const SEGMENT = 'segment';
const MAX_CHILDREN = 24;
const LENGTHS = [1, 8, 100, PAGE, PAGE + 5, 3 * PAGE, 5 * PAGE - 3];
/** Every advice but those for huge and poisoned pages. */
const ADVICES = [
  ...[0, 1, 2, 3, 4, 4, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22, 23, 24],
  ...[abi.MADV_GUARD_INSTALL, abi.MADV_GUARD_REMOVE],
];

/**
 * A family in whose memory every kind of call about memory meets every other: mappings of two files that are
 * written, cut and copied meanwhile, stacks, segments, guards and locks, with buffers in the same few pages.
 */
export const jumble: Generator = {
  name: 'jumble',
  tasks: ['A'],
  run(s, steps) {
    for (const file of FILES) s.bind(file, 'A', 'memfd_create', [{ str: file }, 0]);
    s.call('A', 'ftruncate', [{ ref: FILES[0]! }, HERE.pages * PAGE]);
    s.call('A', 'ftruncate', [{ ref: FILES[1]! }, 20 * PAGE + 100]);
    s.bind(SEGMENT, 'A', 'shmget', [0, 6 * PAGE, 0o600]);
    const living = ['A'];
    for (let born = 0; s.steps.length < steps;) {
      for (let n = s.rng.between(20, 50); n > 0; n--) act(s, living);
      if (living.length > 3) s.exit(living.splice(s.rng.between(1, 3), 1)[0]!, 0);
      else if (born < MAX_CHILDREN && s.fork('A', `C${++born}`)) living.push(`C${born}`);
    }
    s.call('A', 'shmctl', [{ ref: SEGMENT }, 0, 0]);
  },
};

function act(s: Scenario, living: readonly string[]): void {
  const { rng } = s;
  const [task, other] = [rng.pick(living), rng.pick(living)];
  const { start, length } = runIn(rng, HERE);
  rng.weighted<() => void>([
    [10, () => map(s, task)],
    [14, () => s.poke(task, near(rng), rng.hexBytes(rng.pick([1, 8, 20])))],
    [4, () => s.peek(task, near(rng), rng.pick([1, 8, 40]))],
    [5, () => s.call(task, 'mprotect', [hex(start), length, someProtection(rng)])],
    [4, () => s.call(task, 'munmap', [hex(start), length])],
    [6, () => move(s, task)],
    [12, () => s.call(task, 'madvise', [hex(start), length, rng.pick(ADVICES)])],
    [4, () => s.call(task, rng.pick(['mlock', 'munlock']), [hex(start), length])],
    [1, () => s.call(task, 'mlockall', [rng.pick([1, 2, 4, 5])])],
    [1, () => s.call(task, 'munlockall', [])],
    [2, () => s.call(task, 'mincore', [hex(start), length, { out: length / PAGE }])],
    [2, () => s.call(task, 'msync', [hex(start), length, rng.pick([1, 2, 4, 6])])],
    [10, () => copyRemote(s, task, other)],
    [8, () => useMem(s, task, other)],
    [10, () => useFile(s, task)],
    [4, () => attachSegment(s, task)],
    [1, () => s.call(task, 'remap_file_pages', [hex(start), length, 0, rng.int(HERE.pages), 0])],
    [10, () => look(s, task, HERE)],
  ])();
}

/** An address around the beginning or the end of a page, or anywhere. */
function near(rng: Rng): number {
  return runIn(rng, HERE).start + rng.pick([0, 0, 1, 8, PAGE - 1, PAGE - 8, rng.int(PAGE)]);
}

function map(s: Scenario, task: string): void {
  const { rng } = s;
  const { start, length } = runIn(rng, HERE);
  const file = rng.chance(0.5) ? rng.pick(FILES) : null;
  let flags = rng.pick([1, 2, 2]) | rng.pick([abi.MAP_FIXED, abi.MAP_FIXED, 0x100000]);
  if (file === null) flags |= abi.MAP_ANONYMOUS | ((flags & 2) !== 0 ? rng.pick([0, 0, 0x100]) : 0);
  flags |= rng.pick([0, 0, 0, 0x2000, 0x4000, 0x8000]);
  const offset =
    file === null ? 0 : PAGE * rng.pick([0, 1, rng.int(60), (start - HERE.start) / PAGE]);
  const fd: Arg = file === null ? -1 : { ref: file };
  s.call(task, 'mmap', [hex(start), length, someProtection(rng), flags, fd, offset]);
}

/** mremap to where it was told, or in place. */
function move(s: Scenario, task: string): void {
  const { rng } = s;
  const [from, to] = [runIn(rng, HERE), runIn(rng, HERE)];
  const flags = rng.pick([0, 3, 3, 3, 7]);
  const length = flags === 3 && rng.chance(0.05) ? 0 : from.length;
  const size = rng.chance(0.6) ? from.length : to.length;
  s.call(task, 'mremap', [hex(from.start), length, size, flags, hex(to.start)]);
}

/** `total` bytes in a few segments; of the window, or of the steps' own. */
function segments(rng: Rng, total: number, own: 'in' | 'out' | null): [Arg, Arg][] {
  const lengths: number[] = [];
  let left = total;
  for (let n = rng.int(3); n > 0; n--) left -= lengths[lengths.push(rng.int(left + 1)) - 1]!;
  return [...lengths, left].map((length) => {
    if (own === null || length > 600 || rng.chance(0.5)) return [hex(near(rng)), length];
    return [own === 'in' ? { in: rng.hexBytes(length) } : { out: length }, length];
  });
}

function copyRemote(s: Scenario, task: string, other: string): void {
  const { rng } = s;
  const total = rng.pick(LENGTHS);
  const reads = rng.chance(0.5);
  const local = segments(rng, total, reads ? 'out' : 'in');
  const remote = segments(rng, total + rng.pick([0, 0, 5]), null);
  const args: Arg[] = [{ iov: local }, local.length, { iov: remote }, remote.length, 0];
  const call = reads ? 'process_vm_readv' : 'process_vm_writev';
  s.call(task, call, [{ ref: `${other}.pid` }, ...args]);
}

/** What is read lands in the window, and what is written comes from there, too. */
function useMem(s: Scenario, task: string, other: string): void {
  const { rng } = s;
  const file: Arg = { ref: openMem(s, task, `/proc/\${${other}.pid}/mem`, abi.O_RDWR) };
  const call = rng.pick(['pread64', 'pwrite64']);
  for (let n = rng.between(1, 3); n > 0; n--)
    s.call(task, call, [file, hex(near(rng)), rng.pick(LENGTHS), hex(near(rng))]);
  s.call(task, 'close', [file]);
}

function useFile(s: Scenario, task: string): void {
  const { rng } = s;
  const [file, other]: Arg[] = [{ ref: rng.pick(FILES) }, { ref: rng.pick(FILES) }];
  const count = rng.pick(LENGTHS);
  const size = PAGE * rng.pick([0, 10, 48, 48, 60]) + rng.pick([0, 0, 5]);
  const mode = rng.pick([0, 1, 3, 3]);
  rng.weighted<() => void>([
    [4, () => s.call(task, rng.pick(['read', 'write']), [file!, hex(near(rng)), count])],
    [2, () => s.call(task, 'pwrite64', [file!, hex(near(rng)), count, rng.int(48 * PAGE)])],
    [2, () => s.call(task, 'lseek', [file!, rng.pick([0, 5, PAGE, 20 * PAGE]), rng.int(5)])],
    [1, () => s.call(task, 'sendfile', [file!, other!, 0, count])],
    [1, () => s.call(task, 'copy_file_range', [file!, 0, other!, 0, count, 0])],
    [1, () => s.call(task, 'ftruncate', [file!, size])],
    [1, () => s.call(task, 'fallocate', [file!, mode, PAGE * rng.int(48), count])],
  ])();
}

function attachSegment(s: Scenario, task: string): void {
  const { rng } = s;
  const at = hex(runIn(rng, HERE).start);
  if (rng.chance(0.4)) s.call(task, 'shmdt', [at]);
  else s.call(task, 'shmat', [{ ref: SEGMENT }, at, rng.pick([0, 0o10000, 0o40000])]);
}
