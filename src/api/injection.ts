import * as abi from '../../assembly/abi/errno.js';
import { type ErrnoName, errnoName } from '../errno.js';
import { callsAlike, isOnDescriptor, isTransfer } from '../kernel/call-names.js';
import type { Kernel } from '../kernel/kernel.js';
import type { CallEffect, CallEvent, CallRule } from '../kernel/syscall-entry.js';
import {
  arrayArgument,
  functionArgument,
  intArgument,
  objectArgument,
  shown,
  stringArgument,
} from './arguments.js';
import { OpenFile } from './open-file.js';
import { isSyscall } from './profile-option.js';
import { dueCalls, type InjectionTimes } from './injection-times.js';
import { taskArgument } from './task-access.js';
import { type Task, taskOf } from './task.js';

/** A program that a task is made to start. */
export interface InjectedExec {
  readonly task: Task;
  readonly path: string;
  /** Default: the path. */
  readonly argv?: readonly string[];
}

/** A call that a rule acts on. */
export interface InjectedCall {
  /** Who calls. */
  readonly task: Task;
  /** Its Linux name. */
  readonly call: string;
  /** The descriptor it works on, or -1. */
  readonly fd: number;
  /** Which of the calls that the rule is about this is, from 1. */
  readonly nth: number;
}

/**
 * A fault to inject: into which calls, into which of those (InjectionTimes), and exactly one of `errno`,
 * `short`, `exit`, `exec` and `run`.
 */
export interface InjectionOptions extends InjectionTimes {
  /**
   * Linux's name of a call, or several. Names that do the same stand for each other: `open` is `openat` and
   * `openat2` too, `fork` is `clone`, `exit` is `exit_group`.
   */
  readonly call: string | readonly string[];
  /** Whose calls (default: everybody's). */
  readonly task?: Task;
  /** Only calls on this open file. */
  readonly file?: OpenFile;
  /** The call fails with this, and does nothing. */
  readonly errno?: ErrnoName;
  /** The call moves at most so many bytes, which are moved and counted as in any short call. */
  readonly short?: number;
  /** These processes exit before the call is made; the caller's own call is never made then. */
  readonly exit?: Task | readonly Task[];
  /** A task starts a program before the call is made. */
  readonly exec?: InjectedExec;
  /** Anything, before the call is made. What it does is not counted, and no rule acts on it. */
  readonly run?: (call: InjectedCall) => void;
}

/** What a rule did, and to which call. */
export interface InjectionEntry {
  /** The rule: what inject() gave. */
  readonly injection: Injection;
  readonly call: string;
  /** Process and thread that called. */
  readonly pid: number;
  readonly tid: number;
  /** The descriptor the call works on, or -1. */
  readonly fd: number;
  /** Which of the calls that the rule is about it was, from 1. */
  readonly nth: number;
  /** What was done: `EPERM`, `short 10`, `exit 42`, `exec 42 /bin/true`, `run`. */
  readonly effect: string;
}

const EFFECTS = ['errno', 'short', 'exit', 'exec', 'run'] as const;
const OPTIONS: readonly string[] = [
  ...['call', 'task', 'file', ...EFFECTS],
  ...['nth', 'every', 'probability', 'seed', 'times'],
];

/** A rule that is set on a machine's calls: what machine.inject() gives. */
export class Injection {
  /** The names of the calls it is about. */
  readonly calls: readonly string[];
  /** What it does, in words. */
  readonly effect: string;
  #seen = 0;
  #fired = 0;
  readonly #remove: (injection: Injection) => void;

  /**
   * Use machine.inject().
   *
   * @internal
   */
  constructor(calls: readonly string[], effect: string, remove: (injection: Injection) => void) {
    this.calls = calls;
    this.effect = effect;
    this.#remove = remove;
  }

  /** How many calls it was about. */
  get seen(): number {
    return this.#seen;
  }

  /** How many of them it acted on. */
  get fired(): number {
    return this.#fired;
  }

  /** Ends it; nothing happens when it has ended. */
  remove(): void {
    this.#remove(this);
  }

  /** Counts a call. @internal */
  count(acted: boolean): void {
    if (acted) this.#fired += 1;
    else this.#seen += 1;
  }
}

/**
 * Looks at a rule and makes it one of the kernel's.
 *
 * @throws {TypeError | RangeError} see machine.inject()
 */
export function makeRule(
  kernel: Kernel,
  options: InjectionOptions,
  log: InjectionEntry[],
  remove: (injection: Injection) => void,
): { readonly injection: Injection; readonly rule: CallRule } {
  checkOptions(options);
  const calls = new Set(callNames(options.call).flatMap(callsAlike));
  const task = options.task && taskArgument('task', options.task, kernel).struct;
  const file = fileOption(options, calls);
  const due = dueCalls(options);
  const { effect, words } = makeEffect(kernel, options, calls);
  const injection = new Injection([...calls], words, remove);
  const matches = (event: CallEvent): boolean =>
    calls.has(event.call) &&
    (task === undefined || task === event.task) &&
    (file === undefined || (event.fd === file.fd && file.isOf(event.task)));
  const rule: CallRule = {
    matches,
    due(nth) {
      injection.count(false);
      return due(nth);
    },
    effect,
    fired(event, nth) {
      injection.count(true);
      const { tgid: pid, pid: tid } = event.task;
      log.push({ injection, call: event.call, pid, tid, fd: event.fd, nth, effect: words });
    },
  };
  return { injection, rule };
}

function checkOptions(options: InjectionOptions): void {
  objectArgument('options', options);
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name)) {
      throw new TypeError(`options: ${shown(name)} is not one of ${OPTIONS.join(', ')}`);
    }
  }
  const given = EFFECTS.filter((name) => options[name] !== undefined);
  if (given.length !== 1) {
    const found = given.length === 0 ? 'none' : given.join(' and ');
    throw new TypeError(`options: exactly one of ${EFFECTS.join(', ')}, not ${found}`);
  }
}

function callNames(call: string | readonly string[]): readonly string[] {
  const names = typeof call === 'string' ? [call] : arrayArgument('call', call);
  if (names.length === 0) throw new TypeError('call: names no call');
  for (const name of names) {
    if (!isSyscall(stringArgument('call', name))) {
      throw new TypeError(`call: ${shown(name)} is not a system call of Linux`);
    }
  }
  return names;
}

function fileOption(options: InjectionOptions, calls: Set<string>): OpenFile | undefined {
  const { file } = options;
  if (file === undefined) return undefined;
  if (!(file instanceof OpenFile)) throw new TypeError('file: not an OpenFile');
  const other = [...calls].find((call) => !isOnDescriptor(call));
  if (other !== undefined) throw new TypeError(`file: ${other} does not work on a descriptor`);
  return file;
}

interface MadeEffect {
  readonly effect: CallEffect;
  readonly words: string;
}

function makeEffect(kernel: Kernel, options: InjectionOptions, calls: Set<string>): MadeEffect {
  const { errno, short, exit, exec, run } = options;
  if (errno !== undefined) return failing(errno);
  if (short !== undefined) return cutting(short, calls);
  if (exit !== undefined) return exiting(kernel, exit);
  if (exec !== undefined) return executing(kernel, exec);
  return running(run as NonNullable<typeof run>);
}

function failing(name: ErrnoName): MadeEffect {
  if (typeof name !== 'string' || !Object.hasOwn(abi, name)) {
    throw new TypeError(`errno: ${shown(name)} is not a name of errno.h`);
  }
  const errno = abi[name];
  return { effect: { errno }, words: errnoName(errno) };
}

function cutting(short: number, calls: Set<string>): MadeEffect {
  intArgument('short', short, 0, 0x7ffff000);
  const other = [...calls].find((call) => !isTransfer(call));
  if (other !== undefined) throw new TypeError(`short: ${other} moves no bytes`);
  return { effect: { short }, words: `short ${short}` };
}

function exiting(kernel: Kernel, exit: Task | readonly Task[]): MadeEffect {
  const tasks = (Array.isArray(exit) ? exit : [exit]) as readonly Task[];
  for (const task of tasks) taskArgument('exit', task, kernel);
  return {
    effect: { before: () => tasks.forEach((task) => task.exit()) },
    words: `exit ${tasks.map(({ pid }) => pid).join(' ')}`,
  };
}

/** A program that cannot be started leaves the task as it is, and the call gets that error. */
function executing(kernel: Kernel, exec: InjectedExec): MadeEffect {
  const { task, path, argv = [path] } = objectArgument('exec', exec);
  taskArgument('exec.task', task, kernel);
  stringArgument('exec.path', path);
  return {
    effect: { before: () => task.exec(path, argv) },
    words: `exec ${task.pid} ${path}`,
  };
}

function running(run: (call: InjectedCall) => void): MadeEffect {
  functionArgument('run', run);
  return {
    effect: {
      before: ({ task, call, fd }, nth) => run({ task: taskOf(task), call, fd, nth }),
    },
    words: 'run',
  };
}
