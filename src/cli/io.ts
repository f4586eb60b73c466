import { fstatSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';

export type { Command } from './command.js';

/** Where a command's words go: the terminal, or a test that listens. */
export interface CliIo {
  /** Writes to standard output: bytes, or text that brings its own newlines. */
  out(text: string | Uint8Array): void;
  /** Writes to standard error. */
  err(text: string): void;
  /** Whether `out` may carry colours: a terminal, and NO_COLOR unset. */
  readonly color: boolean;
  /** Characters in a line of `out`. */
  readonly columns: number;
  /** Whether `out` is a terminal, which bytes could drive. */
  readonly terminal?: boolean;
}

/** The command line makes no sense: one line to standard error, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The input is not what the command needs: one line to standard error, exit status 2. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** How long to wait for a reader that is slower than we are, in milliseconds. */
const PATIENCE = 5;

/** Linux's major number of /dev/null and its like. */
const MEM_MAJOR = 1;

/**
 * Whether a descriptor of this process is a terminal. Only of a device is it asked: Node loads its network
 * together with its terminals.
 */
export function isTerminal(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    if (!stat.isCharacterDevice()) return false;
    if (process.platform === 'linux' && stat.rdev >> 8 === MEM_MAJOR) return false;
  } catch {
    return false;
  }
  const { isatty } = createRequire(import.meta.url)('node:tty') as typeof import('node:tty');
  return isatty(fd);
}

/** The streams of this process. */
export function processIo(): CliIo {
  const { env } = process;
  const terminal = isTerminal(1);
  const forced = (env['FORCE_COLOR'] ?? '0') !== '0';
  return {
    out: (text) => writeAll(1, text),
    err: (text) => writeAll(2, text),
    color: (terminal || forced) && (env['NO_COLOR'] ?? '') === '',
    columns: (terminal ? process.stdout.columns : null) ?? 80,
    terminal,
  };
}

/**
 * Writes at once and in full, so that a huge output never piles up in memory. A reader that has seen
 * enough (`procmem read … | head`) ends the program quietly.
 */
function writeAll(fd: number, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A pipe that another process made non-blocking is full.
      if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PATIENCE);
      else if (code === 'EPIPE') process.exit(0);
      else if (fd === 1) outputFailed(code);
      else return;
    }
  }
}

/** A full disk must not look like success. */
function outputFailed(code = 'an unknown error'): never {
  writeAll(2, `procmem: standard output: ${code}\n`);
  process.exit(2);
}
