import { open, unlink, type FileHandle } from 'node:fs/promises';

import type { CoreChunk, CoreFile } from '../elf/core-writer.js';
import { coreSignal } from '../elf/core.js';
import { ProcError } from '../live/error.js';
import { hostCore } from '../live/host-core.js';
import { HostProcess } from '../live/host-process.js';
import { stopProcess } from '../live/stop.js';
import { LinuxError } from '../errno.js';
import type { Command, Options } from './command.js';
import { unreadable } from './file-source.js';
import { chooseCrash, type Crash, loadCrash, onlyOperand } from './input.js';
import { type CliIo, InputError, UsageError } from './io.js';
import { printJson } from './json.js';
import { parseInteger } from './number.js';
import { Progress } from './progress.js';

/** Every bit of coredump_filter. */
const MAX_FILTER = 0x1ffn;

/**
 * `procmem dump PID|CORE -o FILE`: writes a core of a process of this computer, which rests meanwhile, or
 * of one whose core or snapshot is loaded into a machine.
 *
 * @returns 0; 1 when it was interrupted, and there is no file then
 * @throws {UsageError} the command line makes no sense
 * @throws {InputError} no such process or file, not permitted, or a core that is damaged
 */
export const dump: Command = async (operands, io, options) => {
  const request = { filter: filterOption(options), output: outputOption(options) };
  const from = onlyOperand(operands, 'dump');
  try {
    if (from !== null && /^\d+$/.test(from)) {
      return await dumpProcess(Number(from), request, io, options);
    }
    return await dumpLoaded(await chooseCrash(from, options), request, io, options);
  } catch (error) {
    throw error instanceof ProcError ? new InputError(error.message) : error;
  }
};

interface DumpRequest {
  readonly filter: number | null;
  readonly output: string;
}

function filterOption(options: Options): number | null {
  const text = options.text('filter');
  if (text === null) return null;
  const filter = parseInteger(text);
  if (filter !== null && filter <= MAX_FILTER) return Number(filter);
  throw new UsageError(`--filter: ${JSON.stringify(text)} is no coredump_filter: 0 to 0x1ff`);
}

/** The file that --output names. @throws {UsageError} it names none */
export function outputOption(options: Options): string {
  const output = options.text('output');
  if (output === null) throw new UsageError('--output names the file to make');
  return output;
}

async function dumpProcess(
  pid: number,
  { filter, output }: DumpRequest,
  io: CliIo,
  options: Options,
): Promise<number> {
  const process = new HostProcess(pid);
  const resume = options.flag('no-stop') ? (): void => {} : stopProcess(process);
  try {
    const description = process.describe();
    const { file, reader } = hostCore(process, description, filter ?? description.filter);
    const total = [...description.sizes.values()].reduce((sum, { rss }) => sum + rss, 0);
    const done = await writeCoreFile(file, output, new Progress(io, 'dump', total));
    if (!done) return 1;
    report(io, options, { output, bytes: file.size, unreadablePages: reader.unreadable });
    return 0;
  } finally {
    resume();
    process.close();
  }
}

async function dumpLoaded(
  crash: Crash,
  { filter, output }: DumpRequest,
  io: CliIo,
  options: Options,
): Promise<number> {
  const { core } = crash;
  const { machine, task } = await loadCrash(crash);
  const siginfo = core.threads[0]?.siginfo ?? null;
  try {
    const file = machine.dumpCore(task, {
      signal: coreSignal(core)?.number ?? 0,
      ...(siginfo === null ? {} : { siginfo }),
      ...(filter === null ? {} : { filter }),
    });
    if (!(await writeCoreFile(file, output, new Progress(io, 'dump', file.size)))) return 1;
    report(io, options, { output, bytes: file.size, unreadablePages: 0 });
    return 0;
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    throw new InputError(`${crash.label}: the machine cannot hold this process (${error.code})`);
  }
}

/** What was copied. */
interface Copied {
  readonly output: string;
  readonly bytes: number;
  readonly unreadablePages: number;
}

/** Says what was copied, and what was not. */
export function report(io: CliIo, options: Options, copied: Copied): void {
  if (options.flag('json')) return printJson(io, copied);
  const { output, bytes, unreadablePages } = copied;
  const lost = unreadablePages > 0 ? `; ${unreadablePages} pages cannot be read` : '';
  io.out(`${output}: ${bytes} bytes${lost}\n`);
}

/**
 * Writes a core with holes where it has zeros: one chunk while the next is read. False when the user broke
 * it off, and it is gone.
 */
async function writeCoreFile(file: CoreFile, output: string, progress: Progress): Promise<boolean> {
  const handle = await openOutput(output);
  const interrupt = new Interrupt();
  let complete = false;
  let writing: Promise<void> = Promise.resolve();
  try {
    for (const chunk of file.chunks()) {
      await writing;
      if (interrupt.came) return false;
      writing = writeAll(handle, chunk);
      progress.add(chunk.bytes.length);
    }
    await writing;
    await handle.truncate(file.size);
    complete = true;
    return true;
  } finally {
    await writing.catch(() => {});
    interrupt.release();
    progress.end();
    await handle.close();
    if (!complete) await unlink(output);
  }
}

/** A core holds secrets: it is its owner's alone. */
async function openOutput(output: string): Promise<FileHandle> {
  try {
    return await open(output, 'w', 0o600);
  } catch (error) {
    throw unreadable(output, error);
  }
}

async function writeAll(handle: FileHandle, { offset, bytes }: CoreChunk): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

/** SIGINT and SIGTERM while a process is stopped: it must be let go first. */
export class Interrupt {
  came = false;
  readonly #listen = (): void => {
    this.came = true;
  };

  constructor() {
    process.on('SIGINT', this.#listen).on('SIGTERM', this.#listen);
  }

  release(): void {
    process.off('SIGINT', this.#listen).off('SIGTERM', this.#listen);
  }
}
