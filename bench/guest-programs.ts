// The programs of bench/guest/, C without a library, compiled for RV64GC.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('../../bench/guest/', import.meta.url));
const COMPILER = 'riscv64-linux-gnu-gcc';
const FLAGS = ['-O2', '-static', '-nostdlib', '-ffreestanding', '-fno-math-errno'];

/** Their names: what each does is said in its source. */
export const GUEST_PROGRAMS = [
  'loop',
  'sieve',
  'memcpy',
  'sha256',
  'chase',
  'fib',
  'float',
  'switch',
] as const;

/** Why none can be compiled here; null when they can. */
export function missingCompiler(): string | null {
  const { error } = spawnSync(COMPILER, ['--version']);
  return error === undefined ? null : `${COMPILER} (Debian: gcc-riscv64-linux-gnu) is not here`;
}

/** Compiles one into a directory; the path of the program. */
export function compileGuest(name: string, dir: string): string {
  const path = join(dir, name);
  const { status, stderr } = spawnSync(COMPILER, [...FLAGS, '-o', path, `${SOURCES}${name}.c`]);
  if (status !== 0) throw new Error(`${name}.c does not compile: ${stderr.toString()}`);
  return path;
}
