// Cores of other architectures: built ones, those that QEMU writes, and those that gdb makes of QEMU.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { FileSource, openHostFile } from '../../src/cli/file-source.js';
import { CoreMemory } from '../../src/elf/core-memory.js';
import { encodePrstatus } from '../../src/elf/core-writer-notes.js';
import { CoreFile, type CoreSegment } from '../../src/elf/core-writer.js';
import { runCommand } from '../../src/cli/run.js';
import { readCore, type Core } from '../../src/elf/core.js';
import { EM_AARCH64, EM_RISCV, PT_LOAD } from '../../src/elf/format.js';
import { readHeader } from '../../src/elf/header.js';

import { readSegments } from '../../src/elf/segments.js';
import { BytesSource, type ByteSource } from '../../src/elf/source.js';
import { Machine, type Task } from '../../src/index.js';
import { buildCore } from './core-builder.js';
import { CrashDirectory } from './crash.js';
import { symbolValue } from './symbols.js';

const test = suite('elf/machines');
const page = new Uint8Array(4096).fill(7);
const directory = new CrashDirectory();
test.after(() => directory.remove());

const read = (spec: Parameters<typeof buildCore>[0]): Core =>
  readCore(new BytesSource('core', buildCore(spec)));
const word = (regs: Uint8Array, offset: number): bigint =>
  new DataView(regs.buffer, regs.byteOffset).getBigUint64(offset, true);

const rows = [
  { machine: EM_AARCH64, regs: 272, name: 'aarch64', sp: 31n, pc: 32n },
  { machine: EM_RISCV, regs: 256, name: 'riscv64', sp: 2n, pc: 0n },
];
for (const { machine, regs, name, sp, pc } of rows) {
  test(`the notes of a core of ${name} are read by its sizes`, () => {
    const core = read({ machine, regs, loads: [{ vaddr: 0x10000n, bytes: page }] });
    assert.is(core.machine.name, name);
    const [thread] = core.threads;
    if (thread === undefined) return assert.unreachable();
    assert.is(thread.regs.length, regs);
    assert.is(word(thread.regs, core.machine.spOffset), sp);
    assert.is(word(thread.regs, core.machine.pcOffset), pc);
  });
  test(`registers that are too few for ${name} are refused`, () => {
    const least = 112 + regs + 8;
    const short = { machine, regs: regs - 8, loads: [] };
    assert.throws(
      () => read(short),
      new RegExp(`NT_PRSTATUS has ${least - 8} bytes, not the ${least}`),
    );
  });
}

test('memory beyond 47 bits is read, but no machine holds it: it is refused by name', async () => {
  const core = read({
    machine: EM_AARCH64,
    regs: 272,
    loads: [{ vaddr: 0xfffff7ff0000n, bytes: page }],
  });
  assert.equal(new CoreMemory(core, () => null).read(0xfffff7ff0ff8, 8), page.slice(0, 8));
  const machine = await Machine.create();
  const before = machine.stats();
  assert.throws(
    () => machine.loadCore(core),
    /^core: offset 0x[0-9a-f]+: 0xfffff7ff0000-0xfffff7ff1000 of the aarch64 process lies beyond 0x7ffffffff000/,
  );
  assert.equal(machine.stats(), before);
});

const limits: [number, number, bigint, boolean][] = [
  [EM_AARCH64, 272, 0xffffffffff000n, true],
  [EM_AARCH64, 272, 0x10000000000000n, false],
  [EM_RISCV, 256, 0x7ffffffff000n, true],
  [EM_RISCV, 256, 0x800000000000n, false],
];
for (const [machine, regs, vaddr, ok] of limits) {
  test(`0x${vaddr.toString(16)} is ${ok ? 'an' : 'no'} address of machine ${machine}`, () => {
    const spec = { machine, regs, loads: [{ vaddr, bytes: page }] };
    if (ok) assert.is(read(spec).mappings.length, 1);
    else assert.throws(() => read(spec), /lies outside user space$/);
  });
}

/** A test with tools of another architecture, or a line that says why not. */
function crossTest(
  arch: string,
  tools: readonly string[],
  name: string,
  run: (program: string) => void | Promise<void>,
): void {
  const gcc = `${arch}-linux-gnu-gcc`;
  const missing = [gcc, ...tools].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
  if (missing.length > 0)
    return console.log(`SKIPPED elf/machines: ${name}: no ${missing.join(', ')}`);
  test(name, () => run(directory.build('stack', ['-g', '-static', '-pthread'], gcc)));
}

/** The registers and the memory of the process of stack.c, whatever CPU it ran on. */
async function checkStackProcess(core: Core, program: string, argument: number): Promise<Task> {
  const symbol = (name: string): bigint => symbolValue(openHostFile(program), name);
  const [thread] = core.threads;
  if (thread === undefined) return assert.unreachable() as never;
  const { pcOffset } = core.machine;
  const into = word(thread.regs, pcOffset) - symbol('leaf');
  assert.ok(into >= 0n && into < 0x20n, `pc is ${into} bytes into leaf()`);
  assert.is(word(thread.regs, argument), 0x1234n);
  const machine = await Machine.create();
  const [task] = machine.loadCore(core, { open: openHostFile }).threads as [Task];
  const text = (addr: bigint, length: number): string => {
    const bytes = new Uint8Array(length);
    task.open('/proc/self/mem').pread(bytes, addr);
    return new TextDecoder().decode(bytes);
  };
  assert.is(text(symbol('label'), 11), 'in the data');
  assert.is(text(task.load64(symbol('note')), 11), 'on the heap');
  return task;
}

/** The command line names the registers as the processor does. */
async function checkCommands(core: Core, path: string): Promise<void> {
  const { pcOffset } = core.machine;
  const pc = word(core.threads[0]?.regs ?? new Uint8Array(0), pcOffset);
  let out = '';
  let err = '';
  const io = {
    out: (text: string | Uint8Array) => void (out += text),
    err: (text: string) => void (err += text),
    color: false,
    columns: 80,
  };
  assert.is(await runCommand(['info', path, '--json'], io), 0, err);
  assert.is(JSON.parse(out).threads[0].pc, `0x${pc.toString(16)}`);
  assert.is(await runCommand(['read', '$x0', '4', '-c', path], io), 1);
  assert.match(err, /^procmem: 0x1234: nothing is mapped there/);
}

/** What gdb sees of a core, whatever it is called. */
function gdbSees(program: string, core: string): string {
  const commands = ['bt', 'info threads', 'p label', 'p note', 'info registers'];
  const args = commands.flatMap((line) => ['-ex', line]);
  const seen = execFileSync('gdb-multiarch', ['-batch', '-nx', ...args, program, core], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // QEMU tells of the signal in one thread only, where gdb does not look.
  return seen.replace(/^Program terminated.*\n/m, '');
}

crossTest(
  'aarch64',
  ['qemu-aarch64-static', 'gdb-multiarch'],
  'a core of aarch64 that QEMU wrote is loaded and written again',
  async (program) => {
    const command = ['-c', 'ulimit -c unlimited && exec qemu-aarch64-static "$0"', program];
    spawnSync('sh', command, { cwd: directory.path });
    const name = readdirSync(directory.path).find((file) => /^qemu_.*\.core$/.test(file));
    if (name === undefined) return assert.unreachable('QEMU left no core');
    const path = join(directory.path, name);
    const core = readCore(new FileSource(path));
    assert.is(core.machine.name, 'aarch64');
    assert.is(core.threads.length, 3);
    const task = await checkStackProcess(core, program, 0);
    // QEMU names no files: text that it did not dump is nowhere.
    const text = symbolValue(openHostFile(program), 'leaf');
    assert.throws(() => task.open('/proc/self/mem').pread(new Uint8Array(4), text), /^EIO: /);
    await checkCommands(core, path);
    const again = join(directory.path, 'again-aarch64');
    writeFileSync(again, task.writeCore({ signal: 11 }));
    const expected = gdbSees(program, path);
    assert.match(expected, /#0 .*leaf[^]*#1 .*middle[^]*#2 .*main/);
    assert.match(expected, /"on the heap"/);
    assert.is(gdbSees(program, again), expected);
  },
);

/** The segments of a core as whole pages: gdb, told of no maps, writes a segment for each section. */
function asPages(source: ByteSource): CoreSegment[] {
  const pages = new Map<bigint, Uint8Array>();
  for (const { type, vaddr, offset, filesz } of readSegments(source, readHeader(source))) {
    if (type !== PT_LOAD) continue;
    source.read(offset, filesz).forEach((byte, i) => {
      const addr = vaddr + BigInt(i);
      const start = addr & ~4095n;
      const bytes = pages.get(start) ?? new Uint8Array(4096);
      pages.set(start, bytes);
      bytes[Number(addr - start)] = byte;
    });
  }
  const sorted = [...pages].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([vaddr, bytes]) => {
    const contents = (): { offset: number; bytes: Uint8Array }[] => [{ offset: 0, bytes }];
    return { vaddr, memsz: 4096, filesz: 4096, flags: 6, contents };
  });
}

/** struct user_regs_struct of riscv64, by gdb's names. */
const RISCV_REGS =
  'pc ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6';

/** NT_PRSTATUS of the registers that gdb prints: what it writes itself has those of its own CPU. */
function riscvStatus(printed: string): Uint8Array {
  const values = RISCV_REGS.split(' ').map((name) => {
    const value = new RegExp(`^${name} +0x([0-9a-f]+)`, 'm').exec(printed)?.[1];
    assert.ok(value !== undefined, `gdb prints no ${name}`);
    return BigInt(`0x${value}`);
  });
  const regs = new Uint8Array(BigUint64Array.from(values).buffer);
  const numbers = { tid: 100, ppid: 1, pgrp: 1, sid: 1, signal: 5, pending: 0n, blocked: 0n };
  return encodePrstatus({ ...numbers, regs, hasFpregs: false });
}

crossTest(
  'riscv64',
  ['qemu-riscv64-static', 'gdb-multiarch', 'eu-readelf'],
  'registers and memory of a riscv64 process under QEMU are loaded, and gdb and elfutils read them',
  async (program) => {
    const port = 20000 + (process.pid % 20000);
    const qemu = spawn('qemu-riscv64-static', ['-g', String(port), program], { stdio: 'ignore' });
    const dump = join(directory.path, 'gdb-riscv64');
    const commands = [`target remote :${port}`, 'break leaf', 'continue', 'info registers'];
    const script = [
      'set tcp connect-timeout 20',
      ...commands,
      `generate-core-file ${dump}`,
      'kill',
    ];
    const args = script.flatMap((line) => ['-ex', line]);
    const printed = execFileSync('gdb-multiarch', ['-batch', '-nx', ...args, program], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    qemu.kill();
    const notes = [riscvStatus(printed)];
    const segments = asPages(new FileSource(dump));
    const file = new CoreFile({ machine: EM_RISCV, notes, segments });
    const core = readCore(new BytesSource('core', file.toBytes()));
    assert.is(core.machine.name, 'riscv64');
    const task = await checkStackProcess(core, program, 10 * 8);
    const again = join(directory.path, 'again-riscv64');
    writeFileSync(again, task.writeCore({ signal: 5 }));
    const seen = gdbSees(program, again);
    assert.match(seen, /#0 .*leaf \(where=.*0x1234\)[^]*"in the data"[^]*"on the heap"/);
    const pc = word(core.threads[0]?.regs ?? new Uint8Array(8), 0);
    const read = execFileSync('eu-readelf', ['-n', again], { encoding: 'utf8' });
    assert.match(read, new RegExp(`CORE +376 +PRSTATUS[^]*pc: +0x0*${pc.toString(16)}\\b`));
  },
);

test.run();
