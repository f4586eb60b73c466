import {
  checkMachineOptions,
  mountArguments,
  type MachineOptions,
  type MachineStats,
  sourcesOf,
  type SpawnTaskOptions,
} from './api/machine-options.js';
import { resolveProfile } from './api/profile-option.js';
import { archArgument, callArgument } from './api/syscalls.js';
import { taskArgument } from './api/task-access.js';
import { taskOf, type Task } from './api/task.js';
import {
  arrayArgument,
  bytesArgument,
  capsArgument,
  functionArgument,
  intArgument,
  livingArgument,
  nameArgument,
  objectArgument,
  oneOf,
  stringArgument,
  stringsArgument,
} from './api/arguments.js';
import { dumpCore, type DumpCoreOptions } from './api/dump-core.js';
import {
  type Injection,
  type InjectionEntry,
  type InjectionOptions,
  makeRule,
} from './api/injection.js';
import { loadCore, type LoadCoreOptions, type LoadedProcess } from './api/load-core.js';
import type { CoreFile } from './elf/core-writer.js';
import type { Core as ElfCore } from './elf/core.js';
import { BytesSource, type ByteSource } from './elf/source.js';
import { makeCred } from './kernel/cred.js';
import { type AccessExplanation, type AccessQuestion, explainAccess } from './kernel/explain.js';
import { Kernel } from './kernel/kernel.js';
import { capabilityModule } from './kernel/lsm/capability.js';
import { landlockModule } from './kernel/lsm/landlock.js';
import { YamaModule } from './kernel/lsm/yama.js';
import { PTRACE_MODE_ATTACH_FSCREDS } from './kernel/ptrace.js';
import { addCallRule, type CallRule, removeCallRule } from './kernel/syscall-entry.js';
import type { TaskStruct } from './kernel/task.js';
import { Jit } from './jit/jit.js';
import { checkMemory } from './mm/check.js';
import { createProcfs } from './procfs/root.js';
import { Checkpoint, Checkpoints } from './snapshot/checkpoint.js';
import { restoreSnapshot, type RestoreOptions } from './snapshot/restore.js';
import { encodeState } from './snapshot/state.js';
import { writeSnapshot } from './snapshot/writer.js';
import { doSyscall, type SyscallArch, type SyscallName } from './syscall/dispatch.js';
import { spawnTask } from './syscall/spawn.js';
import { createSysfs } from './sysfs/sysfs.js';
import type { HostDirectory, HostOwner } from './vfs/host-directory.js';
import { Vfs } from './vfs/vfs.js';
import { Core } from './wasm/core.js';

/**
 * A Linux machine: one instance of the wasm core with its kernel, tasks and files. Many know nothing of each other.
 *
 * @example
 * const machine = await Machine.create({ yama: 1 });
 * const target = machine.spawn({ comm: 'target', uid: 1000 });
 * const reader = machine.spawn({ comm: 'reader', uid: 1000 });
 * const { allowed, checks } = machine.explainAccess(reader, target);
 * console.log(allowed, checks.at(-1)?.source); // false security/yama/yama_lsm.c, …
 */
export class Machine {
  /** The kernel's objects, for code below the object API. */
  readonly kernel: Kernel;
  /** The mount tree, for code below the object API. */
  readonly vfs: Vfs;
  readonly #rules = new Map<Injection, CallRule>();
  readonly #injected: InjectionEntry[] = [];
  readonly #checkpoints: Checkpoints;

  private constructor(kernel: Kernel, vfs: Vfs) {
    this.kernel = kernel;
    this.vfs = vfs;
    this.#checkpoints = new Checkpoints(kernel, vfs);
  }

  /**
   * Builds a machine.
   *
   * @throws {TypeError | RangeError} an option of the wrong type or out of its range
   * @throws {LinuxError} EINVAL, ENOENT: a sysctl that does not exist or a value it does not accept
   */
  static async create(options: MachineOptions = {}): Promise<Machine> {
    checkMachineOptions(options);
    const { memory, wasm, now = Date.now, jit = true } = options;
    const profile = resolveProfile(options.profile);
    const core = await Core.create({
      ...(memory === undefined ? {} : { memory }),
      ...(wasm === undefined ? {} : { wasm }),
      zeroPage: profile.zeroPage,
    });
    if (jit) core.compiler = new Jit(core);
    const kernel = new Kernel(core, { ...sourcesOf(options), profile });
    installSecurity(kernel, options);
    const vfs = new Vfs(kernel, { now, ...(options.root && { root: options.root }) });
    const { hidepid = 0, procGid = 0, procMem = true } = options;
    const entries = profile.pidEntries;
    vfs.mount('/proc', createProcfs(vfs, { hidepid, gid: procGid, mem: procMem, entries }));
    vfs.mount('/sys', createSysfs(vfs));
    kernel.init.files = vfs.newFdTable();
    kernel.init.fs = vfs.newFsStruct();
    for (const [name, value] of Object.entries(options.sysctl ?? {})) {
      kernel.sysctl.set(name, value);
    }
    return new Machine(kernel, vfs);
  }

  /**
   * Makes a process.
   *
   * @throws {LinuxError} EAGAIN: no process number free; ENOMEM: no memory
   * @throws {TypeError | RangeError} an option that is none
   */
  spawn(options: SpawnTaskOptions = {}): Task {
    objectArgument('options', options);
    const { argv, env, parent, uid = 0, gid = uid, caps, bset, groups = [] } = options;
    const program = argv === undefined ? undefined : stringsArgument('argv', argv)[0];
    const { comm = program?.split('/').pop() ?? 'task' } = options;
    const cred = makeCred(this.kernel.initUserNs, {
      uid: intArgument('uid', uid, 0, 0xfffffffe),
      gid: intArgument('gid', gid, 0, 0xfffffffe),
      groups: arrayArgument('groups', groups).map((group) =>
        intArgument('groups', group, 0, 0xfffffffe),
      ),
      ...(caps === undefined ? {} : { caps: capsArgument('caps', caps) }),
      ...(bset === undefined ? {} : { bset: capsArgument('bset', bset) }),
    });
    const struct = spawnTask(this.kernel, {
      comm: stringArgument('comm', comm),
      cred,
      ...(parent === undefined ? {} : { parent: this.#parent(parent) }),
      ...(argv === undefined ? {} : { argv }),
      ...(env === undefined ? {} : { env: stringsArgument('env', env) }),
    });
    return taskOf(struct);
  }

  #parent(parent: Task): TaskStruct {
    return livingArgument('parent', taskArgument('parent', parent, this.kernel).struct);
  }

  /**
   * Makes the process that a core file describes: memory, registers, name, user, and the files it had
   * mapped, at their paths. Its numbers are those of the core where they are free.
   *
   * @example
   * const core = readCore(new BytesSource('core', bytes));
   * const { threads } = machine.loadCore(core, { open: (path) => files.get(path) ?? null });
   * console.log(threads[0]?.readText('/proc/self/maps'));
   * @throws {LinuxError} ENOMEM: the machine's memory does not hold it; EAGAIN: no number free
   */
  loadCore(core: ElfCore, options: LoadCoreOptions = {}): LoadedProcess {
    return loadCore(this.vfs, core, options);
  }

  /**
   * A core file of a task's process, to be written in chunks: its size, and every byte that is not zero
   * with its place. The memory is read while the chunks are, so let the process rest until then.
   *
   * @example
   * const core = machine.dumpCore(task, { filter: 0x7f });
   * for (const { offset, bytes } of core.chunks()) writeSync(fd, bytes, 0, bytes.length, offset);
   * ftruncateSync(fd, core.size);
   * @throws {TypeError | RangeError} an argument that is none
   */
  dumpCore(task: Task, options: DumpCoreOptions = {}): CoreFile {
    const { struct } = taskArgument('task', task, this.kernel);
    return dumpCore(livingArgument('task', struct), options);
  }

  /** The task of a number, zombies included, or null. */
  task(pid: number): Task | null {
    const struct = this.kernel.findTask(intArgument('pid', pid, -0x80000000, 0x7fffffff));
    return struct === null ? null : taskOf(struct);
  }

  /** All threads in ascending order of number, pid 1 and zombies included. */
  tasks(): Task[] {
    return [...this.kernel.tasks()].map(taskOf);
  }

  /**
   * Makes a system call as a task's CPU would.
   *
   * @throws {TypeError | RangeError} an argument that is none; a task of another machine
   * @see doSyscall
   */
  syscall(
    task: Task,
    call: SyscallName | (string & {}) | number,
    args: readonly (number | bigint)[] = [],
    arch?: SyscallArch,
  ): number | bigint {
    const struct = livingArgument('task', taskArgument('task', task, this.kernel).struct);
    arrayArgument('args', args);
    const known = arch === undefined ? undefined : archArgument('arch', arch);
    return doSyscall(struct, callArgument('call', call), args, known);
  }

  /**
   * Says whether one task may access another, and how the kernel comes to that: every check in its
   * order, what it compared, and which one decided. It runs the check itself.
   *
   * @param mode PTRACE_MODE_* bits (default: what opening /proc/PID/mem asks)
   * @param question `mm_access` (default): mem, maps, environ, process_vm_readv;
   * `ptrace_may_access`: ptrace, links under /proc/PID, kcmp
   * @throws {TypeError | RangeError} an argument that is none; a task of another machine
   */
  explainAccess(
    caller: Task,
    target: Task,
    mode: number = PTRACE_MODE_ATTACH_FSCREDS,
    question: AccessQuestion = 'mm_access',
  ): AccessExplanation {
    taskArgument('caller', caller, this.kernel);
    taskArgument('target', target, this.kernel);
    intArgument('mode', mode, 0, 0xff);
    oneOf('question', question, ['mm_access', 'ptrace_may_access']);
    return explainAccess(caller.struct, target.struct, mode, question);
  }

  /**
   * A setting by its sysctl(8) name; with a value it is set.
   *
   * @returns the value it has then
   * @throws {LinuxError} ENOENT: no such setting; EINVAL: a value it does not accept
   */
  sysctl(name: string, value?: number): number {
    stringArgument('name', name);
    if (value !== undefined) {
      if (typeof value !== 'number') throw new TypeError('value: not a number');
      this.kernel.sysctl.set(name, value);
    }
    return this.kernel.sysctl.get(name);
  }

  /**
   * Makes calls of tasks go wrong, to see what whoever makes them does then. It does not matter whether a call
   * comes through an object (task.processVmRead(), file.pread()) or by name or number. Without rules calls
   * pay nothing.
   *
   * @example
   * machine.inject({ call: 'process_vm_readv', task: tracer, nth: 3, errno: 'EPERM' });
   * machine.inject({ call: 'pread64', file: mem, nth: 2, exit: target });
   * machine.inject({ call: ['read', 'pread64'], every: 2, short: 1 });
   * @returns the rule, to be removed again
   * @throws {TypeError} a call that Linux does not have, no effect or several, an option that is none
   * @throws {RangeError} a number out of its range
   */
  inject(options: InjectionOptions): Injection {
    const { injection, rule } = makeRule(this.kernel, options, this.#injected, (each) => {
      const removed = this.#rules.get(each);
      if (removed !== undefined) removeCallRule(this.kernel, removed);
      this.#rules.delete(each);
    });
    addCallRule(this.kernel, rule);
    this.#rules.set(injection, rule);
    return injection;
  }

  /** What rules have done to calls so far, in order. */
  get injections(): readonly InjectionEntry[] {
    return [...this.#injected];
  }

  /** Ends all rules and forgets what they did. */
  clearInjections(): void {
    for (const injection of [...this.#rules.keys()]) injection.remove();
    this.#injected.length = 0;
  }

  /** Mounts a directory of the host, of one user's; see hostDirectory() of `procmem/node`. @see mountArguments */
  mountHost(path: string | Uint8Array, directory: HostDirectory, owner?: HostOwner): void {
    this.vfs.mountHost(mountArguments(path, directory, owner), directory, owner);
  }

  /** Puts a file into the tree, owned by root; missing directories are made. */
  addFile(path: string | Uint8Array, contents: Uint8Array, mode = 0o644): void {
    intArgument('mode', mode, 0, 0o7777);
    this.vfs.addFile(nameArgument('path', path), bytesArgument('contents', contents), { mode });
  }

  /**
   * Checks the machine's memory from outside: tables, counts of references, mappings.
   *
   * @returns what is wrong with it, a line each: nothing, unless this library has a fault
   */
  check(): string[] {
    return checkMemory(this.kernel.core);
  }

  /**
   * Keeps this moment of the machine, to go back to. It costs little: pages are shared with the running
   * machine until it writes to them, and take memory of the machine from then on.
   *
   * @throws {SnapshotError} UNSUPPORTED: a security module keeps state with tasks that is no plain data
   */
  checkpoint(): Checkpoint {
    return this.#checkpoints.make();
  }

  /**
   * The whole machine as bytes, for Machine.restore(): tasks, memory, files, positions, settings. Of a
   * directory of the host it keeps the path, of a file read from a source its name, of a security
   * module of your own its name: a restore is given them again.
   *
   * @throws {SnapshotError} UNSUPPORTED: state that no snapshot keeps, by its path; watches or devices
   * @throws {RangeError} the host has no array that large: use writeSnapshot()
   */
  snapshot(): Uint8Array {
    let bytes = new Uint8Array(0);
    let at = 0;
    this.#write((total) => {
      bytes = new Uint8Array(total);
      return (part) => {
        bytes.set(part, at);
        at += part.length;
      };
    });
    return bytes;
  }

  /**
   * The same in parts, from the first byte to the last: for files larger than an array can be.
   *
   * @param write takes each part; it is the machine's own memory and changes with it, so copy what you
   * do not use at once
   */
  writeSnapshot(write: (part: Uint8Array) => void): void {
    functionArgument('write', write);
    this.#write(() => write);
  }

  #write(begin: (totalBytes: number) => (part: Uint8Array) => void): void {
    const parts = encodeState(this.kernel, this.vfs);
    writeSnapshot(this.kernel.core, parts, begin);
  }

  /**
   * Makes the machine that a snapshot holds. Everything is checked before: a snapshot that is cut short,
   * of another version or changed in any byte is refused.
   *
   * @param from the bytes, or a source that is read at any offset: pages of its store when needed
   * @throws {SnapshotError} what is wrong, and where
   * @throws {RangeError} options.memory is too little for the machine
   */
  static async restore(
    from: Uint8Array | ByteSource,
    options: RestoreOptions = {},
  ): Promise<Machine> {
    objectArgument('options', options);
    const source = from instanceof Uint8Array ? new BytesSource('snapshot', from) : from;
    functionArgument('from.read', objectArgument('from', source).read);
    const { kernel, vfs } = await restoreSnapshot(source, options, from instanceof Uint8Array);
    return new Machine(kernel, vfs);
  }

  /**
   * Goes back, or forward, to a checkpoint: checkpoint.restore().
   *
   * @throws {TypeError} no checkpoint of this machine, or one that was disposed of
   * @throws {SnapshotError} UNSUPPORTED: memory did not suffice to keep what changed since
   */
  restoreTo(checkpoint: Checkpoint): void {
    if (!(checkpoint instanceof Checkpoint)) throw new TypeError('checkpoint: not a Checkpoint');
    if (!checkpoint.isOf(this.#checkpoints)) {
      throw new TypeError('checkpoint: one of another machine');
    }
    checkpoint.restore();
  }

  /** How much is in use. */
  stats(): MachineStats {
    const { core } = this.kernel;
    return {
      framesInUse: core.framesInUse,
      checkpointFrames: core.exports.heldFrames(),
      memoryBytes: core.memoryBytes,
      memoryLimit: core.limitBytes,
      tasks: [...this.kernel.tasks()].length,
      compiledPages: core.compiler?.regions ?? null,
    };
  }
}

function installSecurity(kernel: Kernel, options: MachineOptions): void {
  kernel.security.install(capabilityModule);
  kernel.security.install(landlockModule);
  const yama = options.yama ?? kernel.profile.yama;
  if (yama !== null) kernel.security.install(new YamaModule(kernel.sysctl, yama));
  for (const module of options.security ?? []) kernel.security.install(module);
}
