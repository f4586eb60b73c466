import { suite } from 'uvu';

import { LinuxError } from '../../src/errno.js';
import type { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';
import { assertLines, expectedLines, runProgram, whyNoProgram } from '../linux/programs.js';
import { Guest } from '../syscall/guest.js';

const PROGRAM = 'proc-memory';
const ARENA = 0x100000000000;
const ARENA_END = 0x100001000000;
const PAGE = 4096;
const MADV_MERGEABLE = 12;
const MADV_DONTDUMP = 16;
const MADV_GUARD_INSTALL = 102;
const PROT_READ = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED_FIXED = 0x11;
const MAP_PRIVATE_FIXED = 0x12;
const MAP_ANONYMOUS = 0x20;

const ANON = ARENA;
const SHARED = ARENA + 0x400000;
const PRIVATE = ARENA + 0x600000;
const ZERO = ARENA + 0x800000;

const inArena = (addr: number): boolean => addr >= ARENA && addr < ARENA_END;
const hex = (addr: number): string => (addr - ARENA).toString(16);

/** The blocks of smaps in the arena as the program prints them. */
function smapsLines(task: Task): string[] {
  const lines: string[] = [];
  let line: string | null = null;
  for (const text of task.readText('/proc/self/smaps').split('\n')) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) /.exec(text);
    const field = /^(\w+): +([0-9]+)/.exec(text);
    if (range !== null) {
      const [start, end] = range.slice(1).map((part) => Number.parseInt(part, 16));
      line = inArena(start ?? 0) ? `  ${hex(start ?? 0)}-${hex(end ?? 0)}` : null;
    } else if (line !== null && text.startsWith('VmFlags: ')) {
      lines.push(`${line} ${text.slice('VmFlags: '.length)}`);
    } else if (line !== null && field !== null && field[2] !== '0') {
      if (!text.includes('PageSize')) line += ` ${field[1]}=${field[2]}`;
    }
  }
  return lines;
}

function numaLines(task: Task): string[] {
  const lines = task.readText('/proc/self/numa_maps').trimEnd().split('\n');
  const starts = lines.map((line) => Number.parseInt(line, 16));
  return lines.flatMap((line, i) => {
    const start = starts[i] ?? 0;
    return inArena(start) ? [`  ${hex(start)}${line.slice(line.indexOf(' '))}`] : [];
  });
}

function clearRefs(task: Task, text: string): string[] {
  const file = task.open('/proc/self/clear_refs', 'w');
  const name = `clear_refs '${text.split('\n')[0]}'`;
  try {
    file.write(new TextEncoder().encode(text));
    return [`${name}: taken`, ...smapsLines(task)];
  } catch (error) {
    return [`${name}: ${error instanceof LinuxError ? error.code : String(error)}`];
  } finally {
    file.close();
  }
}

function store(task: Task, byte: number, ...addrs: number[]): void {
  for (const addr of addrs) task.store(addr, new Uint8Array([byte]));
}

function build(guest: Guest): void {
  const { task } = guest;
  const map = (at: number, pages: number, flags: number, fd: number | bigint): unknown =>
    guest.call('mmap', at, pages * PAGE, PROT_READ_WRITE, flags, fd, 0);
  map(ANON, 64, MAP_PRIVATE_FIXED | MAP_ANONYMOUS, -1);
  const fd = guest.call('memfd_create', 'a b=c', 0);
  guest.call('ftruncate', fd, 16 * PAGE);
  map(SHARED, 4, MAP_SHARED_FIXED, fd);
  map(PRIVATE, 4, MAP_PRIVATE_FIXED, fd);
  map(ZERO, 4, MAP_SHARED_FIXED | MAP_ANONYMOUS, -1);
  for (let i = 0; i < 6; i++) store(task, 1, ANON + i * PAGE);
  store(task, 1, SHARED, SHARED + PAGE, ZERO);
  task.load8(PRIVATE);
  store(task, 1, PRIVATE + 2 * PAGE);
}

/** What the program does up to its fork. */
function* beforeFork(guest: Guest): Generator<string> {
  const { task } = guest;
  build(guest);
  yield* ['touched', ...smapsLines(task), ...numaLines(task)];
  yield* clearRefs(task, '1');
  yield* clearRefs(task, ' 4 \n');
  for (const [addr, pages] of [
    [ANON, 64],
    [SHARED, 4],
  ] as const) {
    guest.call('mprotect', addr, pages * PAGE, PROT_READ);
    guest.call('mprotect', addr, pages * PAGE, PROT_READ_WRITE);
  }
  store(task, 2, ANON, SHARED);
  yield* ['used again', ...smapsLines(task)];
  for (const text of ['2', '3', '5', '6', '1x', '99999999999']) yield* clearRefs(task, text);
}

function* withChild(task: Task): Generator<string> {
  const child = task.fork();
  yield* ['a child', ...smapsLines(child), ...numaLines(child)];
  store(child, 3, ANON);
  yield* ['a child that stores', ...smapsLines(child)];
  child.exit(0);
  task.wait();
}

function* afterFork(guest: Guest): Generator<string> {
  const { task } = guest;
  yield* ['without the child', ...smapsLines(task)];
  store(task, 4, ANON, ANON + PAGE);
  guest.call('mlock', ANON, 2 * PAGE);
  guest.call('mprotect', ANON + 4 * PAGE, PAGE, 0);
  yield* ['locked and protected', ...smapsLines(task)];
  guest.call('madvise', PRIVATE + 3 * PAGE, PAGE, MADV_GUARD_INSTALL);
  guest.call('madvise', ANON + 32 * PAGE, PAGE, MADV_MERGEABLE);
  guest.call('madvise', ANON + 40 * PAGE, PAGE, MADV_DONTDUMP);
  yield* ['advised', ...smapsLines(task)];
}

const test = suite('procfs/memory');

test('smaps, numa_maps and clear_refs tell of memory as Linux does, step by step', async () => {
  const machine = await Machine.create();
  const guest = new Guest(machine, machine.spawn());
  const lines = [...beforeFork(guest), ...withChild(guest.task), ...afterFork(guest)];
  assertLines(lines, expectedLines(PROGRAM));
});

const reason = whyNoProgram();
if (reason !== null) {
  console.log(`SKIPPED procfs/memory on Linux: ${reason}`);
} else {
  test('the kernel underneath tells the same', () => {
    assertLines(runProgram(PROGRAM), expectedLines(PROGRAM));
  });
}

test.run();
