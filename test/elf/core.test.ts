import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { NT_PRSTATUS, NT_SIGINFO } from '../../src/elf/format.js';
import { auxvValue } from '../../src/elf/auxv.js';
import { coreSignal, dumpedBytes, readCore } from '../../src/elf/core.js';
import { BytesSource } from '../../src/elf/source.js';
import { exampleCore } from './example.js';
import { buildCore, note } from './core-builder.js';

const test = suite('elf/core');
const read = (bytes: Uint8Array) => readCore(new BytesSource('core', bytes));
const page = (fill: number) => new Uint8Array(4096).fill(fill);

test('the example crash is read with its process, signal and threads', () => {
  const core = readCore(exampleCore());
  assert.is(core.process.comm, 'thumbnail');
  assert.is(core.process.psargs, './thumbnail');
  assert.is(core.process.uid, 1000);
  assert.equal(coreSignal(core), { number: 11, code: 1, address: 4n });
  assert.is(core.threads.length, 2);
  assert.is(core.threads[0]?.tid, core.process.pid);
  assert.is(core.threads[0]?.regs.length, 216);
  assert.is(core.threads[1]?.fpregs?.length, 512);
});

test('the example crash is read with its mappings and files', () => {
  const { mappings } = readCore(exampleCore());
  const text = mappings.filter(({ file }) => file?.path === '/tmp/crash/thumbnail');
  assert.equal(
    text.map(({ perms, file, dumped }) => [perms, file?.offset, dumped]),
    [
      ['r--', 0, 4096],
      ['r-x', 0x1000, 0],
      ['r--', 0x2000, 0],
      ['rw-', 0x2000, 0],
    ],
  );
  assert.ok(mappings.every(({ start }, i) => start >= (mappings[i - 1]?.end ?? 0)));
});

test('notes are decoded field by field', () => {
  const core = read(buildCore({ loads: [], tids: [100, 101] }));
  assert.equal(core.process, {
    pid: 100,
    ppid: 1,
    uid: 1000,
    gid: 1001,
    comm: 'crash',
    psargs: './crash now',
    nice: 0,
  });
  assert.equal(
    core.threads.map(({ tid, signal }) => [tid, signal]),
    [
      [100, 11],
      [101, 0],
    ],
  );
  assert.is(auxvValue(core.auxv, 9), 0x401000n);
  assert.is(auxvValue(core.auxv, 25), null);
});

test('notes of unknown owners and types are passed over', () => {
  const notes = [note('GDB', 0xff000000, page(1)), note('CORE', 0x77, page(2))];
  assert.is(read(buildCore({ loads: [], notes })).threads.length, 1);
});

test('memory that was not dumped is told from memory that was', () => {
  const core = read(buildCore({ loads: [{ vaddr: 0x10000n, bytes: page(7), memsz: 0x3000 }] }));
  const [mapping] = core.mappings;
  assert.is(mapping?.dumped, 4096);
  assert.is(mapping?.end, 0x13000);
  if (mapping !== undefined) assert.equal(dumpedBytes(core, mapping, 4095, 9), page(7).slice(0, 1));
});

test('file ranges without a segment, as gdb leaves them, become mappings of unknown permissions', () => {
  const path = '/usr/lib/libx.so';
  const files = [{ start: 0x10000, end: 0x15000, page: 2, path }];
  const core = read(buildCore({ files, loads: [{ vaddr: 0x12000n, bytes: page(1), flags: 4 }] }));
  assert.equal(
    core.mappings.map(({ start, end, perms, file }) => [start, end, perms, file?.offset]),
    [
      [0x10000, 0x12000, null, 0x2000],
      [0x12000, 0x13000, 'r--', 0x4000],
      [0x13000, 0x15000, null, 0x5000],
    ],
  );
});

test('segments come out in address order and the vsyscall page is left out', () => {
  const loads = [0x30000n, 0x10000n, 0xffffffffff600000n].map((vaddr) => ({
    vaddr,
    bytes: page(1),
  }));
  assert.equal(
    read(buildCore({ loads })).mappings.map(({ start }) => start),
    [0x10000, 0x30000],
  );
});

test('more mappings than 16 bits count are read', () => {
  const loads = Array.from({ length: 70000 }, (_, i) => ({
    vaddr: BigInt(0x10000 + i * 0x2000),
    memsz: 4096,
  }));
  const { mappings } = read(buildCore({ loads }));
  assert.is(mappings.length, 70000);
  assert.is(mappings.at(-1)?.start, 0x10000 + 69999 * 0x2000);
});

test('a core without a command line or siginfo still reads', () => {
  const bytes = buildCore({ loads: [] });
  // Make every other CORE note one of an unknown type.
  const view = new DataView(bytes.buffer);
  for (let at = 120; at < bytes.length;) {
    const length = view.getUint32(at + 4, true);
    if (view.getUint32(at + 8, true) !== NT_PRSTATUS) view.setUint32(at + 8, 0x99, true);
    at += 20 + Math.ceil(length / 4) * 4;
  }
  const core = read(bytes);
  assert.is(core.process.pid, 100);
  assert.is(core.process.comm, 'unknown');
  assert.equal(coreSignal(core), { number: 11, code: null, address: null });
});

test('an address comes only with a fault that the kernel found', () => {
  const bytes = buildCore({ loads: [] });
  const at = indexOfNote(bytes, NT_SIGINFO);
  new DataView(bytes.buffer).setInt32(at + 8, 0, true); // SI_USER: kill(2)
  assert.equal(coreSignal(read(bytes)), { number: 11, code: 0, address: null });
});

/** Where the description of the first note of a type starts. */
function indexOfNote(bytes: Uint8Array, type: number): number {
  const view = new DataView(bytes.buffer);
  let at = 120;
  while (view.getUint32(at + 8, true) !== type) {
    at += 20 + Math.ceil(view.getUint32(at + 4, true) / 4) * 4;
  }
  return at + 20;
}

test.run();
