import * as abi from '../abi.js';
import type { Rng } from '../rng.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import type { Generator } from './generator.js';

/** Two mapped pages, a hole of one, and one more page. */
const DATA = 0x100000000000;
const SINK = 0x180000000000;

const PATHS = [
  '/proc/self/mem',
  '/proc/self/mem',
  '/proc/self/mem',
  '/proc/self/maps',
  '/proc/self/pagemap',
  '/proc/self/environ',
  '/proc/self/auxv',
  '/proc/self/status',
  '/proc/self/comm',
  '/proc/self',
  '/tmp',
  '/dev/null',
  '/dev/zero',
];
const WHENCES = [0, 0, 0, 0, 1, 1, 1, 2, 3, 4, 5, -1];

/** An open file; what reads of it give may differ between machines. */
interface Open {
  readonly fd: string;
  readonly path: string;
}

/** Positions: lseek in every direction and by every amount, and what reads and writes do with them. */
export const offsets: Generator = {
  name: 'offsets',
  tasks: ['A'],
  run(s, steps) {
    const flags = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS | abi.MAP_FIXED;
    s.call('A', 'mmap', [hex(SINK), 4 * PAGE, 3, flags, -1, 0]);
    s.call('A', 'mmap', [hex(DATA), 4 * PAGE, 3, flags, -1, 0]);
    for (const at of [0, PAGE - 4, 2 * PAGE - 4, 3 * PAGE])
      s.poke('A', DATA + at, s.rng.hexBytes(8));
    s.call('A', 'munmap', [hex(DATA + 2 * PAGE), PAGE]);
    while (s.steps.length < steps) playFile(s, openSome(s));
  },
};

function openSome(s: Scenario): Open {
  const fd = s.fresh('fd');
  const path = s.rng.chance(0.3) ? 'file' : s.rng.pick(PATHS);
  if (path === 'file') openRegular(s, fd);
  else
    s.bind(fd, 'A', 'openat', [
      abi.AT_FDCWD,
      { str: path },
      path.endsWith('mem') ? abi.O_RDWR : abi.O_RDONLY,
    ]);
  return { fd, path };
}

/** A file with a hole: data, nothing, data. */
function openRegular(s: Scenario, fd: string): void {
  if (s.rng.chance(0.5)) s.bind(fd, 'A', 'memfd_create', [{ str: 'x' }, 0]);
  else {
    const append = s.rng.chance(0.2) ? abi.O_APPEND : 0;
    const flags = abi.O_CREAT | abi.O_RDWR | append;
    s.bind(fd, 'A', 'openat', [abi.AT_FDCWD, { str: `/tmp/${fd}` }, flags, 0o600]);
  }
  s.call('A', 'pwrite64', [
    { ref: fd },
    { in: s.rng.hexBytes(10) },
    10,
    s.rng.pick([0, 100, PAGE]),
  ]);
  if (s.rng.chance(0.7))
    s.call('A', 'pwrite64', [{ ref: fd }, { in: s.rng.hexBytes(10) }, 10, 5 * PAGE]);
  if (s.rng.chance(0.3)) s.call('A', 'ftruncate', [{ ref: fd }, s.rng.pick([7 * PAGE + 5, 50])]);
}

function playFile(s: Scenario, file: Open): void {
  const fds = [file.fd];
  if (s.rng.chance(0.4)) {
    fds.push(s.fresh('dup'));
    s.bind(fds[1]!, 'A', 'dup', [{ ref: file.fd }]);
  }
  for (let left = s.rng.between(10, 40); left > 0; left--) {
    const fd: Arg = { ref: s.rng.pick(fds) };
    s.rng.weighted<() => void>([
      [8, () => s.call('A', 'lseek', [fd, position(s.rng, file), s.rng.pick(WHENCES)])],
      [4, () => s.call('A', 'lseek', [fd, s.rng.between(-20, 20), abi.SEEK_CUR])],
      [6, () => transferAt(s, file, fd)],
      [4, () => transferHere(s, file, fd)],
    ])();
  }
  for (const fd of fds) s.call('A', 'close', [{ ref: fd }]);
}

/**
 * An offset: where data is, and where the arithmetic of offsets turns over. A position among the last
 * 4095 reads as an error; only those that have an error's name are used.
 */
function position(rng: Rng, { path }: Open): Arg {
  const near = path.endsWith('mem') ? DATA : 0;
  return rng.weighted<() => Arg>([
    [
      6,
      () =>
        hex(
          near +
            rng.pick([
              0,
              1,
              PAGE - 4,
              PAGE,
              2 * PAGE - 4,
              2 * PAGE,
              3 * PAGE,
              4 * PAGE,
              5 * PAGE + 5,
            ]),
        ),
    ],
    [2, () => rng.pick([-1, -2, -8, -16, -40, -100, -133])],
    [
      2,
      () =>
        rng.pick([
          '0x7fffffffffffffff',
          '0x7ffffffffffffff8',
          '0x7ffffffffffff000',
          '0x8000000000000000',
        ]),
    ],
    [
      2,
      () =>
        rng.pick([
          '0x8000000000000001',
          '0xffffffffffffe000',
          '0xffffffffffff0000',
          '0xffff800000000000',
        ]),
    ],
    [
      2,
      () =>
        rng.pick([
          '0x7fffffff',
          '0x80000000',
          '0xffffffff',
          '0x100000000',
          // Not the end of user space in a mem file: a step down from there lies the stack, at random.
          path.endsWith('mem') ? '0x600000000000' : '0x7ffffffff800',
          '0x800000000000',
        ]),
    ],
    [
      1,
      () => rng.pick(['0xfffffffffff', '0x100000000000', '0x20000000000000', '0x20000000000001']),
    ],
  ])();
}

function size(rng: Rng): Arg {
  return rng.weighted<() => Arg>([
    [6, () => rng.pick([0, 1, 7, 8, 9, 16])],
    [1, () => rng.pick(['0x8000000000000000', '0xffffffffffffffff', '0x7fffffffffffffff'])],
  ])();
}

/** True when the bytes of the file are the same everywhere. */
function isPlain({ path }: Open): boolean {
  return ['file', '/proc/self/mem', '/dev/null', '/dev/zero', '/tmp'].includes(path);
}

function transferAt(s: Scenario, file: Open, fd: Arg): void {
  const at = position(s.rng, file);
  const writes = s.rng.chance(0.3);
  if (!isPlain(file)) {
    s.bind(s.fresh('n'), 'A', 'pread64', [fd, hex(SINK), 16, at]);
    return;
  }
  const into = (): Arg => ({
    iov: [
      [{ out: 8 }, 8],
      [hex(SINK), s.rng.pick([0, 8])],
    ],
  });
  const from = (): Arg => ({
    iov: [
      [{ in: s.rng.hexBytes(8) }, 8],
      [{ in: s.rng.hexBytes(8) }, s.rng.pick([0, 8])],
    ],
  });
  s.rng.weighted<() => void>([
    [writes ? 0 : 4, () => s.call('A', 'pread64', [fd, { out: 16 }, size(s.rng), at])],
    [
      writes ? 4 : 0,
      () => s.call('A', 'pwrite64', [fd, { in: s.rng.hexBytes(16) }, smallSize(s.rng), at]),
    ],
    [writes ? 0 : 2, () => s.call('A', 'preadv', [fd, into(), 2, at, 0])],
    [writes ? 0 : 2, () => s.call('A', 'preadv2', [fd, into(), 2, at, 0, 0])],
    [writes ? 2 : 0, () => s.call('A', 'pwritev', [fd, from(), 2, at, 0])],
  ])();
}

function transferHere(s: Scenario, file: Open, fd: Arg): void {
  if (!isPlain(file)) return; // how far a read moves the position differs between machines
  s.rng.weighted<() => void>([
    [4, () => s.call('A', 'read', [fd, { out: 16 }, size(s.rng)])],
    [2, () => s.call('A', 'write', [fd, { in: s.rng.hexBytes(16) }, smallSize(s.rng)])],
    [
      1,
      () =>
        s.call('A', 'preadv2', [
          fd,
          {
            iov: [
              [{ out: 4 }, 4],
              [{ out: 4 }, 4],
            ],
          },
          2,
          -1,
          0,
          0,
        ]),
    ],
    [
      1,
      () =>
        s.call('A', 'readv', [
          fd,
          {
            iov: [
              [{ out: 4 }, 4],
              [{ out: 4 }, 4],
            ],
          },
          2,
        ]),
    ],
  ])();
  s.call('A', 'lseek', [fd, 0, abi.SEEK_CUR]);
}

/** What scratch has behind the 16 bytes is nobody's business, so a write takes no more. */
function smallSize(rng: Rng): number {
  return rng.pick([0, 1, 7, 8, 16]);
}
