import { EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { doExitGroup, exitStatus } from '../kernel/exit.js';
import { copyProcess } from '../kernel/fork.js';
import { sysKill } from '../kernel/kill.js';
import { SIGCHLD } from '../kernel/signal.js';
import type { TaskState, TaskStruct } from '../kernel/task.js';
import { CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from '../kernel/unshare.js';
import { wait4, WNOHANG } from '../kernel/wait.js';
import { acting } from '../mm/acting.js';
import { doSyscall, type SyscallArch, type SyscallName } from '../syscall/dispatch.js';
import { execProgram } from '../syscall/exec.js';
import { type Cpu, cpuOf } from './cpu.js';
import { dumpCore, type DumpCoreOptions } from './dump-core.js';
import { intArgument, nameArgument, stringsArgument } from './arguments.js';
import { archArgument, callArgument } from './syscalls.js';
import { TaskHooks } from './task-hooks.js';

/** How a child ended, or that it stopped or runs on. */
export interface WaitStatus {
  readonly pid: number;
  /** The raw status, as the W* macros read it. */
  readonly status: number;
  /** What it gave to exit(), if it ended so. */
  readonly exitCode: number | null;
  /** The signal that ended it, if one did. */
  readonly signal: number | null;
}

const handles = new WeakMap<TaskStruct, Task>();
/** What pthread_create() shares. */
const THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

/** The public face of a kernel task: always the same object for the same task. */
export function taskOf(struct: TaskStruct): Task {
  const known = handles.get(struct);
  if (known !== undefined) return known;
  const task = new Task(struct);
  handles.set(struct, task);
  return task;
}

/**
 * A thread of a process of a machine. What it does, it does as itself: with its credentials, on its
 * memory, through its descriptors. Whatever Linux would refuse is a LinuxError; asking one that has
 * exited to act is a TypeError.
 *
 * @example
 * const machine = await Machine.create();
 * const target = machine.spawn({ comm: 'target', uid: 1000 });
 * const addr = target.mmap({ length: 4096 });
 * target.store(addr, new TextEncoder().encode('hello'));
 * const mem = target.open('/proc/self/mem');
 * console.log(mem.pread(new Uint8Array(5), addr)); // 5
 */
export class Task extends TaskHooks {
  /**
   * Use machine.spawn(), fork() or thread().
   *
   * @internal
   */
  constructor(struct: TaskStruct) {
    super(struct);
  }

  protected override faceOf(struct: TaskStruct): Task {
    return taskOf(struct);
  }

  /** What console.log shows of it in Node, in place of the whole kernel. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Task { pid: ${this.pid}, tid: ${this.tid}, comm: '${this.comm}', state: '${this.state}' }`;
  }

  /** The RISC-V hart of this thread; its registers are zero at first. */
  get cpu(): Cpu {
    return cpuOf(this.struct);
  }

  /** Number of the process. */
  get pid(): number {
    return this.struct.tgid;
  }

  /** Number of the thread; of a process's first thread the same. */
  get tid(): number {
    return this.struct.pid;
  }

  /** The name in /proc/PID/comm, at most 15 bytes. */
  get comm(): string {
    return this.struct.comm;
  }

  /** The letter of /proc/PID/stat: R running, T stopped, t traced, Z zombie, X reaped. */
  get state(): TaskState {
    return this.struct.state;
  }

  /** Whether it has exited. */
  get exited(): boolean {
    return this.struct.exited;
  }

  /** The process that waits for this one, or null for pid 1's own. */
  get parent(): Task | null {
    return this.struct.parent === null ? null : taskOf(this.struct.parent);
  }

  /**
   * Makes a child with a copy-on-write copy of the memory and copies of the descriptors.
   *
   * @throws {LinuxError} EAGAIN: RLIMIT_NPROC, or no number free; ENOMEM: no memory
   */
  fork(): Task {
    return taskOf(this.making('fork', (task) => copyProcess(task, { flags: SIGCHLD })));
  }

  /** Makes another thread of the process. @throws {LinuxError} EAGAIN: no number free */
  thread(): Task {
    return taskOf(this.making('clone', (task) => copyProcess(task, { flags: THREAD_FLAGS })));
  }

  /**
   * A core file of the process, as the kernel writes it: gdb, lldb and elfutils read it, and readCore()
   * does. This task's notes come first. For more than an array holds there is machine.dumpCore().
   *
   * @throws {RangeError} the host has no array that large, or an option outside its range
   */
  writeCore(options: DumpCoreOptions = {}): Uint8Array {
    return dumpCore(this.living, options).toBytes();
  }

  /**
   * Replaces the memory by that of a program just started: its file mapped, and a stack that holds
   * arguments and environment. Owner and mode of the file change credentials and dumpable as in
   * Linux; nothing of its format is looked at.
   *
   * @param argv default: the path
   * @throws {LinuxError} ENOENT: no such file; EACCES: not executable; EPERM; ENOMEM: no memory
   */
  exec(
    path: string | Uint8Array,
    argv: readonly string[] = [nameArgument('path', path)],
    env: readonly string[] = [],
  ): void {
    const name = nameArgument('path', path);
    const [args, variables] = [stringsArgument('argv', argv), stringsArgument('env', env)];
    this.making('execve', (task) => execProgram(task, name, args, variables), name);
  }

  /**
   * Ends the process, all its threads; it stays a zombie until its parent waits. Nothing happens to
   * one that has ended already.
   *
   * @throws {LinuxError} EPERM: pid 1, without which a machine cannot be
   */
  exit(code = 0): void {
    const status = exitStatus(intArgument('code', code, -0x80000000, 0x7fffffff));
    if (this.struct.group.unkillable) fail(EPERM, 'exit_group');
    // What exit_group() stores for those who wait for it may be watched.
    const end = (): void => doExitGroup(this.calling('exit_group'), status);
    if (!this.struct.exited) acting(this.struct, end);
  }

  /**
   * Waits for a child to end, and reaps it. It never sleeps.
   *
   * @param pid that child; -1 (default) any
   * @returns null when no child has ended yet
   * @throws {LinuxError} ECHILD: there is no such child
   */
  wait(pid = -1): WaitStatus | null {
    const result = this.making('wait4', (task) =>
      wait4(task, intArgument('pid', pid, -0x80000000, 0x7fffffff), WNOHANG),
    );
    if (result === null || result === 'block') return null;
    const { status } = result;
    const exited = (status & 0x7f) === 0;
    return {
      pid: result.pid,
      status,
      exitCode: exited ? (status >> 8) & 0xff : null,
      signal: exited ? null : status & 0x7f,
    };
  }

  /**
   * Sends a signal; without a CPU every process takes its default action.
   *
   * @throws {LinuxError} ESRCH: no such process; EPERM: not permitted; EINVAL: no such signal
   */
  kill(pid: number, signal: number): void {
    intArgument('pid', pid, -0x80000000, 0x7fffffff);
    this.making('kill', (task) =>
      sysKill(task, pid, intArgument('signal', signal, -0x80000000, 0x7fffffff)),
    );
  }

  /**
   * Makes a system call as the task's CPU would: registers in, one out.
   *
   * @returns a negative errno, else the result; -512 (ERESTARTSYS) where Linux would sleep
   * @see doSyscall
   */
  syscall(
    call: SyscallName | (string & {}) | number,
    ...args: (number | bigint)[]
  ): number | bigint {
    return doSyscall(this.living, callArgument('call', call), args);
  }

  /** The same with the numbers and structures of another architecture. */
  syscallOn(
    arch: SyscallArch,
    call: string | number,
    ...args: (number | bigint)[]
  ): number | bigint {
    return doSyscall(this.living, callArgument('call', call), args, archArgument('arch', arch));
  }
}
