import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { attemptAccess } from './accesses.js';
import { becomeUser } from './credentials.js';
import type { Generator } from './generator.js';
import { CONTENT, mapPlaces, SINK } from './places.js';
import { ENTRIES } from './proc-entries.js';
import { brothers, waitFor, waitForInfo } from './waits.js';

/** Executor slots for A's children and theirs. */
const MAX_TASKS = 29;
/** What an observer holds open over a death. */
const HELD = [
  'mem',
  'mem',
  'mem',
  'maps',
  'smaps',
  'environ',
  'auxv',
  'pagemap',
  'cmdline',
  'stat',
  'status',
  'comm',
];
/** Of these a read gives nothing once the memory is gone. */
const EMPTY_WHEN_DEAD = ['environ', 'pagemap'];
const WAIT_OPTIONS = [0, 0, abi.WNOHANG, 2, 8, 0x40000000, 0x80000000, 0x10];

interface Held {
  readonly fd: string;
  readonly name: string;
}

/** What an observer holds of a task that dies. */
interface Watch {
  readonly observer: string;
  readonly files: readonly Held[];
  /** O_PATH descriptors of the task's directory and of its mem. */
  readonly dir: string;
  readonly path: string;
}

/** Exits, zombies and reaping under open files and held directories. */
export const lifecycle: Generator = {
  name: 'lifecycle',
  tasks: ['A', 'B'],
  run(s, steps) {
    mapPlaces(s, 'A');
    s.call('B', 'mmap', [
      hex(SINK),
      4 * PAGE,
      3,
      abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_FIXED,
      -1,
      0,
    ]);
    for (let born = 1; s.steps.length < steps && born < MAX_TASKS; born += 2) {
      const pair = [`C${born}`, `C${born + 1}`] as const;
      if (s.rng.chance(0.2)) brothers(s, pair);
      else life(s, ...pair);
    }
  },
};

/** One child's life: born, watched, ended, looked at as a zombie, reaped, looked at again. */
function life(s: Scenario, child: string, grandchild: string): void {
  s.fork('A', child);
  if (s.rng.chance(0.5)) becomeUser(s, child);
  if (s.rng.chance(0.2)) s.call(child, 'prctl', [abi.PR_SET_DUMPABLE, 0, 0, 0, 0]);
  const hasSecond = s.rng.chance(0.5);
  const second = s.rng.pick(['fork', 'thread'] as const);
  if (hasSecond) s[second](child, grandchild);
  const watches = ['A', 'B'].map((observer) => watch(s, observer, child));
  for (let i = 0; i < 4; i++) useHeld(s, s.rng.pick(watches), child, false);
  s.call('A', 'wait4', [{ ref: `${child}.pid` }, { out: 4 }, abi.WNOHANG, 0]);

  end(s, child);
  for (let i = s.rng.between(10, 25); i > 0; i--) lookAtDead(s, watches, child);
  if (hasSecond && second === 'fork') orphan(s, grandchild, child);
  if (s.rng.chance(0.3)) waitFor(s, 'B', child, 0);
  if (s.rng.chance(0.5)) waitForInfo(s, child);
  waitFor(s, 'A', child, s.rng.pick([0, 0x40000000, abi.WNOHANG]));

  for (let i = s.rng.between(8, 20); i > 0; i--) lookAtDead(s, watches, child);
  if (s.rng.chance(0.5)) waitFor(s, 'A', child, s.rng.pick(WAIT_OPTIONS));
  for (const { observer, files, dir, path } of watches) {
    for (const fd of [...files.map((file) => file.fd), dir, path])
      s.call(observer, 'close', [{ ref: fd }]);
  }
}

function watch(s: Scenario, observer: string, child: string): Watch {
  const base = `/proc/\${${child}.pid}`;
  const open = (name: string, flags: number): string => {
    const fd = s.fresh('held');
    s.bind(fd, observer, 'openat', [abi.AT_FDCWD, { str: `${base}/${name}` }, flags]);
    return fd;
  };
  const files = Array.from({ length: s.rng.between(2, 6) }, () => {
    const name = s.rng.pick(HELD);
    return { name, fd: open(name, name === 'mem' ? abi.O_RDWR : abi.O_RDONLY) };
  });
  return { observer, files, dir: open('', abi.O_PATH), path: open('mem', abi.O_PATH) };
}

function end(s: Scenario, child: string): void {
  if (s.rng.chance(0.6)) s.exit(child, s.rng.pick([0, 1, 77, 255, 256, -1]));
  else s.call(s.rng.pick(['A', 'B']), 'kill', [{ ref: `${child}.pid` }, 9]);
}

/** A grandchild whose parent is gone: init's, which reaps it at once when it ends. */
function orphan(s: Scenario, grandchild: string, child: string): void {
  s.call(grandchild, 'process_vm_readv', [
    { ref: `${child}.pid` },
    { iov: [[{ out: 4 }, 4]] },
    1,
    { iov: [[hex(CONTENT), 4]] },
    1,
    0,
  ]);
  attemptAccess(s, 'B', grandchild);
  s.exit(grandchild, 3);
  attemptAccess(s, 'B', grandchild);
}

function lookAtDead(s: Scenario, watches: readonly Watch[], child: string): void {
  const watch = s.rng.pick(watches);
  s.rng.weighted<() => void>([
    [8, () => useHeld(s, watch, child, true)],
    [6, () => attemptAccess(s, watch.observer, child)],
    [3, () => openAtDead(s, watch, child)],
    [2, () => statDead(s, watch)],
  ])();
}

/** Reads, writes or seeks what was opened while the task lived. */
function useHeld(s: Scenario, { observer, files }: Watch, child: string, dead: boolean): void {
  const { fd, name } = s.rng.pick(files);
  const file = { ref: fd };
  if (name !== 'mem') {
    const args = [file, hex(SINK), s.rng.pick([8, 16, 2000]), s.rng.pick([0, 0, 8])];
    if (dead && EMPTY_WHEN_DEAD.includes(name)) s.call(observer, 'pread64', args);
    else s.bind(s.fresh('n'), observer, 'pread64', args);
    return;
  }
  const at = s.rng.pick([
    hex(CONTENT),
    hex(CONTENT),
    '0x0',
    hex(CONTENT + PAGE - 2),
    '0xfffffffffffffff8',
    '0x8000000000000000',
  ]);
  const count = s.rng.pick([0, 1, 8, 8, 16, '0x8000000000000000']);
  const buffer = s.rng.chance(0.2) ? s.rng.pick(['0x0', '0x8', '0x800000000000']) : null;
  s.rng.weighted<() => void>([
    [3, () => s.call(observer, 'pread64', [file, buffer ?? { out: 16 }, count, at])],
    [2, () => s.call(observer, 'pwrite64', [file, buffer ?? { in: '00'.repeat(16) }, count, at])],
    [
      2,
      () =>
        s.call(observer, 'lseek', [
          file,
          at === '0xfffffffffffffff8' ? 1 : at,
          s.rng.pick([0, 0, 1, 2]),
        ]),
    ],
    [2, () => s.call(observer, 'read', [file, buffer ?? { out: 16 }, count])],
    [1, () => s.call(observer, 'write', [file, buffer ?? { in: '00'.repeat(16) }, count])],
    [
      1,
      () =>
        s.call(observer, 'readv', [
          file,
          {
            iov: [
              [{ out: 4 }, 4],
              [buffer ?? { out: 4 }, 4],
            ],
          },
          2,
        ]),
    ],
    [
      1,
      () =>
        s.call(observer, 'process_vm_readv', [
          { ref: `${child}.pid` },
          { iov: [[{ out: 4 }, 4]] },
          1,
          { iov: [[at, s.rng.pick([0, 4])]] },
          1,
          0,
        ]),
    ],
  ])();
}

/** Opens below a directory that was opened while the task lived, or a file again through its link. */
function openAtDead(s: Scenario, { observer, dir, path, files }: Watch, child: string): void {
  const { name } = s.rng.pick(ENTRIES);
  const held = s.rng.pick([path, dir, s.rng.pick(files).fd]);
  const below = { ref: dir };
  const [at, file] = s.rng.weighted<readonly [Arg, string]>([
    [4, [below, name === '' ? '.' : name]],
    [1, [below, `task/\${${child}.tid}/mem`]],
    [2, [abi.AT_FDCWD, `/proc/self/fd/\${${held}}`]],
  ]);
  const fd = s.fresh('fd');
  const flags = s.rng.pick([abi.O_RDONLY, abi.O_RDWR, abi.O_PATH]);
  if (s.bind(fd, observer, 'openat', [at, { str: file }, flags]).ok)
    s.call(observer, 'close', [{ ref: fd }]);
}

/** Attributes and links of what was opened while the task lived. */
function statDead(s: Scenario, { observer, dir, path, files }: Watch): void {
  const sink = hex(SINK);
  const below = { ref: dir };
  const link = { str: s.rng.pick(['exe', 'cwd', 'root', 'ns/user']) };
  s.rng.weighted<() => void>([
    [
      1,
      () =>
        s.call(observer, 'newfstatat', [
          below,
          { str: s.rng.pick(['mem', 'maps', 'task']) },
          sink,
          0,
        ]),
    ],
    [
      1,
      () => s.call(observer, 'newfstatat', [{ ref: path }, { str: '' }, sink, abi.AT_EMPTY_PATH]),
    ],
    [1, () => s.call(observer, 'fstat', [{ ref: s.rng.pick(files).fd }, sink])],
    [1, () => s.bind(s.fresh('n'), observer, 'readlinkat', [below, link, sink, PAGE])],
  ])();
}
