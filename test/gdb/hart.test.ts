// gdb-multiarch on a process that the machine's hart runs: it stops, steps and goes on.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { listenForGdb } from '../../src/cli/gdb-server.js';
import { PT_LOAD } from '../../src/elf/format.js';
import { readHeader } from '../../src/elf/header.js';
import { readSegments } from '../../src/elf/segments.js';
import { BytesSource } from '../../src/elf/source.js';
import { asciiBytes, framePacket } from '../../src/gdb/packet.js';
import { GdbSession } from '../../src/gdb/session.js';
import { Machine, MachineTarget, readCore, type Task } from '../../src/index.js';
import { Debugger } from './debuggee.js';

const test = suite('gdb/hart');
const SOURCE = fileURLToPath(new URL('../../../test/gdb/programs/hart.c', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'procmem-hart-'));
const program = join(directory, 'hart');
test.after(() => rmSync(directory, { recursive: true, force: true }));

const STACK = 0x7f0000000;
const PAGE = 4096;

/** The program in a machine, before its first instruction. */
async function start(): Promise<{ machine: Machine; task: Task }> {
  const machine = await Machine.create();
  const task = machine.spawn({ comm: 'hart' });
  const source = new BytesSource(program, readFileSync(program));
  const header = readHeader(source);
  for (const { type, vaddr, memsz, filesz, offset } of readSegments(source, header)) {
    if (type !== PT_LOAD) continue;
    const addr = Number(vaddr);
    const base = addr - (addr % PAGE);
    task.mmap({ addr: base, length: addr + memsz - base, prot: 7 });
    task.store(addr, source.read(offset, filesz));
  }
  task.mmap({ addr: STACK - 16 * PAGE, length: 16 * PAGE, prot: 3 });
  task.cpu.pc = header.entry;
  task.cpu.setX(2, STACK);
  return { machine, task };
}

async function debug(machine: Machine, pid: number, commands: readonly string[]): Promise<string> {
  const server = await listenForGdb(machine, {
    ...{ host: '127.0.0.1', port: 0, pid },
    onClient: () => {},
  });
  const all = ['set width 0', 'set confirm off', `target remote ${server.address}`, ...commands];
  const args = all.flatMap((command) => ['-ex', command]);
  try {
    return await new Debugger('gdb-multiarch', ['-nx', '-batch', program, ...args]).ended;
  } finally {
    await server.close();
  }
}

const COMPILER = 'riscv64-linux-gnu-gcc';
const missing = [COMPILER, 'gdb-multiarch'].filter(
  (tool) => spawnSync(tool, ['--version']).status !== 0,
);
if (missing.length > 0) console.log(`SKIPPED gdb/hart: no ${missing.join(', ')}`);
else {
  const flags = ['-g', '-O0', '-static', '-nostdlib', '-ffreestanding', '-o', program, SOURCE];
  const built = spawnSync(COMPILER, flags, { encoding: 'utf8' });

  test('breakpoints, stack traces, steps and the end of a process on the hart', async () => {
    assert.is(built.status, 0, built.stderr);
    const { machine, task } = await start();
    const output = await debug(machine, task.pid, [
      'info registers pc sp',
      'break add if n == 2',
      'continue',
      'bt',
      'print total',
      'finish',
      'delete',
      'stepi',
      'info threads',
      'set var total = 4',
      'continue',
    ]);
    assert.match(output, /^pc +0x[0-9a-f]+\t0x[0-9a-f]+ <_start>$/m);
    assert.match(output, /^sp +0x7f0000000\t/m);
    assert.match(output, /^Breakpoint 1, add \(n=2\) at /m);
    assert.match(output, /^#0 +add \(n=2\).*\n#1 .* in sum \(last=3\).*\n#2 .* in _start \(\) /m);
    assert.match(output, /^\$1 = 1$/m);
    assert.match(output, /^Value returned is \$2 = 3$/m);
    assert.match(output, /^\* 1 +Thread \d+\.\d+ "hart" /m);
    // 4 and the 3 that is still to come, and 30 since getpid() gave a number.
    assert.match(output, /\(process \d+\) exited with code 045\]$/m);
    assert.ok(task.exited);
    assert.equal(machine.check(), []);
  });

  test('what raises a signal stops there, and registers can be set', async () => {
    const { machine, task } = await start();
    const output = await debug(machine, task.pid, [
      'set var $pc = 0x10',
      'continue',
      'print/x $pc',
      'set var $pc = _start',
      'stepi 3',
      'print $pc == (long) _start',
      'print/x $fa0 = 1.5',
      'p $fa0',
    ]);
    assert.match(output, /^Program received signal SIGSEGV, Segmentation fault\.$/m);
    assert.match(output, /^\$1 = 0x10$/m);
    assert.match(output, /^\$2 = 0$/m);
    assert.is(task.cpu.f(10), 0x3ff8000000000000n);
  });

  test('its core is one of riscv64 that gdb reads as it saw the process', async () => {
    const { machine, task } = await start();
    const commands = ['break add', 'continue', 'bt', 'info registers'];
    const live = await debug(machine, task.pid, commands);
    const path = join(directory, 'core');
    const bytes = task.writeCore({ filter: 0x7f });
    assert.is(readCore(new BytesSource('core', bytes)).machine.name, 'riscv64');
    writeFileSync(path, bytes);
    const args = ['-nx', '-batch', '-ex', 'bt', '-ex', 'info registers', program, path];
    const dead = await new Debugger('gdb-multiarch', args).ended;
    // gdb shows the first frame of a core before it is asked to.
    const frames = (text: string): string => /^[^]*(^#0 [^]*^pc .*$)/m.exec(text)?.[1] ?? '';
    assert.match(frames(live), /^#0 .*add[^]*\npc /);
    assert.is(frames(dead), frames(live));
  });
}

test('a loop goes on slice by slice until it is interrupted', async () => {
  const machine = await Machine.create();
  const task = machine.spawn({ comm: 'loop' });
  task.mmap({ addr: 0x10000, length: PAGE, prot: 7 });
  task.store32(0x10000, 0x6f); // j .
  task.cpu.pc = 0x10000;
  const target = new MachineTarget(machine.spawn({ comm: 'gdbserver' }), { pid: task.pid });
  let said = '';
  const session = new GdbSession(target, {
    send: (bytes) => void (said += Buffer.from(bytes).toString('latin1')),
    close: () => {},
  });
  session.receive(framePacket(asciiBytes('c')));
  assert.is(said, '+');
  for (let i = 0; i < 3; i++) {
    const before = task.cpu.instret;
    assert.is(session.advance(), true);
    assert.ok(task.cpu.instret > before);
  }
  session.receive(new Uint8Array([3]));
  assert.match(said, /^\+\$T02thread:/);
  assert.is(session.advance(), false);
  const done = task.cpu.instret;
  session.receive(framePacket(asciiBytes('s')));
  assert.match(said, /\$T05thread:\w+;#\w+$/);
  assert.is(task.cpu.instret, done + 1n);
  session.close();
});

test('a process is of the architecture of its registers', async () => {
  const machine = await Machine.create();
  const target = new MachineTarget(machine.spawn({ comm: 'gdbserver' }));
  const [plain, hart, arm] = ['plain', 'hart', 'arm'].map((comm) => machine.spawn({ comm }));
  if (hart !== undefined) hart.cpu.pc = 0x1000;
  if (arm !== undefined) arm.struct.regs = new Uint8Array(272).fill(3);
  const arches = new Map(target.processes().map(({ pid, arch }) => [pid, arch]));
  assert.is(arches.get(plain?.pid ?? 0), 'x86_64');
  assert.is(arches.get(hart?.pid ?? 0), 'riscv64');
  assert.is(arches.get(arm?.pid ?? 0), 'aarch64');
  assert.is(target.registers(arm?.pid ?? 0, 'general')?.length, 272);
  assert.is(target.registers(arm?.pid ?? 0, 'float'), null);
  assert.throws(() => target.setRegisters(arm?.pid ?? 0, 'general', new Uint8Array(8)), /EINVAL/);
  assert.is(target.run(plain?.pid ?? 0, 1), null);
});

test.run();
