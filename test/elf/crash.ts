// Programs of ours that crash, and the cores that the kernel under this machine writes of them.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { FileSource } from '../../src/cli/file-source.js';
import { findCompiler, whyNoRecording } from '../linux/build.js';

/** The compiled tests lie in dist/test/elf; the C source stays in test/elf. */
const PROGRAMS = fileURLToPath(new URL('../../../test/elf/programs/', import.meta.url));

/** A file of the program's directory. */
export interface CrashFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** Why no program can crash here so that the kernel leaves its core beside it; null when it can. */
export function whyNoKernelCore(): string | null {
  const reason = whyNoRecording();
  if (reason !== null) return reason;
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  return /^core[^/|]*$/.test(pattern) ? null : `kernel.core_pattern is ${pattern}, not core`;
}

/** A directory of its own for the programs of one test file, removed by `remove()`. */
export class CrashDirectory {
  readonly path = mkdtempSync(join(tmpdir(), 'procmem-crash-'));

  remove(): void {
    rmSync(this.path, { recursive: true });
  }

  /** Compiles a program of test/elf/programs/ and gives its path. */
  build(name: string, flags: readonly string[] = [], compiler = findCompiler() ?? 'cc'): string {
    const output = join(this.path, name);
    const source = `${PROGRAMS}${name}.c`;
    execFileSync(compiler, ['-O1', '-Wall', '-Wextra', ...flags, '-o', output, source], {
      stdio: 'inherit',
    });
    return output;
  }

  write({ name, bytes, mode }: CrashFile): string {
    const path = join(this.path, name);
    rmSync(path, { force: true });
    writeFileSync(path, bytes, { mode });
    return path;
  }

  /** Runs a program until it crashes, and opens the core that the kernel left of it. */
  crash(program: string, args: readonly string[], input = ''): FileSource {
    for (const file of this.cores()) rmSync(join(this.path, file));
    const command = ['-c', 'ulimit -c unlimited && exec "$@"', 'sh', program, ...args];
    const { signal, status } = spawnSync('sh', command, { cwd: this.path, input });
    const [core] = this.cores();
    if (core === undefined) throw new Error(`${program} left no core: ${signal ?? status}`);
    return new FileSource(join(this.path, core));
  }

  cores(): string[] {
    return readdirSync(this.path).filter((file) => /^core(\.\d+)?$/.test(file));
  }
}
