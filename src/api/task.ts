import { ptracePeek, ptracePoke } from '../kernel/attach.js';
import { doExitGroup, exitStatus } from '../kernel/exit.js';
import { copyProcess } from '../kernel/fork.js';
import { sysKill } from '../kernel/kill.js';
import { processVmAccess } from '../kernel/process-vm.js';
import { PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE } from '../kernel/ptrace-abi.js';
import { sysPtrace } from '../kernel/ptrace-request.js';
import { SIGCHLD } from '../kernel/signal.js';
import type { TaskState, TaskStruct } from '../kernel/task.js';
import { CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM } from '../kernel/unshare.js';
import { wait4, WNOHANG } from '../kernel/wait.js';
import { doSyscall, type SyscallArch, type SyscallName } from '../syscall/dispatch.js';
import { execProgram } from '../syscall/exec.js';
import { bytesArgument, intArgument, stringArgument, u64Argument } from './arguments.js';
import { TaskFiles } from './task-files.js';

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

/** A task of the public API. @throws {TypeError} something else */
export function taskArgument(name: string, value: Task): Task {
  if (!(value instanceof Task)) throw new TypeError(`${name}: not a Task`);
  return value;
}

/**
 * A thread of a process of a machine. What it does, it does as itself: with its credentials, on its
 * memory, through its descriptors. Whatever Linux would refuse is a LinuxError.
 *
 * @example
 * const machine = await Machine.create();
 * const target = machine.spawn({ comm: 'target', uid: 1000 });
 * const addr = target.mmap({ length: 4096 });
 * target.store(addr, new TextEncoder().encode('hello'));
 * const mem = target.open('/proc/self/mem');
 * console.log(mem.pread(new Uint8Array(5), addr)); // 5
 */
export class Task extends TaskFiles {
  /** Use machine.spawn(), fork() or thread(). */
  constructor(struct: TaskStruct) {
    super(struct);
  }

  /** What console.log shows of it in Node, in place of the whole kernel. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Task { pid: ${this.pid}, tid: ${this.tid}, comm: '${this.comm}', state: '${this.state}' }`;
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
    return taskOf(copyProcess(this.struct, { flags: SIGCHLD }));
  }

  /** Makes another thread of the process. @throws {LinuxError} EAGAIN: no number free */
  thread(): Task {
    return taskOf(copyProcess(this.struct, { flags: THREAD_FLAGS }));
  }

  /**
   * Replaces the memory by that of a program just started: its file mapped, and a stack that holds
   * arguments and environment. Owner and mode of the file change credentials and dumpable as in
   * Linux; nothing of its format is looked at.
   *
   * @param argv default: the path
   * @throws {LinuxError} ENOENT: no such file; EACCES: not executable; EPERM; ENOMEM: no memory
   */
  exec(path: string, argv: readonly string[] = [path], env: readonly string[] = []): void {
    execProgram(
      this.struct,
      stringArgument('path', path),
      argv.map((arg) => stringArgument('argv', arg)),
      env.map((entry) => stringArgument('env', entry)),
    );
  }

  /** Ends the process, all its threads; it stays a zombie until its parent waits. */
  exit(code = 0): void {
    doExitGroup(this.struct, exitStatus(intArgument('code', code, -0x80000000, 0x7fffffff)));
  }

  /**
   * Waits for a child to end, and reaps it. It never sleeps.
   *
   * @param pid that child; -1 (default) any
   * @returns null when no child has ended yet
   * @throws {LinuxError} ECHILD: there is no such child
   */
  wait(pid = -1): WaitStatus | null {
    const result = wait4(this.struct, intArgument('pid', pid, -0x80000000, 0x7fffffff), WNOHANG);
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
    sysKill(this.struct, intArgument('pid', pid, -0x80000000, 0x7fffffff), signal | 0);
  }

  /** Attaches to a task and stops it. @throws {LinuxError} EPERM: not permitted; ESRCH */
  ptraceAttach(target: Task): void {
    sysPtrace(this.struct, PTRACE_ATTACH, taskArgument('target', target).tid, 0, 0);
  }

  /** Attaches to a task that runs on. @throws {LinuxError} EPERM: not permitted; ESRCH */
  ptraceSeize(target: Task, options = 0): void {
    sysPtrace(this.struct, PTRACE_SEIZE, taskArgument('target', target).tid, 0, options);
  }

  /** Lets a tracee go. @throws {LinuxError} ESRCH: no tracee, or one that is not stopped */
  ptraceDetach(target: Task): void {
    sysPtrace(this.struct, PTRACE_DETACH, taskArgument('target', target).tid, 0, 0);
  }

  /** Reads a word of a tracee, whatever its protection. @throws {LinuxError} EIO: not mapped */
  ptracePeek(target: Task, addr: number | bigint): bigint {
    const word = ptracePeek(
      this.struct,
      taskArgument('target', target).struct,
      u64Argument('addr', addr),
    );
    return new DataView(word.buffer).getBigUint64(0, true);
  }

  /** Writes a word of a tracee, whatever its protection. @throws {LinuxError} EIO: not mapped */
  ptracePoke(target: Task, addr: number | bigint, value: number | bigint): void {
    const word = u64Argument('value', value);
    ptracePoke(this.struct, taskArgument('target', target).struct, u64Argument('addr', addr), word);
  }

  /**
   * Reads another process's memory as process_vm_readv does: protections count.
   *
   * @returns bytes read, up to the first page that cannot be read
   * @throws {LinuxError} EPERM: not permitted; ESRCH: it has exited; EFAULT: not one byte
   */
  processVmRead(target: Task, addr: number | bigint, into: Uint8Array): number {
    return this.#processVm(target, addr, bytesArgument('into', into), false);
  }

  /**
   * Writes another process's memory as process_vm_writev does: protections count.
   *
   * @returns bytes written, up to the first page that cannot be written
   * @throws {LinuxError} EPERM: not permitted; ESRCH: it has exited; EFAULT: not one byte
   */
  processVmWrite(target: Task, addr: number | bigint, from: Uint8Array): number {
    return this.#processVm(target, addr, bytesArgument('from', from), true);
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
    return doSyscall(this.struct, call, args);
  }

  /** The same with the numbers and structures of another architecture. */
  syscallOn(
    arch: SyscallArch,
    call: string | number,
    ...args: (number | bigint)[]
  ): number | bigint {
    return doSyscall(this.struct, call, args, arch);
  }

  #processVm(target: Task, addr: number | bigint, host: Uint8Array, write: boolean): number {
    const remote = [{ addr: u64Argument('addr', addr), length: host.length }];
    const { pid } = taskArgument('target', target);
    return processVmAccess(this.struct, pid, { local: [{ host }], remote }, write);
  }
}
