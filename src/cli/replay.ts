import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Machine } from '../machine.js';
import { parseTrace, TraceError } from '../trace/parse.js';
import {
  type MakeMachine,
  type Mismatch,
  replayOnEither,
  type ReplayResult,
} from '../trace/replay.js';
import { unreadable } from './file-source.js';
import type { Options } from './command.js';
import { type CliIo, InputError, UsageError } from './io.js';
import { printJsonLine } from './json.js';
import { printable } from './terminal.js';

/** Bytes a trace may unpack to: a string holds no more. */
const MAX_TRACE_SIZE = 0x1fffffe8;

/**
 * `procmem replay FILE…`: performs the steps of kernel traces and reports every answer that differs.
 *
 * @returns 0 when every step matches and the machine is sound after each trace, 1 when not, 2 when a
 * file is no trace
 * @throws {UsageError} no file is named
 */
export async function replay(files: string[], io: CliIo, options: Options): Promise<number> {
  if (files.length === 0) throw new UsageError('no file; usage: procmem replay FILE…');
  const json = options.flag('json');
  let matched = 0;
  let total = 0;
  let unusable = 0;
  let unsound = 0;
  for (const file of files) {
    const result = await replayFile(file, io, json);
    if (result === null) unusable += 1;
    matched += result?.matched ?? 0;
    total += result?.total ?? 0;
    if ((result?.violations.length ?? 0) > 0) unsound += 1;
  }
  if (json) printJsonLine(io, { matched, total, unusable });
  else io.out(`${matched} of ${total} steps match\n`);
  if (unusable > 0) return 2;
  return matched === total && unsound === 0 ? 0 : 1;
}

/** What became of a trace, or null when it cannot be followed and standard error says why. */
async function replayFile(file: string, io: CliIo, json: boolean): Promise<ReplayResult | null> {
  const make: MakeMachine = (profile) => Machine.create({ profile });
  try {
    const trace = parseTrace(readText(file), file);
    const result = await replayOnEither(trace, make, (mismatch) => {
      if (json) printJsonLine(io, mismatch);
      else io.out(describe(mismatch));
    });
    for (const violation of result.violations) {
      if (json) printJsonLine(io, { file, violation });
      else io.out(`${file}: the machine is not sound after it: ${violation}\n`);
    }
    for (const setting of result.ignored) {
      io.err(
        `procmem: ${file}:1: ${printable(setting)} is no setting of the machine and is ignored\n`,
      );
    }
    return result;
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
    throw unreadable(file, error);
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
