// The C programs beside this file: compiled for riscv64 and for this computer, and run.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Console } from '../../src/guest/console.js';
import { Guest } from '../../src/guest/guest.js';
import type { GuestOptions } from '../../src/guest/guest-options.js';
import { Machine } from '../../src/machine.js';

const SOURCES = fileURLToPath(new URL('../../../test/guest/programs/', import.meta.url));
const CROSS = 'riscv64-linux-gnu-gcc';
const FLAGS = ['-O1', '-static', '-pthread', '-w'];

/** Why a tool cannot be used here; null when it can. */
export function missingTool(tool: string): string | null {
  const { error } = spawnSync(tool, ['--version']);
  return error === undefined ? null : `${tool} is not here`;
}

/** Why programs cannot be compared with this computer's kernel; null when they can. */
export function missingLinux(): string | null {
  if (process.platform !== 'linux') return 'this computer does not run Linux';
  return missingTool('gcc');
}

/** Why no program can be compiled for riscv64; null when they can. */
export function missingCross(): string | null {
  return missingTool(CROSS);
}

function compile(compiler: string, name: string, path: string): string {
  const { status, stderr } = spawnSync(compiler, [...FLAGS, '-o', path, `${SOURCES}${name}.c`]);
  if (status !== 0) throw new Error(`${name}.c does not compile: ${stderr.toString()}`);
  return path;
}

/** Compiles one for riscv64 into a directory. */
export function compileGuest(name: string, dir: string): string {
  return compile(CROSS, name, join(dir, name));
}

/** Compiles one for this computer into a directory. */
export function compileNative(name: string, dir: string): string {
  return compile('gcc', name, join(dir, `${name}-native`));
}

/** What a program printed, and how it ended. */
export interface Outcome {
  readonly output: string;
  /** Exit code, or a signal as 128 and its number. */
  readonly status: number;
}

/** Runs a program of this computer, or through qemu. */
export function runHost(command: string, ...args: string[]): Outcome {
  const { status, signal, stdout } = spawnSync(command, args, { timeout: 60_000 });
  return { output: stdout.toString('latin1'), status: status ?? (signal === null ? -1 : 128) };
}

/** Runs a program as a guest of a new machine. */
export async function runGuest(
  path: string,
  options: GuestOptions & { readonly memory?: number; readonly args?: readonly string[] } = {},
): Promise<Outcome & { readonly guest: Guest; readonly machine: Machine }> {
  const now = (): number => performance.timeOrigin + performance.now();
  const memory = options.memory ?? 2 ** 29;
  const machine = await Machine.create({ now, memory, profile: { totalRam: memory } });
  machine.addFile('/bin/program', readFileSync(path), 0o755);
  const guest = new Guest(machine, options);
  const parts: Uint8Array[] = [];
  const out = new Console({ write: (bytes: Uint8Array) => void parts.push(bytes.slice()) });
  const task = guest.start('/bin/program', ['/bin/program', ...(options.args ?? [])], {
    env: ['PATH=/bin'],
    stdout: out,
    stderr: out,
  });
  const { exitCode, signal } = await guest.runToEnd(task);
  const output = Buffer.concat(parts).toString('latin1');
  return { output, status: exitCode ?? 128 + (signal ?? 0), guest, machine };
}
