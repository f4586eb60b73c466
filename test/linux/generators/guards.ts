import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import type { Generator } from './generator.js';
import { look, oddAddress, runIn, type Run, type Window } from './window.js';

/** Where guard pages come and go; what is sealed lies in windows of its own, which nothing clears. */
const HERE: Window = { start: 0x100000000000, pages: 32 };
const SEALED: Window = { start: 0x100001000000, pages: 16 };
const SEALED_STRIDE = 0x100000;
const MAX_FORKS = 28;
const FD = 'shared';
const ACCESS = [
  abi.MADV_GUARD_INSTALL,
  abi.MADV_GUARD_INSTALL,
  abi.MADV_GUARD_REMOVE,
  abi.MADV_DONTNEED,
  abi.MADV_FREE,
  abi.MADV_POPULATE_WRITE,
  abi.MADV_REMOVE,
  abi.MADV_DONTFORK,
  abi.MADV_DOFORK,
  abi.MADV_WIPEONFORK,
  abi.MADV_KEEPONFORK,
  abi.MADV_COLD,
  abi.MADV_WILLNEED,
];

/**
 * Guard pages under fork, mremap, mprotect, mlock and forced accesses; and what mseal forbids and does not. Memory is
 * stored to before it is looked at.
 */
export const guards: Generator = {
  name: 'guards',
  tasks: ['A'],
  run(s, steps) {
    s.bind(FD, 'A', 'memfd_create', [{ str: FD }, 0]);
    s.call('A', 'ftruncate', [{ ref: FD }, HERE.pages * PAGE]);
    s.bind('mem', 'A', 'openat', [abi.AT_FDCWD, { str: '/proc/self/mem' }, abi.O_RDWR]);
    const living = ['A'];
    for (let forks = 0, round = 0; s.steps.length < steps;) {
      for (let n = s.rng.between(20, 40); n > 0; n--) guardStep(s, s.rng.pick(living));
      const sealed = { ...SEALED, start: SEALED.start + SEALED_STRIDE * round++ };
      for (let n = s.rng.between(15, 30); n > 0; n--) sealStep(s, s.rng.pick(living), sealed);
      if (living.length > 2) s.exit(living.splice(s.rng.between(1, 2), 1)[0]!, 0);
      else if (forks < MAX_FORKS && s.fork(s.rng.pick(living), `C${++forks}`))
        living.push(`C${forks}`);
    }
  },
};

function guardStep(s: Scenario, task: string): void {
  const { rng } = s;
  const run = runIn(rng, HERE);
  rng.weighted<() => void>([
    [4, () => map(s, task, run)],
    [9, () => s.call(task, 'madvise', [hex(run.start), run.length, rng.pick(ACCESS)])],
    [6, () => storeAndLook(s, task, run)],
    [3, () => force(s, task, run)],
    [3, () => move(s, task, run)],
    [2, () => s.call(task, 'mprotect', [hex(run.start), run.length, rng.pick([0, 1, 3, 3])])],
    [1, () => s.call(task, rng.pick(['mlock', 'munlock']), [hex(run.start), run.length])],
    [1, () => s.call(task, 'munmap', [hex(run.start), run.length])],
    [5, () => look(s, task, HERE)],
  ])();
}

function sealStep(s: Scenario, task: string, window: Window): void {
  const { rng } = s;
  const run = runIn(rng, window);
  const { start, length } = run;
  rng.weighted<() => void>([
    [4, () => map(s, task, run)],
    [3, () => seal(s, task, run)],
    [3, () => storeAndLook(s, task, run)],
    [2, () => force(s, task, run)],
    [3, () => s.call(task, 'madvise', [hex(start), length, rng.pick(ACCESS)])],
    [3, () => s.call(task, 'mprotect', [hex(start), length, rng.pick([0, 1, 3])])],
    [2, () => s.call(task, 'munmap', [hex(start), length])],
    [2, () => moveWithin(s, task, run, window)],
    [1, () => s.call(task, rng.pick(['mlock', 'munlock']), [hex(start), length])],
    [1, () => s.call(task, 'remap_file_pages', [hex(start), length, 0, rng.int(4), 0])],
    [4, () => look(s, task, window)],
  ])();
}

function map(s: Scenario, task: string, { start, length }: Run): void {
  const { rng } = s;
  const [flags, fd]: readonly [number, Arg] = rng.pick([
    [0x32, -1],
    [0x32, -1],
    [0x31, -1],
    [0x11, { ref: FD }],
    [0x12, { ref: FD }],
  ] as const);
  s.call(task, 'mmap', [hex(start), length, rng.pick([3, 3, 3, 7]), flags, fd, 0]);
  for (let n = rng.int(3); n > 0; n--) s.poke(task, start + PAGE * rng.int(length / PAGE), '5a');
}

function storeAndLook(s: Scenario, task: string, { start }: Run): void {
  const at = start + s.rng.pick([0, 8, PAGE - 1]);
  if (s.poke(task, at, s.rng.hexBytes(1)) === null && s.rng.chance(0.5)) s.peek(task, at, 1);
}

/** Through a mem file, which overrides protections, and by process_vm, which does not. */
function force(s: Scenario, task: string, { start }: Run): void {
  const { rng } = s;
  const at = hex(start + rng.pick([0, PAGE - 2]));
  const args: Arg[] = [{ iov: [[{ in: rng.hexBytes(4) }, 4]] }, 1, { iov: [[at, 4]] }, 1, 0];
  if (rng.chance(0.7)) s.call(task, 'pwrite64', [{ ref: 'mem' }, { in: rng.hexBytes(4) }, 4, at]);
  else s.call(task, 'process_vm_writev', [{ ref: `${task}.pid` }, ...args]);
}

function move(s: Scenario, task: string, run: Run): void {
  moveWithin(s, task, run, HERE);
}

function moveWithin(s: Scenario, task: string, { start, length }: Run, window: Window): void {
  const { rng } = s;
  const to = hex(runIn(rng, window).start);
  const size = rng.pick([length, length, length + PAGE, Math.max(PAGE, length - PAGE)]);
  s.call(task, 'mremap', [hex(start), length, size, rng.pick([0, 3, 3, 7]), to]);
}

function seal(s: Scenario, task: string, { start, length }: Run): void {
  const { rng } = s;
  if (rng.chance(0.8)) s.call(task, 'mseal', [hex(start), length, 0]);
  else
    s.call(task, 'mseal', [
      rng.chance(0.5) ? oddAddress(rng, start) : hex(start),
      rng.pick([0, 1, '0xfffffffffffff000', '0xffffffffffffffff']),
      rng.pick([0, 1]),
    ]);
}
