// What calls answer when vm.max_map_count is near (K-548): test/linux/programs/map-count.c asks Linux.
import { suite } from 'uvu';

import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { assertLines, expectedLines, runProgram, whyNoProgram } from '../linux/programs.js';
import { Guest } from '../syscall/guest.js';

const PROGRAM = 'map-count';
const P = PAGE_SIZE;
const A = 0x100000000000;
const SHARED = A + 2 ** 30;
const STACK = A + 2 ** 31;
const FAR = A + 2 ** 39;
const FILL = A + 2 ** 40;
const HEAP = FILL + 2 ** 41;
const LIMIT = 100;
const ROOMS = [-1, 0, 1, 2, 3, 4, 5, 6];

const MAYMOVE = 1;
const TO_PLACE = 3;
const DONTUNMAP = 7;

/** A call by its name in the program; 0 when it succeeds. */
type Call = (guest: Guest, segment: number) => number | bigint;

/** mmap gives an address. */
function map(guest: Guest, addr: number, pages: number, prot: number, flags = 0x32): number {
  return Math.min(Number(guest.call('mmap', addr, pages * P, prot, flags, -1n, 0)), 0);
}

function remap(from: number, old: number, now: number, flags: number, to = 0): Call {
  return (guest) => {
    return Math.min(Number(guest.call('mremap', from, old * P, now * P, flags, to)), 0);
  };
}

function call(name: string, ...args: (number | bigint)[]): Call {
  return (guest) => guest.call(name, ...args);
}

const MIDDLE = A + 5 * P;
const CALLS: Readonly<Record<string, Call>> = {
  'mmap apart': (guest) => map(guest, FAR, 1, 3),
  'mmap that merges': (guest) => map(guest, A + 17 * P, 1, 1),
  'mmap over the middle': (guest) => map(guest, MIDDLE, 1, 1),
  'mmap over the start': (guest) => map(guest, A, 1, 1),
  'mmap over all of it': (guest) => map(guest, A, 16, 1),
  'mmap of shared memory': (guest) => map(guest, FAR, 1, 3, 0x31),
  'mmap with POPULATE': (guest) => map(guest, FAR, 1, 3, 0x8032),
  'munmap of the middle': call('munmap', MIDDLE, P),
  'munmap of the start': call('munmap', A, P),
  'munmap of all': call('munmap', A, 16 * P),
  'munmap of nothing': call('munmap', FAR, P),
  'mprotect of the middle': call('mprotect', MIDDLE, P, 1),
  'mprotect of the start': call('mprotect', A, P, 1),
  'mprotect of all': call('mprotect', A, 16 * P, 1),
  'pkey_mprotect of the middle': call('pkey_mprotect', MIDDLE, P, 1, -1n),
  'madvise DONTFORK of the middle': call('madvise', MIDDLE, P, 10),
  'madvise DONTFORK of the start': call('madvise', A, P, 10),
  'madvise SEQUENTIAL of the middle': call('madvise', MIDDLE, P, 2),
  'madvise WIPEONFORK of the middle': call('madvise', MIDDLE, P, 18),
  'madvise DONTDUMP of the end': call('madvise', A + 15 * P, P, 16),
  'madvise DONTNEED of the middle': call('madvise', MIDDLE, P, 4),
  'madvise FREE of the middle': call('madvise', MIDDLE, P, 8),
  'madvise GUARD_INSTALL of the middle': call('madvise', MIDDLE, P, 102),
  'mlock of the middle': call('mlock', MIDDLE, P),
  'mlock of the start': call('mlock', A, P),
  'mlock of all': call('mlock', A, 16 * P),
  'mlock2 with ONFAULT of the middle': call('mlock2', MIDDLE, P, 1),
  'mremap that shrinks': remap(A, 16, 4, 0),
  'mremap that shrinks the middle': remap(A + 4 * P, 4, 2, 0),
  'mremap that grows in place': remap(A + 16 * P, 1, 3, 0),
  'mremap that moves to grow': remap(A, 2, 3, MAYMOVE),
  'mremap of all to a place': remap(A, 16, 16, TO_PLACE, FAR),
  'mremap of the middle to a place': remap(MIDDLE, 1, 1, TO_PLACE, FAR),
  'mremap of two mappings': remap(A, 17, 17, TO_PLACE, FAR),
  'mremap that duplicates': remap(SHARED, 0, 8, TO_PLACE, FAR),
  'mremap with DONTUNMAP': remap(A, 16, 16, DONTUNMAP, FAR),
  'mremap of the middle with DONTUNMAP': remap(MIDDLE, 1, 1, DONTUNMAP, FAR),
  'brk that makes the heap': (guest) => Number(guest.call('brk', HEAP + P)) - (HEAP + P),
  remap_file_pages: call('remap_file_pages', SHARED + 2 * P, P, 0, 5, 0),
  shmat: (guest, segment) => Math.min(Number(guest.call('shmat', segment, FAR, 0)), 0),
  'a store that grows a stack': (guest) => {
    guest.task.store8(STACK - 1, 1);
    return 0;
  },
  fork: (guest) => Math.min(Number(guest.call('fork')), 0),
  'mseal of the middle': call('mseal', MIDDLE, P, 0),
  'mseal of the start': call('mseal', A, P, 0),
};

/** The answer of one call with `room` mappings still allowed, as the program prints it. */
function answer(machine: Machine, act: Call, room: number): string {
  const guest = new Guest(machine, machine.spawn());
  const { mm } = guest.task.struct;
  if (mm === null) throw new TypeError('no memory');
  mm.startBrk = mm.brk = HEAP;
  map(guest, A, 16, 3);
  guest.task.store(A, new Uint8Array(2 * P).fill(1));
  map(guest, A + 16 * P, 1, 1);
  map(guest, SHARED, 8, 3, 0x31);
  map(guest, STACK, 1, 3, 0x132);
  const segment = Number(guest.call('shmget', 0, P, 0o1600));
  for (let i = 0; mm.counters().mapCount < LIMIT - room; i++) map(guest, FILL + 2 * i * P, 1, 1);
  const before = mm.counters().mapCount;
  const result = Number(act(guest, segment));
  const change = mm.counters().mapCount - before;
  const word = result === 0 ? 'ok' : result < -4095 || result === -P ? 'fails' : errnoName(-result);
  guest.call('shmctl', segment, 0, 0);
  guest.task.exit();
  return `${word}${change < 0 ? '' : '+'}${change}`;
}

const test = suite('mm/map-count');

test('calls that add, split or move mappings fail near vm.max_map_count where Linux fails them', async () => {
  const machine = await Machine.create({ sysctl: { 'vm.max_map_count': LIMIT } });
  const expected = expectedLines(PROGRAM);
  const lines = Object.entries(CALLS).map(([name, act]) => {
    return `${name}: ${ROOMS.map((room) => answer(machine, act, room)).join(' ')}`;
  });
  assertLines([expected[0] ?? '', ...lines], expected);
});

const reason = whyNoProgram();
if (reason !== null) {
  console.log(`SKIPPED mm/map-count on Linux: ${reason}`);
} else {
  test('the kernel underneath says so too', () => {
    assertLines(runProgram(PROGRAM), expectedLines(PROGRAM));
  });
}

test.run();
