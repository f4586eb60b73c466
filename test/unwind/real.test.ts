// Traces of real crashes against gdb's, address by address. Programs are compiled and crash here.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { readCore } from '../../src/elf/core.js';
import { CoreMemory } from '../../src/elf/core-memory.js';
import { BytesSource } from '../../src/elf/source.js';
import { parseMaps } from '../../src/unwind/maps.js';
import { registersFromUser } from '../../src/unwind/registers.js';
import { unwind } from '../../src/unwind/unwind.js';

const test = suite('unwind/real');
const PROGRAMS = fileURLToPath(new URL('../../../test/unwind/programs/', import.meta.url));

const rows: [string, string, string][] = [
  ['threads', 'gcc', 'threads.c -O1 -pthread'],
  ['threads without PIE', 'gcc', 'threads.c -O2 -no-pie -fno-pie -pthread'],
  ['no frame pointers', 'gcc', 'calls.c -O2 -fomit-frame-pointer -fno-optimize-sibling-calls'],
  ['a call through null', 'gcc', 'calls.c -O1 -DNULL_CALL'],
  ['a static executable', 'gcc', 'calls.c -O0 -static'],
  ['frame pointers alone', 'gcc', 'calls.c -O0 -fno-asynchronous-unwind-tables'],
  ['an exception', 'g++', 'exception.cc -O1'],
];

const run = (command: string, args: string[], cwd: string) =>
  spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 60_000 });

/** Why real crashes cannot be had here; null when they can. */
function obstacle(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'not x86-64 Linux';
  for (const tool of ['gcc', 'g++', 'gdb']) {
    if (spawnSync(tool, ['--version']).status !== 0) return `${tool} is not installed`;
  }
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  return pattern === 'core' ? null : `cores go to ${JSON.stringify(pattern)}`;
}

/** Addresses of the frames of each thread, by thread id. */
type Traces = Record<number, (bigint | null)[]>;

function ourTraces(core: string): Traces {
  const open = (path: string) =>
    existsSync(path) ? new BytesSource(path, readFileSync(path)) : null;
  const description = readCore(new BytesSource(core, readFileSync(core)));
  const memory = new CoreMemory(description, open);
  const read = (addr: number, length: number) => memory.read(addr, length);
  const maps = parseMaps(memory.maps);
  const trace = (regs: Uint8Array) => unwind(registersFromUser(regs), { read, maps, open });
  return Object.fromEntries(
    description.threads.map(({ tid, regs }) => [tid, trace(regs).frames.map(({ pc }) => pc)]),
  );
}

/** gdb's, without debug information so that it has no inlined frames; null where it prints none. */
function gdbTraces(executable: string, core: string, cwd: string): Traces {
  const commands = [
    'set debug-file-directory /nonexistent',
    'set backtrace past-main on',
    'set print frame-info short-location',
    `file ${executable}`,
    `core ${core}`,
    'thread apply all bt',
  ];
  const { stdout } = run('gdb', ['-nx', '-batch', ...commands.flatMap((c) => ['-ex', c])], cwd);
  const traces: Traces = {};
  let frames: (bigint | null)[] = [];
  for (const line of stdout.split('\n')) {
    const tid = /^Thread \d+ .*\bLWP (\d+)\)/.exec(line)?.[1];
    if (tid !== undefined) traces[Number(tid)] = frames = [];
    const frame = /^#\d+ +(?:(0x[0-9a-f]+) in )?/.exec(line);
    if (frame !== null) frames.push(frame[1] === undefined ? null : BigInt(frame[1]));
  }
  return traces;
}

function compare(executable: string, core: string, cwd: string): void {
  const [ours, theirs] = [ourTraces(join(cwd, core)), gdbTraces(executable, core, cwd)];
  assert.equal(Object.keys(ours), Object.keys(theirs));
  for (const [tid, frames] of Object.entries(theirs)) {
    const mine = ours[Number(tid)] ?? [];
    const masked = mine.map((pc, i) => (frames[i] === null ? null : pc));
    assert.equal(masked, frames, `thread ${tid}`);
  }
}

const why = obstacle();
if (why !== null) console.log(`SKIPPED unwind/real: ${why}`);
else {
  const directory = mkdtempSync(join(tmpdir(), 'procmem-unwind-'));
  test.after(() => rmSync(directory, { recursive: true, force: true }));

  rows.forEach(([what, compiler, args], i) => {
    test(`${what}: every address is gdb's`, () => {
      const [source = '', ...flags] = args.split(' ');
      const name = `program${i}`;
      const built = run(compiler, [join(PROGRAMS, source), ...flags, '-o', name], directory);
      assert.is(built.status, 0, built.stderr);
      run('sh', ['-c', `ulimit -c unlimited; exec ./${name}`], directory);
      const core = readdirSync(directory).find((file) => /^core(\.\d+)?$/.test(file)) ?? 'no core';
      compare(name, core, directory);
      rmSync(join(directory, core));
    });
  });

  test('a sleeping process copied by gcore: every address is gdb’s', () => {
    const script = 'sleep 1000 & gcore -o copy $! >gcore.log 2>&1; kill $!';
    run('bash', ['-c', `${script}`], directory);
    const core = readdirSync(directory).find((file) => file.startsWith('copy.')) ?? 'no copy';
    compare('/usr/bin/sleep', core, directory);
  });
}

test.run();
