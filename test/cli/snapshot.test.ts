import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { FileSource } from '../../src/cli/file-source.js';
import { runCommand } from '../../src/cli/run.js';
import { LinuxError, Machine } from '../../src/index.js';

const test = suite('cli/snapshot');
const dir = mkdtempSync(join(tmpdir(), 'procmem-snapshot-'));
test.after(() => rmSync(dir, { recursive: true }));
const output = join(dir, 'out');

async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const status = await runCommand(['snapshot', ...argv], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    color: false,
    columns: 80,
  });
  return { status, out, err };
}

const rows: [what: string, argv: string[], message: RegExp][] = [
  ['nothing', [], /^procmem: the number of one process; usage: procmem snapshot PID -o FILE/],
  ['a word', ['me', '-o', output], /^procmem: the number of one process; usage/],
  ['no output', ['1'], /^procmem: -o is missing; usage/],
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
    const { status, err } = await run(String(child.pid), '-o', output);
    const host = (name: string) => readFileSync(`/proc/${child.pid}/${name}`);
    const [cmdline, auxv, state] = [host('cmdline'), host('auxv'), host('stat').toString('latin1')];
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    assert.is(status, 0, err);
    assert.match(err, /^procmem: .*out: \d+ bytes of memory(?:; \d+ pages cannot be read)?\n$/);
    assert.ok(!/\) T /.test(state));
    assert.is(statSync(output).mode & 0o777, 0o600);
    const machine = await Machine.restore(new FileSource(output));
    const frames = machine.stats().framesInUse;
    assert.ok(frames * 4096 < statSync(output).size / 4, `${frames} frames`);
    const task = machine.task(child.pid ?? 0);
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
}

test.run();
