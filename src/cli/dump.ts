import { setImmediate } from 'node:timers/promises';

import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { CoreFile } from '../elf/core-writer.js';
import { coreSignal } from '../elf/core.js';
import type { CopyPlan } from '../live/copy-plan.js';
import { ProcError } from '../live/error.js';
import { type HostCore, hostCore } from '../live/host-core.js';
import { HostProcess } from '../live/host-process.js';
import { stopProcess } from '../live/stop.js';
import { LinuxError } from '../errno.js';
import type { Command, Options } from './command.js';
import { bytesOf, type Copied, MemoryCopy } from './copy-memory.js';
import { chooseCrash, type Crash, loadCrash, onlyOperand } from './input.js';
import { Interrupt } from './interrupt.js';
import { type CliIo, InputError, UsageError } from './io.js';
import { printJson } from './json.js';
import { parseInteger } from './number.js';
import { OutputFile } from './output-file.js';
import { Progress } from './progress.js';

/** Chunks of a machine's core written between two looks at whether the user has had enough. */
const BREATH = 16;
/** Bytes that a thread reads and writes at a time: they are to stay in its processor's nearer caches. */
const JOB_BYTES = 2 ** 20;
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
  const memory = new MemoryCopy(process, { jobBytes: JOB_BYTES, checks: false });
  let resume = (): void => {};
  try {
    if (!options.flag('no-stop')) resume = stopProcess(process);
    const description = process.describe();
    const core = hostCore(process, description, filter ?? description.filter);
    const progress = new Progress(io, 'dump', process.residentBytes());
    const copied = await writeHostCore(core, output, (plan, into) =>
      memory.run(plan, into, progress),
    );
    if (copied === null) return 1;
    const unreadablePages = bytesOf(copied.lost) / PAGE_SIZE;
    report(io, options, { output, bytes: core.file.size, unreadablePages });
    return 0;
  } finally {
    resume();
    await memory.end();
    process.close();
  }
}

/** Writes a core with holes where nothing is. Null when the user broke it off, and there is none. */
async function writeHostCore(
  core: HostCore,
  output: string,
  run: (plan: CopyPlan, into: OutputFile) => Promise<Copied | null>,
): Promise<Copied | null> {
  const { file } = core;
  const into = new OutputFile(output, { replace: true });
  try {
    for (const chunk of [...file.front(), ...file.tail()]) into.put(chunk);
    const copied = await run(core.plan(JOB_BYTES), into);
    if (copied !== null) into.complete(file.size);
    return copied;
  } finally {
    into.close();
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
    const into = new OutputFile(output, { replace: true, input: crash.label });
    if (!(await writeCoreFile(file, into, new Progress(io, 'dump', file.size)))) return 1;
    report(io, options, { output, bytes: file.size, unreadablePages: 0 });
    return 0;
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    throw new InputError(`${crash.label}: the machine cannot hold this process (${error.code})`);
  }
}

/** What is told of a copy. */
interface Report {
  readonly output: string;
  readonly bytes: number;
  readonly unreadablePages: number;
}

/** Says what was copied, and what was not. */
export function report(io: CliIo, options: Options, copied: Report): void {
  if (options.flag('json')) return printJson(io, copied);
  const { output, bytes, unreadablePages } = copied;
  const lost = unreadablePages > 0 ? `; ${unreadablePages} pages cannot be read` : '';
  io.out(`${output}: ${bytes} bytes${lost}\n`);
}

/** Writes a core with holes where it has zeros. False when the user broke it off, and there is none. */
async function writeCoreFile(
  file: CoreFile,
  into: OutputFile,
  progress: Progress,
): Promise<boolean> {
  const interrupt = new Interrupt();
  try {
    let count = 0;
    for (const chunk of file.chunks()) {
      into.put(chunk);
      progress.add(chunk.bytes.length);
      if (++count % BREATH === 0) await setImmediate();
      if (interrupt.came) return false;
    }
    into.complete(file.size);
    return true;
  } finally {
    interrupt.release();
    progress.end();
    into.close();
  }
}
