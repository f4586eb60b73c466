import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { openSysroot } from '../../src/cli/file-source.js';
import { runCommand } from '../../src/cli/run.js';
import { readCore } from '../../src/elf/core.js';
import { BytesSource } from '../../src/elf/source.js';
import { exampleCore } from '../elf/example.js';

const test = suite('cli/dump');
const dir = mkdtempSync(join(tmpdir(), 'procmem-dump-'));
test.after(() => rmSync(dir, { recursive: true }));
const output = join(dir, 'out');

async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const status = await runCommand(['dump', ...argv], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    color: false,
    columns: 80,
  });
  return { status, out, err };
}

const example = join(dir, 'example');
writeFileSync(example, exampleCore().read(0, Number.MAX_SAFE_INTEGER));

test('a core is loaded and written again, and only its owner may read it', async () => {
  const { status, out, err } = await run(example, '-o', output);
  assert.is(status, 0, err);
  assert.is(out, `${output}: ${statSync(output).size} bytes\n`);
  assert.is(statSync(output).mode & 0o777, 0o600);
  const [ours, theirs] = [
    readCore(new BytesSource('out', readFileSync(output))),
    readCore(exampleCore()),
  ];
  assert.equal(ours.process.comm, theirs.process.comm);
  assert.equal(
    ours.mappings.map(({ start, end, perms, file }) => [start, end, perms, file?.path]),
    theirs.mappings.map(({ start, end, perms, file }) => [start, end, perms, file?.path]),
  );
  assert.equal(
    Buffer.from(ours.threads[0]?.siginfo ?? []),
    Buffer.from(theirs.threads[0]?.siginfo ?? [1]),
  );
});

test('a filter of nothing dumps no memory of the process', async () => {
  assert.is((await run(example, '-o', output, '--filter', '0')).status, 0);
  const { mappings } = readCore(new BytesSource('out', readFileSync(output)));
  const own = mappings.filter(({ perms, file }) => perms === 'rw-' && file === null);
  assert.ok(own.length > 0 && own.every(({ dumped }) => dumped === 0));
});

const whole = exampleCore().read(0, Number.MAX_SAFE_INTEGER);
writeFileSync(join(dir, 'cut'), whole.subarray(0, 1000));
mkdirSync(join(dir, 'directory'));
const rows: [what: string, argv: string[], message: RegExp][] = [
  ['nothing', [], /^procmem: --output names the file to make\n$/],
  ['two', ['a', 'b', '-o', output], /^procmem: dump takes at most one core or snapshot\n$/],
  ['no output', [example], /^procmem: --output names the file to make\n$/],
  [
    'an unknown option',
    [example, '--what'],
    /^procmem: unknown option --what; usage: procmem dump/,
  ],
  [
    'a filter that is none',
    [example, '-o', output, '--filter', '0x200'],
    /--filter: "0x200" is no coredump_filter/,
  ],
  [
    'a filter of words',
    [example, '-o', output, '--filter', 'all'],
    /--filter: "all" is no coredump_filter/,
  ],
  ['no file', [join(dir, 'none'), '-o', output], /none: no such file\n$/],
  ['a core cut short', [join(dir, 'cut'), '-o', output], /cut: offset 0x[0-9a-f]+: \S/],
  [
    'an output that cannot be',
    [example, '-o', join(dir, 'directory')],
    /directory: this is a directory\n$/,
  ],
  [
    'a device as output',
    [example, '-o', '/dev/null'],
    /^procmem: \/dev\/null: not a regular file\n$/,
  ],
  ['its input as output', [example, '-o', example], /example: this is the file that is read\n$/],
  ['no process', ['4194305', '-o', output], /^procmem: \/proc\/4194305\/mem: offset 0x0: \S.*\n$/],
];
for (const [what, argv, message] of rows) {
  test(`${what} is status 2 and one line`, async () => {
    const { status, out, err } = await run(...argv);
    assert.is(status, 2);
    assert.is(out, '');
    assert.match(err, message);
    assert.is(err.match(/\n/g)?.length, 1);
  });
}

test('help does not look for a process', async () => {
  const { status, out } = await run('--help');
  assert.is(status, 0);
  assert.match(out, /^Usage: procmem dump \[PID\|CORE\]/);
});

test('a sysroot holds what is in it, whatever the path', () => {
  mkdirSync(join(dir, 'root/lib'), { recursive: true });
  writeFileSync(join(dir, 'root/lib/a.so'), 'inside');
  writeFileSync(join(dir, 'outside'), 'outside');
  const open = openSysroot(join(dir, 'root'));
  const text = (path: string) => new TextDecoder().decode(open(path)?.read(0, 100) ?? undefined);
  assert.is(text('/lib/a.so'), 'inside');
  assert.is(text('/lib/../lib/a.so'), 'inside');
  assert.is(text('/../../outside'), '');
  assert.is(open('lib/a.so'), null);
});

async function sleeper(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1e6)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

if (process.platform !== 'linux')
  console.log('SKIPPED cli/dump: a process of this computer: no /proc');
else {
  test('a process of this computer is dumped, and runs on', async () => {
    const child = await sleeper();
    const { status, out, err } = await run(String(child.pid), '-o', output);
    const state = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]?.[0];
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    assert.is(status, 0, err);
    assert.match(out, /^\S*out: \d+ bytes(?:; \d+ pages cannot be read)?\n$/);
    assert.ok(state !== 'T');
    const core = readCore(new BytesSource('out', readFileSync(output)));
    assert.is(core.process.pid, child.pid);
    assert.ok(core.threads.length > 1);
    assert.ok(core.mappings.some(({ dumped }) => dumped > 0));
  });

  test('it does not stop itself, which nobody would end', async () => {
    const { status, err } = await run(String(process.pid), '-o', join(dir, 'self'));
    assert.is(status, 2);
    assert.match(err, /offset 0x0: a process that stops itself is never let go\n$/);
    assert.not.ok(existsSync(join(dir, 'self')));
  });

  test('a kernel thread has no memory to dump', async () => {
    const { status, err } = await run('2', '-o', join(dir, 'kthread'));
    assert.is(status, 2);
    assert.match(err, /^procmem: \/proc\/2\/mem: offset 0x0: no memory: a kernel thread, or /);
    assert.not.ok(existsSync(join(dir, 'kthread')));
  });
}

test.run();
