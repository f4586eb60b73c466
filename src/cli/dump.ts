import { open, unlink, type FileHandle } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import type { CoreChunk, CoreFile } from '../elf/core-writer.js';
import { coreSignal, readCore } from '../elf/core.js';
import { ElfError } from '../elf/error.js';
import { ProcError } from '../live/error.js';
import { hostCore } from '../live/host-core.js';
import { HostProcess } from '../live/host-process.js';
import { stopProcess } from '../live/stop.js';
import { LinuxError } from '../errno.js';
import { Machine } from '../machine.js';
import { openInput, openSysroot, unreadable } from './file-source.js';
import { type CliIo, InputError, UsageError } from './io.js';
import { Progress } from './progress.js';

const USAGE = 'procmem dump PID|CORE -o FILE [--filter N] [--sysroot DIR] [--no-stop]';

interface DumpArguments {
  readonly from: string;
  readonly output: string;
  readonly filter: number | null;
  readonly sysroot: string;
  readonly stop: boolean;
}

/**
 * `procmem dump PID|CORE -o FILE`: writes a core of a process of this computer, which rests meanwhile, or
 * of one whose core is loaded into a machine.
 *
 * @returns 0; 1 when it was interrupted, and there is no file then
 * @throws {UsageError} the arguments make no sense
 * @throws {InputError} no such process or file, not permitted, or a core that is damaged
 */
export async function dump(args: string[], io: CliIo): Promise<number> {
  const options = parseDumpArguments(args);
  try {
    if (/^\d+$/.test(options.from)) return await dumpProcess(options, io);
    return await dumpLoaded(options, io);
  } catch (error) {
    const expected = error instanceof ProcError || error instanceof ElfError;
    throw expected ? new InputError(error.message) : error;
  }
}

function parseDumpArguments(args: string[]): DumpArguments {
  const options = {
    output: { type: 'string', short: 'o' },
    filter: { type: 'string' },
    sysroot: { type: 'string' },
    'no-stop': { type: 'boolean' },
  } as const;
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('\n')[0]}; usage: ${USAGE}`);
  }
  const { values, positionals } = parsed;
  const [from] = positionals;
  if (from === undefined || positionals.length > 1) {
    throw new UsageError(`one process or core; usage: ${USAGE}`);
  }
  if (values.output === undefined) throw new UsageError(`-o is missing; usage: ${USAGE}`);
  const filter = values.filter === undefined ? null : Number(values.filter);
  if (filter !== null && !(Number.isInteger(filter) && filter >= 0 && filter <= 0x1ff)) {
    throw new UsageError(`--filter ${values.filter} is no coredump_filter: 0 to 0x1ff`);
  }
  const { output, sysroot = '/' } = values;
  return { from, output, filter, sysroot, stop: values['no-stop'] !== true };
}

async function dumpProcess(options: DumpArguments, io: CliIo): Promise<number> {
  const process = new HostProcess(Number(options.from));
  const resume = options.stop ? stopProcess(process) : (): void => {};
  try {
    const description = process.describe();
    const { file, reader } = hostCore(process, description, options.filter ?? description.filter);
    const total = [...description.sizes.values()].reduce((sum, { rss }) => sum + rss, 0);
    const done = await writeCoreFile(file, options.output, new Progress(io, 'dump', total));
    const lost = reader.unreadable > 0 ? `; ${reader.unreadable} pages cannot be read` : '';
    if (done) io.err(`procmem: ${options.output}: ${file.size} bytes${lost}\n`);
    return done ? 0 : 1;
  } finally {
    resume();
    process.close();
  }
}

async function dumpLoaded(options: DumpArguments, io: CliIo): Promise<number> {
  const core = readCore(openInput(options.from));
  const machine = await Machine.create();
  try {
    const [task] = machine.loadCore(core, { open: openSysroot(options.sysroot) }).threads;
    if (task === undefined) throw new InputError(`${options.from}: no thread`);
    const siginfo = core.threads[0]?.siginfo ?? null;
    const file = machine.dumpCore(task, {
      signal: coreSignal(core)?.number ?? 0,
      ...(siginfo === null ? {} : { siginfo }),
      ...(options.filter === null ? {} : { filter: options.filter }),
    });
    const done = await writeCoreFile(file, options.output, new Progress(io, 'dump', file.size));
    if (done) io.err(`procmem: ${options.output}: ${file.size} bytes\n`);
    return done ? 0 : 1;
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    throw new InputError(`${options.from}: the machine cannot hold this process (${error.code})`);
  }
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
