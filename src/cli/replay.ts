import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { Machine } from '../machine.js';
import { parseTrace, TraceError } from '../trace/parse.js';
import { type MakeMachine, type Mismatch, replayOnEither } from '../trace/replay.js';
import type { Trace } from '../trace/trace.js';
import { type CliIo, InputError, UsageError } from './io.js';

const USAGE = 'replay FILE… (traces as .jsonl or .jsonl.gz)';
/** Bytes a trace may unpack to: a string holds no more. */
const MAX_TRACE_SIZE = 0x1fffffe8;

/**
 * `procmem replay FILE…`: performs the steps of kernel traces and reports every answer that differs.
 *
 * @returns 0 when every step matches, 1 when one differs, 2 when a file is no trace
 */
export async function replay(argv: string[], io: CliIo): Promise<number> {
  let matched = 0;
  let total = 0;
  let unreadable = 0;
  for (const file of fileArguments(argv)) {
    const trace = loadTrace(file, io);
    if (trace === null) {
      unreadable += 1;
      continue;
    }
    const make: MakeMachine = (profile) => Machine.create({ profile });
    const result = await replayOnEither(trace, make, (m) => io.out(describe(m)));
    matched += result.matched;
    total += result.total;
  }
  io.out(`${matched} of ${total} steps match\n`);
  if (unreadable > 0) return 2;
  return matched === total ? 0 : 1;
}

function fileArguments(argv: string[]): string[] {
  try {
    const { positionals } = parseArgs({ args: argv, allowPositionals: true, options: {} });
    if (positionals.length > 0) return positionals;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}; usage: ${USAGE}`);
  }
  throw new UsageError(`no file; usage: ${USAGE}`);
}

/** The trace, or null when the file is none and standard error says why. */
function loadTrace(file: string, io: CliIo): Trace | null {
  try {
    return parseTrace(readText(file), file);
  } catch (error) {
    if (!(error instanceof TraceError || error instanceof InputError)) throw error;
    io.err(`procmem: ${error.message}\n`);
    return null;
  }
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new InputError(`${file}: ${(error as Error).message}`);
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString();
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_TRACE_SIZE }).toString();
  } catch (error) {
    const what = (error as Error).message;
    throw new InputError(`${file}: broken gzip data, ${bytes.length} bytes: ${what}`);
  }
}

function describe({ file, line, step, expected, got }: Mismatch): string {
  return `${file}:${line}: ${step}\n  expected ${expected}\n  got      ${got}\n`;
}
