import { type Console, Guest, type Machine, Strace, type Task } from '../../src/index.js';
import type { Call } from './call.js';

/** What the page is told while a program runs. */
export interface RunProgress {
  /** Number of its process, once. */
  readonly started?: number;
  /** What it wrote to the terminal. */
  readonly output?: Uint8Array;
  /** Its system calls, whole lines. */
  readonly calls?: string;
  /** It waits at an instruction: because somebody said so, or before a signal of a fault is handled. */
  readonly paused?: 'asked' | 'fault' | null;
  /** Where it is then. */
  readonly pc?: bigint;
}

/** How it ended. */
export interface RunEnd {
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly instructions: number;
}

/** Instructions between two looks at the page's messages. */
const BURST = 200_000;
/** Bytes on their way to the page at most: a program that writes for ever waits. */
const MAX_UNSEEN = 256 * 1024;
const SIGKILL = 9;

/** Thrown out of a guest to stop it at a fault. */
class Halt {}

/** What a run is made with. */
export interface RunOptions {
  readonly strace: boolean;
  /** Whether it stops where a fault's handler begins. */
  readonly haltsAtFault: boolean;
}

/** A program that runs in slices, so that the worker hears of input, of Stop and of the other panels. */
export class GuestRun {
  readonly guest: Guest;
  readonly strace: Strace | null;
  /** Set before run(). */
  terminal: Console | null = null;
  readonly #call: Call;
  #paused: 'asked' | 'fault' | null = null;
  #output: Uint8Array[] = [];
  #lines = '';
  #unseen = 0;
  #wake: () => void = () => {};

  constructor(machine: Machine, options: RunOptions, call: Call) {
    this.#call = call;
    this.strace = options.strace ? new Strace((line) => void (this.#lines += line)) : null;
    const callbacks = this.strace?.callbacks ?? {};
    this.guest = new Guest(machine, {
      ...callbacks,
      onSignal: (signal) => {
        callbacks.onSignal?.(signal);
        // Of a fault: si_code is positive. A task that is gone has nothing to look at.
        const code = new DataView(signal.info.buffer, signal.info.byteOffset).getInt32(8, true);
        if (!options.haltsAtFault || signal.task.exited || code <= 0) return;
        this.#paused = 'fault';
        throw new Halt();
      },
    });
  }

  /** Takes what the program writes. */
  write(bytes: Uint8Array): void {
    this.#output.push(bytes.slice());
  }

  /** The page has shown so many bytes. */
  seen(count: number): void {
    this.#unseen -= count;
    this.#wake();
  }

  push(bytes: Uint8Array): void {
    this.terminal?.push(bytes);
    this.#wake();
  }

  resize(columns: number, rows: number): void {
    this.terminal?.resize(columns, rows);
    this.#wake();
  }

  pause(paused: boolean): void {
    this.#paused = paused ? 'asked' : null;
    this.#wake();
  }

  get paused(): boolean {
    return this.#paused !== null;
  }

  /** One instruction of a program that is paused. */
  step(task: Task): void {
    if (this.#paused === null || task.exited) return;
    this.#slice(1);
    this.#paused ??= 'asked';
    this.#report(task);
    this.#wake();
  }

  /** Ends it, whatever it does. */
  kill(task: Task): void {
    this.guest.kill(task, SIGKILL);
    this.#paused = null;
    this.#wake();
  }

  /**
   * Runs until the program has ended.
   *
   * @param wanted asked between slices: false ends it
   */
  async run(task: Task, wanted: () => boolean): Promise<RunEnd> {
    this.#call.progress({ started: task.pid } satisfies RunProgress);
    while (!task.exited) {
      if (!wanted() || this.#call.isCancelled) this.guest.stop();
      else if (this.#paused !== null) await this.#halted(task);
      else if (this.#unseen > MAX_UNSEEN) await this.#sleep(Infinity);
      else await this.#turn();
    }
    this.#flush();
    this.guest.stop(); // what it left behind
    const { exitCode, signal } = await this.guest.runToEnd(task);
    return { exitCode, signal, instructions: this.guest.instructions };
  }

  async #turn(): Promise<void> {
    const until = this.#slice(BURST);
    this.#flush();
    if (until > Date.now()) await this.#sleep(until - Date.now());
    else await this.#call.rest();
  }

  /** @returns when it wants to go on, in milliseconds of the clock */
  #slice(instructions: number): number {
    try {
      const state = this.guest.run(instructions);
      return state.reason === 'sleeping' ? state.until : 0;
    } catch (error) {
      if (error instanceof Halt) return 0;
      throw error;
    }
  }

  async #halted(task: Task): Promise<void> {
    this.#report(task);
    await this.#sleep(Infinity);
    if (this.#paused === null) this.#call.progress({ paused: null } satisfies RunProgress);
  }

  #report(task: Task): void {
    this.#flush();
    this.#call.progress({ paused: this.#paused, pc: task.cpu.pc } satisfies RunProgress);
  }

  #flush(): void {
    const lines = this.#lines;
    const parts = this.#output;
    if (lines === '' && parts.length === 0) return;
    const output = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) (output.set(part, at), (at += part.length));
    this.#lines = '';
    this.#output = [];
    this.#unseen += output.length + lines.length;
    this.#call.progress({ output, calls: lines } satisfies RunProgress);
  }

  /** Until something happens, or that many milliseconds have passed. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms < 2 ** 31 ? setTimeout(resolve, Math.max(Math.ceil(ms), 0)) : undefined;
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
