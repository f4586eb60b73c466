import { suite } from 'uvu';

import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { assertLines, expectedLines, runProgram, whyNoProgram } from '../linux/programs.js';
import { Guest } from '../syscall/guest.js';

const PROGRAM = 'pagemap-scan';
const ARENA = 0x100000000000;
const END = ARENA + 0x1000000;
const PAGE = 4096;
const SCAN = 0xc0606610;
const MADV_GUARD_INSTALL = 102;
const PROT_READ_WRITE = 3;
const MAP_SHARED_FIXED = 0x11;
const MAP_PRIVATE_FIXED = 0x12;
const MAP_ANONYMOUS = 0x20;
const ONE = new Uint8Array([1]);

/** struct pm_scan_arg by the names that the program gives its fields. */
interface Scan {
  size: number | bigint;
  flags: number;
  start: number;
  end: number;
  walkEnd: number;
  vec: number | bigint;
  vecLen: number | bigint;
  maxPages: number;
  inverted: number;
  mask: number;
  anyof: number;
  ret: number;
}

/** The task of the program, and where it keeps its question and the answers. */
class Scanner {
  private readonly guest: Guest;
  private readonly pagemap: number | bigint;
  private readonly question: number;
  private readonly answers: number;

  constructor(guest: Guest) {
    this.guest = guest;
    this.build();
    this.pagemap = guest.call('open', '/proc/self/pagemap', 0);
    this.question = guest.buffer(96);
    this.answers = guest.buffer(24 * 2000);
  }

  private map(at: number, length: number, flags: number, fd: number | bigint): void {
    this.guest.call('mmap', at, length, PROT_READ_WRITE, flags, fd, 0);
  }

  private build(): void {
    const { guest } = this;
    const { task } = guest;
    const anon = MAP_PRIVATE_FIXED | MAP_ANONYMOUS;
    this.map(ARENA, 0x400000, anon, -1);
    for (const page of [0, 1, 3, 5]) task.store(ARENA + page * PAGE, ONE);
    guest.call('madvise', ARENA + 6 * PAGE, 2 * PAGE, MADV_GUARD_INSTALL);
    const fd = guest.call('memfd_create', 'scan', 0);
    guest.call('ftruncate', fd, 16 * PAGE);
    this.map(ARENA + 0x400000, 4 * PAGE, MAP_SHARED_FIXED, fd);
    for (const page of [0, 1]) task.store(ARENA + 0x400000 + page * PAGE, ONE);
    this.map(ARENA + 0x600000, 4 * PAGE, MAP_PRIVATE_FIXED, fd);
    task.load8(ARENA + 0x600000);
    task.store(ARENA + 0x600000 + PAGE, ONE);
    this.map(ARENA + 0xa00000, 0x600000, anon, -1);
    for (let i = 0; i < 600; i++) task.store(ARENA + 0xa00000 + i * 2 * PAGE, ONE);
  }

  /** The line that the program prints for a question. */
  ask(name: string, room: number | bigint, change: Partial<Scan>): string {
    const scan: Scan = {
      ...{ size: 96, flags: 0, start: ARENA, end: END, walkEnd: 0 },
      ...{ vec: this.answers, vecLen: room, maxPages: 0 },
      ...{ inverted: 0, mask: 0, anyof: 0, ret: 0x1ff },
      ...change,
    };
    const { task } = this.guest;
    task.store(this.question, words(Object.values(scan)));
    const ret = Number(this.guest.call('ioctl', this.pagemap, SCAN, this.question));
    const walkEnd = Number(task.load64(this.question + 32));
    const to = walkEnd === 0 ? '' : ` to ${(walkEnd - ARENA).toString(16)}`;
    return `${name}: ${shown(ret)}${to}${this.found(Math.min(ret, 10))}`;
  }

  /** What an ioctl without a structure gives. */
  bare(name: string, cmd: number): string {
    return `${name}: ${shown(Number(this.guest.call('ioctl', this.pagemap, cmd, 0)))}`;
  }

  private found(count: number): string {
    let text = '';
    for (let i = 0; i < count; i++) {
      const [start, end, categories] = [0, 8, 16].map((at) =>
        Number(this.guest.task.load64(this.answers + i * 24 + at)),
      ) as [number, number, number];
      const hex = (value: number) => value.toString(16);
      text += ` ${hex(start - ARENA)}-${hex(end - ARENA)}=${hex(categories)}`;
    }
    return text;
  }
}

function words(values: readonly (number | bigint)[]): Uint8Array {
  return new Uint8Array(new BigUint64Array(values.map(BigInt)).buffer);
}

const shown = (ret: number): string => (ret < 0 ? errnoName(-ret) : String(ret));

const HALF = ARENA + 0x800000;
const MANY = ARENA + 0xa00000;

/** The questions of the program: name, room for answers, fields that differ. */
const QUESTIONS: readonly (readonly [string, number | bigint, Partial<Scan>])[] = [
  ['everything', 100, { end: HALF }],
  ['written', 100, { mask: 2, end: HALF }],
  ['written, and nothing else shown', 100, { mask: 2, ret: 2, end: HALF }],
  ['present', 100, { mask: 8, end: HALF }],
  ['of files', 100, { mask: 4 }],
  ['of files or swapped', 100, { anyof: 0x14 }],
  ['guard pages', 100, { mask: 0x100 }],
  ['write-protectable', 100, { mask: 1 }],
  ['not present', 100, { mask: 8, inverted: 8, end: MANY }],
  ['not present, three pages', 100, { mask: 8, inverted: 8, maxPages: 3 }],
  ['present, three pages', 100, { mask: 8, maxPages: 3 }],
  ['present, room for two', 2, { mask: 8 }],
  ['present, no room', 0, { mask: 8 }],
  ['present, no place', 0, { mask: 8, vec: 0 }],
  ['present, and only that shown', 100, { mask: 8, ret: 8, end: HALF }],
  ['present, and nothing shown', 100, { mask: 8, ret: 0, end: HALF }],
  ['to write-protect', 100, { mask: 8, flags: 1 }],
  ['where a userfaultfd answers', 100, { mask: 8, flags: 2 }],
  ['the same where nothing is', 100, { flags: 2, start: ARENA + 0x900000, end: ARENA + 0x901000 }],
  ['nothing', 100, { end: ARENA }],
  ['to an unaligned end', 100, { mask: 8, end: ARENA + 1 }],
  ['600 ranges', 2000, { mask: 8, start: MANY }],
  ['600 ranges, room for 550', 550, { mask: 8, start: MANY }],
  ['600 ranges, 530 pages', 2000, { mask: 8, start: MANY, maxPages: 530 }],
  ['an unknown flag', 100, { flags: 4 }],
  ['an unknown category', 100, { mask: 0x200 }],
  ['an unknown category to show', 100, { ret: 0x200 }],
  ['a smaller structure', 100, { size: 88 }],
  ['a larger structure', 100, { size: 104 }],
  ['an unaligned start', 100, { start: ARENA + 1 }],
  ['an end before the start', 100, { end: ARENA - PAGE }],
  ['an end beyond user memory', 100, { end: 0x7ffffffff001 }],
  ['answers nowhere', 5, { vec: 0 }],
  ['answers at a hole', 5, { vec: 8, mask: 8 }],
  ['answers in the kernel', 5, { vec: 2n ** 63n }],
  ['more answers than memory', 2n ** 60n, { mask: 0x100 }],
];

const test = suite('procfs/pagemap-scan');

test('PAGEMAP_SCAN answers as Linux does, question by question', async () => {
  const machine = await Machine.create();
  const scanner = new Scanner(new Guest(machine, machine.spawn()));
  const lines = QUESTIONS.map(([name, room, change]) => scanner.ask(name, room, change));
  lines.push(scanner.bare('no structure', SCAN), scanner.bare('another command', SCAN + 2));
  assertLines(lines, expectedLines(PROGRAM));
});

const reason = whyNoProgram();
if (reason !== null) {
  console.log(`SKIPPED procfs/pagemap-scan on Linux: ${reason}`);
} else {
  test('the kernel underneath answers so too', () => {
    assertLines(runProgram(PROGRAM), expectedLines(PROGRAM));
  });
}

test.run();
