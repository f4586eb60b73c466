import { findProcessAreas } from '../elf/process-areas.js';
import { openCoreFiles, type OpenFile } from '../elf/core-files.js';
import { readCore } from '../elf/core.js';
import type { ByteSource } from '../elf/source.js';
import type { TaskStruct } from '../kernel/task.js';
import { Machine } from '../machine.js';
import { SnapshotError } from '../snapshot/error.js';
import type { HostDirectory } from '../vfs/host-directory.js';
import type { Task } from '../api/task.js';
import type { Crash, Loaded } from './input.js';
import { InputError, UsageError } from './io.js';
import { parseInteger } from './number.js';
import { printable } from './terminal.js';

/** All memory that a core can have: every bit of coredump_filter. */
const EVERYTHING = 0x1ff;
/** Processes named when the choice is the user's. */
const MAX_NAMED = 8;

/** What a directory of the host answers that is not the machine's any more. */
const gone = (): never => {
  throw Object.assign(new Error('EIO: the directory is not in the snapshot'), { code: 'EIO' });
};

/**
 * Stands for a directory that the machine had: what it holds in memory can be looked at, and a page of a file
 * that was never read is an EIO.
 */
const NOT_HERE: HostDirectory = { lstat: gone, readdir: gone, readlink: gone, read: gone };

/** Which process of a snapshot is meant, and where the files it had mapped are. */
export interface RestoreChoice {
  /** The number of a process as it was typed; null for the only one. */
  readonly pid: string | null;
  readonly open: OpenFile;
}

/**
 * Makes the machine of a snapshot, and looks at one of its processes as at its core: what the core says
 * is read out of the machine when it is asked for.
 *
 * @throws {InputError} it is damaged, or has no such process
 * @throws {UsageError} it has several, and none is named
 */
export async function restoreInput(source: ByteSource, choice: RestoreChoice): Promise<Crash> {
  const machine = await restore(source);
  const task = chooseProcess(machine, source.name, choice.pid);
  const file = machine.dumpCore(task, { filter: EVERYTHING });
  const read = (offset: number, length: number): Uint8Array => file.read(offset, length);
  const core = readCore({ name: source.name, size: file.size, read });
  const threads = core.threads.map(({ tid }) => machine.task(tid) as Task);
  return { label: source.name, core, open: choice.open, restored: { machine, threads } };
}

async function restore(source: ByteSource): Promise<Machine> {
  try {
    return await Machine.restore(source, { hosts: () => NOT_HERE });
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    throw new InputError(`${source.name}: ${error.message}`);
  }
}

function chooseProcess(machine: Machine, name: string, wanted: string | null): Task {
  const processes = machine.tasks().filter(({ struct }) => isProcess(struct));
  const pid = wanted === null ? null : (parseInteger(wanted) ?? -1n);
  const chosen = pid === null ? processes : processes.filter((task) => BigInt(task.pid) === pid);
  const [task] = chosen;
  if (task !== undefined && chosen.length === 1) return task;
  const named = processes.slice(0, MAX_NAMED).map(({ pid, comm }) => `${pid} (${printable(comm)})`);
  const list = `${named.join(', ')}${processes.length > MAX_NAMED ? ', …' : ''}`;
  if (processes.length === 0) throw new InputError(`${name}: the snapshot has no process`);
  if (pid !== null) throw new InputError(`${name}: no process ${wanted}; there are ${list}`);
  throw new UsageError(`${name} has ${processes.length} processes, choose by --pid: ${list}`);
}

/** Not the init that every machine has, nor what has no memory any more. */
function isProcess(struct: TaskStruct): boolean {
  return struct.isLeader && struct.mm !== null && !struct.exited && !struct.group.unkillable;
}

/** A process of a restored machine as one that was loaded from its core. */
export function asLoaded(
  crash: Crash,
  { machine, threads }: NonNullable<Crash['restored']>,
): Loaded {
  const { core, open } = crash;
  const found = [...openCoreFiles(core, open).keys()];
  const paths = core.mappings.flatMap(({ file }) => (file === null ? [] : [file.path]));
  const missing = [...new Set(paths)].filter((path) => !found.includes(path));
  const process = { core, areas: findProcessAreas(core), threads, found, missing };
  return { ...crash, machine, process, task: threads[0] as Task };
}
