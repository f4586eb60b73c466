import { LinuxError } from '../errno.js';
import type { Cred } from '../kernel/cred.js';
import { completeExit, releaseTask } from '../kernel/exit.js';
import { createProcess } from '../kernel/fork.js';
import type { Kernel } from '../kernel/kernel.js';
import { RLIMIT_AS, type Rlimits, stackLimit } from '../kernel/rlimit.js';
import type { TaskStruct } from '../kernel/task.js';
import { ExeFile } from '../vfs/exe-file.js';
import type { File } from '../vfs/file.js';
import { currentMm } from './args.js';
import { openExec } from './exec.js';
import { loadProgram } from './program.js';

/** What a process made from nothing is to have. */
export interface SpawnOptions {
  /** Its name, at most 15 bytes. */
  readonly comm: string;
  /** Who waits for it (default: pid 1). */
  readonly parent?: TaskStruct;
  /** Default: the parent's. */
  readonly cred?: Readonly<Cred>;
  /** Default: copies of the parent's. */
  readonly rlimits?: Rlimits;
  /**
   * Its arguments: with them its memory is that of a program just started, whose file is the one
   * that the first argument names, if it exists. Without, its memory is empty.
   */
  readonly argv?: readonly string[];
  /** Its environment, as NAME=value (default none); only with `argv`. */
  readonly env?: readonly string[];
}

/**
 * Makes a process that can make system calls.
 *
 * @throws {LinuxError} EAGAIN: no process number free; ENOMEM: no memory
 */
export function spawnTask(kernel: Kernel, options: SpawnOptions): TaskStruct {
  const { argv, env = [], parent = kernel.init, ...init } = options;
  const task = createProcess(kernel, parent, init);
  const mm = currentMm(task);
  mm.stackLimit = stackLimit(task);
  mm.limitGrowth(task.group.rlimits.soft(RLIMIT_AS));
  if (argv === undefined) return task;
  const file = programFile(task, argv[0] ?? '');
  try {
    loadProgram(task, mm, { file, argv, env });
    if (file !== null) mm.setExeFile(new ExeFile(file));
  } catch (error) {
    undo(task);
    throw error;
  } finally {
    file?.put(); // the memory has references of its own
  }
  return task;
}

/** Nobody hears of a process that could not start. */
function undo(task: TaskStruct): void {
  task.exitSignal = 0;
  completeExit(task, 0);
  releaseTask(task);
}

function programFile(task: TaskStruct, path: string): File | null {
  try {
    return path.startsWith('/') ? openExec(task, path) : null;
  } catch (error) {
    if (error instanceof LinuxError) return null;
    throw error;
  }
}
