import type { Task } from '../api/task.js';
import { functionArgument, intArgument, objectArgument } from '../api/arguments.js';
import type { TaskStruct } from '../kernel/task.js';
import { VirtualClock } from '../kernel/virtual-clock.js';

/** A system call of a guest. */
export interface GuestCall {
  readonly task: Task;
  /** Its Linux name, or `syscall_` and the number of one that has none. */
  readonly name: string;
  readonly nr: number;
  /** a0 to a5 as they were when it was made. */
  readonly args: readonly bigint[];
  /**
   * What it returned: a negative errno, or a value. Null where none comes: before exit and exit_group. -512:
   * a signal's handler runs, and the call is made again after it.
   */
  readonly result: number | bigint | null;
}

/** A signal that a guest's task takes. */
export interface GuestSignal {
  readonly task: Task;
  readonly signal: number;
  /** siginfo_t, 128 bytes. */
  readonly info: Uint8Array;
}

/** How a guest is run. */
export interface GuestOptions {
  /** Instructions of one thread's turn (default 100,000). */
  readonly slice?: number;
  /**
   * Instructions that all threads may execute in all, a call counted as what it is charged; who reaches it is
   * killed (default: no limit).
   */
  readonly instructions?: number;
  /**
   * The clock of the machine, where it is one of its own: it goes on as instructions are executed, and to the
   * next moment that somebody waits for while all sleep.
   */
  readonly clock?: VirtualClock;
  /** Told before each call is made for the first time, with no result. */
  readonly onEnter?: (call: GuestCall) => void;
  /** Told after each call, before those that do not return; a call that slept is told once. */
  readonly onCall?: (call: GuestCall) => void;
  /** Told when a task is about to take a signal that has a handler, or that an instruction of it caused. */
  readonly onSignal?: (signal: GuestSignal) => void;
  /** Told when a thread is gone, with its wait status. */
  readonly onExit?: (task: Task, status: number) => void;
  /** Told each line that the kernel logs: whom it kills because memory is used up. */
  readonly onLog?: (line: string) => void;
  /** Told once of each call that the machine does not have, by name. */
  readonly onUnknownCall?: (name: string) => void;
}

const LISTENERS = ['onEnter', 'onCall', 'onSignal', 'onExit', 'onLog', 'onUnknownCall'] as const;

/** Looks at every option of a guest. @throws {TypeError | RangeError} one of the wrong type or out of its range */
export function checkGuestOptions(options: GuestOptions): void {
  const { slice, instructions } = objectArgument('options', options);
  if (slice !== undefined) intArgument('slice', slice, 1, Number.MAX_SAFE_INTEGER);
  if (instructions !== undefined && instructions !== Infinity) {
    intArgument('instructions', instructions, 1, Number.MAX_SAFE_INTEGER);
  }
  if (options.clock !== undefined && !(options.clock instanceof VirtualClock)) {
    throw new TypeError('clock: not a VirtualClock');
  }
  for (const name of LISTENERS) {
    const listener = options[name];
    if (listener !== undefined) functionArgument(name, listener as () => void);
  }
}

/** Something that becomes a descriptor of a program: a terminal, a pipe to the host. */
export interface GuestStream {
  /** Puts it at a descriptor of a task. */
  install(task: TaskStruct, fd: number): void;
  /** Set by the guest that uses it; called when input has come, at any time. */
  onInput?: (() => void) | null;
}

/** A stream, as far as one can tell. @throws {TypeError} it has no install() */
export function streamArgument(name: string, stream: GuestStream): GuestStream {
  functionArgument(`${name}.install`, objectArgument(name, stream).install);
  return stream;
}

/** Who a program runs as, and with what. */
export interface StartOptions {
  /** Environment, as NAME=value (default none). */
  readonly env?: readonly string[];
  /** Working directory (default: the root). */
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  /** Descriptors 0, 1 and 2 (default: closed). */
  readonly stdin?: GuestStream;
  readonly stdout?: GuestStream;
  readonly stderr?: GuestStream;
}

/** What became of a run. */
export type GuestState =
  /** No thread is left. */
  | { readonly reason: 'exited' }
  /** The instructions of this run are spent. */
  | { readonly reason: 'budget' }
  /**
   * Every thread sleeps or is stopped: until that moment of the machine's time, ms; Infinity: only input
   * or a signal from outside lets one go on.
   */
  | { readonly reason: 'sleeping'; readonly until: number };
