import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { encodeFiles, encodePrpsinfo, encodePrstatus } from '../../src/elf/core-writer-notes.js';
import { CoreFile, type CoreSegment } from '../../src/elf/core-writer.js';
import { readCore } from '../../src/elf/core.js';
import { BytesSource } from '../../src/elf/source.js';
import { LinuxError, Machine } from '../../src/index.js';

const test = suite('elf/core-writer');
const PAGE = 4096;
const numbers = { ppid: 1, pgrp: 2, sid: 3 };
const regs = new Uint8Array(216).map((_, i) => i);
const status = encodePrstatus({
  ...{ ...numbers, tid: 7, signal: 11, pending: 0n, blocked: 0n, hasFpregs: false },
  regs,
});
const read = (file: CoreFile) => readCore(new BytesSource('core', file.toBytes()));
const empty = (start: number): CoreSegment => ({
  ...{ vaddr: BigInt(start), memsz: PAGE, filesz: 0, flags: 6 },
  contents: () => [],
});

const counts: [segments: number, phnum: number, shnum: number][] = [
  [0, 1, 0],
  [1, 2, 0],
  [65533, 65534, 0],
  [65534, 65535, 1],
  [65535, 65535, 1],
  [65536, 65535, 1],
];
for (const [count, phnum, shnum] of counts) {
  test(`${count} segments are counted as the kernel counts them, and read back`, () => {
    const segments = Array.from({ length: count }, (_, i) => empty(0x10000 + i * 2 * PAGE));
    const file = new CoreFile({ notes: [status], segments });
    const view = new DataView(file.toBytes().buffer);
    assert.is(view.getUint16(56, true), phnum);
    assert.is(view.getUint16(60, true), shnum);
    assert.is(read(file).mappings.length, count);
    assert.is(readCore(file).mappings.length, count);
    const end = file.toBytes().slice(-100);
    assert.equal(file.read(file.size - 100, 1000), end);
  });
}

test('any segments come back as they were, their chunks in rising order', () => {
  const aSegment = fc.record({
    gap: fc.nat(3),
    pages: fc.integer({ min: 1, max: 5 }),
    dumped: fc.nat(5),
    flags: fc.nat(7),
    filled: fc.nat(4),
  });
  const aPlace = fc.record({ from: fc.nat(0x10000), length: fc.nat(0x5000) });
  fc.assert(
    fc.property(fc.array(aSegment, { maxLength: 20 }), aPlace, (rows, { from, length }) => {
      let start = 0x10000;
      const segments = rows.map(({ gap, pages, dumped, flags, filled }, i): CoreSegment => {
        start += gap * PAGE;
        const filesz = Math.min(dumped, pages) * PAGE;
        const segment = { vaddr: BigInt(start), memsz: pages * PAGE, filesz, flags };
        start += pages * PAGE;
        const offset = filled * PAGE;
        const bytes = new Uint8Array(PAGE).fill(i + 1);
        return { ...segment, contents: () => (offset < filesz ? [{ offset, bytes }] : []) };
      });
      const file = new CoreFile({ notes: [status], segments });
      let end = 0;
      for (const { offset, bytes } of file.chunks()) {
        assert.ok(offset >= end);
        end = offset + bytes.length;
      }
      assert.ok(end <= file.size);
      assert.equal(file.read(from, length), file.toBytes().slice(from, from + length));
      const { mappings, source } = read(file);
      assert.is(mappings.length, segments.length);
      mappings.forEach((mapping, i) => {
        const { vaddr, memsz, filesz, contents } = segments[i] as CoreSegment;
        assert.equal([mapping.start, mapping.end], [Number(vaddr), Number(vaddr) + memsz]);
        const expected = new Uint8Array(filesz);
        for (const { offset, bytes } of contents(0, filesz)) expected.set(bytes, offset);
        assert.equal(source.read(mapping.offset, mapping.dumped), expected);
      });
    }),
    { numRuns: 300 },
  );
});

test('notes come back field by field, names of any bytes too', () => {
  const path = new TextEncoder().encode('/tmp/a\nb ü');
  const info = encodePrpsinfo({
    ...{ ...numbers, state: 'S', nice: -5, flags: 0x400000, uid: 1000, gid: 1001, pid: 7 },
    comm: new TextEncoder().encode('a name that is too long'),
    args: new TextEncoder().encode(`./x\0-y\0${'z'.repeat(100)}`),
  });
  const files = encodeFiles([{ start: 0x10000, end: 0x12000, pgoff: 3, path }]);
  const core = read(new CoreFile({ notes: [status, info, files], segments: [] }));
  assert.equal(core.process, {
    ...{ pid: 7, ppid: 1, uid: 1000, gid: 1001, comm: 'a name that is ' },
    psargs: `./x -y ${'z'.repeat(72)}`,
    nice: -5,
  });
  assert.equal([core.threads[0]?.tid, core.threads[0]?.signal], [7, 11]);
  assert.equal(core.threads[0]?.regs, regs);
  assert.equal(core.mappings[0]?.file, { path: '/tmp/a\nb ü', offset: 3 * PAGE });
});

test('every thread of a task is in its core, the one asked first, and arguments that are none refused', async () => {
  const machine = await Machine.create();
  const before = machine.stats().framesInUse;
  const task = machine.spawn({ comm: 'many', uid: 1000, argv: ['./many', '-x'] });
  const other = task.thread();
  const addr = task.mmap({ length: 2 * PAGE });
  task.store8(addr, 1);
  task.syscall('setpriority', 0, 0, 7);
  const core = readCore(new BytesSource('core', other.writeCore({ signal: 6 })));
  const [loaded] = (await Machine.create()).loadCore(core).threads;
  // The leader's; getpriority() counts from 1 for 19 to 40 for -20.
  assert.equal([core.process.nice, loaded?.syscall('getpriority', 0, 0)], [7, 13]);
  assert.equal(
    core.threads.map(({ tid, signal }) => [tid, signal]),
    [
      [other.tid, 6],
      [task.tid, 6],
    ],
  );
  assert.is(core.process.psargs, './many -x');
  assert.is(core.process.uid, 1000);
  const mapping = core.mappings.find(({ start }) => start === Number(addr));
  assert.is(mapping?.dumped, 2 * PAGE);
  assert.throws(
    () => task.writeCore({ filter: 0x200 }),
    /^filter: 512 is no integer from 0 to 511$/,
  );
  assert.throws(() => task.writeCore({ signal: 65 }), /^signal: /);
  assert.throws(
    () => task.writeCore({ siginfo: new Uint8Array(1) }),
    /^siginfo: 1 bytes, not 128$/,
  );
  const [empty2] = (await Machine.create()).tasks();
  assert.throws(() => machine.dumpCore(empty2 as typeof task), /^task: a task of another machine$/);
  task.exit();
  assert.throws(
    () => task.writeCore(),
    (error: unknown) => error instanceof TypeError && !(error instanceof LinuxError),
  );
  assert.is(machine.stats().framesInUse, before);
});

test('a dump changes nothing: no page is made, loaded or mapped for it', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  machine.addFile('/file', new Uint8Array(4 * PAGE).fill(3));
  task.mmap({ length: 64 * PAGE });
  task.mmap({ length: 64 * PAGE, flags: 0x21 });
  task.mmap({ length: 4 * PAGE, flags: 2, file: task.open('/file') });
  const [frames, smaps] = [machine.stats().framesInUse, task.readText('/proc/self/smaps')];
  for (const filter of [0, 0x33, 0x1ff]) task.writeCore({ filter });
  assert.is(machine.stats().framesInUse, frames);
  assert.is(task.readText('/proc/self/smaps'), smaps);
  assert.equal(machine.check(), []);
});

test.run();
