import { spawn, spawnSync } from 'node:child_process';
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

import { FileSource } from '../../src/cli/file-source.js';
import { runCommand } from '../../src/cli/run.js';
import { LinuxError, Machine, MAP_FIXED, MAP_PRIVATE, PROT_READ } from '../../src/index.js';
import { hostDirectory } from '../../src/node.js';

const test = suite('cli/snapshot');
const dir = mkdtempSync(join(tmpdir(), 'procmem-snapshot-'));
test.after(() => rmSync(dir, { recursive: true }));
const output = join(dir, 'out');

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  return await runAny(['snapshot', ...argv]);
}

async function runAny(argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const status = await runCommand(argv, {
    out: (text) => void (out += typeof text === 'string' ? text : Buffer.from(text).toString()),
    err: (text) => void (err += text),
    color: false,
    columns: 80,
  });
  return { status, out, err };
}

const rows: [what: string, argv: string[], message: RegExp][] = [
  ['nothing', [], /^procmem: which process\?; usage: procmem snapshot PID -o FILE/],
  ['a word', ['me', '-o', output], /^procmem: "me" is no number of a process; usage/],
  ['no output', ['1'], /^procmem: --output names the file to make\n$/],
  ['no process', ['4194305', '-o', output], /^procmem: \/proc\/4194305\/mem: offset 0x0: \S.*\n$/],
  ['an output that cannot be', [String(process.pid), '-o', dir], /: this is a directory\n$/],
];
for (const [what, argv, message] of rows) {
  test(`${what} is status 2 and one line`, async () => {
    const { status, err } = await run(...argv);
    assert.is(status, 2);
    assert.match(err, message);
    assert.not.ok(existsSync(output));
  });
}

if (process.platform !== 'linux') console.log('SKIPPED cli/snapshot: no /proc of processes here');
else {
  test('a running process is copied, restored with few frames, and has its memory', async () => {
    const needle = ['in', 'a', 'haystack'].join('-');
    const code = `globalThis.kept = Buffer.from('${needle}'); console.log(1); setInterval(() => {}, 1e6)`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    const { status, out, err } = await run(String(child.pid), '-o', output);
    const host = (name: string) => readFileSync(`/proc/${child.pid}/${name}`);
    const [cmdline, auxv, state] = [host('cmdline'), host('auxv'), host('stat').toString('latin1')];
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    assert.is(status, 0, err);
    assert.match(out, /^\S*out: \d+ bytes(?:; \d+ pages cannot be read)?\n$/);
    assert.ok(!/\) T /.test(state));
    assert.is(statSync(output).mode & 0o777, 0o600);
    const machine = await Machine.restore(new FileSource(output));
    const frames = machine.stats().framesInUse;
    assert.ok(frames * 4096 < statSync(output).size / 4, `${frames} frames`);
    const task = machine.task(child.pid ?? 0);
    assert.is(task?.readlink('/proc/self/exe'), process.execPath);
    if (task === null) return assert.unreachable();
    assert.equal(Buffer.from(task.readFile('/proc/self/cmdline')), cmdline);
    assert.equal(Buffer.from(task.readFile('/proc/self/auxv')), auxv);
    const mem = task.open('/proc/self/mem');
    let found = 0;
    for (const line of task.readText('/proc/self/maps').split('\n')) {
      const [range = '', perms = ''] = line.split(' ');
      const [start = 0, end = 0] = range.split('-').map((hex) => parseInt(hex, 16));
      if (perms !== 'rw-p' || end - start > 2 ** 28) continue;
      for (let at = start; at < end; at += 2 ** 16) {
        const bytes = new Uint8Array(Math.min(2 ** 16, end - at));
        try {
          if (Buffer.from(bytes.subarray(0, mem.pread(bytes, at))).includes(needle)) found += 1;
        } catch (error) {
          if (!(error instanceof LinuxError)) throw error;
        }
      }
    }
    assert.ok(found > 0);
    assert.equal(machine.check(), []);
  });

  test('every command that takes a core takes a snapshot, by its bytes or its name', async () => {
    const child = spawn('sleep', ['1000']);
    await once(child, 'spawn');
    const host = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, 'utf8');
    while (!host('cmdline').startsWith('sleep') || !host('stat').includes(') S ')) await pause();
    const json = await run(String(child.pid), '-o', output, '--json');
    const ranges = host('maps').match(/^[0-9a-f]+-[0-9a-f]+ \S+/gm);
    const stack = spawnSync('eu-stack', ['-p', String(child.pid)], { encoding: 'latin1' }).stdout;
    child.kill('SIGKILL');
    assert.is(JSON.parse(json.out).output, output);
    assert.is(JSON.parse(json.out).bytes > 0, true);
    const command = async (...argv: string[]) => {
      const ran = await runAny(argv);
      assert.is(ran.err, '', argv.join(' '));
      return ran;
    };
    const info = JSON.parse((await command('info', output, '--json')).out);
    assert.is(info.process.pid, child.pid);
    assert.is(info.process.comm, 'sleep');
    const maps = (await command('maps', '--snapshot', output, '--proc')).out;
    assert.equal(maps.match(/^[0-9a-f]+-[0-9a-f]+ \S+/gm), ranges);
    const trace = await command('bt', '--core', output, '--pid', String(child.pid));
    assert.match(trace.out, /^#0 .*nanosleep/m);
    const addresses = (text: string) => text.match(/0x[0-9a-f]{16}/g);
    if (stack !== '') assert.equal(addresses(trace.out), addresses(stack));
    const argument = await command('search', '--text', 'sleep\\0', '[stack]', '-c', output);
    assert.is(argument.status, 1);
    const found = await command(
      'search',
      '--hex',
      '736c656570003130303000',
      '[stack]',
      '-c',
      output,
    );
    const [address = ''] = found.out.split(' ');
    const patched = `${output}2`;
    await command('write', `0x${address}`, '--text', 'speel', '-c', output, '-o', patched);
    const read = await command('read', `0x${address}`, '6', '--raw', '-c', patched);
    assert.is(read.out, 'speel\0');
    assert.is((await command('read', `0x${address}`, '6', '--raw', '-c', output)).out, 'sleep\0');
    assert.is((await runAny(['explain', output, '--uid', '0'])).status, 0);
    assert.match((await runAny(['explain', output, '--yama', '1'])).err, /a snapshot has its own/);
    const own = await runAny(['dump', output, '-o', output]);
    assert.match(own.err, /: this is the file that is read\n$/);
    await command('dump', output, '-o', patched);
    assert.match((await runAny(['maps', '--snapshot', patched])).err, /this is no snapshot\n$/);
    assert.equal(addresses((await command('bt', patched)).out), addresses(trace.out));
    assert.match((await command('demo', output, '--json')).out, /"function": "[^"]*nanosleep/);
  });
}

if (spawnSync('python3', ['--version']).status !== 0)
  console.log('SKIPPED cli/snapshot: no python3');
else {
  test('shared memory of a running process stays shared, and can be written', async () => {
    const code = [
      'import mmap, os, time',
      'm = mmap.mmap(-1, 8192); m[0:6] = b"shared"',
      'f = os.memfd_create("made"); os.ftruncate(f, 4096); n = mmap.mmap(f, 4096); n[0:4] = b"memf"',
      'print(1, flush=True); time.sleep(1000)',
    ].join('\n');
    const child = spawn('python3', ['-c', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const maps = readFileSync(`/proc/${child.pid}/maps`, 'latin1');
    const { status, err } = await run(String(child.pid), '-o', output);
    child.kill('SIGKILL');
    assert.is(status, 0, err);
    const machine = await Machine.restore(new FileSource(output));
    const task = machine.task(child.pid ?? 0);
    const shape = (text: string) =>
      text.match(/^[0-9a-f]+-[0-9a-f]+ \S+(?= [0-9a-f]+ \S+ \d+ +\/(?:dev\/zero|memfd))/gm);
    const ours = task?.readText('/proc/self/maps') ?? '';
    assert.is(shape(maps)?.length, 2);
    assert.equal(shape(ours), shape(maps));
    const mem = machine.spawn({ uid: 0 }).open(`/proc/${child.pid}/mem`, 'r+');
    const texts = (shape(maps) ?? []).map((row) => {
      const at = parseInt(row, 16);
      const bytes = new Uint8Array(6);
      mem.pread(bytes, at);
      mem.pwrite(new Uint8Array([88]), at + 5);
      return [Buffer.from(bytes).toString('latin1'), task?.load(at + 5, 1)[0]];
    });
    assert.equal(texts.sort(), [
      ['memf\0\0', 88],
      ['shared', 88],
    ]);
    assert.equal(machine.check(), []);
    // What was written stays: another snapshot has it.
    const again = await Machine.restore(machine.snapshot());
    const first = parseInt(shape(maps)?.[0] ?? '', 16);
    assert.is(again.task(child.pid ?? 0)?.load(first + 5, 1)[0], 88);
    assert.equal(again.check(), []);
  });
}

test('of several processes in a snapshot --pid chooses one', async () => {
  const machine = await Machine.create();
  const tasks = ['first', 'second'].map((comm) => machine.spawn({ comm }));
  tasks.forEach((task) => task.mmap({ addr: 0x10000, length: 4096, prot: 3 }));
  tasks[1]?.store32(0x10000, 0x64636261);
  writeFileSync(output, machine.snapshot());
  const pids = tasks.map(({ pid }) => pid);
  const list = `${pids[0]} \\(first\\), ${pids[1]} \\(second\\)`;
  const rows: [argv: string[], status: number, text: RegExp][] = [
    [[], 2, new RegExp(`has 2 processes, choose by --pid: ${list}\\n$`)],
    [['--pid', '9'], 2, new RegExp(`no process 9; there are ${list}\\n$`)],
    [['--pid', 'x'], 2, new RegExp(`no process x; there are ${list}\\n$`)],
    [['--pid', String(pids[1])], 0, /^abcd$/],
  ];
  for (const [argv, status, text] of rows) {
    const ran = await runAny(['read', '0x10000', '4', '--raw', '-c', output, ...argv]);
    assert.is(ran.status, status);
    assert.match(ran.out + ran.err, text);
  }
  assert.match((await runAny(['maps', '--pid', '1'])).err, /--pid names a process of a snapshot/);
});

test('a snapshot of a machine over a directory of the host is looked into without that', async () => {
  const root = join(dir, 'root');
  mkdirSync(root);
  writeFileSync(join(root, 'data'), 'x'.repeat(8192));
  const machine = await Machine.create({ root: hostDirectory(root) });
  machine.mountHost('/more', hostDirectory(root));
  const task = machine.spawn({ comm: 'one' });
  const files = ['/data', '/more/data'].map((path, i) => {
    const file = task.open(path);
    const addr = 0x10_0000 * (i + 1);
    task.mmap({ addr, length: 8192, prot: PROT_READ, flags: MAP_PRIVATE | MAP_FIXED, file });
    task.load8(addr);
    return [path, addr] as const;
  });
  writeFileSync(output, machine.snapshot());
  rmSync(root, { recursive: true });
  for (const command of ['info', 'maps']) {
    const { status, out, err } = await runAny([command, output]);
    assert.equal([status, err], [0, ''], command);
    if (command === 'maps') for (const [path] of files) assert.match(out, path);
  }
  for (const [, addr] of files) {
    const { status, out } = await runAny(['read', `0x${addr.toString(16)}`, '16', '-c', output]);
    assert.is(status, 0);
    assert.match(out, 'xxxxxxxxxxxxxxxx');
    const lost = await runAny(['read', `0x${(addr + 4096).toString(16)}`, '16', '-c', output]);
    assert.is(lost.status, 1, lost.out);
  }
});

test('a snapshot that is cut is said to be, and where', async () => {
  writeFileSync(output, (await Machine.create()).snapshot().subarray(0, 5000));
  const { err } = await runAny(['info', output]);
  assert.match(err, /out: offset 0x1388: cut short, \d+ bytes were written\n$/);
});

test('a snapshot that is damaged is one line with its name and status 2', async () => {
  const machine = await Machine.create();
  machine.spawn({ comm: 'one' });
  const bytes = machine.snapshot();
  bytes[5000] = (bytes[5000] ?? 0) ^ 1;
  for (const damaged of [bytes, bytes.subarray(0, 100)]) {
    writeFileSync(output, damaged);
    const { status, out, err } = await runAny(['info', output]);
    assert.is(status, 2);
    assert.is(out, '');
    assert.match(err, /^procmem: \S+out: [^\n]+\n$/);
  }
});

test.run();
