import {
  intArgument,
  livingArgument,
  nameArgument,
  objectArgument,
  stringsArgument,
} from '../api/arguments.js';
import { taskArgument } from '../api/task-access.js';
import { type Task, taskOf, type WaitStatus } from '../api/task.js';
import { ofCall } from '../errno.js';
import { sendToProcess } from '../kernel/kill.js';
import { makeSiginfo, SI_USER } from '../kernel/siginfo.js';
import { SIGKILL } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import type { VirtualClock } from '../kernel/virtual-clock.js';
import { Machine } from '../machine.js';
import { EXEC_ARCHES } from '../syscall/auxv.js';
import { doExecve } from '../syscall/exec-call.js';
import { sysChdir } from '../vfs/fs-calls.js';
import {
  checkGuestOptions,
  type GuestOptions,
  type GuestState,
  type GuestStream,
  type StartOptions,
  streamArgument,
} from './guest-options.js';
import { GuestThread } from './guest-thread.js';
import { Scheduler } from './scheduler.js';

/** Milliseconds that runToEnd() computes before it lets the host do something else. */
const HOST_TURN = 10;
/** Instructions between two looks at the host's clock. */
const BURST = 1_000_000;

/**
 * Programs of RISC-V Linux that run on a machine: its harts, in turn, with its kernel. Every run of the same
 * program on the same machine is the same, as far as its clock and random numbers are.
 *
 * @example
 * const machine = await Machine.create();
 * machine.addFile('/bin/hello', program, 0o755);
 * const guest = new Guest(machine);
 * const task = guest.start('/bin/hello', ['hello']);
 * const { exitCode } = await guest.runToEnd(task);
 */
export class Guest {
  readonly machine: Machine;
  readonly #scheduler: Scheduler;
  readonly #clock: VirtualClock | undefined;
  /** Ends the wait of runToEnd(). */
  #awake: () => void = () => undefined;

  /** @throws {TypeError | RangeError} no machine, or an option that is none */
  constructor(machine: Machine, options: GuestOptions = {}) {
    if (!(machine instanceof Machine)) throw new TypeError('machine: not a Machine');
    this.machine = machine;
    checkGuestOptions(options);
    this.#clock = options.clock;
    this.#scheduler = new Scheduler(machine.kernel, options);
  }

  /** Instructions that its threads have executed. */
  get instructions(): number {
    return this.#scheduler.instructions;
  }

  /** The same with what calls were charged, as `instructions` of GuestOptions counts. */
  get charged(): number {
    return this.#scheduler.charged;
  }

  /**
   * Starts a program in a new process.
   *
   * @param argv its arguments, its own name first
   * @throws {LinuxError} as execve(): ENOENT, EACCES, ENOEXEC, E2BIG, ENOMEM…
   * @throws {TypeError | RangeError} an argument or an option that is none
   */
  start(path: string, argv: readonly string[], options: StartOptions = {}): Task {
    const name = nameArgument('path', path);
    const args = stringsArgument('argv', argv);
    objectArgument('options', options);
    const env = stringsArgument('env', options.env ?? []);
    for (const stream of ['stdin', 'stdout', 'stderr'] as const) {
      if (options[stream] !== undefined) streamArgument(stream, options[stream]);
    }
    const { uid = 0, gid = uid, groups = [], cwd } = options;
    const task = this.machine.spawn({ comm: name.split('/').pop() ?? name, uid, gid, groups });
    try {
      const { struct } = task;
      const streams = [options.stdin, options.stdout, options.stderr];
      for (const [fd, stream] of streams.entries()) {
        if (stream === undefined) continue;
        this.connect(stream);
        stream.install(struct, fd);
      }
      if (cwd !== undefined) this.#enter(struct, nameArgument('cwd', cwd));
      doExecve(struct, name, () => [args, env], EXEC_ARCHES.riscv64);
    } catch (error) {
      task.exit(127);
      throw ofCall(error, 'execve', name);
    }
    this.#scheduler.add(new GuestThread(task)).enterProgram();
    return task;
  }

  #enter(task: TaskStruct, cwd: string): void {
    try {
      sysChdir(task, cwd);
    } catch (error) {
      throw ofCall(error, 'chdir', cwd);
    }
  }

  /**
   * Runs until all threads have exited or sleep, or so many instructions are spent.
   *
   * @throws whatever a callback of this guest's throws
   */
  run(instructions = Infinity): GuestState {
    if (instructions !== Infinity) {
      intArgument('instructions', instructions, 1, Number.MAX_SAFE_INTEGER);
    }
    return this.#scheduler.run(instructions);
  }

  /**
   * Runs until a process has ended; sleeps while the guest does, and lets the host's events come through.
   *
   * @returns how it ended
   * @throws {TypeError} no task of this machine, or one that this guest does not run
   */
  async runToEnd(task: Task): Promise<WaitStatus> {
    const { struct } = taskArgument('task', task, this.machine.kernel);
    let since = Date.now();
    while (!struct.exited) {
      this.#mustRun(task);
      const state = this.#scheduler.run(BURST, BURST);
      if (struct.exited) break;
      if (state.reason === 'sleeping') await this.#sleep(state.until);
      else if (Math.abs(Date.now() - since) < HOST_TURN) continue;
      else await hostTurn();
      since = Date.now();
    }
    return endOf(task);
  }

  /** Else nothing that it does would ever end that process. */
  #mustRun({ struct, pid }: Task): void {
    livingArgument('task', struct);
    if (this.tasks.some((each) => each.struct.group === struct.group)) return;
    throw new TypeError(`task: ${pid} is not run by this guest; adopt() takes it in`);
  }

  /** Something from outside happened, input say: calls that sleep are tried again. */
  wake(): void {
    this.#scheduler.happened();
    this.#awake();
  }

  /**
   * Sends a signal to a process, as its user would from outside; nothing happens to one that has exited.
   *
   * @throws {TypeError | RangeError} no task of this machine; no number of a signal
   */
  kill(task: Task, signal: number): void {
    const { struct } = taskArgument('task', task, this.machine.kernel);
    intArgument('signal', signal, 1, 64);
    if (struct.exited) return;
    sendToProcess(struct, signal, makeSiginfo(signal, SI_USER));
    this.wake();
  }

  /**
   * Takes in a task whose CPU was set up otherwise: one of a machine that was restored, say. A call that
   * slept when the machine was kept is made again. Nothing happens to one that it runs already.
   *
   * @throws {TypeError} no task of this machine, one that has exited, or pid 1, which is the kernel's
   */
  adopt(task: Task): void {
    const { kernel } = this.machine;
    const struct = livingArgument('task', taskArgument('task', task, kernel).struct);
    if (struct.group.unkillable) throw new TypeError(`task: ${task.pid} has no program to run`);
    if (this.tasks.some((each) => each.struct === struct)) return;
    this.#scheduler.add(new GuestThread(task));
  }

  /** Has input of a stream wake its programs: one of a machine that was restored; start() does it by itself. */
  connect(stream: GuestStream): void {
    streamArgument('stream', stream).onInput = () => this.wake();
  }

  /** Ends all processes that it runs. */
  stop(): void {
    this.#scheduler.rejoin();
    for (const { struct } of this.#scheduler.threads) {
      if (!struct.exited) sendToProcess(struct, SIGKILL, makeSiginfo(SIGKILL, SI_USER));
    }
    this.#scheduler.run(1);
  }

  /** The tasks of its threads, in the order of their turns. */
  get tasks(): readonly Task[] {
    this.#scheduler.rejoin();
    return this.#scheduler.threads.map(({ struct }) => taskOf(struct));
  }

  #sleep(until: number): Promise<void> {
    const ms = Math.min(until - this.machine.kernel.time(), 2 ** 31 - 1);
    if (this.#clock !== undefined && until !== Infinity) {
      this.#clock.advance(Math.max(ms, 0));
      return hostTurn();
    }
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(Math.ceil(ms), 0));
      this.#awake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Lets the host's events come through once; browsers, which have no setImmediate(), would make a timer wait longer. */
function hostTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** How a task's process ended; read from the task itself, whoever has waited for it. */
function endOf({ struct, pid }: Task): WaitStatus {
  const status = struct.group.groupExitCode ?? struct.exitCode;
  const exited = (status & 0x7f) === 0;
  return {
    pid,
    status,
    exitCode: exited ? (status >> 8) & 0xff : null,
    signal: exited ? null : status & 0x7f,
  };
}
