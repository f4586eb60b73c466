import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import type { Core } from '../../src/elf/core.js';
import { readCore } from '../../src/elf/core.js';
import { BytesSource } from '../../src/elf/source.js';
import { ElfError, LinuxError, Machine, PageFault } from '../../src/index.js';
import { buildCore } from '../elf/core-builder.js';
import { exampleCore, exampleExecutable } from '../elf/example.js';

const test = suite('api/load-core');
const PATH = '/tmp/crash/thumbnail';
const open = (path: string) => (path === PATH ? exampleExecutable() : null);

/** What a read of 8 bytes at `addr` through the process's own mem file gives: bytes, or an error. */
async function readMem(core: Core, addr: number): Promise<number[] | string> {
  const machine = await Machine.create();
  const [task] = machine.loadCore(core).threads;
  const bytes = new Uint8Array(8);
  try {
    const n = task?.open('/proc/self/mem').pread(bytes, addr);
    return [...bytes.subarray(0, n)];
  } catch (error) {
    if (error instanceof LinuxError) return error.code;
    throw error;
  }
}

test('a process comes back with its numbers, name, user and threads', async () => {
  const machine = await Machine.create();
  const core = readCore(exampleCore());
  const { threads } = machine.loadCore(core, { open });
  assert.equal(
    threads.map(({ pid, tid }) => [pid, tid]),
    core.threads.map(({ tid }) => [core.process.pid, tid]),
  );
  assert.is(threads[0]?.comm, 'thumbnail');
  assert.is(threads[0]?.uids.real, 1000);
  assert.equal(threads[1]?.struct.regs, core.threads[1]?.regs);
  assert.is(core.threads[1]?.fpregs?.length, 512);
  assert.equal(threads[1]?.struct.fpregs, core.threads[1]?.fpregs);
});

test('maps shows the mappings of the core with their names', async () => {
  const machine = await Machine.create();
  const core = readCore(exampleCore());
  const [task] = machine.loadCore(core, { open }).threads;
  const lines = task?.readText('/proc/self/maps').trimEnd().split('\n') ?? [];
  const shown = lines.map((line) => {
    const [range = '', perms = '', , , , path = ''] = line.split(/ +/);
    return `${range} ${perms} ${path}`.trimEnd();
  });
  const hex = (n: number) => n.toString(16).padStart(8, '0');
  const paths = ['[heap]', '[vvar]', '[vvar_vclock]', PATH, PATH, PATH, PATH, '', '[stack]'];
  const expected = core.mappings.map(({ start, end, perms }, i) =>
    `${hex(start)}-${hex(end)} ${perms}p ${paths[i]}`.trimEnd(),
  );
  assert.equal(shown.slice(0, expected.length), expected);
});

test('every dumped byte reads as in the core', async () => {
  const machine = await Machine.create();
  const { threads, core, areas } = machine.loadCore(readCore(exampleCore()), { open });
  const mem = threads[0]?.open('/proc/self/mem');
  for (const mapping of core.mappings) {
    if (areas.vvar.includes(mapping)) continue;
    const bytes = new Uint8Array(mapping.dumped);
    if (bytes.length === 0) continue;
    assert.is(mem?.pread(bytes, mapping.start), bytes.length);
    assert.equal(bytes, core.source.read(mapping.offset, mapping.dumped));
  }
});

test('text that was not dumped comes from the executable at its path', async () => {
  const machine = await Machine.create();
  const { threads, core } = machine.loadCore(readCore(exampleCore()), { open });
  const [task] = threads;
  const text = core.mappings.find(({ perms }) => perms === 'r-x')?.start ?? 0;
  const expected = exampleExecutable().read(0x1000, 64);
  assert.equal(task?.load(text, 64), expected);
  assert.equal(task?.readFile(PATH), exampleExecutable().read(0, 1 << 20));
  assert.is(task?.readlink('/proc/self/exe'), PATH);
});

test('the command line, the environment and the auxiliary vector are found again', async () => {
  const machine = await Machine.create();
  const core = readCore(exampleCore());
  const [task] = machine.loadCore(core, { open }).threads;
  assert.is(task?.readText('/proc/self/cmdline'), './thumbnail\0');
  assert.is(task?.readText('/proc/self/environ'), '');
  assert.equal(task?.readFile('/proc/self/auxv'), core.auxv);
});

test('memory that is in neither the core nor a file is EIO through mem, SIGBUS to a load', async () => {
  const machine = await Machine.create();
  const { threads, core } = machine.loadCore(readCore(exampleCore()));
  const text = core.mappings.find(({ perms }) => perms === 'r-x')?.start ?? 0;
  const mem = threads[0]?.open('/proc/self/mem');
  assert.throws(() => mem?.pread(new Uint8Array(8), text), /^EIO: /);
  assert.throws(
    () => threads[0]?.load8(text),
    (error: unknown) => error instanceof PageFault && error.signal === 'SIGBUS',
  );
});

const page = new Uint8Array(4096).fill(7);
const anonymous = [{ vaddr: 0x10000n, bytes: page, memsz: 0x3000 }];
const library = [{ start: 0x10000, end: 0x13000, page: 0, path: '/lib/gone.so' }];
const rows: [string, Core, number, number[] | string][] = [
  ['dumped', readBuilt({ loads: anonymous }), 0x10ff8, Array<number>(8).fill(7)],
  ['dumped up to the end', readBuilt({ loads: anonymous }), 0x10ffc, Array<number>(4).fill(7)],
  ['not dumped', readBuilt({ loads: anonymous }), 0x11000, 'EIO'],
  [
    'the dumped part of a file',
    readBuilt({ loads: anonymous, files: library }),
    0x10000,
    Array<number>(8).fill(7),
  ],
  ['the rest of that file', readBuilt({ loads: anonymous, files: library }), 0x12ff8, 'EIO'],
  ['of a file left out altogether', readBuilt({ loads: [], files: library }), 0x10000, 'EIO'],
];
for (const [what, core, addr, expected] of rows) {
  test(`memory that is ${what} reads as such`, async () => {
    assert.equal(await readMem(core, addr), expected);
  });
}

function readBuilt(spec: Parameters<typeof buildCore>[0]): Core {
  return readCore(new BytesSource('core', buildCore(spec)));
}

test('a file that is not the one of the crash is not used', async () => {
  const machine = await Machine.create();
  const other = (path: string) =>
    path === PATH ? new BytesSource(path, new Uint8Array(20000).fill(1)) : null;
  const { found, missing } = machine.loadCore(readCore(exampleCore()), { open: other });
  assert.equal(found, []);
  assert.equal(missing, [PATH]);
});

test('a process that does not fit is ENOMEM and leaves nothing behind', async () => {
  const machine = await Machine.create({ memory: 4 * 2 ** 20 });
  const before = machine.stats();
  const big = [{ vaddr: 0x10000n, bytes: new Uint8Array(8 * 2 ** 20).fill(1) }];
  assert.throws(() => machine.loadCore(readBuilt({ loads: big })), /^ENOMEM: /);
  assert.equal(machine.stats().framesInUse, before.framesInUse);
  assert.equal(machine.stats().tasks, before.tasks);
});

test('a damaged core that still reads also loads, traces and exits', async () => {
  const machine = await Machine.create();
  const before = machine.stats();
  const loads = [
    { vaddr: 0x10000n, bytes: page, memsz: 0x3000 },
    { vaddr: 0x20000n, bytes: page, flags: 5 },
  ];
  const whole = buildCore({ loads, files: library, tids: [100, 101] });
  const headers = whole.length - 2 * page.length;
  const damage = fc.array(fc.tuple(fc.nat(headers - 1), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = whole.slice();
      for (const [at, value] of changes) bytes[at] = value;
      try {
        const { threads } = machine.loadCore(readCore(new BytesSource('core', bytes)));
        threads[0]?.readText('/proc/self/maps');
        threads[0]?.exit();
      } catch (error) {
        assert.ok(error instanceof ElfError || error instanceof LinuxError, String(error));
      }
    }),
    { numRuns: 500 },
  );
  assert.is(machine.stats().framesInUse, before.framesInUse);
  assert.is(machine.stats().tasks, before.tasks);
});

test('a process gives all its frames back when it exits', async () => {
  const machine = await Machine.create();
  const before = machine.stats().framesInUse;
  const [task] = machine.loadCore(readCore(exampleCore())).threads;
  task?.exit();
  assert.is(machine.stats().framesInUse, before);
});

test.run();
