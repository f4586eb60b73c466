// Debian's google-glog prints the stack of a program whose CHECK fails: it reads ELF headers through
// /proc/self/mem. Here without the file every frame is (unknown); with it the trace is qemu's.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { MachineOptions } from '../../src/api/machine-options.js';
import { ROOT } from '../house/tree.js';
import { missingTool } from './programs.js';
import { asGuest, byCommandLine, type CommandEnd, missingRoot, root } from './sysroot.js';

const test = suite('guest/glog');
const EXAMPLES = join(ROOT, 'examples/guest');
const GUEST_PATH = '/usr/bin/glog';
/** 128 and SIGABRT. */
const ABORTED = 134;
/** Frames from the one that logs to the C library's start. */
const NAMES = [
  'google::LogMessage::Fail()',
  'google::LogMessage::SendToLog()',
  'google::LogMessage::Flush()',
  'google::LogMessageFatal::~LogMessageFatal()',
  'shop::PriceOf()',
  'shop::CostOf()',
  'shop::PrintBill()',
  'main',
  // A static function of a library without its symbol table.
  '(unknown)',
  '__libc_start_main',
  '_start',
  '(unknown)',
];

const dir = mkdtempSync(join(tmpdir(), 'procmem-glog-'));
const cross = missingRoot() ?? missingTool('riscv64-linux-gnu-g++');
const qemu = missingRoot() ?? missingTool('qemu-riscv64');

function define(title: string, why: string | null, body: () => Promise<void> | void): void {
  if (why === null) return void test(title, body);
  console.log(`SKIPPED guest/glog, ${title}: ${why}`);
  test.skip(title);
}

/** Compiles the example; returns its path. */
function compile(): string {
  const { status, stderr } = spawnSync('sh', [join(EXAMPLES, 'make-glog.sh'), root(), dir]);
  if (status !== 0) throw new Error(stderr.toString());
  return join(dir, 'glog');
}

const program = cross === null ? compile() : '';

function strip(path: string): string {
  const stripped = join(dir, 'stripped');
  const { status } = spawnSync('riscv64-linux-gnu-strip', ['-o', stripped, path]);
  assert.is(status, 0);
  return stripped;
}

function here(path: string, machine: MachineOptions = {}): ReturnType<typeof asGuest> {
  const bytes = readFileSync(path);
  return asGuest(
    { name: 'glog', argv: [GUEST_PATH] },
    { machine, prepare: (made) => made.addFile(GUEST_PATH, bytes, 0o755) },
  );
}

/** The same file under qemu, as text; its last line is qemu's own word on the signal. */
function underQemu(path: string): string {
  const { stderr } = spawnSync('qemu-riscv64', ['-L', root(), path], { env: { TZ: 'UTC0' } });
  return stderr.toString().replace(/^qemu: uncaught target signal 6.*\n/m, '');
}

function namesOf({ stderr }: Pick<CommandEnd, 'stderr'>): string[] {
  return [...stderr.matchAll(/^ +@ +\S+ {2}(.*)$/gm)].map(([, name = '']) => name);
}

/** Times, process ids and addresses are not the program's; their width is. */
function withoutNumbers(text: string): string {
  return text
    .replace(/^([IF])\d{8} \d\d:\d\d:\d\d\.\d{6} +\d+ /gm, '$1DATE TIME PID ')
    .replace(
      /^( +@ )( +0x[0-9a-f]+)/gm,
      (_, at: string, addr: string) => at + ''.padStart(addr.length, '#'),
    );
}

define('without /proc/self/mem every frame is unknown', cross, async () => {
  for (const machine of [{ procMem: false }, { profile: 'gvisor-2020' }] as const) {
    const end = await here(program, machine);
    assert.is(end.status, ABORTED, end.stderr);
    assert.equal(
      namesOf(end),
      NAMES.map(() => '(unknown)'),
    );
  }
});

define('with it the functions have their names', cross, async () => {
  const end = await here(program);
  assert.is(end.status, ABORTED, end.stderr);
  assert.equal(namesOf(end), NAMES);
  assert.ok(end.guest.instructions > 1e6, `${end.guest.instructions} instructions`);
});

define('the trace is qemu’s but for addresses, time and process id', cross ?? qemu, async () => {
  const end = await here(program);
  assert.is(withoutNumbers(end.stderr), withoutNumbers(underQemu(program)));
  // The comparison sees names: one that is missing makes a difference.
  assert.is.not(
    withoutNumbers((await here(program, { procMem: false })).stderr),
    withoutNumbers(end.stderr),
  );
});

define(
  'a stripped program keeps its own frames unknown, and the library’s named',
  cross ?? qemu,
  async () => {
    const stripped = strip(program);
    const end = await here(stripped);
    // main is among the dynamic symbols, which stripping leaves.
    const own = [4, 5, 6, 10];
    assert.equal(
      namesOf(end),
      NAMES.map((name, i) => (own.includes(i) ? '(unknown)' : name)),
    );
    assert.is(withoutNumbers(end.stderr), withoutNumbers(underQemu(stripped)));
  },
);

define('procmem run says the same, with --no-mem and without', cross, () => {
  const row = { name: 'glog', argv: ['/mnt/glog'] };
  const named = byCommandLine(row, '--mount', `${dir}:/mnt:ro`);
  assert.is(named.status, ABORTED, named.stderr);
  assert.equal(namesOf(named), NAMES);
  const unknown = byCommandLine(row, '--mount', `${dir}:/mnt:ro`, '--no-mem');
  assert.equal(
    namesOf(unknown),
    NAMES.map(() => '(unknown)'),
  );
});

test.after(() => rmSync(dir, { recursive: true }));

test.run();
