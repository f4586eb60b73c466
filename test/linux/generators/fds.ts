import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE } from '../step.js';
import type { Generator } from './generator.js';
import { CONTENT, mapPlaces, SINK } from './places.js';

const RLIMIT_NOFILE = 7;
const CLONE_FILES = 0x400;
const PATHS = [
  '/proc/self/mem',
  '/proc/self/maps',
  '/dev/null',
  '/dev/zero',
  '/tmp',
  '/tmp/file',
  '/nothing',
];
const MAX_BIRTHS = 20;

/**
 * Descriptor numbers: every task first closes all it has, so that the numbers which open, dup, pipe and
 * fcntl give are the same everywhere, and are compared.
 */
export const fds: Generator = {
  name: 'fds',
  tasks: ['A', 'B'],
  run(s, steps) {
    for (const task of ['A', 'B']) {
      s.call(task, 'close_range', [0, '0xffffffff', 0]);
      mapPlaces(s, task);
      s.call(task, 'close_range', [0, '0xffffffff', 0]);
      s.call(task, 'open', [{ str: '/tmp/file' }, abi.O_CREAT | abi.O_RDWR, 0o600]);
      s.call(task, 'open', [{ str: '/proc/self/mem' }, abi.O_RDWR]);
    }
    const processes = [['A'], ['B']];
    for (let births = 0; s.steps.length < steps;) {
      act(s, s.rng.pick(processes.flat()));
      if (processes.flat().length < 5 && births < MAX_BIRTHS && s.rng.chance(0.02))
        bear(s, processes, `C${++births}`);
      else if (processes.length > 2 && s.rng.chance(0.02)) s.exit(s.rng.pick(processes.pop()!), 0);
    }
  },
};

/** A new process, or a new thread of one. */
function bear(s: Scenario, processes: string[][], name: string): void {
  const parent = s.rng.pick(processes);
  if (s.rng.chance(0.5)) {
    s.fork(s.rng.pick(parent), name);
    processes.push([name]);
  } else {
    s.thread(s.rng.pick(parent), name);
    parent.push(name);
  }
}

/** A number that may well be open. */
function number(s: Scenario): number {
  return s.rng.chance(0.9)
    ? s.rng.int(8)
    : s.rng.pick([-1, 20, 31, 32, 63, 64, 1023, 1024, 0x7fffffff]);
}

function act(s: Scenario, task: string): void {
  const fd = number(s);
  const flags = s.rng.pick([0, 0, 1, 2, 3, abi.O_CLOEXEC | 2, abi.O_PATH, abi.O_APPEND | 1]);
  const path = { str: s.rng.pick(PATHS) };
  s.rng.weighted<() => unknown>([
    [5, () => s.call(task, 'open', [path, flags])],
    [5, () => s.call(task, 'close', [fd])],
    [4, () => s.call(task, 'dup', [fd])],
    [3, () => s.call(task, 'dup2', [fd, number(s)])],
    [2, () => s.call(task, 'dup3', [fd, number(s), s.rng.pick([0, abi.O_CLOEXEC, abi.O_RDWR])])],
    [3, () => s.call(task, 'fcntl', [fd, s.rng.pick([abi.F_DUPFD, 1030]), number(s)])],
    [3, () => s.call(task, 'fcntl', [fd, s.rng.pick([abi.F_GETFD, abi.F_GETFL])])],
    [2, () => s.call(task, 'fcntl', [fd, abi.F_SETFD, s.rng.pick([0, 1, 2])])],
    [
      2,
      () =>
        s.call(task, 'fcntl', [fd, abi.F_SETFL, s.rng.pick([0, abi.O_APPEND, abi.O_NONBLOCK, 2])]),
    ],
    [4, () => s.call(task, 'lseek', [fd, s.rng.pick([hex(CONTENT), 0, 5]), s.rng.pick([0, 1])])],
    [3, () => transfer(s, task, fd)],
    [1, () => s.call(task, 'memfd_create', [{ str: 'm' }, s.rng.pick([0, 1, 2, 64])])],
    [
      2,
      () =>
        s.call(task, s.rng.pick(['pipe', 'pipe2']), [hex(SINK), s.rng.pick([0, abi.O_CLOEXEC])]) &&
        s.peek(task, SINK, 8),
    ],
    [1, () => s.call(task, 'poll', [{ in: pollfd(fd) }, 1, 0])],
    [
      1,
      () => s.call(task, 'fstat', [fd, hex(SINK + 0x1000)]).ok && s.peek(task, SINK + 0x1018, 12),
    ],
    [1, () => s.call(task, 'open', [{ str: `/proc/self/fd/${fd}` }, flags | abi.O_NONBLOCK])],
    [
      1,
      () =>
        s.bind(s.fresh('n'), task, 'readlink', [
          { str: `/proc/self/fd/${fd}` },
          hex(SINK + 0x2000),
          64,
        ]),
    ],
    [
      1,
      () =>
        s.call(task, 'close_range', [
          s.rng.pick([3, 5, 9]),
          s.rng.pick([4, 20, '0xffffffff']),
          s.rng.pick([0, 0, 4, 2]),
        ]),
    ],
    [1, () => limit(s, task)],
    [s.rng.chance(0.2) ? 1 : 0, () => s.call(task, 'unshare', [CLONE_FILES])],
    [
      2,
      () =>
        s.call(task, 'mmap', [
          hex(0x150000000000),
          PAGE,
          1,
          abi.MAP_PRIVATE | abi.MAP_FIXED,
          fd,
          0,
        ]),
    ],
  ])();
}

/** Nothing that could wait or raise SIGPIPE: no read or write of what may be a pipe. */
function transfer(s: Scenario, task: string, fd: number): void {
  s.rng.weighted<() => void>([
    [2, () => s.call(task, 'pread64', [fd, hex(SINK + 0x1000), 4, hex(CONTENT)])],
    [2, () => s.call(task, 'pwrite64', [fd, { in: '0102' }, 2, s.rng.pick([hex(CONTENT), 0])])],
    [1, () => s.call(task, 'ftruncate', [fd, 100])],
  ])();
}

/** RLIMIT_NOFILE's soft limit: low, so that numbers run out, or as it was. */
function limit(s: Scenario, task: string): void {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt(s.rng.pick([6, 10, 1024, 1024])), 0);
  bytes.writeBigUInt64LE(1024n, 8);
  s.call(task, 'prlimit64', [0, RLIMIT_NOFILE, { in: bytes.toString('hex') }, 0]);
}

/** struct pollfd of a descriptor that is ready to be read or written, as hex. */
function pollfd(fd: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32LE(fd, 0);
  bytes.writeInt16LE(5, 4);
  return bytes.toString('hex');
}
