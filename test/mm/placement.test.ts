// Where mappings go that are given no place (K-506): test/linux/programs/placement.c asks Linux.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { DEFAULT_MMAP_BASE } from '../../src/mm/mm.js';
import { assertLines, expectedLines, runProgram, whyNoProgram } from '../linux/programs.js';
import { Guest } from '../syscall/guest.js';

const PROGRAM = 'placement';
const P = PAGE_SIZE;
const MIB = 2 ** 20;
const HUGE = 2 * MIB;
const LENGTHS = [P, MIB, HUGE, HUGE + P, 3 * MIB, 2 * HUGE, 3 * HUGE + P];
const GROWING = 0x100000000000;

const PRIVATE = 0x22;
const SHARED = 0x21;
const STACK = 0x20000;
const LOW = 0x40;
const NORESERVE = 0x4000;
const FIXED = 0x10;
const GROWSDOWN = 0x100;

/** One request of the program. */
type Request = [
  name: string,
  flags: number,
  file?: 'zero' | 'memfd' | undefined,
  offset?: number,
  hint?: number,
];

/** The program's task: its lowest mapping begins at 0x5000 within 2 MiB. */
class Placer {
  readonly lines: string[] = [];
  private readonly guest: Guest;
  private readonly lowest: number;
  private readonly fds: Readonly<Record<'zero' | 'memfd', number>>;

  constructor(guest: Guest) {
    this.guest = guest;
    this.fds = {
      zero: Number(guest.call('open', '/dev/zero', 2, 0)),
      memfd: Number(guest.call('memfd_create', 'x', 0)),
    };
    this.lowest = DEFAULT_MMAP_BASE - (DEFAULT_MMAP_BASE % HUGE) - HUGE + 0x5000;
    this.map(this.lowest, DEFAULT_MMAP_BASE - this.lowest, PRIVATE | FIXED);
  }

  private map(addr: number, length: number, flags: number, fd = -1, offset = 0): number {
    return Number(this.guest.call('mmap', addr, length, 3, flags, BigInt(fd), offset));
  }

  private show(name: string, length: number, at: number): void {
    const text =
      at < 0
        ? errnoName(-at)
        : at < 2 ** 32
          ? `at ${at.toString(16)}`
          : `${this.lowest - at - length} below, ${(at % HUGE).toString(16)} within`;
    this.lines.push(`${name}, ${length.toString(16)}: ${text}`);
    if (at >= 0) this.guest.call('munmap', at, length);
  }

  try(length: number, [name, flags, file, offset = 0, hint = 0]: Request): void {
    const addr = hint < 0 ? this.lowest + hint + 1 : hint;
    const fd = file === undefined ? -1 : this.fds[file];
    this.show(name, length, this.map(addr, length, flags, fd, offset));
  }

  grow(name: string, length: number, within: number): void {
    const from = GROWING + within;
    this.map(from, P, PRIVATE | FIXED);
    this.guest.call('mmap', from + P, P, 0, PRIVATE | FIXED, -1n, 0);
    this.show(name, length, Number(this.guest.call('mremap', from, P, length, 1, 0)));
    this.guest.call('munmap', from + P, P);
  }

  block(addr: number, flags = 0): void {
    this.map(addr, P, PRIVATE | FIXED | flags);
  }
}

/** A hint that is the lowest mapping itself, and one so much below. */
const TAKEN = -1;
const below = (bytes: number): number => -1 - bytes;

const REQUESTS: readonly Request[] = [
  ['private', PRIVATE],
  ['private at an offset', PRIVATE, undefined, P],
  ['private with a hint that is taken', PRIVATE, undefined, 0, TAKEN],
  ['stack', PRIVATE | STACK],
  ['shared', SHARED],
  ['a memfd, shared', 1, 'memfd'],
  ['a memfd, private', 2, 'memfd'],
  ['zeros, private', 2, 'zero'],
  ['zeros, private, at 4096', 2, 'zero', P],
  ['zeros, private, at 1 MiB', 2, 'zero', MIB],
  ['zeros, private, with a hint that is taken', 2, 'zero', 0, TAKEN],
  ['zeros, private, with a hint', 2, 'zero', 0, 0x30000000],
  ['zeros, shared', 1, 'zero'],
  ['below 2 GiB', PRIVATE | LOW],
  ['below 2 GiB, with a hint', PRIVATE | LOW, undefined, 0, 0x20000000],
  ['below 2 GiB, with a hint above', PRIVATE | LOW, undefined, 0, below(MIB)],
  ['below 2 GiB, shared', SHARED | LOW],
  ['below 2 GiB, zeros', 2 | LOW, 'zero'],
];

const test = suite('mm/placement');

test('memory that is given no place goes where Linux puts it', async () => {
  const placer = new Placer(await Guest.create());
  for (const length of LENGTHS) {
    for (const request of REQUESTS) placer.try(length, request);
    if (length === P) continue;
    placer.grow('grown from an aligned place', length, 0);
    placer.grow('grown from elsewhere', length, 0x3000);
  }
  placer.try(2 ** 30, ['all below 2 GiB', PRIVATE | LOW | NORESERVE]);
  placer.try(2 ** 30 + P, ['more than is below 2 GiB', PRIVATE | LOW | NORESERVE]);
  placer.block(0x40001000);
  placer.block(0x40300000, GROWSDOWN);
  placer.try(P, ['below 2 GiB, before the first', PRIVATE | LOW]);
  placer.try(2 * P, ['below 2 GiB, behind the first', PRIVATE | LOW]);
  placer.try(510 * P, ['below 2 GiB, up to the guard gap', PRIVATE | LOW]);
  placer.try(600 * P, ['below 2 GiB, behind the stack', PRIVATE | LOW]);
  assertLines(placer.lines, expectedLines(PROGRAM));
});

test('a file of the host is placed as one of a disk: its offset within 2 MiB is the address', async () => {
  const machine = await Machine.create();
  machine.mountHost('/host', {
    lstat: (path) => ({
      kind: path === '' ? 'dir' : 'file',
      size: 8 * MIB,
      mode: 0o644,
      mtimeMs: 0,
    }),
    readdir: () => ['f'],
    readlink: () => '',
    read: (_path, _offset, into) => into.length,
  });
  const guest = new Guest(machine, machine.spawn());
  const fd = BigInt(guest.call('open', '/host/f', 0, 0));
  for (const [offset, length, within] of [
    [0, 2 * MIB, 0],
    [MIB, 3 * MIB, MIB],
    [P, 4 * MIB, P],
  ] as const) {
    const at = Number(guest.call('mmap', 0, length, 1, 2, fd, offset));
    assert.is(at % HUGE, within, `${length} bytes at ${offset}`);
  }
});

const reason = whyNoProgram();
if (reason !== null) {
  console.log(`SKIPPED mm/placement on Linux: ${reason}`);
} else {
  test('the kernel underneath says so too', () => {
    assertLines(runProgram(PROGRAM), expectedLines(PROGRAM));
  });
}

test.run();
