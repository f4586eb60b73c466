import * as abi from '../abi.js';
import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import { hex, type Arg } from '../step.js';
import { becomeUser } from './credentials.js';
import type { Generator } from './generator.js';
import { mapPlaces, SINK } from './places.js';

const MAX_CHILDREN = 29;
/** Few names, so that they meet. */
const NAMES = [
  'a',
  'b',
  'd',
  'd/a',
  'd/b',
  'd/e',
  'd/e/a',
  'link',
  'd/..',
  'd/.',
  'a/x',
  'link/a',
  './b',
  'd//a',
  'd/',
];
const MODES = [
  0, 0o777, 0o666, 0o600, 0o644, 0o755, 0o700, 0o4755, 0o2755, 0o1777, 0o111, 0o444, 0o222,
];

/** The tree below /tmp as root and users see it: creation, permission, links, renames, directories. */
export const files: Generator = {
  name: 'files',
  tasks: ['A'],
  run(s, steps) {
    mapPlaces(s, 'A');
    s.call('A', 'umask', [0o22]);
    s.call('A', 'chdir', [{ str: '/tmp' }]);
    s.call('A', 'mkdir', [{ str: 'd' }, 0o777]);
    s.call('A', 'chmod', [{ str: 'd' }, 0o777]);
    const living = ['A'];
    for (let born = 0; s.steps.length < steps;) {
      if (living.length < 4 && born < MAX_CHILDREN) {
        const name = `C${++born}`;
        s.fork('A', name);
        becomeUser(s, name);
        living.push(name);
      }
      act(s, s.rng.pick(living));
      if (living.length > 3 && s.rng.chance(0.02)) s.exit(living.splice(1, 1)[0]!, 0);
    }
  },
};

function path(rng: Rng): { str: string } {
  const name = rng.pick(NAMES);
  return { str: rng.chance(0.3) ? `/tmp/${name}` : name };
}

function act(s: Scenario, task: string): void {
  const { rng } = s;
  const mode = rng.pick(MODES);
  const owner = (): Arg => rng.pick([0, 1000, 1001, -1]);
  const flags = rng.pick([0, abi.AT_SYMLINK_NOFOLLOW]);
  rng.weighted<() => unknown>([
    [8, () => openSome(s, task)],
    [3, () => s.call(task, 'mkdir', [path(rng), mode])],
    [2, () => s.call(task, 'rmdir', [path(rng)])],
    [3, () => s.call(task, 'unlink', [path(rng)])],
    [2, () => s.call(task, 'rename', [path(rng), path(rng)])],
    [
      1,
      () =>
        s.call(task, 'renameat2', [
          abi.AT_FDCWD,
          path(rng),
          abi.AT_FDCWD,
          path(rng),
          rng.pick([1, 2, 3, 8]),
        ]),
    ],
    [2, () => s.call(task, 'link', [path(rng), path(rng)])],
    [
      2,
      () =>
        s.call(task, 'symlink', [
          { str: rng.pick(['a', 'd', '/tmp/d/a', 'link', 'nothing', '..', '']) },
          path(rng),
        ]),
    ],
    [1, () => s.call(task, 'readlink', [path(rng), { out: 12 }, rng.pick([12, 3, 0])])],
    [3, () => s.call(task, 'chmod', [path(rng), mode])],
    [2, () => s.call(task, 'chown', [path(rng), owner(), owner()])],
    [1, () => s.call(task, 'lchown', [path(rng), owner(), owner()])],
    [3, () => s.call(task, 'access', [path(rng), rng.int(8)])],
    [1, () => s.call(task, 'faccessat2', [abi.AT_FDCWD, path(rng), rng.int(8), 0x200])],
    [
      4,
      () =>
        s.call(task, 'newfstatat', [abi.AT_FDCWD, path(rng), hex(SINK), flags]).ok &&
        peekStat(s, task),
    ],
    [1, () => s.call(task, 'truncate', [path(rng), rng.pick([0, 3, 5000, -1])])],
    [1, () => s.call(task, 'umask', [rng.pick([0, 0o22, 0o77, 0o7777])])],
    [1, () => s.call(task, 'chdir', [rng.pick([{ str: '/tmp' }, { str: '/tmp' }, path(rng)])])],
    [1, () => s.call(task, 'getcwd', [{ out: 24 }, rng.pick([24, 4, 0])])],
    [1, () => s.call(task, 'mknod', [path(rng), 0o100000 | mode, 0])],
  ])();
}

/** Links, mode, owner and group; and the size of what is no directory. */
function peekStat(s: Scenario, task: string): void {
  s.peek(task, SINK + 24, 12);
}

function openSome(s: Scenario, task: string): void {
  const { rng } = s;
  const bits = [
    abi.O_CREAT,
    abi.O_CREAT,
    abi.O_EXCL,
    abi.O_TRUNC,
    abi.O_APPEND,
    abi.O_DIRECTORY,
    abi.O_NOFOLLOW,
  ];
  let flags = rng.int(3);
  for (const bit of bits) if (rng.chance(0.2)) flags |= bit;
  const fd = s.fresh('fd');
  if (!s.bind(fd, task, 'openat', [abi.AT_FDCWD, path(rng), flags, rng.pick(MODES)]).ok) return;
  const file = { ref: fd };
  s.call(task, 'write', [file, { in: rng.hexBytes(3) }, 3]);
  s.call(task, 'lseek', [file, 0, abi.SEEK_SET]);
  s.call(task, 'read', [file, { out: 8 }, 8]);
  if (rng.chance(0.2)) s.call(task, 'fchmod', [file, rng.pick(MODES)]);
  if (rng.chance(0.2))
    s.call(task, 'fchown', [file, rng.pick([0, 1000, -1]), rng.pick([0, 1000, -1])]);
  if (rng.chance(0.3)) s.call(task, 'fstat', [file, hex(SINK)]).ok && peekStat(s, task);
  if (rng.chance(0.2)) s.call(task, 'ftruncate', [file, rng.pick([0, 2, 4097])]);
  if (rng.chance(0.2))
    s.bind(s.fresh('n'), task, 'getdents64', [file, hex(SINK), rng.pick([16, 4096])]);
  s.call(task, 'close', [file]);
}
