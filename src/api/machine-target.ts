import { EINVAL, EIO, ENOENT, ESRCH } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type {
  RegisterBlock,
  Target,
  TargetFiles,
  TargetProcess,
  TargetRegion,
  TargetRun,
  TargetThread,
  TargetWatch,
  TargetWatchKind,
} from '../gdb/target.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { SIGKILL } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { TASK_SIZE } from '../mm/address.js';
import { parseMaps } from '../unwind/maps.js';
import { functionArgument, objectArgument, structArgument } from './arguments.js';
import { archOf, registersOf, setRegistersOf } from './hart-registers.js';
import type { LoadedProcess } from './load-core.js';
import type { OpenFile } from './open-file.js';
import { runTask } from './run-task.js';
import { type Task, taskOf } from './task.js';

/** What a debugger is to know besides what the machine says. */
export interface MachineTargetOptions {
  /**
   * The process of a core: a client finds it attached, stopped by the core's signal. Without one a
   * client attaches to a process itself.
   */
  readonly loaded?: LoadedProcess;
  /** The process a client finds attached, where it comes from no core. */
  readonly pid?: number;
  /**
   * Executes at most `fuel` instructions of a thread that runs on its hart (default: cpu.run(), with its
   * system calls made in the machine). Null: this thread cannot run.
   */
  readonly run?: (task: Task, fuel: number) => TargetRun | null;
}

/** The signal that a core says stopped a thread. */
interface CoreStop {
  readonly signal: number;
  readonly siginfo: Uint8Array | null;
}

/** Tasks by which debuggers act: no debugger sees another. */
const debuggers = new WeakSet<TaskStruct>();

/** An open mem file, and the memory it was opened for: exec gives a process another. */
interface OpenMem {
  readonly mm: MmStruct;
  readonly file: OpenFile;
}

/**
 * The tasks of a machine as a debugger sees them. It does everything as a task of the machine, which
 * should be root's: memory is that task's /proc/PID/mem, files are those it opens.
 *
 * @example
 * const debuggerTask = machine.spawn({ comm: 'gdbserver' });
 * const target = new MachineTarget(debuggerTask, { loaded: machine.loadCore(core) });
 * const session = new GdbSession(target, { send: (bytes) => socket.write(bytes), close });
 */
export class MachineTarget implements Target {
  readonly initial: number | null;
  readonly files: TargetFiles;
  readonly #task: Task;
  readonly #stops = new Map<number, CoreStop>();
  readonly #run: (task: Task, fuel: number) => TargetRun | null;
  readonly #mems = new Map<number, OpenMem>();

  /** @throws {TypeError} an argument that is none */
  constructor(task: Task, options: MachineTargetOptions = {}) {
    const { loaded, pid, run = runTask } = objectArgument('options', options);
    debuggers.add(structArgument('task', objectArgument('task', task).struct));
    this.#task = task;
    this.files = task;
    this.#run = functionArgument('run', run);
    this.initial = loaded?.threads[0]?.pid ?? pid ?? null;
    loaded?.threads.forEach(({ tid }, i) => {
      const thread = loaded.core.threads[i];
      if (thread !== undefined) this.#stops.set(tid, thread);
    });
  }

  processes(): TargetProcess[] {
    const leaders = [...this.#task.struct.kernel.tasks()].filter(
      (task) => task.isLeader && this.#isShown(task),
    );
    return leaders.map((leader) => ({
      pid: leader.pid,
      ppid: leader.parent?.tgid ?? 0,
      arch: archOf(leader),
      user: String(taskOf(leader).uids.real),
      command: this.#commandOf(leader),
    }));
  }

  threads(pid: number): TargetThread[] {
    const leader = this.#task.struct.kernel.findTask(pid);
    if (leader === null || !leader.isLeader || !this.#isShown(leader)) return [];
    const threads = [...leader.group.threads].filter(({ exited }) => !exited);
    const described = threads.map((thread) => ({
      tid: thread.pid,
      name: thread.comm,
      signal: this.#stops.get(thread.pid)?.signal ?? 0,
    }));
    const stopped = described.find(({ signal }) => signal !== 0);
    if (stopped === undefined) return described;
    return [stopped, ...described.filter((thread) => thread !== stopped)];
  }

  readMemory(pid: number, addr: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    try {
      return bytes.subarray(0, this.#mem(pid).pread(bytes, addr));
    } catch (error) {
      return refused(error) ? bytes.subarray(0, 0) : raise(error);
    }
  }

  writeMemory(pid: number, addr: bigint, bytes: Uint8Array): number {
    try {
      return this.#mem(pid).pwrite(bytes, addr);
    } catch (error) {
      return refused(error) ? 0 : raise(error);
    }
  }

  regions(pid: number): TargetRegion[] {
    const lines = parseMaps(this.#task.readText(`/proc/${pid}/maps`));
    return lines.map(({ start, end, perms, path }) => ({
      start: BigInt(start),
      end: BigInt(end),
      perms: perms.slice(0, 3),
      name: path,
    }));
  }

  registers(tid: number, block: RegisterBlock): Uint8Array | null {
    return registersOf(this.#struct(tid), block);
  }

  /** @throws {LinuxError} EIO, EINVAL: a value user mode may not have; ESRCH: no such thread */
  setRegisters(tid: number, block: RegisterBlock, bytes: Uint8Array): void {
    setRegistersOf(this.#struct(tid), block, bytes);
  }

  run(tid: number, fuel: number): TargetRun | null {
    const task = taskOf(this.#struct(tid));
    return archOf(task.struct) === 'riscv64' ? this.#run(task, fuel) : null;
  }

  auxv(pid: number): Uint8Array {
    return this.#task.readFile(`/proc/${pid}/auxv`);
  }

  execFile(pid: number): string {
    try {
      return this.#task.readlink(`/proc/${pid}/exe`);
    } catch (error) {
      // A process without a program, or one whose program was not to be had.
      if (error instanceof LinuxError && -error.errno === ENOENT) return '';
      throw error;
    }
  }

  siginfo(tid: number): Uint8Array | null {
    return this.#stops.get(tid)?.siginfo ?? null;
  }

  /** @throws {LinuxError} as mmap(2) */
  allocate(pid: number, length: bigint, prot: number): bigint {
    return taskOf(this.#struct(pid)).mmap({ length, prot });
  }

  deallocate(pid: number, addr: bigint, length: bigint): void {
    taskOf(this.#struct(pid)).munmap(addr, length);
  }

  /** @throws {LinuxError} EINVAL: not user memory; ENOMEM: no frame for the list of watched pages */
  watch(
    pid: number,
    kind: TargetWatchKind,
    { start, length }: { readonly start: bigint; readonly length: number },
    onHit: (hit: { readonly addr: bigint; readonly tid: number }) => void,
  ): TargetWatch {
    if (start + BigInt(length) > BigInt(TASK_SIZE)) fail(EINVAL);
    return taskOf(this.#struct(pid)).watch({
      start,
      length,
      on: kind,
      hit: ({ address, task }) => {
        // As with debug registers, the debugger's own accesses do not count.
        if (task === this.#task) return;
        onHit({ addr: address, tid: task?.pid === pid ? task.tid : pid });
      },
    });
  }

  kill(pid: number): void {
    this.#task.kill(pid, SIGKILL);
  }

  /** Ends the task it acts by, with everything that one holds open. */
  close(): void {
    this.#mems.clear();
    this.#task.exit();
  }

  #isShown(task: TaskStruct): boolean {
    return task.mm !== null && !task.exited && !task.group.unkillable && !debuggers.has(task);
  }

  #struct(tid: number): TaskStruct {
    const struct = this.#task.struct.kernel.findTask(tid);
    return struct === null || struct.exited ? fail(ESRCH) : struct;
  }

  #commandOf(leader: TaskStruct): string {
    const text = this.#task.readText(`/proc/${leader.pid}/cmdline`);
    return text.replace(/\0+$/, '').replaceAll('\0', ' ') || leader.comm;
  }

  #mem(pid: number): OpenFile {
    const { mm } = this.#struct(pid);
    const open = this.#mems.get(pid);
    if (open !== undefined && open.mm === mm) return open.file;
    open?.file.close();
    this.#mems.delete(pid);
    const file = this.#task.open(`/proc/${pid}/mem`, 'r+');
    if (mm !== null) this.#mems.set(pid, { mm, file });
    return file;
  }
}

/** Nothing mapped there (EIO), or no address at all (EINVAL). */
function refused(error: unknown): boolean {
  return error instanceof LinuxError && [EIO, EINVAL].includes(-error.errno);
}

function raise(error: unknown): never {
  throw error;
}
