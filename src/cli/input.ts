import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { LoadedProcess } from '../api/load-core.js';
import type { MachineOptions } from '../api/machine-options.js';
import type { Task } from '../api/task.js';
import type { OpenFile } from '../elf/core-files.js';
import type { Core } from '../elf/core.js';
import { readCore } from '../elf/core.js';
import { LinuxError } from '../errno.js';
import { Machine } from '../machine.js';
import type { Options } from './command.js';
import { openHostFile, openInput } from './file-source.js';
import { InputError, UsageError } from './io.js';

/** Where the committed crash lies, beside the compiled library. */
const EXAMPLE = new URL('../../../examples/crash/', import.meta.url);

/** A core, and where the files it names are to be had. */
export interface Crash {
  /** What to call it. */
  readonly label: string;
  readonly core: Core;
  readonly open: OpenFile;
}

/** A core loaded into a machine. */
export interface Loaded extends Crash {
  readonly machine: Machine;
  readonly process: LoadedProcess;
  /** The thread that got the signal. */
  readonly task: Task;
}

/** The crash that comes with the package. @throws {ElfError | InputError} it is damaged */
export function exampleCrash(): Crash {
  const file = (name: string) => openInput(fileURLToPath(new URL(name, EXAMPLE)));
  const executable = file('thumbnail.gz');
  const open: OpenFile = (path) => (path.endsWith('/thumbnail') ? executable : null);
  return { label: 'examples/crash/core.gz', core: readCore(file('core.gz')), open };
}

/**
 * A core of the host, with the files it names.
 *
 * @param sysroot the directory they are below; null for the host's own tree
 * @throws {ElfError | InputError} it cannot be read, or is no core
 */
export function hostCrash(path: string, sysroot: string | null = null): Crash {
  const open: OpenFile = (name) =>
    name.startsWith('/') ? openHostFile(sysroot === null ? name : join(sysroot, name)) : null;
  return { label: path, core: readCore(openInput(path)), open };
}

/**
 * The core that a command line names with --core or as its operand, else the example.
 *
 * @throws {UsageError} it names two
 */
export function chooseCrash(operand: string | null, options: Options): Crash {
  const named = options.text('core');
  if (named !== null && operand !== null) {
    throw new UsageError(`one core, please: ${operand} or ${named}`);
  }
  const path = named ?? operand;
  return path === null ? exampleCrash() : hostCrash(path, options.text('sysroot'));
}

/** The only operand of a command, or null. @throws {UsageError} there are more */
export function onlyOperand(operands: readonly string[], command: string): string | null {
  if (operands.length > 1) throw new UsageError(`${command} takes at most one core file`);
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

/** Makes a machine with the process of a core. @throws {InputError} it does not fit */
export async function loadCrash(crash: Crash, options: MachineOptions = {}): Promise<Loaded> {
  const machine = await Machine.create(options);
  const process = loadInto(machine, crash);
  const [task] = process.threads;
  if (task === undefined) throw new InputError(`${crash.label}: no thread is described`);
  return { ...crash, machine, process, task };
}
