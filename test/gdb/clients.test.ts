// gdb and lldb as they are, over a socket, on the process of a program that crashed here.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { Crash, Debugger, gdb, lldb, obstacle, Served } from './debuggee.js';

const test = suite('gdb/clients');

/** What each of a few lines of output must look like. */
function checkOutput(output: string, expected: readonly (string | RegExp)[]): void {
  for (const line of expected) {
    const found = typeof line === 'string' ? output.includes(line) : line.test(output);
    assert.ok(found, `${String(line)} is not in:\n${output}`);
  }
}

/** The address that gdb prints of an expression. */
async function addressOf(served: Served, expression: string): Promise<bigint> {
  const output = await gdb(served.address, [`printf "at %#lx\\n", ${expression}`, 'detach']).ended;
  const [, address] = /^at (0x[0-9a-f]+)$/m.exec(output) ?? assert.unreachable(output) ?? [];
  return BigInt(address ?? 0);
}

/** Commands of gdb and what they print. */
const questions: [command: string, expected: (string | RegExp)[]][] = [
  ['bt', [/#0 .* leaf \(nothing=0x0, depth=7\)/, /#1 .* middle \(depth=7\)/, /#2 .* main \(\)/]],
  ['info threads', [/\* 1 +Thread \d+\.\d+ .*leaf/, /  2 +Thread \d+\.\d+ .*pause/]],
  ['thread apply all bt', [/ waiter \(argument=0x0\)/, / start_thread /]],
  ['info proc mappings', [/r-xp +\S+\/debuggee/, /rw-p +\[heap\]/, /rw-p +\[stack\]/]],
  ['info proc', [/cmdline = '.\/debuggee'/, /exe = '.*\/debuggee'/]],
  ['info auxv', [/AT_ENTRY .* 0x[0-9a-f]+/, /AT_EXECFN .* ".\/debuggee"/, /AT_NULL/]],
  ['info sharedlibrary', [/Yes .*\/libc\.so\.6/, /ld-linux-x86-64\.so\.2/]],
  ['x/s secret', ['"the needle in the haystack"']],
  ['x/3dw &counter', [/<counter>:\t42/]],
  ["find &secret, +sizeof(secret), 'n', 'e', 'e', 'd', 'l', 'e'", [/<secret\+4>\n1 pattern found/]],
  ['find /w users, +sizeof(users), 45', ['1 pattern found']],
  ['find /b users, +sizeof(users), 250', ['Pattern not found']],
  [
    'print users',
    [/age = 36, balance = 1\.5.*age = 45, balance = 2\.25.*age = 21, balance = 3\.75/],
  ],
  ['x/s heap', ['"on the heap"']],
  ['frame 1', [/middle \(depth=7\)/]],
  ['info locals', ['local = "on the stack']],
  ['print $_siginfo.si_signo', ['= 11']],
  ['print $_siginfo._sifields._sigfault.si_addr', ['= (void *) 0x0']],
  ['info registers eflags', [/\[.*IF.*\]/]],
  ['print $mxcsr', ['IM DM ZM OM UM PM']],
  ['x/4xb 0', ['Cannot access memory at address 0x0']],
  ['info os processes', [/\d+ +\d+ +\.\/debuggee/]],
  ['maint print target-stack', ['remote']],
];

const why = obstacle();
if (why !== null) console.log(`SKIPPED gdb/clients: ${why}`);
else {
  const crash = new Crash();
  test.after(() => crash.remove());

  for (const sysroot of ['/', 'target:']) {
    test(`gdb tells of the process what a debugger should, with files from ${sysroot}`, async () => {
      const served = await Served.start(crash);
      const commands = questions.flatMap(([command], i) => [`echo \\n== ${i}\\n`, command]);
      const before = sysroot === '/' ? ['-iex', 'set sysroot /'] : [];
      const args = [`target remote ${served.address}`, ...commands, 'detach'];
      const all = ['-nx', '-batch', ...before, '-ex', 'set width 0'];
      const run = new Debugger('gdb', [...all, ...args.flatMap((command) => ['-ex', command])]);
      const parts = (await run.ended).split(/^== \d+$/m);
      questions.forEach(([command, expected], i) => {
        checkOutput(`${command}${parts[i + 1] ?? ''}`, expected);
      });
      assert.equal(served.machine.check(), []);
      await served.close();
    });
  }

  test('gdb starts the command itself and speaks to it through a pipe', async () => {
    const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
    const served = `| ${process.execPath} ${main} gdb --stdio ${crash.core}`;
    checkOutput(await gdb(served, ['bt', 'detach']).ended, [/#2 .* main /, 'detached']);
  });

  test('what gdb writes is in the process, by set var, restore and registers', async () => {
    const served = await Served.start(crash);
    const copy = join(crash.directory, 'users');
    const output = await gdb(served.address, [
      `dump binary value ${copy} users`,
      'set var counter = 77',
      'set var users[1].age = 99',
      'print users[1].age',
      `restore ${copy} binary users`,
      'print users[1].age',
      'set var users[2].name = "torvalds"',
      'printf "counter %#lx users %#lx\\n", &counter, users',
      'set $rax = 0x1234',
      'set $xmm3.v2_double[1] = 0.5',
      'print $xmm3.v2_double',
      'detach',
    ]).ended;
    checkOutput(output, ['$1 = 99', '$2 = 45', '$3 = {0, 0.5}']);
    const [, counter = '', users = ''] = /counter (\w+) users (\w+)/.exec(output) ?? [];
    assert.is(served.task.load32(BigInt(counter)), 77);
    const name = served.task.load(BigInt(users) + 64n, 9);
    assert.is(new TextDecoder().decode(name), 'torvalds\0');
    const { regs, fpregs } = served.task.struct;
    assert.is(new DataView(regs?.buffer as ArrayBuffer).getBigUint64(80, true), 0x1234n);
    assert.is(new DataView(fpregs?.buffer as ArrayBuffer).getFloat64(160 + 3 * 16 + 8, true), 0.5);
    assert.is(readFileSync(copy).length, 3 * 32);
    await served.close();
  });

  test('a breakpoint is a trap that gdb writes into text nobody may write, and takes away', async () => {
    const served = await Served.start(crash);
    const addr = await addressOf(served, '(long)middle');
    const byte = (): number => served.task.load8(addr);
    const before = byte();
    const run = gdb(served.address, ['break *middle', 'continue', 'detach']);
    await Debugger.until(() => byte() === 0xcc);
    assert.is(byte(), 0xcc);
    await Debugger.until(() => run.output.includes('no CPU runs this process'));
    process.kill(run.pid, 'SIGINT');
    checkOutput(await run.ended, ['no CPU runs this process', 'SIGINT']);
    assert.is(byte(), before);
    assert.equal(served.machine.check(), []);
    await served.close();
  });

  test('a core that gdb’s gcore makes of the process is read by gdb and eu-stack', async () => {
    const served = await Served.start(crash);
    const core = join(crash.directory, 'copy');
    checkOutput(await gdb(served.address, [`gcore ${core}`, 'detach']).ended, ['Saved corefile']);
    const read = (command: string, args: string[]): string => {
      const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 });
      return stdout + stderr;
    };
    const gdbArgs = ['-nx', '-batch', '-ex', 'bt', '-ex', 'print counter', crash.program, core];
    checkOutput(read('gdb', gdbArgs), [/#0 .* leaf /, /#2 .* main /, '$1 = 42', 'SIGSEGV']);
    const frames = [/ leaf\n.* middle\n.* main\n/, /TID \d+:\n.* pause\n.* waiter\n/];
    checkOutput(read('eu-stack', ['--core', core]), frames);
    await served.close();
  });

  test('gdb lists the machine’s processes, attaches to one of them and kills it', async () => {
    const served = await Served.start(crash);
    const other = served.machine.spawn({ argv: ['/bin/other'], uid: 1000 });
    const addr = other.mmap({ length: 4096 });
    other.store(addr, new TextEncoder().encode('of another process'));
    const commands = ['info os processes', 'detach', `attach ${other.pid}`, `x/s ${addr}`, 'kill'];
    const output = await gdb(served.address, commands, 'extended-remote').ended;
    checkOutput(output, ['/bin/other', '"of another process"', /\[Inferior 1 .* killed\]/]);
    assert.ok(other.exited);
    assert.not.ok(served.task.exited);
    await served.close();
  });

  test('gdb’s watchpoint stops at the write of another task', async () => {
    const served = await Served.start(crash);
    const addr = await addressOf(served, '&counter');
    const run = gdb(served.address, ['watch counter', 'continue', 'detach']);
    await Debugger.until(() => run.output.includes('no CPU runs this process'));
    const mem = served.machine.spawn().open(`/proc/${served.task.pid}/mem`, 'r+');
    mem.pwrite(Uint8Array.of(43), addr);
    const expected = [/Hardware watchpoint 1: counter/, /Old value = 42\nNew value = 43/];
    checkOutput(await run.ended, expected);
    await served.close();
  });

  test('lldb tells, finds, evaluates and writes', async () => {
    const served = await Served.start(crash);
    const range = '`(long)&secret` `(long)&secret+26`';
    const output = await lldb(crash.program, served.address, [
      'bt all',
      'memory region $sp',
      'memory region 0',
      `memory find -s needle -c 1 -- ${range}`,
      'expr counter = 77',
      'expr (int)(users[1].age + counter)',
      'print users[1].name',
      'memory read -c 4 `&counter`',
      'detach',
    ]).ended;
    checkOutput(output, [
      /stop reason = signal SIGSEGV\n.*leaf\(nothing=0x0+, depth=7\)/,
      /frame #1: .*middle\(depth=7\)/,
      /frame #2: .*main/,
      /thread #2\n.*frame #0: .*pause/,
      /\[0x[0-9a-f]+-0x[0-9a-f]+\) rw- \[stack\]/,
      /\[0x0+-0x[0-9a-f]+\) ---/,
      /data found at location: 0x[0-9a-f]+/,
      '(int) $4 = 122',
      '"grace',
      /: 4d 00 00 00 +M\.\.\./,
    ]);
    assert.equal(served.machine.check(), []);
    await served.close();
  });

  test('lldb’s watchpoint stops at the write of another task', async () => {
    const served = await Served.start(crash);
    const addr = await addressOf(served, '&counter');
    const commands = ['watchpoint set variable counter', 'continue', 'detach'];
    const run = lldb(crash.program, served.address, commands);
    await Debugger.until(() => run.output.includes('no CPU runs this process'));
    const mem = served.machine.spawn().open(`/proc/${served.task.pid}/mem`, 'r+');
    mem.pwrite(Uint8Array.of(43), addr);
    checkOutput(await run.ended, [/old value: 42\n.*new value: 43/]);
    await served.close();
  });

  test('lldb that quits leaves the process to the next client', async () => {
    const served = await Served.start(crash);
    checkOutput(await lldb(crash.program, served.address, ['bt']).ended, ['frame #2']);
    checkOutput(await gdb(served.address, ['bt', 'detach']).ended, [/#2 .* main /]);
    await served.close();
  });
}

test.run();
