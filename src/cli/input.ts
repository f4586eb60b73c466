import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { LoadedProcess } from '../api/load-core.js';
import type { MachineOptions } from '../api/machine-options.js';
import type { Task } from '../api/task.js';
import { withExecutable } from '../elf/core-executable.js';
import type { OpenFile } from '../elf/core-files.js';
import type { Core } from '../elf/core.js';
import { readCore } from '../elf/core.js';
import { LinuxError } from '../errno.js';
import { Machine } from '../machine.js';
import { isSnapshot } from '../snapshot/container.js';
import type { Options } from './command.js';
import { openHostFile, openInput, openSysroot } from './file-source.js';
import { InputError, UsageError } from './io.js';
import { asLoaded, restoreInput } from './restored.js';

/** Where the committed crash lies, beside the compiled library. */
const EXAMPLE = new URL('../../../examples/crash/', import.meta.url);

/** A process to look into: that of a core, or one of a machine's snapshot. */
export interface Crash {
  /** What to call it. */
  readonly label: string;
  /** Its core; of a snapshot one that is made as it is read. */
  readonly core: Core;
  /** Where the files it names are to be had. */
  readonly open: OpenFile;
  /** The machine that the process is in already, and its threads in the core's order; null for a core. */
  readonly restored: { readonly machine: Machine; readonly threads: readonly Task[] } | null;
}

/** A process in a machine. */
export interface Loaded extends Crash {
  readonly machine: Machine;
  readonly process: LoadedProcess;
  /** The thread that got the signal. */
  readonly task: Task;
}

/** What names a process, besides the file it is in. */
export interface InputChoice {
  /** The directory that the files it had mapped are below; null for the host's own tree. */
  readonly sysroot?: string | null;
  /** The number of the process of a snapshot; null for the only one. */
  readonly pid?: string | null;
  /** The file of the program that a core is of; null where it is as the core names it. */
  readonly exe?: string | null;
  /** Whether only a snapshot will do. */
  readonly snapshot?: boolean;
}

/** The crash that comes with the package. @throws {ElfError | InputError} it is damaged */
export function exampleCrash(): Crash {
  const file = (name: string) => openInput(fileURLToPath(new URL(name, EXAMPLE)));
  const executable = file('thumbnail.gz');
  const open: OpenFile = (path) => (path.endsWith('/thumbnail') ? executable : null);
  const label = 'examples/crash/core.gz';
  return { label, core: readCore(file('core.gz')), open, restored: null };
}

/**
 * A process in a file of the host, a core or a snapshot as its first bytes say, with the files it names.
 *
 * @throws {ElfError | InputError} the file cannot be read, or is neither
 * @throws {UsageError} the choice makes no sense with it
 */
export async function openProcess(path: string, choice: InputChoice = {}): Promise<Crash> {
  const { sysroot = null, pid = null, exe = null, snapshot = false } = choice;
  checkSysroot(sysroot);
  const open: OpenFile = sysroot === null ? openHostFile : openSysroot(sysroot);
  const source = openInput(path);
  if (isSnapshot(source)) {
    if (exe !== null) throw new UsageError(`--exe: ${path} is a snapshot, and has its program`);
    return restoreInput(source, { pid, open });
  }
  if (snapshot) throw new InputError(`${path}: this is no snapshot`);
  if (pid !== null) throw new UsageError(`--pid: ${path} is a core, and has one process`);
  const found = { core: readCore(source), open };
  const named = exe === null ? found : withExecutable(found, openInput(resolve(exe)));
  return { label: path, ...named, restored: null };
}

/** @throws {UsageError} it is not there: a name that is mistyped would look like files that are missing */
function checkSysroot(sysroot: string | null): void {
  if (sysroot !== null && !existsSync(sysroot)) {
    throw new UsageError(`--sysroot ${sysroot}: there is no such directory`);
  }
}

/**
 * The process that a command line names with --core, --snapshot or as its operand, else the example.
 *
 * @throws {UsageError} it names two
 */
export async function chooseCrash(operand: string | null, options: Options): Promise<Crash> {
  const snapshot = options.text('snapshot');
  const named = [operand, options.text('core'), snapshot].filter((path) => path !== null);
  const [path, second] = named;
  if (second !== undefined) throw new UsageError(`one process, please: ${path} or ${second}`);
  const [pid, exe, sysroot] = [options.text('pid'), options.text('exe'), options.text('sysroot')];
  if (path !== undefined) {
    return await openProcess(path, { pid, exe, sysroot, snapshot: snapshot !== null });
  }
  checkSysroot(sysroot);
  if (exe !== null) throw new UsageError('--exe names the program of a core: which core?');
  if (pid !== null) throw new UsageError('--pid names a process of a snapshot: which snapshot?');
  return exampleCrash();
}

/** The only operand of a command, or null. @throws {UsageError} there are more */
export function onlyOperand(operands: readonly string[], command: string): string | null {
  if (operands.length > 1) throw new UsageError(`${command} takes at most one core or snapshot`);
  return operands[0] ?? null;
}

/** Makes a process of a core. @throws {InputError} the machine cannot hold it */
export function loadInto(machine: Machine, { core, open }: Crash): LoadedProcess {
  try {
    return machine.loadCore(core, { open });
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    throw new InputError(
      `${core.source.name}: the machine cannot hold this process (${error.code})`,
    );
  }
}

/**
 * The process in a machine: that of its snapshot, or one that is made.
 *
 * @param options of a machine that is made; a snapshot's has its own
 * @throws {InputError} it does not fit
 */
export async function loadCrash(crash: Crash, options: MachineOptions = {}): Promise<Loaded> {
  if (crash.restored !== null) return asLoaded(crash, crash.restored);
  const machine = await Machine.create(options);
  const process = loadInto(machine, crash);
  const [task] = process.threads;
  if (task === undefined) throw new InputError(`${crash.label}: no thread is described`);
  return { ...crash, machine, process, task };
}
