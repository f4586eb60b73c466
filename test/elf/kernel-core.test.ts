import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import {
  MADV_DODUMP,
  MADV_DONTDUMP,
  MADV_DONTNEED,
  MAP_ANONYMOUS,
  PROT_EXEC,
  PROT_READ,
} from '../../assembly/abi/mman.js';
import { dumpedBytes, readCore, type Core } from '../../src/elf/core.js';
import { readHeader } from '../../src/elf/header.js';
import { readSegments } from '../../src/elf/segments.js';
import { BytesSource, type ByteSource } from '../../src/elf/source.js';
import { Machine } from '../../src/index.js';
import { asLine, AreaTask, FILE_ARGUMENTS, FILES, type AreaOp } from './areas-program.js';
import {
  BASE,
  DATA,
  END,
  everyKind,
  GONE,
  LIBRARY,
  MEMFD,
  PAGE,
  PRIVATE,
  RW,
  SCRIPT,
  SHARED,
} from './every-kind.js';
import { CrashDirectory, whyNoKernelCore } from './crash.js';

const test = suite('elf/kernel-core');
const reason = whyNoKernelCore();
if (reason !== null) console.log(`SKIPPED elf/kernel-core: ${reason}`);
const kernelTest = (name: string, run: () => void | Promise<void>): void => {
  if (reason === null) test(name, run);
};
const directory = reason === null ? new CrashDirectory() : null;
test.after(() => directory?.remove());
test('a machine can be made', async () => assert.ok(await Machine.create()));

/** The headers of the segments below END as text, and the bytes of each. */
function segmentsOf(source: ByteSource): { lines: string[]; bytes: Uint8Array[] } {
  const loads = readSegments(source, readHeader(source)).filter(
    ({ type, vaddr }) => type === 1 && vaddr >= BigInt(BASE) && vaddr < BigInt(END),
  );
  const lines = loads.map(({ vaddr, memsz, filesz, flags }) => {
    return `${vaddr.toString(16)} mem ${memsz / PAGE} file ${filesz / PAGE} flags ${flags}`;
  });
  return { lines, bytes: loads.map(({ offset, filesz }) => source.read(offset, filesz)) };
}

let program = '';
function kernelCore(ops: readonly AreaOp[], filter: number, threads = 0): ByteSource {
  if (directory === null) throw new Error('no kernel');
  if (program === '') program = directory.build('areas', ['-pthread']);
  for (const file of FILES) directory.write(file);
  const args = [`0x${filter.toString(16)}`, String(threads), ...FILE_ARGUMENTS];
  return directory.crash(program, args, ops.map(asLine).join(''));
}

/** Both cores after the same operations. */
async function bothCores(
  ops: readonly AreaOp[],
  filter: number,
): Promise<[ByteSource, ByteSource]> {
  const areas = await AreaTask.create();
  for (const op of ops) areas.perform(op);
  const ours = new BytesSource('ours', areas.task.writeCore({ filter, signal: 11 }));
  const kernel = kernelCore(ops, filter);
  return [kernel, ours];
}

function assertSame(kernel: ByteSource, ours: ByteSource): void {
  const expected = segmentsOf(kernel);
  const actual = segmentsOf(ours);
  assert.equal(actual.lines, expected.lines);
  expected.bytes.forEach((bytes, i) => {
    const differs = bytes.findIndex((byte, at) => actual.bytes[i]?.[at] !== byte);
    assert.is(differs, -1, `${expected.lines[i]}: byte ${differs} differs`);
  });
}

for (const filter of [0, 1, 2, 4, 8, 0x10, 0x20, 0x33, 0x7f, 0x100, 0x1ff]) {
  kernelTest(`the kernel dumps the same for coredump_filter 0x${filter.toString(16)}`, async () => {
    assertSame(...(await bothCores(everyKind(), filter)));
  });
}

const pageIn = fc.nat(30).map((page) => BASE + page * PAGE);
const span = fc.integer({ min: 1, max: 6 }).map((count) => count * PAGE);
const protection = fc.constantFrom(0, PROT_READ, RW, PROT_READ | PROT_EXEC);
const anOp: fc.Arbitrary<AreaOp> = fc.oneof(
  fc.record({
    op: fc.constant('m' as const),
    addr: pageIn,
    length: span,
    prot: protection,
    flags: fc.constantFrom(PRIVATE | MAP_ANONYMOUS, SHARED | MAP_ANONYMOUS),
    file: fc.constant(-1),
    offset: fc.constant(0),
  }),
  fc.record({
    op: fc.constant('m' as const),
    addr: pageIn,
    length: span,
    prot: protection,
    flags: fc.constantFrom(PRIVATE, SHARED),
    file: fc.constantFrom(DATA, LIBRARY, SCRIPT, GONE, MEMFD) as fc.Arbitrary<number>,
    offset: fc.constantFrom(0, 0, PAGE),
  }),
  fc.record({ op: fc.constant('t' as const), addr: pageIn }),
  fc.record({ op: fc.constant('t' as const), addr: pageIn }),
  fc.record({ op: fc.constant('r' as const), addr: pageIn }),
  fc.record({ op: fc.constant('p' as const), addr: pageIn, length: span, value: protection }),
  fc.record({
    op: fc.constant('a' as const),
    addr: pageIn,
    length: span,
    value: fc.constantFrom(MADV_DONTDUMP, MADV_DODUMP, MADV_DONTNEED),
  }),
  fc.record({ op: fc.constant('u' as const), addr: pageIn, length: span }),
);

kernelTest('the kernel dumps the same after random operations', async () => {
  const filters = fc.constantFrom(0x33, 0x7f, 0x11, 0x0f, 0x10);
  const sequences = fc.array(anOp, { minLength: 10, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(sequences, filters, async (ops, filter) => {
      assertSame(...(await bothCores(ops, filter)));
    }),
    { numRuns: 60 },
  );
});

/** Every segment of a core, memory and file bytes, vsyscall and all. */
function allSegments(source: ByteSource): string[] {
  return readSegments(source, readHeader(source))
    .slice(1)
    .map(({ vaddr, memsz, filesz, flags }) => {
      return `${vaddr.toString(16)} ${memsz.toString(16)} ${filesz.toString(16)} ${flags}`;
    });
}

for (const filter of [0x33, 0x7f, 0x1]) {
  kernelTest(
    `a kernel's core of filter 0x${filter.toString(16)}, loaded and written again, is the same`,
    async () => {
      const source = kernelCore(everyKind(), filter, 2);
      const core = readCore(source);
      const machine = await Machine.create();
      const { threads } = machine.loadCore(core);
      const [first] = threads;
      if (first === undefined) return assert.unreachable();
      const siginfo = core.threads[0]?.siginfo ?? new Uint8Array(128);
      const again = new BytesSource(
        'again',
        first.writeCore({ signal: 11, siginfo, filter: 0x1ff }),
      );
      assert.equal(allSegments(again), allSegments(source));
      assertSameProcess(readCore(again), core);
      threads[0]?.exit();
    },
  );
}

function assertSameProcess(actual: Core, expected: Core): void {
  assert.equal({ ...actual.process, ppid: 0 }, { ...expected.process, ppid: 0 });
  assert.equal(actual.auxv, expected.auxv);
  assert.is(actual.threads.length, expected.threads.length);
  expected.threads.forEach((thread, i) => {
    const other = actual.threads[i];
    assert.equal([other?.tid, other?.signal], [thread.tid, thread.signal]);
    assert.equal(other?.regs, thread.regs);
    assert.equal(other?.fpregs, thread.fpregs);
  });
  assert.equal(actual.threads[0]?.siginfo, expected.threads[0]?.siginfo);
  expected.mappings.forEach((mapping, i) => {
    const other = actual.mappings[i];
    assert.equal(other?.file, mapping.file);
    if (other === undefined) return;
    const [a, b] = [
      dumpedBytes(actual, other, 0, other.dumped),
      dumpedBytes(expected, mapping, 0, mapping.dumped),
    ];
    assert.is(
      a.findIndex((byte, at) => byte !== b[at]),
      -1,
      `bytes at ${mapping.start.toString(16)}`,
    );
  });
}

test.run();
