// `procmem bt` against eu-stack, frame for frame: addresses and names. Programs crash here.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { runCommand } from '../../src/cli/run.js';

const test = suite('unwind/eu-stack');
const PROGRAMS = fileURLToPath(new URL('../../../test/unwind/programs/', import.meta.url));

/** What is done to the program `p` before it runs. */
const STRIP = 'strip p';
/** As Fedora does it: the functions that .dynsym does not have, packed into the program itself. */
const MINI_DEBUG = [
  "nm -D p --format=posix --defined-only | awk '{print $1}' | sort > dynamic",
  "nm p --format=posix --defined-only | awk '$2 ~ /[Tt]/ {print $1}' | sort > functions",
  'comm -13 dynamic functions > keep',
  'objcopy --only-keep-debug p p.debug',
  'objcopy -S --remove-section .comment --keep-symbols=keep p.debug p.mini',
  'xz -f p.mini',
  'objcopy --strip-all p',
  'objcopy --add-section .gnu_debugdata=p.mini.xz p',
].join(' && ');

/** Its symbols in a file that the program names; no build id, so that only the name leads there. */
const LINK = [
  'rm -rf .debug p.debug',
  'objcopy --only-keep-debug p p.debug',
  'strip p',
  'objcopy --remove-section .note.gnu.build-id --add-gnu-debuglink=p.debug p',
].join(' && ');

const rows: [what: string, build: string, then?: string][] = [
  ['signal frames and threads', 'gcc threads.c -O1 -pthread'],
  ['threads without PIE', 'gcc threads.c -O2 -no-pie -fno-pie -pthread'],
  ['no frame pointers', 'gcc calls.c -O2 -fomit-frame-pointer -fno-optimize-sibling-calls'],
  ['an exception nobody catches', 'g++ exception.cc -O1'],
  ['exceptions in flight', 'g++ flight.cc -O1'],
  ['exceptions in flight, optimised', 'g++ flight.cc -O2'],
  ['a stripped program', 'g++ flight.cc -O1', STRIP],
  ['a stripped C program', 'gcc threads.c -O1 -pthread', STRIP],
  ['a stripped program with .gnu_debugdata', 'g++ flight.cc -O1', MINI_DEBUG],
  ['a debug file beside the program', 'gcc threads.c -O1 -pthread', LINK],
  [
    'a debug file in .debug beside the program',
    'gcc threads.c -O1 -pthread',
    `${LINK} && mkdir .debug && mv p.debug .debug/`,
  ],
  [
    'a debug file of another program',
    'gcc threads.c -O1 -pthread',
    `${LINK} && printf x >> p.debug`,
  ],
];

const run = (command: string, args: string[], cwd: string) =>
  spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 60_000 });

function obstacle(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'not x86-64 Linux';
  for (const tool of ['gcc', 'g++', 'eu-stack', 'objcopy', 'xz']) {
    if (spawnSync(tool, ['--version']).status !== 0) return `${tool} is not installed`;
  }
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  return pattern === 'core' ? null : `cores go to ${JSON.stringify(pattern)}`;
}

/** Lines of `TID n:` and `#n address name`. */
const traceLines = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => /^(#|TID )/.test(line))
    .map((line) => line.trimEnd());

async function ourLines(core: string): Promise<string[]> {
  let out = '';
  const io = {
    out: (text: unknown) => void (out += text),
    err: () => {},
    color: false,
    columns: 80,
  };
  assert.is(await runCommand(['bt', core], io), 0);
  return traceLines(out);
}

const why = obstacle();
if (why !== null) console.log(`SKIPPED unwind/eu-stack: ${why}`);
else {
  const directory = mkdtempSync(join(tmpdir(), 'procmem-eu-stack-'));
  test.after(() => rmSync(directory, { recursive: true, force: true }));

  const crash = (build: string, then = 'true'): string => {
    const [compiler = '', source = '', ...flags] = build.split(' ');
    const built = run(compiler, [join(PROGRAMS, source), ...flags, '-o', 'p'], directory);
    assert.is(built.status, 0, built.stderr);
    const changed = run('sh', ['-c', then], directory);
    assert.is(changed.status, 0, changed.stderr);
    run('sh', ['-c', 'ulimit -c unlimited; exec ./p'], directory);
    const core = readdirSync(directory).find((file) => /^core(\.\d+)?$/.test(file));
    assert.ok(core, 'no core was written');
    return join(directory, core ?? '');
  };

  for (const [what, build, then] of rows) {
    test(`${what}: every frame is eu-stack's`, async () => {
      const core = crash(build, then);
      const theirs = traceLines(run('eu-stack', ['--core', core], directory).stdout);
      assert.ok(theirs.length > 5, 'eu-stack has a trace');
      assert.equal(await ourLines(core), theirs);
      rmSync(core);
    });
  }

  test('a mini debug section names what stripping took, and its damage only takes the names', async () => {
    const core = crash('g++ flight.cc -O1', MINI_DEBUG);
    const named = await ourLines(core);
    assert.ok(
      named.some((line) => line.includes('std::_Function_handler<int (), main::{lambda()#1}>')),
    );
    rmSync(core);
    // A byte in the middle of the packed data.
    const damage = "printf '\\377' | dd of=p.mini.xz bs=1 seek=300 conv=notrunc 2>/dev/null";
    // The last three digits do not depend on where the program was loaded.
    const addresses = (lines: string[]): string[] => lines.map((line) => line.slice(19, 22));
    const damaged = crash(
      'g++ flight.cc -O1',
      MINI_DEBUG.replace('&& objcopy --strip-all', `&& ${damage} && objcopy --strip-all`),
    );
    assert.equal(addresses(await ourLines(damaged)), addresses(named));
    rmSync(damaged);
  });

  test('a call through a null pointer: eu-stack has one frame, we have its callers too', async () => {
    const core = crash('gcc calls.c -O1 -DNULL_CALL');
    const theirs = traceLines(run('eu-stack', ['--core', core], directory).stdout);
    const ours = await ourLines(core);
    assert.equal(ours.slice(0, theirs.length), theirs);
    assert.equal(
      ours.slice(2, 6).map((line) => line.split(' ').at(-1)),
      ['innermost', 'middle', 'outer', 'main'],
    );
    rmSync(core);
  });
}

test.run();
