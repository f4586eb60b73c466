// Copies that a second thread takes part in: of processes with more memory than most tests' have.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { FileSource } from '../../src/cli/file-source.js';
import { readCore } from '../../src/elf/core.js';
import { Machine } from '../../src/index.js';
import { ROOT } from '../house/tree.js';

const test = suite('cli/copy-memory');
const dir = mkdtempSync(join(tmpdir(), 'procmem-copy-'));
test.after(() => rmSync(dir, { recursive: true }));
const output = join(dir, 'out');

const SIZE = 160 * 2 ** 20;
/** Memory in which no two pages are alike, but for some that were never touched. */
const PROGRAM = `
const words = globalThis.words = new Uint32Array(${SIZE} / 4);
for (let i = 0; i < words.length; i++) if ((i >> 10) % 97 !== 5) words[i] = Math.imul(i + 1, 0x9e3779b1) | 1;
console.log('ready');
setInterval(() => words[0], 1e6);`;

/** The command line as it is installed, and as modules, whose other thread is a module. */
const MAINS = ['dist/cli/main.cjs', 'modules'] as const;
const MODULES = `
  process.argv.splice(1, 0, 'procmem');
  const { runProgram } = await import(${JSON.stringify(join(ROOT, 'dist/src/cli/program.js'))});
  process.exit(await runProgram());`;

async function holder(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Where the words of a process are, by /proc/PID/smaps. */
function wordsOf(pid: number): number {
  const smaps = readFileSync(`/proc/${pid}/smaps`, 'utf8');
  for (const [, start, rss] of smaps.matchAll(
    /^(\w+)-\w+ rw.p 0{8} .*\n(?:.*\n)*?Rss: +(\d+) kB$/gm,
  )) {
    if (Number(rss) * 1024 >= SIZE * 0.95) return parseInt(start as string, 16);
  }
  throw new Error('the process has no such memory');
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{ status: number | null; out: string; err: string }>;
}

/** Starts a command in a process of its own; `shell` goes before it. */
function start(main: (typeof MAINS)[number], args: readonly string[], shell = ''): Running {
  const node = main === 'modules' ? ['--input-type=module', '-e', MODULES, '--'] : [main];
  const child = spawn(
    'sh',
    ['-c', `${shell} exec "$@"`, 'sh', process.execPath, ...node, ...args],
    {
      cwd: ROOT,
    },
  );
  let [out, err] = ['', ''];
  child.stdout.on('data', (text) => void (out += text));
  child.stderr.on('data', (text) => void (err += text));
  const ended = once(child, 'close').then(([status]) => ({ status, out, err }));
  return { child, ended };
}

const state = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0] ?? '';

/** Offsets at which the memory differs from that of the process. */
function differences(pid: number, addr: number, read: (at: number) => Uint8Array): string[] {
  const mem = openSync(`/proc/${pid}/mem`, 'r');
  const theirs = new Uint8Array(2 ** 20);
  const different: string[] = [];
  for (let at = 0; at < SIZE; at += theirs.length) {
    readSync(mem, theirs, 0, theirs.length, BigInt(addr + at) as unknown as number);
    if (Buffer.compare(theirs, read(at)) !== 0) different.push(at.toString(16));
  }
  return different;
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.log('SKIPPED cli/copy-memory: no processes of x86-64 Linux');
} else {
  for (const main of MAINS) {
    test(`two threads copy all of a large process: ${main}`, async () => {
      const child = await holder();
      const pid = child.pid ?? 0;
      const addr = wordsOf(pid);
      const snapshot = await start(main, ['snapshot', String(pid), '-o', output]).ended;
      assert.is(snapshot.status, 0, snapshot.err);
      const machine = await Machine.restore(new FileSource(output));
      const mem = machine.task(pid)?.open('/proc/self/mem');
      const page = (at: number): Uint8Array => {
        const bytes = new Uint8Array(2 ** 20);
        mem?.pread(bytes, addr + at);
        return bytes;
      };
      assert.equal(differences(pid, addr, page), []);
      const dump = await start(main, ['dump', String(pid), '-o', output]).ended;
      assert.is(dump.status, 0, dump.err);
      const source = new FileSource(output);
      const { mappings } = readCore(source);
      const mapping = mappings.find(({ start, end }) => start <= addr && addr < end);
      const offset = (mapping?.offset ?? 0) + addr - (mapping?.start ?? 0);
      assert.equal(
        differences(pid, addr, (at) => source.read(offset + at, 2 ** 20)),
        [],
      );
      assert.is.not(state(pid), 'T');
      await kill(child);
    });
  }

  for (const command of ['snapshot', 'dump']) {
    test(`${command}: a file that may not become so large is told once, and is gone`, async () => {
      const child = await holder();
      const args = [command, String(child.pid), '-o', output];
      // In blocks of 512 bytes: 100 MiB.
      const { status, err } = await start(MAINS[0], args, 'ulimit -f 204800;').ended;
      assert.is(status, 2);
      assert.match(err, /^procmem: \S+out: a file may not become so large\n$/);
      assert.not.ok(existsSync(output));
      assert.is.not(state(child.pid ?? 0), 'T');
      await kill(child);
    });

    test(`${command}: when it is interrupted, there is no file and the process runs on`, async () => {
      const child = await holder();
      const pid = child.pid ?? 0;
      const running = start(MAINS[0], [command, String(pid), '-o', output]);
      while (state(pid) !== 'T') await new Promise((resolve) => setTimeout(resolve, 1));
      running.child.kill('SIGTERM');
      const { status, err } = await running.ended;
      assert.equal([status, err], [1, '']);
      assert.not.ok(existsSync(output));
      assert.is.not(state(pid), 'T');
      await kill(child);
    });

    test(`${command}: a process that is killed meanwhile is told, and there is no file`, async () => {
      const child = await holder();
      const pid = child.pid ?? 0;
      const running = start(MAINS[0], [command, String(pid), '-o', output]);
      while (state(pid) !== 'T') await new Promise((resolve) => setTimeout(resolve, 1));
      await kill(child);
      const { status, err } = await running.ended;
      assert.is(status, 2, err);
      assert.match(err, /^procmem: \/proc\/\d+\/\S+: offset 0x[0-9a-f]+: [^\n]+\n$/);
      assert.not.ok(existsSync(output));
    });
  }
}

test.run();
