import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import type { Generator } from './generator.js';
import { CONTENT, mapPlaces, SINK } from './places.js';
import { ENTRIES, OPEN_FLAGS } from './proc-entries.js';

/** Names below /proc that are nobody's, or somebody's in another spelling. */
const ODD_NAMES = [
  '0',
  '-1',
  '01',
  '+1',
  '0x1',
  '999999999',
  '4194305',
  '99999999999999999999',
  'self/task/1/mem',
  '${A.pid} ',
  '0${A.pid}',
  '+${A.pid}',
  '${A.pid}x/mem',
  '${A.pid}/mem/',
  '${A.pid}/mem/x',
  '${A.pid}/task/${B.pid}/mem',
  '${A.pid}/task/0${A.pid}',
  '${A.pid}/nothing',
  '${A.pid}/../${B.pid}/mem',
  '${A.pid}/./mem',
  '${A.pid}//mem',
  'self',
  'self/',
  'self/mem',
  'self/task/../mem',
  'self/root/proc/self/mem',
  'self/task/self/mem',
  'thread-self',
  'thread-self/mem',
  'thread-self/../../mem',
  'nothing',
  '',
  '.',
  '..',
  'self/fd/9999',
  'self/fdinfo/9999',
  'self/fd/01',
  'self/ns/nothing',
];

/** Paths, flags and the calls that a mem file refuses: everything about open but permission. */
export const opens: Generator = {
  name: 'opens',
  tasks: ['A', 'B'],
  run(s, steps) {
    for (const task of ['A', 'B']) mapPlaces(s, task);
    while (s.steps.length < steps) {
      s.rng.weighted<(s: Scenario, task: string) => void>([
        [6, openFlags],
        [6, openName],
        [3, openBelow],
        [4, refusedCalls],
        [3, changeFile],
        [2, descriptors],
      ])(s, s.rng.pick(['A', 'B']));
    }
  },
};

/** Any flags, for any entry. */
function openFlags(s: Scenario, task: string): void {
  const { name } = s.rng.chance(0.5) ? { name: 'mem' } : s.rng.pick(ENTRIES);
  const flags = s.rng.chance(0.5) ? s.rng.pick(OPEN_FLAGS) : anyFlags(s);
  const path = { str: `/proc/\${${s.rng.pick(['A', 'B'])}.pid}/${name}` };
  const fd = s.fresh('fd');
  const args: Arg[] = s.rng.chance(0.5) ? [path, flags, 0o777] : [abi.AT_FDCWD, path, flags, 0o777];
  if (!s.bind(fd, task, args.length === 3 ? 'open' : 'openat', args).ok) return;
  const file = { ref: fd };
  s.call(task, 'fcntl', [file, abi.F_GETFL]);
  s.call(task, 'fcntl', [file, abi.F_GETFD]);
  if (name === 'mem') {
    s.call(task, 'pread64', [file, { out: 4 }, 4, hex(CONTENT)]);
    s.call(task, 'pwrite64', [file, { in: s.rng.hexBytes(4) }, 4, hex(CONTENT)]);
  }
  s.call(task, 'close', [file]);
}

function anyFlags(s: Scenario): number {
  const bits = [
    abi.O_CREAT,
    abi.O_EXCL,
    0o400,
    abi.O_TRUNC,
    abi.O_APPEND,
    abi.O_NONBLOCK,
    0o10000,
    0o4010000,
  ];
  const more = [
    abi.O_DIRECT,
    0o100000,
    abi.O_DIRECTORY,
    abi.O_NOFOLLOW,
    abi.O_NOATIME,
    abi.O_CLOEXEC,
    abi.O_PATH,
  ];
  let flags = s.rng.int(4);
  for (const bit of [...bits, ...more]) if (s.rng.chance(0.12)) flags |= bit;
  return flags;
}

function openName(s: Scenario, task: string): void {
  const fd = s.fresh('fd');
  const flags = s.rng.pick([
    abi.O_RDONLY,
    abi.O_RDONLY,
    abi.O_RDWR,
    abi.O_PATH,
    abi.O_NOFOLLOW,
    abi.O_PATH | abi.O_NOFOLLOW,
  ]);
  const path = { str: `/proc/${s.rng.pick(ODD_NAMES)}` };
  if (s.bind(fd, task, 'openat', [abi.AT_FDCWD, path, flags]).ok)
    s.call(task, 'close', [{ ref: fd }]);
}

/** openat below a descriptor of a directory, or of what is none. */
function openBelow(s: Scenario, task: string): void {
  const [dir, fd] = [s.fresh('dir'), s.fresh('fd')];
  const base = s.rng.pick(['/proc', '/proc/${B.pid}', '/proc/self/mem', '/proc/self/task', '/tmp']);
  const flags = s.rng.pick([abi.O_PATH, abi.O_PATH, abi.O_RDONLY]);
  s.bind(dir, task, 'openat', [abi.AT_FDCWD, { str: base }, flags]);
  const name = s.rng.pick([
    'mem',
    'self/mem',
    '${B.pid}/mem',
    './mem',
    '../self/mem',
    '',
    '/proc/self/mem',
    'task/${B.pid}/mem',
  ]);
  if (s.bind(fd, task, 'openat', [{ ref: dir }, { str: name }, s.rng.pick([0, 2])]).ok)
    s.call(task, 'close', [{ ref: fd }]);
  s.call(task, 'close', [{ ref: dir }]);
}

/** Calls that a mem file does not do, or does without effect. */
function refusedCalls(s: Scenario, task: string): void {
  const fd = s.fresh('mem');
  s.bind(fd, task, 'openat', [
    abi.AT_FDCWD,
    { str: '/proc/self/mem' },
    s.rng.pick([abi.O_RDWR, abi.O_RDONLY, abi.O_PATH]),
  ]);
  const file: Arg = { ref: fd };
  const place = '0x150000000000';
  const attempts: (() => unknown)[] = [
    () =>
      s.call(task, 'mmap', [place, PAGE, s.rng.pick([1, 3]), s.rng.pick([0x11, 0x12]), file, 0]),
    () => s.call(task, s.rng.pick(['fsync', 'fdatasync']), [file]),
    () => s.call(task, 'ioctl', [file, s.rng.pick([0x5401, 0x1234, 0x541b]), hex(SINK)]),
    () => s.call(task, 'ftruncate', [file, s.rng.pick([0, 100, -1])]),
    () => s.call(task, 'fchmod', [file, 0o777]),
    () => s.call(task, 'fallocate', [file, 0, 0, PAGE]),
    () => s.call(task, 'fstat', [file, hex(SINK)]).ok && s.peek(task, SINK + 16, 20),
    () => s.call(task, 'fstat', [file, hex(SINK)]).ok && s.peek(task, SINK + 48, 24),
    () => s.call(task, 'getdents64', [file, hex(SINK), PAGE]),
    () => s.call(task, 'fchdir', [file]),
    () =>
      s.call(task, 'fcntl', [
        file,
        abi.F_SETFL,
        s.rng.pick([abi.O_APPEND, abi.O_NONBLOCK, abi.O_DIRECT, 0]),
      ]),
    () => s.call(task, 'fcntl', [file, s.rng.pick([abi.F_GET_SEALS, abi.F_ADD_SEALS]), 0]),
    () => s.call(task, 'readlinkat', [file, { str: '' }, hex(SINK), 100]),
    () => s.call(task, 'lseek', [file, 0, s.rng.int(6)]),
  ];
  for (let n = s.rng.between(1, 4); n > 0; n--) s.rng.pick(attempts)();
  s.call(task, 'close', [file]);
}

/** Changing the file by its path. */
function changeFile(s: Scenario, task: string): void {
  const path = {
    str: `/proc/\${${s.rng.pick(['A', 'B'])}.pid}/${s.rng.pick(['mem', 'mem', 'maps', 'comm', ''])}`,
  };
  s.rng.pick([
    () => s.call(task, 'chmod', [path, 0o666]),
    () => s.call(task, 'chown', [path, s.rng.pick([0, 1000, -1]), s.rng.pick([0, 1000, -1])]),
    () => s.call(task, 'truncate', [path, s.rng.pick([0, 10])]),
    () => s.call(task, 'unlink', [path]),
    () => s.call(task, 'rename', [path, { str: '/tmp/x' }]),
    () => s.call(task, 'mkdir', [{ str: '/proc/x' }, 0o777]),
    () => s.call(task, 'rmdir', [path]),
    () => s.call(task, 'symlink', [{ str: 'x' }, { str: '/proc/self/x' }]),
    () => s.call(task, 'access', [path, s.rng.int(8)]),
    () =>
      s.call(task, 'newfstatat', [abi.AT_FDCWD, path, hex(SINK), 0]).ok &&
      s.peek(task, SINK + 24, 12),
    () => s.call(task, 'readlink', [path, hex(SINK), 100]),
    () => s.call(task, 'open', [s.rng.pick(['0x0', '0x8', '0x800000000000', '0x100000030000']), 0]),
  ])();
}

/** dup2 and dup3 to numbers far from those in use, close and use after close. */
function descriptors(s: Scenario, task: string): void {
  const fd = s.fresh('mem');
  s.bind(fd, task, 'openat', [abi.AT_FDCWD, { str: '/proc/self/mem' }, abi.O_RDWR]);
  const number = s.rng.pick([100, 500, 1023]);
  s.call(task, 'dup2', [{ ref: fd }, s.rng.pick([number, number, 1024, -1])]);
  s.call(task, 'poll', [{ in: pollfd(number, s.rng.pick([0, 1, 4, 5, 0xff])) }, 1, 0]);
  s.call(task, 'dup3', [{ ref: fd }, number, s.rng.pick([0, abi.O_CLOEXEC, 1])]);
  s.call(task, 'fcntl', [number, s.rng.pick([abi.F_GETFD, abi.F_GETFL])]);
  s.call(task, 'fcntl', [{ ref: fd }, abi.F_DUPFD, s.rng.pick([900, 1024, -1])]);
  s.call(task, 'pread64', [number, { out: 4 }, 4, hex(CONTENT)]);
  s.call(task, 'close', [{ ref: fd }]);
  s.call(task, 'pread64', [number, { out: 4 }, 4, hex(CONTENT)]);
  s.call(task, 'pread64', [{ ref: fd }, { out: 4 }, 4, hex(CONTENT)]);
  s.call(task, 'close', [number]);
  s.call(task, 'close_range', [900, 1023, 0]);
}

/** struct pollfd, as hex. */
function pollfd(fd: number, events: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32LE(fd, 0);
  bytes.writeInt16LE(events, 4);
  return bytes.toString('hex');
}
