// A root of Debian's riscv64 packages, made by tools/riscv64-root.mjs: its programs as guests of a machine, and
// the same under qemu. proot gives qemu's programs that root, and has qemu run what they execute in turn.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { uvu } from 'uvu';
import * as assert from 'uvu/assert';

import { debianRoot } from '../../src/cli/debian-root.js';
import type { MachineOptions } from '../../src/api/machine-options.js';
import { Console } from '../../src/guest/console.js';
import { Guest } from '../../src/guest/guest.js';
import type { GuestOptions } from '../../src/guest/guest-options.js';
import { Machine } from '../../src/machine.js';
import { hostDirectory } from '../../src/node.js';
import { missingTool } from './programs.js';

const ENV = ['PATH=/usr/bin:/bin', 'LC_ALL=C', 'HOME=/tmp', 'TZ=UTC0'];
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** Milliseconds for one command, unless it says otherwise. */
const TIME_LIMIT = 120_000;

/** One command line of the root. */
export interface CommandRow {
  readonly name: string;
  readonly argv: readonly string[];
  readonly stdin?: string;
  /** Runs through `procmem run` instead of in this process. */
  readonly cli?: boolean;
  /** What is no property of the program: times, addresses, process ids. */
  readonly hide?: RegExp;
}

/** What a command printed, and how it ended. */
export interface CommandEnd {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code, or 128 and a signal. */
  readonly status: number;
}

/** Why the root's programs cannot be run; null when they can. */
export function missingRoot(): string | null {
  if (debianRoot() !== null) return null;
  return 'there is no root of Debian packages: node tools/riscv64-root.mjs';
}

/** Why the larger programs, those of --apps, cannot be run; null when they can. */
export function missingApps(): string | null {
  if (missingRoot() === null && rootHas('gdb')) return null;
  return 'there is no root with the larger programs: node tools/riscv64-root.mjs --apps';
}

/** Why they cannot be compared with qemu; null when they can. */
export function missingComparison(): string | null {
  return missingRoot() ?? missingTool('qemu-riscv64') ?? missingTool('proot');
}

/** The root; asked for only where missingRoot() is null. */
export function root(): string {
  const found = debianRoot();
  if (found === null) throw new Error('no root of Debian packages');
  return found;
}

/** Runs a command of the root under qemu, in an empty directory. */
export function underQemu({ argv, stdin = '' }: CommandRow): CommandEnd {
  const dir = mkdtempSync(join(tmpdir(), 'procmem-qemu-'));
  const fake = process.getuid?.() === 0 ? [] : ['-0'];
  const proot = ['-q', 'qemu-riscv64', ...fake, '-r', root(), '-b', '/proc', '-b', '/dev'];
  const [program = '', ...args] = argv;
  try {
    const { status, signal, stdout, stderr } = spawnSync(
      'proot',
      [...proot, '-b', `${dir}:/tmp`, '-w', '/tmp', `/usr/bin/${program}`, ...args],
      // proot does not know statx: relative paths are the same with and without it.
      { cwd: dir, input: stdin, env: environment(), timeout: TIME_LIMIT, maxBuffer: 2 ** 26 },
    );
    if (status === null) throw new Error(`proot ended by ${signal}: ${stderr}`);
    return { stdout: stdout.toString('latin1'), stderr: stderr.toString('latin1'), status };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function environment(): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(ENV.map((text) => text.split('='))),
    // A directory of proot's own that /tmp does not hide.
    PROOT_TMP_DIR: tmpdir(),
  } as NodeJS.ProcessEnv;
}

/** What a guest is run with, beside its command. */
export interface InRoot {
  readonly machine?: MachineOptions;
  readonly guest?: GuestOptions;
  readonly prepare?: (machine: Machine) => void;
}

/** Runs a command of the root as a guest of a new machine; checks the machine afterwards. */
export async function asGuest(
  { argv, stdin = '' }: CommandRow,
  options: InRoot = {},
): Promise<CommandEnd & { readonly guest: Guest }> {
  const machine = await Machine.create({ root: hostDirectory(root()), ...options.machine });
  options.prepare?.(machine);
  const guest = new Guest(machine, options.guest);
  const [out, err] = [new Output(), new Output()];
  const input = new Console();
  input.push(Buffer.from(stdin, 'latin1'));
  input.end();
  const [program = ''] = argv;
  const path = program.startsWith('/') ? program : `/usr/bin/${program}`;
  const streams = { stdin: input, stdout: out.console, stderr: err.console };
  const task = guest.start(path, [...argv], { env: ENV, cwd: '/tmp', ...streams });
  let late = false;
  const alarm = setTimeout(() => {
    late = true;
    guest.stop();
    guest.wake();
  }, TIME_LIMIT);
  const { exitCode, signal } = await guest.runToEnd(task);
  clearTimeout(alarm);
  assert.not(late, 'it did not end in time');
  assert.equal(machine.check(), []);
  const status = exitCode ?? 128 + (signal ?? 0);
  return { stdout: out.text, stderr: err.text, status, guest };
}

/** Collects what a program writes. */
class Output {
  readonly #parts: Uint8Array[] = [];
  readonly console = new Console({ write: (bytes) => void this.#parts.push(bytes.slice()) });

  get text(): string {
    return Buffer.concat(this.#parts).toString('latin1');
  }
}

/** Runs it as a user does: `procmem run --root`. */
export function byCommandLine(
  { argv, stdin = '' }: CommandRow,
  ...options: readonly string[]
): CommandEnd {
  const line = [MAIN, 'run', '--root', root(), ...options, '--', ...argv];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, line, {
    input: stdin,
    env: { ...process.env, ...environment() },
    timeout: TIME_LIMIT,
    maxBuffer: 2 ** 26,
  });
  if (status === null) throw new Error(`procmem ended by ${signal}`);
  return { stdout: stdout.toString('latin1'), stderr: stderr.toString('latin1'), status };
}

/** Defines a test of each row: here and under qemu the same output and end. */
export function compareRows(
  test: uvu.Test<Record<string, unknown>>,
  suiteName: string,
  rows: readonly CommandRow[],
): void {
  const why = missingComparison();
  if (why !== null) console.log(`SKIPPED ${suiteName}: ${why}`);
  for (const row of rows) {
    const title = `${row.name} does what it does under qemu`;
    if (why !== null) {
      test.skip(title);
      continue;
    }
    test(title, async () => {
      const here = row.cli === true ? byCommandLine(row) : await asGuest(row);
      const there = underQemu(row);
      assert.is(hide(row, here.stdout), hide(row, there.stdout), here.stderr);
      assert.is(here.status, there.status, here.stderr);
      assert.ok(there.stdout !== '' || there.status !== 0, `it prints nothing: ${there.stderr}`);
    });
  }
}

function hide({ hide }: CommandRow, text: string): string {
  return hide === undefined ? text : text.replace(hide, '#');
}

/** Whether the root has a program. */
export function rootHas(program: string): boolean {
  return existsSync(join(root(), 'usr/bin', program));
}
