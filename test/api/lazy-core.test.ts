// A core of 4 GiB, in a sparse file: opening it reads headers, and memory costs what is touched of it.
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { FileSource } from '../../src/cli/file-source.js';
import { encodeFiles, encodePrstatus } from '../../src/elf/core-writer-notes.js';
import { CoreFile, type CoreSegment } from '../../src/elf/core-writer.js';
import { readCore } from '../../src/elf/core.js';
import { BytesSource, type ByteSource } from '../../src/elf/source.js';
import { LinuxError, Machine, type Task } from '../../src/index.js';

const test = suite('api/lazy-core');
const PAGE = 4096;
const GIB = 2 ** 30;
const directory = mkdtempSync(join(tmpdir(), 'procmem-lazy-'));
test.after(() => rmSync(directory, { recursive: true }));

const HEAP = 0x100000000;
const FILE = 0x300000000;
const STACK = 0x7ff000000000;

/** A segment with a page of `fill` at each of some offsets, and zeros elsewhere. */
function segment(
  start: number,
  memsz: number,
  filesz: number,
  at: number[],
  fill: number,
): CoreSegment {
  const contents = () => at.map((offset) => ({ offset, bytes: new Uint8Array(PAGE).fill(fill) }));
  return { vaddr: BigInt(start), memsz, filesz, flags: 6, contents };
}

function makeCore(): string {
  const regs = new Uint8Array(216);
  new DataView(regs.buffer).setBigUint64(19 * 8, BigInt(STACK + PAGE), true);
  const numbers = { tid: 100, ppid: 1, pgrp: 1, sid: 1, signal: 11, pending: 0n, blocked: 0n };
  const path = new TextEncoder().encode('/data/big');
  const notes = [
    encodePrstatus({ ...numbers, regs, hasFpregs: false }),
    encodeFiles([{ start: FILE, end: FILE + 2 * GIB, pgoff: 0, path }]),
  ];
  const segments = [
    segment(HEAP, 3 * GIB, 3 * GIB - PAGE, [0, GIB, 3 * GIB - 2 * PAGE], 1),
    segment(FILE, 2 * GIB, GIB, [0, GIB - PAGE], 2),
    segment(STACK, 16 * PAGE, 16 * PAGE, [0, 15 * PAGE], 3),
  ];
  const core = new CoreFile({ notes, segments });
  const name = join(directory, 'core');
  const fd = openSync(name, 'w');
  for (const { offset, bytes } of core.chunks()) writeSync(fd, bytes, 0, bytes.length, offset);
  ftruncateSync(fd, core.size);
  closeSync(fd);
  return name;
}

/** Counts what is read of a source. */
class Counted implements ByteSource {
  readonly name: string;
  readonly size: number;
  bytes = 0;
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    this.#source = source;
    this.name = source.name;
    this.size = source.size;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = this.#source.read(offset, length);
    this.bytes += bytes.length;
    return bytes;
  }
}

async function open(): Promise<{ source: Counted; machine: Machine; task: Task }> {
  const source = new Counted(new FileSource(makeCore()));
  const machine = await Machine.create({ memory: 16 * 2 ** 20 });
  const file = new BytesSource('/data/big', new Uint8Array(2 * PAGE).fill(2));
  const find = (path: string) => (path === '/data/big' ? file : null);
  const [task] = machine.loadCore(readCore(source), { open: find }).threads as [Task];
  return { source, machine, task };
}

test('the core is 4 GiB, of which the disk has little', () => {
  const { size, blocks } = statSync(makeCore());
  assert.ok(size > 4 * GIB - 16 * PAGE, `${size} bytes`);
  assert.ok(blocks * 512 < 2 ** 20, `${blocks * 512} bytes on the disk`);
});

test('opening it reads headers and the stack, and takes a few frames', async () => {
  const { source, machine } = await open();
  // The stack is read twice: for the arguments on it, and to copy it.
  assert.ok(source.bytes < 64 * PAGE, `${source.bytes} bytes read`);
  const empty = (await Machine.create()).stats().framesInUse;
  const frames = machine.stats().framesInUse - empty;
  assert.ok(frames < 64, `${frames} frames`);
});

test('a page is read when it is touched, and only that page', async () => {
  const { source, machine, task } = await open();
  const mem = task.open('/proc/self/mem');
  for (const [addr, value] of [
    [HEAP, 1],
    [HEAP + PAGE, 0],
    [HEAP + GIB + 5, 1],
    [HEAP + 3 * GIB - 2 * PAGE, 1],
    [FILE, 2],
    [FILE + GIB - 1, 2],
    [FILE + PAGE, 0],
  ] as const) {
    const [before, frames] = [source.bytes, machine.stats().framesInUse];
    const bytes = new Uint8Array(1);
    assert.is(mem.pread(bytes, addr), 1);
    assert.is(bytes[0], value, `at 0x${addr.toString(16)}`);
    assert.is(source.bytes - before, PAGE);
    // The page, and tables to it in the page cache and in the process.
    assert.ok(machine.stats().framesInUse - frames <= 8);
    mem.pread(bytes, addr);
    assert.is(source.bytes - before, PAGE);
  }
});

test('loads and stores see the same memory, and stores stay', async () => {
  const { task } = await open();
  assert.is(task.load8(HEAP + GIB), 1);
  task.store8(HEAP + GIB, 9);
  task.store8(HEAP + 2 * GIB, 8);
  assert.is(task.load8(HEAP + GIB), 9);
  assert.is(task.load8(HEAP + GIB + 1), 1);
  const child = task.fork();
  assert.is(child.load8(HEAP + 2 * GIB), 8);
  assert.is(child.load8(HEAP + 3 * GIB - 2 * PAGE), 1);
});

test('what was not dumped is EIO, never zeros', async () => {
  const { task } = await open();
  const mem = task.open('/proc/self/mem');
  for (const addr of [HEAP + 3 * GIB - PAGE]) {
    let code: string | null = null;
    try {
      mem.pread(new Uint8Array(8), addr);
    } catch (error) {
      if (error instanceof LinuxError) ({ code } = error);
    }
    assert.is(code, 'EIO');
  }
});

test('maps shows it without a device, and the file by its path', async () => {
  const { task } = await open();
  const lines = task.readText('/proc/self/maps').split('\n');
  assert.is(lines[0], '100000000-1c0000000 rw-p 00000000 00:00 0 ');
  assert.match(lines[1] ?? '', /^300000000-340000000 rw-p 00000000 \S+ \d+ +\/data\/big$/);
  assert.match(lines[2] ?? '', /^340000000-380000000 rw-p 40000000 \S+ \d+ +\/data\/big$/);
  assert.match(lines[3] ?? '', /^7ff000000000-7ff000010000 rw-p .* \[stack\]$/);
});

test('written again it has the same segments, read in chunks', async () => {
  const { source, machine, task } = await open();
  task.store8(HEAP + 2 * GIB, 8);
  const before = source.bytes;
  const again = machine.dumpCore(task);
  const { size } = again;
  assert.ok(size > 4 * GIB - 16 * PAGE, `${size} bytes`);
  assert.is(source.bytes, before);
  const frames = machine.stats().framesInUse;
  let largest = 0;
  let pages = 0;
  for (const { bytes, offset } of again.chunks()) {
    largest = Math.max(largest, bytes.length);
    pages += bytes.length / PAGE;
    assert.ok(offset + bytes.length <= size);
    // More than the machine has frames for.
    if (pages > 8192) break;
  }
  assert.ok(largest <= 256 * 1024, `${largest} bytes in a chunk`);
  assert.is(machine.stats().framesInUse, frames);
});

test.run();
