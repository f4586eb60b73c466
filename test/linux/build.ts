import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The compiled tests lie in dist/test/linux; the C source stays in test/linux. */
const SOURCE_DIR = fileURLToPath(new URL('../../../test/linux/', import.meta.url));
const OUTPUT = fileURLToPath(new URL('./executor', import.meta.url));
const SOURCES = ['executor.c', 'task.c', 'executor.h', 'syscall-names.h'];
const COMPILERS = ['gcc', 'cc', 'clang'];

/**
 * Why nothing can be recorded here, or null when it can: a trace needs Linux on x86-64, root, and a
 * C compiler.
 */
export function whyNoRecording(): string | null {
  if (process.platform !== 'linux') return `this is ${process.platform}, not Linux`;
  if (process.arch !== 'x64') return `this is ${process.arch}, not x86-64`;
  if (process.getuid?.() !== 0) return 'not root';
  if (findCompiler() === null) return `no C compiler (${COMPILERS.join(', ')})`;
  return null;
}

/** Builds the executor unless it is newer than its sources; gives its path. */
export function buildExecutor(): string {
  const sources = SOURCES.map((name) => SOURCE_DIR + name);
  if (
    existsSync(OUTPUT) &&
    sources.every((path) => statSync(path).mtimeMs < statSync(OUTPUT).mtimeMs)
  ) {
    return OUTPUT;
  }
  const compiler = findCompiler();
  if (compiler === null) throw new Error(`no C compiler: ${COMPILERS.join(', ')}`);
  mkdirSync(fileURLToPath(new URL('.', import.meta.url)), { recursive: true });
  const units = sources.filter((path) => path.endsWith('.c'));
  execFileSync(compiler, ['-O2', '-static', '-Wall', '-Wextra', '-o', OUTPUT, ...units], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return OUTPUT;
}

/** A C compiler of this host, or null. */
export function findCompiler(): string | null {
  for (const name of COMPILERS) {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' });
      return name;
    } catch {
      continue;
    }
  }
  return null;
}
