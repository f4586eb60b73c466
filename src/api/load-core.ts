import { completePermissions, openCoreFiles } from '../elf/core-files.js';
import type { OpenFile } from '../elf/core-files.js';
import type { Core } from '../elf/core.js';
import type { ProcessAreas } from '../elf/process-areas.js';
import { ElfError } from '../elf/error.js';
import { findProcessAreas } from '../elf/process-areas.js';
import { makeCred } from '../kernel/cred.js';
import { doExitGroup } from '../kernel/exit.js';
import { copyProcess, createProcess } from '../kernel/fork.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { SIGKILL } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from '../kernel/unshare.js';
import { TASK_SIZE } from '../mm/address.js';
import { File } from '../vfs/file.js';
import type { Vfs } from '../vfs/vfs.js';
import {
  arrayArgument,
  bytesArgument,
  functionArgument,
  intArgument,
  objectArgument,
} from './arguments.js';
import { CoreExeFile, CoreFileSystem } from './core-file-system.js';
import { mapCore } from './map-core.js';
import { type Task, taskOf } from './task.js';

/** Choices for loading a core. */
export interface LoadCoreOptions {
  /**
   * Gives the executable and the libraries that the core names by their paths; null for one that is
   * not to be had. A file that is not the one the process had is not used.
   */
  readonly open?: OpenFile;
  /**
   * Bytes of memory that are copied at once (default 64 MiB). A core with more is opened without reading
   * its memory: each page is read from the core when it is first touched, so the source must stay.
   */
  readonly copyLimit?: number;
  /** What is known of the process's areas (default: they are found again). */
  readonly areas?: ProcessAreas;
}

const COPY_LIMIT = 64 * 1024 * 1024;

/** A process brought back from its core. */
export interface LoadedProcess {
  /** The core, with the permissions that its files tell. */
  readonly core: Core;
  readonly areas: ProcessAreas;
  /** Its threads, in the core's order; the first got the signal. */
  readonly threads: readonly Task[];
  /** Paths of the files that were found, and of those that were not. */
  readonly found: readonly string[];
  readonly missing: readonly string[];
}

/**
 * Makes a process of a core: its mappings and pages, auxiliary vector, registers, name and user,
 * and the files it had mapped at their paths.
 *
 * A core does not say which mappings were shared: all become private. Descriptors, directories and
 * supplementary groups are not in it either.
 *
 * @throws {LinuxError} ENOMEM: the machine's memory does not hold it; nothing is left behind
 * @throws {ElfError} memory at addresses that the machine does not have: beyond 47 bits
 * @throws {TypeError} core is not what readCore() gives
 */
export function loadCore(vfs: Vfs, core: Core, options: LoadCoreOptions = {}): LoadedProcess {
  checkCore(core);
  const { open = (): null => null, copyLimit = COPY_LIMIT } = objectArgument('options', options);
  intArgument('copyLimit', copyLimit, 0, Number.MAX_SAFE_INTEGER);
  checkReach(core);
  const sources = openCoreFiles(core, functionArgument('open', open));
  const completed = completePermissions(core, sources);
  const areas = options.areas ?? findProcessAreas(completed);
  const fileSystem = new CoreFileSystem(vfs);
  const files = new Map<string, File>();
  for (const [path, source] of sources) {
    const file = fileSystem.add(path, source);
    if (file !== null) files.set(path, file);
  }
  const leader = createLeader(vfs, completed);
  try {
    const mm = leader.mm as MmStruct;
    mapCore(mm, { core: completed, areas, files, fileSystem, copyLimit });
    describeMemory(mm, completed, areas, files);
    const threads = createThreads(leader, completed);
    const missing = missingPaths(completed, files);
    return { core: completed, areas, threads, found: [...files.keys()], missing };
  } catch (error) {
    doExitGroup(leader, SIGKILL);
    throw error;
  } finally {
    // The mappings hold their own references.
    for (const file of files.values()) file.put();
  }
}

function checkCore(core: Core): void {
  objectArgument('core', core);
  objectArgument('core.source', core.source);
  objectArgument('core.process', core.process);
  arrayArgument('core.threads', core.threads);
  bytesArgument('core.auxv', core.auxv);
  arrayArgument('core.mappings', core.mappings);
}

/** The machine is x86-64 with four levels of page tables; aarch64 has one bit more. */
function checkReach({ source, machine, mappings }: Core): void {
  const beyond = mappings.find(({ end }) => end > TASK_SIZE);
  if (beyond === undefined) return;
  const range = `0x${beyond.start.toString(16)}-0x${beyond.end.toString(16)}`;
  const what = `${range} of the ${machine.name} process lies beyond`;
  const end = `0x${TASK_SIZE.toString(16)}, where the machine's user space ends`;
  throw new ElfError(source.name, beyond.at, `${what} ${end}`);
}

function createLeader(vfs: Vfs, core: Core): TaskStruct {
  const { kernel } = vfs;
  const { pid, uid, gid, comm, nice } = core.process;
  const cred = makeCred(kernel.initUserNs, { uid, gid });
  kernel.pids.setLast(pid - 1);
  const files = vfs.newFdTable();
  const leader = createProcess(kernel, kernel.init, { comm, cred, files, fs: vfs.newFsStruct() });
  leader.nice = nice;
  return leader;
}

/** A thread for each of the core; the one whose number is the process's is the leader. */
function createThreads(leader: TaskStruct, core: Core): Task[] {
  const flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  const own = core.threads.findIndex(({ tid }) => tid === core.process.pid);
  return core.threads.map(({ tid, regs, fpregs }, i) => {
    if (i !== Math.max(own, 0)) leader.kernel.pids.setLast(tid - 1);
    const task = i === Math.max(own, 0) ? leader : copyProcess(leader, { flags });
    task.regs = regs.slice();
    task.fpregs = fpregs?.slice() ?? null;
    return taskOf(task);
  });
}

function describeMemory(
  mm: MmStruct,
  core: Core,
  areas: ProcessAreas,
  files: ReadonlyMap<string, File>,
): void {
  const { code, data, heap, stack, initial, executable } = areas;
  mm.auxv = core.auxv.slice();
  mm.startCode = code.start;
  mm.endCode = code.end;
  mm.startData = data.start;
  mm.endData = data.end;
  mm.startBrk = heap?.start ?? data.end;
  mm.brk = heap?.end ?? data.end;
  // Any address in the stack gives its mapping the name; only the initial one is exact.
  mm.startStack = initial?.startStack ?? stack?.start ?? 0;
  mm.argStart = initial?.argStart ?? 0;
  mm.argEnd = initial?.argEnd ?? 0;
  mm.envStart = initial?.envStart ?? 0;
  mm.envEnd = initial?.envEnd ?? 0;
  if (executable === null) return;
  // What stands in for a program that is not to be had still tells its path, and what was dumped of it.
  const file = files.get(executable) ?? mm.findVma(code.start)?.file;
  if (file instanceof File) mm.setExeFile(new CoreExeFile(executable, file));
}

function missingPaths(core: Core, files: ReadonlyMap<string, File>): string[] {
  const paths = core.mappings.flatMap(({ file }) => (file === null ? [] : [file.path]));
  return [...new Set(paths)].filter((path) => !files.has(path));
}
