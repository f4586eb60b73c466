import { fstatSync, readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';

import { Console } from '../guest/console.js';
import { isTerminal } from './io.js';

type ChildProcess = typeof import('node:child_process');

/** Bytes of input that may wait for the program before its source is asked to wait. */
const MOST_WAITING = 2 ** 20;
/** How long to wait for a reader that is slower than we are, in milliseconds. */
const PATIENCE = 5;

/** Writes all at once; false where nobody reads any more. */
function writeAll(fd: number, bytes: Uint8Array): boolean {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') return false;
      // A pipe that another process made non-blocking is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PATIENCE);
    }
  }
  return true;
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

/** What a guest has as standard input, output and error, over those of this process. */
export interface HostStreams {
  readonly stdin: Console;
  readonly stdout: Console;
  readonly stderr: Console;
  /** Writes text of ours to standard error, also while the terminal is raw. */
  note(text: string): void;
  /** Lets go of the host's streams, so that this process can end. */
  release(): void;
}

/**
 * The streams of this process for a guest: one terminal for those that are a terminal, whose keys go to the
 * guest raw, and pipes for the others. Input is not read before the program asks for it.
 *
 * @param whole whether a pipe is read to its end before the program starts: when it comes is no matter then
 */
export function hostStreams(whole = false): HostStreams {
  const terminals = [0, 1, 2].filter(isTerminal);
  const screen = terminals.find((fd) => fd > 0) ?? 0;
  const { columns = 80, rows = 24 } = screenSize();
  const tty =
    terminals.length === 0
      ? null
      : new Console({ tty: true, columns, rows, write: (bytes) => writeAll(screen, bytes) });
  const output = (fd: number): Console =>
    isTerminal(fd) && tty !== null ? tty : new Console({ write: (bytes) => writeAll(fd, bytes) });
  const keys = isTerminal(0) && tty !== null;
  const input = keys ? null : inputPipe(whole);
  const resize = (): void => tty?.resize(process.stdout.columns, process.stdout.rows);
  // Looking at one of Node's streams opens it, which takes a while.
  const resizes = isTerminal(1);
  if (resizes) process.stdout.on('resize', resize);
  const restore = keys ? readKeys(tty) : () => undefined;
  return {
    stdin: input?.stream ?? (tty as Console),
    stdout: output(1),
    stderr: output(2),
    note(text) {
      const raw = keys && isTerminal(2);
      writeAll(2, Buffer.from(raw ? text.replaceAll('\n', '\r\n') : text));
    },
    release() {
      if (resizes) process.stdout.off('resize', resize);
      restore();
      if (input === null || input.isRead()) process.stdin.destroy();
    },
  };
}

function screenSize(): { columns?: number; rows?: number } {
  if (isTerminal(1)) return process.stdout;
  return isTerminal(2) ? process.stderr : {};
}

/** Gives the terminal's keys to the guest; returns what gives them back. */
function readKeys(tty: Console): () => void {
  const restore = makeRaw();
  process.on('exit', restore);
  process.stdin.on('data', (bytes: Buffer) => tty.push(bytes));
  process.stdin.on('end', () => tty.end());
  return () => {
    process.off('exit', restore);
    restore();
  };
}

/**
 * Has the terminal pass all on, in both ways. Node's own raw mode still turns a newline into two characters,
 * which a guest that draws on the screen does not expect: it is used where there is no stty.
 */
function makeRaw(): () => void {
  // Takes a while to load, and is needed only here.
  const { spawnSync } = createRequire(import.meta.url)('node:child_process') as ChildProcess;
  const stty = (...args: string[]) =>
    spawnSync('stty', args, { stdio: ['inherit', 'pipe', 'ignore'], encoding: 'utf8' });
  const before = stty('-g');
  if (before.status === 0 && stty('raw', '-echo').status === 0) {
    return () => void stty(before.stdout.trim());
  }
  process.stdin.setRawMode(true);
  return () => void process.stdin.setRawMode(false);
}

/** Standard input as a pipe: opened when the program first looks for something to read. */
function inputPipe(whole: boolean): { readonly stream: Console; isRead(): boolean } {
  let opened = false;
  let read = false;
  const stream = new Console({
    onWanted() {
      if (!opened) open();
      else if (stream.waiting < MOST_WAITING) process.stdin.resume();
    },
  });
  const open = (): void => {
    opened = true;
    if (!isOpen(0)) return stream.end();
    read = true;
    process.stdin.on('data', (bytes: Buffer) => {
      stream.push(bytes);
      if (stream.waiting >= MOST_WAITING) process.stdin.pause();
    });
    process.stdin.on('end', () => stream.end());
    process.stdin.on('error', () => stream.end());
  };
  if (whole) {
    opened = true;
    if (isOpen(0)) stream.push(readFileSync(0));
    stream.end();
  }
  return { stream, isRead: () => read };
}
