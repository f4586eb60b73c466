// --exe: the program of a core that names no files, as QEMU's user mode writes them, or of one that was moved.
import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { runCommand } from '../../src/cli/run.js';
import { Machine } from '../../src/index.js';
import { CrashDirectory, whyNoKernelCore } from '../elf/crash.js';

const test = suite('cli/exe');
const directory = new CrashDirectory();
test.after(() => directory.remove());
const SYSROOT = '/usr/aarch64-linux-gnu';

async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const status = await runCommand(argv, {
    out: (text) => void (out += typeof text === 'string' ? text : Buffer.from(text).toString()),
    err: (text) => void (err += text),
    ...{ color: false, columns: 200 },
  });
  return { status, out, err };
}

const namesOf = (trace: string): string[] =>
  [...trace.matchAll(/^#\d+ +0x[0-9a-f]+ (\S+)/gm)].map(([, name = '']) => name);
const addressesOf = (trace: string): string[] => trace.match(/0x[0-9a-f]{16}/g) ?? [];

/** The core that QEMU writes of the program when it crashes. */
function qemuCore(program: string): string {
  const shell = 'ulimit -c unlimited && exec qemu-aarch64-static -L "$1" "$0"';
  spawnSync('sh', ['-c', shell, program, SYSROOT], { cwd: directory.path });
  const found = readdirSync(directory.path).find((file) => /^qemu_.*\.core$/.test(file));
  if (found === undefined) throw new Error('QEMU left no core');
  return join(directory.path, found);
}

const TOOLS = ['aarch64-linux-gnu-gcc', 'qemu-aarch64-static', 'eu-stack'];
const missing = TOOLS.filter((tool) => spawnSync(tool, ['--version']).status !== 0);
const crossTest = (name: string, body: () => Promise<void>): void => {
  if (missing.length === 0) test(name, body);
  else console.log(`SKIPPED cli/exe: ${name}: no ${missing.join(', ')}`);
};

crossTest('the stack of a core of QEMU is eu-stack’s with the same program', async () => {
  const program = directory.build('stack', ['-g', '-static', '-pthread'], 'aarch64-linux-gnu-gcc');
  const core = qemuCore(program);
  const theirs = spawnSync('eu-stack', ['--core', core, '-e', program], { encoding: 'latin1' });
  const without = await run('bt', core);
  const ours = await run('bt', core, '--exe', program);
  const [, first = ''] = ours.out.split('TID ');
  const [, expected = ''] = theirs.stdout.split('TID ');
  // What QEMU's stack begins with has no symbol in it for eu-stack.
  assert.equal(addressesOf(first), addressesOf(expected));
  assert.equal(namesOf(first).slice(0, 3), ['leaf', 'middle', 'main']);
  assert.equal(namesOf(without.out), []);
  assert.ok(addressesOf(without.out).length < addressesOf(ours.out).length);
  const info = JSON.parse((await run('info', core, '-e', program, '--json')).out);
  assert.is(info.executable, program);
  assert.equal(info.files, { found: [program], missing: [] });
  const maps = (await run('maps', core, '-e', program, '--proc')).out;
  assert.match(maps, new RegExp(` r-xp 00000000 .* ${program}$`, 'm'));
  const text = await run('read', '$pc', '4', '--raw', '-c', core, '-e', program);
  assert.is(text.status, 0, text.err);
  rmSync(core);
});

crossTest('libraries are found where the linker lists them, below the sysroot', async () => {
  const program = directory.build('stack', ['-g', '-pthread'], 'aarch64-linux-gnu-gcc');
  const core = qemuCore(program);
  const alone = await run('bt', core, '-e', program, '-m');
  const all = await run('bt', core, '-e', program, '-m', '--sysroot', SYSROOT);
  assert.not.match(alone.out, /libc\.so\.6/);
  assert.match(all.out, / - \/lib\/libc\.so\.6$/m);
  assert.match((await run('maps', core, '-e', program, '--sysroot', SYSROOT)).out, /ld-linux/);
  rmSync(core);
});

crossTest('a program of another processor, or place, is refused with what is wrong', async () => {
  const program = directory.build('stack', ['-static', '-pthread'], 'aarch64-linux-gnu-gcc');
  const core = qemuCore(program);
  const other = directory.build(
    'stack',
    ['-static', '-pthread', '-Wl,-Ttext-segment=0x800000'],
    'aarch64-linux-gnu-gcc',
  );
  const rows: [file: string, message: RegExp][] = [
    [process.execPath, /offset 0x12: the process ran on aarch64, this program does not\n$/],
    [other, /offset 0x18: not the program of this core, which began elsewhere\n$/],
  ];
  for (const [file, message] of rows)
    assert.match((await run('bt', core, '-e', file)).err, message);
  rmSync(core);
});

test('a snapshot and no core at all take no program', async () => {
  const snapshot = join(directory.path, 'snapshot');
  const machine = await Machine.create();
  machine.spawn({ comm: 'one' });
  writeFileSync(snapshot, machine.snapshot());
  const refused = await run('info', snapshot, '--exe', process.execPath);
  assert.is(refused.status, 2);
  assert.match(refused.err, /^procmem: --exe: \S+ is a snapshot, and has its program/);
  assert.match((await run('info', '--exe', process.execPath)).err, /--exe names the program of a/);
});

const noCore = whyNoKernelCore();
if (noCore !== null) console.log(`SKIPPED cli/exe: a program that was moved: ${noCore}`);
else {
  test('a program that was moved is given, and one that is another is refused', async () => {
    const program = directory.build('stack', ['-g', '-pthread']);
    const core = directory.crash(program, []).name;
    const expected = (await run('bt', core)).out;
    const moved = join(directory.path, 'moved');
    copyFileSync(program, moved);
    rmSync(program);
    assert.not.equal(namesOf((await run('bt', core)).out), namesOf(expected));
    assert.is((await run('bt', core, '--exe', moved)).out, expected);
    const rows: [file: string, message: RegExp][] = [
      [process.execPath, /not the (program of this core|file that was)/],
      [core, /offset 0x10: this is a core file, no program\n$/],
      [join(directory.path, 'nowhere'), /: no such file\n$/],
      [directory.path, /: not a regular file\n$/],
    ];
    for (const [file, message] of rows) {
      const { status, out, err } = await run('bt', core, '--exe', file);
      assert.is(status, 2, file);
      assert.is(out, '');
      assert.match(err, message);
    }
  });
}

test.run();
