// Programs of ours in test/linux/programs/: each prints a table of answers of the kernel under it,
// NAME.txt has what Linux 6.18 says, and the machine must give the same lines.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { findCompiler, whyNoRecording } from './build.js';

/** The compiled tests lie in dist/test/linux; the C source stays in test/linux. */
const PROGRAMS = fileURLToPath(new URL('../../../test/linux/programs/', import.meta.url));

const FLAGS = ['-O1', '-Wall', '-Wextra', '-Wl,--build-id=0x0123456789abcdef'];

/** The first kernel that gives the answers. */
const NEEDED = [6, 18];

/** The lines that Linux prints, as they are committed. */
export function expectedLines(program: string): string[] {
  return readFileSync(`${PROGRAMS}${program}.txt`, 'utf8').replace(/\n$/, '').split('\n');
}

/** Why a program cannot run here, or null when it can. */
export function whyNoProgram(): string | null {
  const reason = whyNoRecording();
  if (reason !== null) return reason;
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const [needMajor = 0, needMinor = 0] = NEEDED;
  const enough = major > needMajor || (major === needMajor && minor >= needMinor);
  return enough ? null : `this is Linux ${release()}, not ${NEEDED.join('.')}`;
}

/** Builds a program, runs it on the kernel underneath, and gives the lines it printed. */
export function runProgram(program: string): string[] {
  const dir = mkdtempSync(join(tmpdir(), 'procmem-'));
  try {
    const binary = join(dir, program);
    const source = `${PROGRAMS}${program}.c`;
    execFileSync(findCompiler() ?? 'cc', [...FLAGS, '-o', binary, source], {
      stdio: 'inherit',
    });
    return execFileSync(binary, { encoding: 'utf8' }).replace(/\n$/, '').split('\n');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Compares two tables line by line. */
export function assertLines(actual: readonly string[], expected: readonly string[]): void {
  for (const [i, line] of expected.entries()) assert.is(actual[i], line);
  assert.is(actual.length, expected.length);
}
