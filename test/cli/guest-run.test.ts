// `procmem run` as it is run: programs of ours for RISC-V, compiled here.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { ROOT } from '../house/tree.js';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const CC = 'riscv64-linux-gnu-gcc';
/** Where the cross compiler has its libraries. */
const SYSROOT = '/usr/riscv64-linux-gnu/lib';
const INTERPRETER = 'ld-linux-riscv64-lp64d.so.1';

const test = suite('cli/guest-run');
const dir = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'guest-run-')));
const path = (name: string): string => join(dir, name);

const has = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined;

function compile(compiler: string, source: string, to: string, ...options: string[]): void {
  const from = join(ROOT, 'test', 'cli', 'programs', source);
  const made = spawnSync(compiler, ['-O1', '-w', ...options, '-o', path(to), from]);
  if (made.status !== 0) throw new Error(String(made.stderr));
}

/** Runs a command line: what it wrote, and how it ended. */
function run(args: readonly string[], input = '', limit = 60_000) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'run', ...args], {
    input,
    encoding: 'utf8',
    timeout: limit,
    maxBuffer: 2 ** 26,
  });
  return { status, stdout, stderr };
}

/** A test that needs tools; without them it says so. */
function needs(tools: readonly string[], title: string, body: () => void | Promise<void>): void {
  const missing = tools.filter((tool) => !has(tool));
  if (missing.length === 0) return void test(title, body);
  console.log(`SKIPPED cli/guest-run, ${title}: no ${missing.join(', ')}`);
  test.skip(title);
}

if (has(CC)) {
  compile(CC, 'modes.c', 'modes', '-static');
  compile(CC, 'modes.c', 'dynamic');
}

/** A tree with what a dynamic program needs. */
function makeRoot(): string {
  const root = path('root');
  fs.mkdirSync(join(root, 'lib'), { recursive: true });
  fs.mkdirSync(join(root, 'usr', 'bin'), { recursive: true });
  for (const name of [INTERPRETER, 'libc.so.6']) {
    fs.copyFileSync(join(SYSROOT, name), join(root, 'lib', name));
  }
  fs.copyFileSync(path('dynamic'), join(root, 'usr', 'bin', 'dynamic'));
  return root;
}

needs([CC], 'the program gets its arguments, a small environment, and its status is ours', () => {
  const { status, stdout, stderr } = run([
    ...['--env', 'A=1', '--cwd', '/tmp', '--uid', '5', path('modes')],
    ...['args', '--help', '-x'],
  ]);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.slice(0, 4), [path('modes'), 'args', '--help', '-x']);
  assert.equal(lines.slice(6), ['A=1', '/tmp 5 5']);
  assert.match(lines[4] ?? '', /^PATH=/);
  assert.is(lines[5], 'HOME=/root');
  assert.equal([status, stderr], [7, '']);
});

needs([CC], 'a signal that ends it is told, and in the status', () => {
  const { status, stderr } = run([path('modes'), 'segv']);
  assert.is(status, 128 + 11);
  assert.is(stderr, `procmem: ${path('modes')}: ended by SIGSEGV\n`);
});

needs([CC], 'bytes go in and out as they are', () => {
  const input = Array.from({ length: 200_000 }, (_, i) => String.fromCharCode(i % 128)).join('');
  const { status, stdout } = run([path('modes'), 'cat'], input);
  assert.is(status, 0);
  assert.ok(stdout === input);
});

needs([CC], 'who writes to nobody gets SIGPIPE', () => {
  const command = `'${process.execPath}' '${CLI}' run '${path('modes')}' flood | head -1; echo "\${PIPESTATUS[0]}"`;
  const { stdout } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
  assert.is(stdout, 'flood\n141\n');
});

needs([CC], 'nothing of the host is visible, but what is mounted', () => {
  fs.mkdirSync(path('mounted'), { recursive: true });
  fs.writeFileSync(join(path('mounted'), 'file'), 'mounted');
  fs.writeFileSync(path('secret'), 'secret');
  fs.symlinkSync('../secret', join(path('mounted'), 'up'));
  fs.symlinkSync(path('secret'), join(path('mounted'), 'abs'));
  const mount = ['--mount', `${path('mounted')}:/m`];
  const seen = ['/m/file', '/m/up', '/m/abs', '/m/../secret', path('secret'), '/etc/hostname'];
  const { stdout } = run([...mount, path('modes'), 'show', ...seen]);
  assert.equal(stdout.trimEnd().split('\n'), [
    '/m/file: mounted',
    ...seen.slice(1).map((name) => `${name}: errno 2`),
  ]);
  run([...mount, path('modes'), 'put', '/m/new', 'written']);
  assert.is(fs.readFileSync(join(path('mounted'), 'new'), 'utf8'), 'written');
  const refused = run([`${mount[0]}=${mount[1]}:ro`, path('modes'), 'put', '/m/new', 'again']);
  assert.is(refused.stdout, 'errno 30\n');
  assert.is(fs.readFileSync(join(path('mounted'), 'new'), 'utf8'), 'written');
});

needs([CC], 'a dynamic program needs a root, which it cannot change', () => {
  const alone = run([path('dynamic'), 'args']);
  assert.is(alone.status, 127);
  assert.match(alone.stderr, /needs \/lib\/ld-linux-riscv64-lp64d\.so\.1, .* give --root DIR/);
  const root = makeRoot();
  const { status, stdout } = run(['--root', root, 'dynamic', 'args']);
  assert.equal([status, stdout.split('\n')[0]], [7, 'dynamic']);
  run(['--root', root, 'dynamic', 'put', '/usr/bin/dynamic', 'gone']);
  run(['--root', root, 'dynamic', 'put', '/new', 'x']);
  assert.equal(fs.readdirSync(root).sort(), ['lib', 'usr']);
  assert.is(run(['--root', root, 'dynamic', 'args']).status, 7);
  const missing = run(['--root', root, 'nope']);
  assert.equal(
    [missing.status, missing.stderr],
    [127, 'procmem: nope: there is no such program in the root\n'],
  );
});

needs([CC], 'the RAM that the program finds is the memory it may have', () => {
  for (const [options, kilobytes] of [
    [[], 4 * 2 ** 20],
    [['--memory', '256M'], 256 * 2 ** 10],
    [['--memory', '64M', '--profile', 'gvisor-2020'], 64 * 2 ** 10],
  ] as const) {
    const { stdout } = run([...options, path('modes'), 'show', '/proc/meminfo']);
    assert.match(stdout, new RegExp(`MemTotal: +${kilobytes} kB`));
  }
});

needs([CC], 'a kernel without /proc/self/mem can be asked for', () => {
  const show = [path('modes'), 'show', '/proc/self/mem', '/proc/self/comm'];
  assert.match(run(show).stdout, /^\/proc\/self\/mem: \n/);
  for (const option of [['--no-mem'], ['--profile', 'gvisor-2020']]) {
    const { stdout } = run([...option, ...show]);
    assert.is(stdout, '/proc/self/mem: errno 2\n/proc/self/comm: modes\n\n', option.join(' '));
  }
});

needs([CC], 'a program that does not end is ended by a limit', () => {
  const late = run(['--time', '0.5', path('modes'), 'spin']);
  assert.is(late.status, 128 + 9);
  assert.is(late.stderr, `procmem: ${path('modes')}: ended after 0.5 seconds (--time)\n`);
  assert.is(run(['--time', '0.3', path('modes'), 'wait']).status, 128 + 9);
  for (const limit of ['10000000', '10M']) {
    const { status, stderr } = run(['--instructions', limit, path('modes'), 'spin']);
    const said = `procmem: ${path('modes')}: ended after 10000000 instructions (--instructions)\n`;
    assert.equal([status, stderr], [137, said]);
  }
});

needs([CC], 'signals are passed on', async () => {
  const child = spawn(process.execPath, [CLI, 'run', path('modes'), 'wait']);
  let text = '';
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString();
    if (text === 'ready\n') child.kill('SIGTERM');
  });
  const [status] = (await once(child, 'exit')) as [number];
  assert.equal([status, text], [40, 'ready\ngot 15\n']);
});

needs([CC, 'script'], 'a terminal is one for the program, and as it was afterwards', () => {
  const command = `'${process.execPath}' '${CLI}' run '${path('modes')}' tty; stty -a | grep -o -- '-\\?icanon'`;
  const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
    input: 'a lime\x7f\x7fne\n',
    encoding: 'utf8',
  });
  const lines = stdout.replaceAll('\r', '').trimEnd().split('\n');
  assert.ok(lines.includes('/dev/pts/0 screen'), stdout);
  assert.ok(lines.includes('read: a line'), stdout);
  assert.is(lines.at(-1), 'icanon');
});

/** Addresses differ, and only x86-64 has restorers. */
const comparable = (line: string): string =>
  line
    .replace(/SA_RESTORER\|/g, '')
    .replace(/, sa_restorer=0x[0-9a-f]+/g, '')
    .replace(/0x[0-9a-f]{5,}/g, 'ADDR');

needs([CC, 'gcc', 'strace'], '--strace prints what strace prints of the same program', () => {
  compile('gcc', 'strace.c', 'strace-native', '-static');
  compile(CC, 'strace.c', 'strace-riscv', '-static');
  const native = path('native.out');
  spawnSync('strace', ['-o', native, path('strace-native')]);
  const since = (text: string): string[] => {
    const lines = text.trimEnd().split('\n');
    return lines.slice(lines.findIndex((line) => line.includes('"/nope"'))).map(comparable);
  };
  const { stderr } = run(['--strace', path('strace-riscv')]);
  const own = since(stderr.replace(/procmem: .*\n$/, ''));
  const real = since(fs.readFileSync(native, 'utf8'));
  assert.ok(real.length > 20, 'strace traced nothing');
  // Here no core is dumped.
  assert.equal(
    own,
    real.map((line) => line.replace(' (core dumped)', '')),
  );
});

needs([CC], '--strace tells what came between in the middle of a call', () => {
  compile(CC, 'strace-threads.c', 'strace-threads', '-static', '-pthread');
  const { stderr } = run(['--strace', '--clock', '2026-01-01', path('strace-threads')]);
  const lines = stderr.replace(/0x[0-9a-f]{4,}/g, 'ADDR').split('\n');
  // As strace -f prints a native one, but for the order of what happens at the same time.
  for (const line of [
    'strace: Process 3 attached',
    '[pid     3] read(3,  <unfinished ...>',
    '[pid     2] clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=0, tv_nsec=20000000},  <unfinished ...>',
    '[pid     2] <... clock_nanosleep resumed>NULL) = 0',
    '[pid     3] <... read resumed>"x", 1)   = 1',
    '[pid     3] ppoll([], 0, NULL, NULL, 0 <unfinished ...>',
    '[pid     2] <... read resumed>"y", 1)   = 1',
    '[pid     3] <... ppoll resumed>)        = ?',
    '[pid     3] +++ killed by SIGTERM +++',
    '[pid     4] read(3,  <unfinished ...>',
    '[pid     2] exit_group(3)               = ?',
    '<... clock_nanosleep resumed> <unfinished ...>) = ?',
    '+++ exited with 3 +++',
  ]) {
    assert.ok(lines.includes(line), `${line}\n${stderr}`);
  }
});

needs([CC], '--strace-summary counts calls, errors and time', () => {
  const { status, stdout, stderr } = run(['--strace-summary', path('modes'), 'args']);
  assert.is(status, 7);
  assert.match(stdout, /args/);
  const [head, rule, ...rows] = stderr.trimEnd().split('\n');
  assert.is(head, '% time     seconds  usecs/call     calls    errors syscall');
  assert.is(rule, '------ ----------- ----------- --------- --------- ----------------');
  assert.ok(
    rows.some((row) => /^ *[\d.]+ +0\.\d{6} +\d+ +1 +exit_group$/.test(row)),
    stderr,
  );
  const calls = rows.map((row) => Number(/^ *[\d.]+ +[\d.]+ +\d+ +(\d+)/.exec(row)?.[1] ?? 0));
  assert.is(
    calls.pop(),
    calls.reduce((sum, each) => sum + each, 0),
  );
});

needs([CC], '--seed and --clock: the same bytes in every run', () => {
  compile(CC, 'repeatable.c', 'repeatable', '-static', '-pthread');
  const args = ['--seed', '3', '--clock', '2026-01-01T00:00:00Z', path('repeatable')];
  const [first, second] = [run(args, 'input'), run(args, 'input')];
  assert.equal(first, second);
  assert.match(first.stdout, /^1767225600\n/);
  const other = run(['--seed', '4', ...args.slice(2)], 'input');
  assert.not.equal(other.stdout, first.stdout);
  const [time] = run([...args.slice(0, 3), '5', path('repeatable')]).stdout.split('\n');
  assert.is(time, '5');
});

/** Command lines that make no sense, and what is said of them. */
const WRONG: readonly (readonly [args: string[], said: RegExp])[] = [
  [[], /which program\?/],
  [['--profile', 'linux-6.19', 'x'], /no kernel "linux-6\.19" \(did you mean linux-6\.18\?\)/],
  [['--mount', 'nowhere', 'x'], /--mount nowhere: not HOST:GUEST/],
  [['--mount', '/nope/nope:/m', CLI], /--mount .*: there is no such directory/],
  [['--memory', '1', 'x'], /--memory: 1 is not from 2M to 4G/],
  [['--clock', 'soon', 'x'], /--clock: "soon" is no moment, such as 2026-01-01/],
  [['--seed', 'x', 'x'], /--seed: "x" is no number from 0/],
  [['--time', 'soon', 'x'], /--time: "soon" is no number of seconds/],
  [['--env', 'A', CLI], /--env A: not NAME=VALUE/],
  [['--rot', '/', 'x'], /unknown option --rot \(did you mean --root\?\)/],
  [['--root', '/nope/nope', 'x'], /--root \/nope\/nope: there is no such directory/],
  [['--cwd', '/nope', CLI], /--cwd \/nope: there is no such directory/],
  [['--instructions', '0', CLI], /--instructions: "0" is no number from 1/],
  [['--instructions', '5X', CLI], /--instructions: "5X" is no number from 1/],
  [['--mount', `${tmpdir()}:/proc`, CLI], /--mount .*:\/proc: something is mounted there already/],
  [['--mount', `${tmpdir()}:/a/../dev/`, CLI], /something is mounted there already/],
  [['-m', `${tmpdir()}:/m`, '-m', `${tmpdir()}:/m/`, CLI], /:\/m\/: something is mounted there/],
];

test('a command line that makes no sense is refused in a line', () => {
  for (const [args, said] of WRONG) {
    const { status, stdout, stderr } = run(args);
    assert.equal([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, said);
    assert.is(stderr.split('\n').length, 2, stderr);
  }
});

test('the status says whether a program is not there, or cannot be executed', () => {
  for (const [program, status, said] of [
    ['/nope/nope', 127, 'procmem: /nope/nope: there is no such file\n'],
    [tmpdir(), 126, `procmem: ${tmpdir()}: is no file\n`],
  ] as const) {
    const ended = run([program]);
    assert.equal([ended.status, ended.stdout, ended.stderr], [status, '', said]);
  }
});

test('what is no program for RISC-V is refused, with the processor that it is for', () => {
  const bytes = fs.readFileSync(process.execPath).subarray(0, 4096);
  for (const [name, machine, said] of [
    ['x86', 62, 'is a program for x86-64, not for 64-bit RISC-V Linux'],
    ['arm', 183, 'is a program for aarch64, not for 64-bit RISC-V Linux'],
    ['sparc', 43, 'is no program for 64-bit RISC-V Linux'],
    ['cut', null, 'is no program for 64-bit RISC-V Linux'],
  ] as const) {
    const path = join(dir, name);
    if (machine !== null) bytes.writeUInt16LE(machine, 18);
    fs.writeFileSync(path, machine === null ? bytes.subarray(0, 40) : bytes, { mode: 0o755 });
    const { status, stderr } = run([path]);
    assert.equal([status, stderr], [126, `procmem: ${path}: ${said} (ENOEXEC)\n`]);
  }
});

test('the directory goes', () => {
  fs.rmSync(dir, { recursive: true });
});

test.run();
