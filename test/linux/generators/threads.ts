import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE } from '../step.js';
import { attemptAccess } from './accesses.js';
import { askCredentials, becomeUser, changeCredentials } from './credentials.js';
import type { Generator } from './generator.js';
import { CONTENT, mapPlaces } from './places.js';
import { changeNamespace } from './user-namespaces.js';

/** Executor slots for processes of three threads each. */
const MAX_PROCESSES = 7;
/** Pages that the threads map and unmap for one another. */
const COMMON = 0x100000040000;

/** Threads of one process with credentials of their own, sharing memory, descriptors and positions. */
export const threads: Generator = {
  name: 'threads',
  tasks: ['A', 'B'],
  run(s, steps) {
    mapPlaces(s, 'A');
    mapPlaces(s, 'B');
    becomeUser(s, 'B');
    for (let n = 1; s.steps.length < steps && n <= MAX_PROCESSES; n++) {
      const group = [`P${n}`, `P${n}t1`, `P${n}t2`];
      s.fork('A', group[0]!);
      if (s.rng.chance(0.3)) becomeUser(s, group[0]!);
      s.thread(group[0]!, group[1]!);
      if (s.rng.chance(0.5)) becomeUser(s, group[1]!);
      s.thread(s.rng.pick(group.slice(0, 2)), group[2]!);
      playGroup(s, group, Math.min(steps, s.steps.length + s.rng.between(150, 300)));
      s.exit(s.rng.pick(group), n);
    }
  },
};

function playGroup(s: Scenario, group: readonly string[], until: number): void {
  const fd = s.fresh('mem');
  s.bind(fd, group[0]!, 'openat', [abi.AT_FDCWD, { str: '/proc/self/mem' }, abi.O_RDWR]);
  while (s.steps.length < until) {
    const actor = s.rng.chance(0.1) ? 'B' : s.rng.pick(group);
    const target = s.rng.pick(group);
    s.rng.weighted<() => void>([
      [12, () => attemptAccess(s, actor, target)],
      [3, () => openByThreadId(s, actor, target)],
      [actor === 'B' ? 0 : 5, () => sharePosition(s, actor, fd)],
      [actor === 'B' ? 0 : 4, () => shareMemory(s, actor)],
      [4, () => changeCredentials(s, actor)],
      [3, () => askCredentials(s, actor)],
      [actor === 'B' ? 0 : 1, () => changeNamespace(s, actor, target)],
    ])();
  }
}

/** /proc/TID, which no listing shows, and the wrong thread below a process. */
function openByThreadId(s: Scenario, actor: string, target: string): void {
  const fd = s.fresh('fd');
  const path = s.rng.pick([
    `/proc/\${${target}.tid}/mem`,
    `/proc/\${${target}.tid}/maps`,
    `/proc/\${${target}.tid}/task/\${${target}.tid}/mem`,
    `/proc/\${${target}.tid}/task/\${${target}.pid}/comm`,
    `/proc/\${${actor}.pid}/task/\${${target}.tid}/mem`,
    `/proc/\${A.pid}/task/\${${target}.tid}/mem`,
    '/proc/thread-self/mem',
    '/proc/self/mem',
    `/proc/self/task/\${${target}.tid}/environ`,
  ]);
  if (
    !s.bind(fd, actor, 'openat', [
      abi.AT_FDCWD,
      { str: path },
      s.rng.pick([abi.O_RDONLY, abi.O_RDWR]),
    ]).ok
  )
    return;
  if (path.endsWith('mem')) s.call(actor, 'pread64', [{ ref: fd }, { out: 8 }, 8, hex(CONTENT)]);
  s.call(actor, 'close', [{ ref: fd }]);
}

/** One descriptor, one position, whoever moves it. */
function sharePosition(s: Scenario, actor: string, fd: string): void {
  const file = { ref: fd };
  const at = CONTENT + s.rng.pick([0, 8, PAGE - 4, PAGE]);
  s.rng.weighted<() => void>([
    [3, () => s.call(actor, 'lseek', [file, hex(at), abi.SEEK_SET])],
    [3, () => s.call(actor, 'lseek', [file, s.rng.between(-9, 9), abi.SEEK_CUR])],
    [4, () => s.call(actor, 'read', [file, { out: 8 }, s.rng.between(0, 8)])],
    [3, () => s.call(actor, 'write', [file, { in: s.rng.hexBytes(3) }, 3])],
  ])();
}

/** Mappings and stores of one thread are every thread's. */
function shareMemory(s: Scenario, actor: string): void {
  const page = COMMON + PAGE * s.rng.int(4);
  const flags = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_FIXED;
  s.rng.weighted<() => void>([
    [2, () => s.call(actor, 'mmap', [hex(page), PAGE, 3, flags, -1, 0])],
    [1, () => s.call(actor, 'munmap', [hex(page), PAGE])],
    [1, () => s.call(actor, 'mprotect', [hex(page), PAGE, s.rng.int(4)])],
    [2, () => s.poke(actor, CONTENT + s.rng.int(PAGE), s.rng.hexBytes(1))],
    [2, () => s.peek(actor, CONTENT, 8)],
    [2, () => s.maps(actor)],
  ])();
}
