import { coreBytes } from 'procmem:core';

import {
  type Core,
  type LoadedProcess,
  Machine,
  type MachineOptions,
  type OpenCoreFile,
  type RestoreOptions,
  type Task,
} from '../../src/index.js';

/** What was opened, as the page shows it. */
export interface SessionInfo {
  readonly kind: 'core' | 'snapshot' | 'demo' | 'program';
  /** Name of the file or of the demo. */
  readonly label: string;
  /** The thread to look at first: of a core the one that got the signal. */
  readonly firstTask: number;
  /** Of a core: paths of files it names that were found, and that were not. */
  readonly found: readonly string[];
  readonly missing: readonly string[];
  /** One or two sentences about it, for the page's heading. */
  readonly about: string;
}

/** A machine with what is known of where it came from. */
export interface Opened {
  readonly info: SessionInfo;
  readonly machine: Machine;
  /** Of cores only. */
  readonly core: Core | null;
  readonly process: LoadedProcess | null;
  /** Gives the files that a core names: those dropped with it. */
  readonly open: OpenCoreFile;
}

/** What the page looks at: one machine at a time, kept in the worker. */
export class Session {
  #opened: Opened | null = null;
  #viewer: Task | null = null;
  /** Rises with every change of memory or tasks that the page made: what was read before is stale. */
  generation = 0;
  /** What handlers keep as long as the machine: symbols, mappings. Cleared when another is opened. */
  readonly kept = new Map<string, unknown>();

  /** Shows another machine from now on. */
  show(opened: Opened): SessionInfo {
    this.#opened = opened;
    this.#viewer = null;
    this.kept.clear();
    this.generation++;
    return opened.info;
  }

  /** Null before anything was opened. */
  get openedOrNull(): Opened | null {
    return this.#opened;
  }

  /** @throws {TypeError} nothing is open */
  get opened(): Opened {
    if (this.#opened === null) throw new TypeError('nothing is open: open a file or a demo first');
    return this.#opened;
  }

  get machine(): Machine {
    return this.opened.machine;
  }

  /** The explorer's own process in the machine, root: it reads where nobody else was chosen. */
  get viewer(): Task {
    this.#viewer ??= this.machine.spawn({ comm: 'explorer', uid: 0 });
    return this.#viewer;
  }

  /** The task to act as: 0 is the explorer's own. */
  caller(tid: number): Task {
    return tid === 0 ? this.viewer : this.task(tid);
  }

  /** The thread of a number. @throws {TypeError} there is none */
  task(tid: number): Task {
    const task = this.machine.task(tid);
    if (task === null)
      throw new TypeError(`there is no task ${tid} in this machine${this.#why(tid)}`);
    return task;
  }

  #why(tid: number): string {
    const { kind, firstTask } = this.opened.info;
    if (kind !== 'program' || tid < firstTask) return '';
    return ': of one that has ended nothing is left. To look into a program, pause it while it lives';
  }

  /** Something made once for a machine, by a name of its own. */
  keep<T>(key: string, make: () => T): T {
    if (!this.kept.has(key)) this.kept.set(key, make());
    return this.kept.get(key) as T;
  }
}

/** Where the wasm module comes from: inside the script, or beside it. */
export function wasmOption(): Pick<MachineOptions, 'wasm'> {
  return coreBytes === null ? {} : { wasm: coreBytes };
}

/** Makes a machine as every one of the page is made. */
export function createMachine(options: MachineOptions = {}): Promise<Machine> {
  return Machine.create({ ...wasmOption(), ...options });
}

/** The same for one out of a snapshot. */
export function restoreMachine(
  from: Parameters<typeof Machine.restore>[0],
  options: RestoreOptions = {},
): Promise<Machine> {
  return Machine.restore(from, { ...wasmOption(), ...options });
}
