import { intArgument, nameArgument, objectArgument, stringsArgument } from '../api/arguments.js';
import { type Task, taskOf, type WaitStatus } from '../api/task.js';
import { sendToProcess } from '../kernel/kill.js';
import { makeSiginfo, SI_USER } from '../kernel/siginfo.js';
import { SIGKILL } from '../kernel/signal.js';
import type { Machine } from '../machine.js';
import { EXEC_ARCHES } from '../syscall/binfmt.js';
import { doExecve } from '../syscall/exec-call.js';
import { sysChdir } from '../vfs/fs-calls.js';
import type { GuestOptions, GuestState, StartOptions } from './guest-options.js';
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
  /** Ends the wait of runToEnd(). */
  #awake: () => void = () => undefined;

  constructor(machine: Machine, options: GuestOptions = {}) {
    this.machine = machine;
    objectArgument('options', options);
    this.#scheduler = new Scheduler(machine.kernel, options);
  }

  /** Instructions that its threads have executed. */
  get instructions(): number {
    return this.#scheduler.instructions;
  }

  /**
   * Starts a program in a new process.
   *
   * @param argv its arguments, its own name first
   * @throws {LinuxError} as execve(): ENOENT, EACCES, ENOEXEC, E2BIG, ENOMEM…
   */
  start(path: string, argv: readonly string[], options: StartOptions = {}): Task {
    const name = nameArgument('path', path);
    const args = stringsArgument('argv', argv);
    const env = stringsArgument('env', options.env ?? []);
    const { uid = 0, gid = uid, groups = [], cwd } = options;
    const task = this.machine.spawn({ comm: name.split('/').pop() ?? name, uid, gid, groups });
    try {
      const { struct } = task;
      const streams = [options.stdin, options.stdout, options.stderr];
      for (const [fd, stream] of streams.entries()) {
        if (stream === undefined) continue;
        stream.onInput = () => this.wake();
        stream.install(struct, fd);
      }
      if (cwd !== undefined) sysChdir(struct, nameArgument('cwd', cwd));
      doExecve(struct, name, () => [args, env], EXEC_ARCHES.riscv64);
    } catch (error) {
      task.exit(127);
      throw error;
    }
    this.#scheduler.add(new GuestThread(task)).enterProgram();
    return task;
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
   */
  async runToEnd(task: Task): Promise<WaitStatus> {
    const { struct } = task;
    let since = Date.now();
    while (!struct.exited) {
      const state = this.run(BURST);
      if (struct.exited || state.reason === 'exited') break;
      if (state.reason === 'sleeping') await this.#sleep(state.until);
      else if (Math.abs(Date.now() - since) < HOST_TURN) continue;
      else await hostTurn();
      since = Date.now();
    }
    return endOf(task);
  }

  /** Something from outside happened, input say: calls that sleep are tried again. */
  wake(): void {
    this.#scheduler.happened();
    this.#awake();
  }

  /** Sends a signal to a process, as its user would from outside. */
  kill(task: Task, signal: number): void {
    const { struct } = task;
    if (struct.exited) return;
    sendToProcess(struct, intArgument('signal', signal, 1, 64), makeSiginfo(signal, SI_USER));
    this.wake();
  }

  /**
   * Takes in a task whose CPU was set up otherwise: one of a machine that was restored, say. A call that
   * slept when the machine was kept is made again.
   */
  adopt(task: Task): void {
    this.#scheduler.add(new GuestThread(task));
  }

  /** Ends all processes that it runs. */
  stop(): void {
    for (const { struct } of this.#scheduler.threads) {
      if (!struct.exited) sendToProcess(struct, SIGKILL, makeSiginfo(SIGKILL, SI_USER));
    }
    this.#scheduler.run(1);
  }

  /** The tasks of its threads, in the order of their turns. */
  get tasks(): readonly Task[] {
    return this.#scheduler.threads.map(({ struct }) => taskOf(struct));
  }

  #sleep(until: number): Promise<void> {
    const ms = Math.min(until - this.machine.kernel.time(), 2 ** 31 - 1);
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
