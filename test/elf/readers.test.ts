// What gdb, lldb and elfutils make of the cores that a machine writes: the same as of the kernel's own.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { openHostFile } from '../../src/cli/file-source.js';
import { CoreMemory } from '../../src/elf/core-memory.js';
import { patchCore } from '../../src/elf/core-patch.js';
import { readCore } from '../../src/elf/core.js';
import { BytesSource } from '../../src/elf/source.js';
import { Machine, type Task } from '../../src/index.js';
import { CrashDirectory, whyNoKernelCore } from './crash.js';

const test = suite('elf/readers');
const reason = whyNoKernelCore();
const directory = reason === null ? new CrashDirectory() : null;
test.after(() => directory?.remove());

interface Cores {
  readonly program: string;
  readonly kernel: string;
  readonly ours: string;
  /** The same, of the process loaded without any file: all it has is in the core. */
  readonly alone: string;
}

let made: Cores | undefined;
async function cores(): Promise<Cores> {
  if (made !== undefined) return made;
  if (directory === null) throw new Error(String(reason));
  const flags = ['-g', '-fno-omit-frame-pointer', '-pthread'];
  const program = directory.build('stack', flags);
  const source = directory.crash(program, []);
  const write = async (name: string, open: typeof openHostFile): Promise<string> => {
    const core = readCore(source);
    const [first] = (await Machine.create()).loadCore(core, { open }).threads as [Task];
    const siginfo = core.threads[0]?.siginfo ?? new Uint8Array(128);
    const path = join(directory.path, name);
    writeFileSync(path, first.writeCore({ signal: 11, siginfo }));
    return path;
  };
  const ours = await write('ours', openHostFile);
  const alone = await write('alone', () => null);
  made = { program, kernel: source.name, ours, alone };
  return made;
}

/** A test with a tool, or a line that says why not. */
function toolTest(tool: string, name: string, run: (cores: Cores) => void): void {
  const missing = spawnSync(tool, ['--version']).status !== 0 ? `no ${tool}` : null;
  const why = reason ?? missing;
  if (why !== null) console.log(`SKIPPED elf/readers: ${name}: ${why}`);
  else test(name, async () => run(await cores()));
}

function output(tool: string, args: readonly string[]): string {
  return execFileSync(tool, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const GDB = [
  'bt',
  'info threads',
  'thread apply all bt',
  'info registers',
  'p label',
  'p note',
  'info sharedlibrary',
  'p $_siginfo._sifields._sigfault.si_addr',
  'info auxv',
];
/** All but the mask registers of AVX-512, which the machine's CPU does not have. */
const gdb = (program: string, core: string): string => {
  const commands = GDB.flatMap((line) => ['-ex', line]);
  return output('gdb', ['-batch', '-nx', ...commands, program, core]).replace(/^k[0-7] .*\n/gm, '');
};

toolTest('gdb', 'gdb sees in our core what it sees in the kernel’s', (made) => {
  const expected = gdb(made.program, made.kernel);
  assert.match(expected, /#0 .*leaf[^]*#1 .*middle[^]*#2 .*main/);
  assert.match(expected, /"on the heap"/);
  assert.is(gdb(made.program, made.ours), expected);
  assert.is(gdb(made.program, made.alone), expected);
});

/** The kernel's core with another byte in the instruction that crashed: a page that it had not dumped. */
function patchedCore({ kernel }: Cores): string {
  const bytes = readFileSync(kernel);
  const core = readCore(new BytesSource(kernel, bytes));
  const memory = new CoreMemory(core, openHostFile);
  const regs = core.threads[0]?.regs ?? new Uint8Array(216);
  const pc = Number(new DataView(regs.buffer, regs.byteOffset).getBigUint64(16 * 8, true));
  const patches = patchCore(core, pc, new Uint8Array([0xcc]), (addr) => memory.read(addr, 4096));
  if ('why' in patches) throw new Error(patches.why);
  const path = `${kernel}.patched`;
  copyFileSync(kernel, path);
  const fd = openSync(path, 'r+');
  for (const patch of patches) writeSync(fd, patch.bytes, 0, patch.bytes.length, patch.offset);
  closeSync(fd);
  return path;
}

toolTest('gdb', 'gdb reads a core to which a page was added, and the new byte in it', (made) => {
  const path = patchedCore(made);
  const args = ['-batch', '-nx', '-ex', 'bt', '-ex', 'x/xb $pc', made.program, path];
  assert.match(
    output('gdb', args),
    /#0 .*leaf[^]*#1 .*middle[^]*#2 .*main[^]*<leaf(?:\+\d+)?>:\t0xcc\n/,
  );
});

toolTest('eu-stack', 'eu-stack unwinds a core to which a page was added as before', (made) => {
  const path = patchedCore(made);
  const named = (text: string): string => text.replace(/^PID.*\n/, '');
  assert.is(named(euStack(path)), named(euStack(made.kernel)));
});

toolTest('eu-readelf', 'our core has the memory that the kernel’s has, and no more', (made) => {
  const dumped = (path: string) =>
    readCore(new BytesSource(path, readFileSync(path))).mappings.map((mapping) => [
      mapping.start,
      mapping.end,
      mapping.dumped,
    ]);
  assert.equal(dumped(made.ours), dumped(made.kernel));
});

const euStack = (core: string): string => output('eu-stack', ['-v', '--core', core]);

toolTest('eu-stack', 'eu-stack unwinds every thread of our core as of the kernel’s', (made) => {
  const expected = euStack(made.kernel);
  assert.match(expected, /#0 .*leaf[^]*#1 .*middle[^]*#2 .*main/);
  assert.is(expected.match(/^TID /gm)?.length, 3);
  assert.is(euStack(made.ours), expected);
  assert.is(euStack(made.alone), expected);
});

/**
 * Headers and notes, but for what a core does not tell a machine (times, process groups) and what the CPU
 * underneath has more of (the size of its xsave area).
 */
const euReadelf = (core: string): string =>
  output('eu-readelf', ['-n', '-h', core])
    .replace(/^.*(?:X86_XSTATE|<unknown>: 517|Note segment of|[us]time: ).*\n/gm, '')
    .replace(/ppid: \d+, pgrp: \d+, sid: \d+/g, '')
    .replace(/flag: 0x\w+/, '');

toolTest(
  'eu-readelf',
  'eu-readelf reads the notes of our core as those of the kernel’s',
  (made) => {
    const expected = euReadelf(made.kernel);
    assert.match(expected, /SIGINFO/);
    assert.is(euReadelf(made.ours), expected);
    assert.is(euReadelf(made.alone), expected);
  },
);

toolTest('eu-readelf', 'eu-readelf reads a core of more segments than 16 bits count', () => {
  const path = join(directory?.path ?? '', 'many');
  writeFileSync(path, manyMappings.writeCore());
  const header = output('eu-readelf', ['-h', path]);
  assert.match(header, /program headers entries: +65535 \(70002 in \[0\]\.sh_info\)/);
  assert.is(output('eu-readelf', ['-lW', path]).match(/^ +LOAD /gm)?.length, 70001);
});

const lldb = (program: string, core: string): string =>
  output('lldb', [
    '-b',
    '-o',
    'thread backtrace all',
    '-o',
    'register read',
    '-o',
    'p note',
    program,
    '-c',
    core,
  ]).replaceAll(core, 'CORE');

toolTest('lldb', 'lldb sees in our core what it sees in the kernel’s', (made) => {
  const expected = lldb(made.program, made.kernel);
  assert.match(expected, /leaf[^]*middle[^]*main/);
  assert.match(expected, /"on the heap"/);
  assert.is(lldb(made.program, made.ours), expected);
});

const many = await Machine.create();
const manyMappings = many.spawn({ comm: 'many' });
many.sysctl('vm.max_map_count', 100000);
for (let i = 0; i < 70000; i++) {
  manyMappings.mmap({ addr: 0x10000000 + i * 8192, length: 4096, flags: 0x12 | 0x20 });
}

test('a core of more mappings than 16 bits count is read back', () => {
  const { mappings } = readCore(new BytesSource('many', manyMappings.writeCore()));
  assert.is(mappings.length, 70000);
  assert.is(mappings.at(-1)?.start, 0x10000000 + 69999 * 8192);
});

test.run();
