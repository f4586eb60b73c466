import type { Task } from '../api/task.js';
import { errnoName, errnoText } from '../errno.js';
import type { GuestCall, GuestOptions, GuestSignal } from './guest-options.js';
import { CALLS, cloneArguments, type Shown, VARYING } from './strace-calls.js';
import { ACCESS_MODES, OPEN_FLAGS } from './strace-flags.js';
import { signalName } from './strace-names.js';
import { pollfds, siginfo } from './strace-structs.js';
import { flags, hex, int, octal } from './strace-values.js';

/** Where results begin: strace's default column. */
const RESULT_COLUMN = 39;
/** Calls whose result is an address. */
const ADDRESSES = new Set(['brk', 'mmap', 'mremap', 'shmat']);
/** Calls whose arguments are gone when they are done. */
const REPLACING = new Set(['execve', 'execveat']);
/** Kernel-internal errors, which strace names too. */
const ERESTARTSYS = 512;

/**
 * Prints the calls of guests as strace -f does, a line each when it is done.
 *
 * @example
 * const strace = new Strace((line) => process.stderr.write(line));
 * const guest = new Guest(machine, strace.callbacks);
 */
export class Strace {
  /** What a Guest tells it. */
  readonly callbacks: GuestOptions;
  readonly #print: (line: string) => void;
  /** Arguments of calls under way that replace the memory. */
  readonly #pending = new Map<number, string>();
  /** Numbers of the threads there are. */
  readonly #threads = new Set<number>();

  /** @param print takes whole lines, with their newline */
  constructor(print: (line: string) => void) {
    this.#print = print;
    this.callbacks = {
      onEnter: (call) => this.#enter(call),
      onCall: (call) => this.#call(call),
      onSignal: (signal) => this.#signal(signal),
      onExit: (task, status) => this.#exit(task.tid, status),
    };
  }

  /** Says what a program was started by, which no call of a guest did. */
  started(task: Task, path: string, argv: readonly string[], variables: number): void {
    const list = argv.map((each) => JSON.stringify(each)).join(', ');
    const env = `${hex(0x7fff00000000)} /* ${variables} vars */`;
    this.#line(task.tid, `execve(${JSON.stringify(path)}, [${list}], ${env})`, '0');
  }

  #line(pid: number, call: string, result: string): void {
    this.#write(pid, `${call.padEnd(RESULT_COLUMN)} = ${result}`);
  }

  #write(pid: number, text: string): void {
    this.#threads.add(pid);
    const prefix = this.#threads.size > 1 ? `[pid ${String(pid).padStart(5)}] ` : '';
    this.#print(`${prefix}${text}\n`);
  }

  #enter(call: GuestCall): void {
    this.#threads.add(call.task.tid);
    if (REPLACING.has(call.name)) this.#pending.set(call.task.tid, formatArguments(call));
  }

  #call(call: GuestCall): void {
    const { task, name, result } = call;
    const kept = this.#pending.get(task.tid);
    this.#pending.delete(task.tid);
    const shown = kept !== undefined && result === 0 ? kept : formatArguments(call);
    this.#line(task.tid, `${name}(${shown})`, formatResult(call));
    if ((name === 'clone' || name === 'clone3') && Number(result) > 0) {
      this.#print(`strace: Process ${result} attached\n`);
      this.#threads.add(Number(result));
    }
  }

  #signal({ task, signal, info }: GuestSignal): void {
    this.#write(task.tid, `--- ${signalName(signal)} ${siginfo(info)} ---`);
  }

  #exit(pid: number, status: number): void {
    const signal = status & 0x7f;
    const core = (status & 0x80) !== 0 ? ' (core dumped)' : '';
    const how =
      signal === 0
        ? `exited with ${(status >> 8) & 0xff}`
        : `killed by ${signalName(signal)}${core}`;
    this.#write(pid, `+++ ${how} +++`);
    this.#threads.delete(pid);
  }
}

function shownOf({ task, args, result }: GuestCall): Shown {
  const value = Number(result ?? -1);
  const failed = value < 0 && value > -4096;
  return { task, args, result: value, failed };
}

function formatArguments(call: GuestCall): string {
  const { name, args } = call;
  if (name === 'clone') return cloneArguments(args);
  const format = VARYING[name]?.(args) ?? CALLS[name];
  if (format === undefined) return args.map((value) => hex(value)).join(', ');
  const shown = shownOf(call);
  return format.map((show, i) => show(args[i] ?? 0n, shown)).join(', ');
}

function formatResult(call: GuestCall): string {
  const { name, result, args, task } = call;
  if (result === null) return '?';
  const value = Number(result);
  if (value === -ERESTARTSYS) return '? ERESTARTSYS (To be restarted if SA_RESTART is set)';
  if (value < 0 && value > -4096) return failedResult(-value);
  if (ADDRESSES.has(name)) return hex(BigInt(result));
  if (name === 'umask') return octal(value);
  if (name === 'ppoll') {
    if (value === 0) return '0 (Timeout)';
    return `${value} (${pollfds(task, args[0] ?? 0n, Number(args[1]), true)})`;
  }
  if (name === 'fcntl') return fcntlResult(int(args[1] ?? 0n), value);
  return String(result);
}

/** F_GETFD and F_GETFL say what their bits mean. */
function fcntlResult(command: number, value: number): string {
  if (command === 1 && value === 1) return '0x1 (flags FD_CLOEXEC)';
  if (command !== 3) return String(value);
  const rest = flags(value & ~3, OPEN_FLAGS, '');
  return `${hex(value)} (flags ${ACCESS_MODES.get(value & 3)}${rest === '' ? '' : `|${rest}`})`;
}

function failedResult(errno: number): string {
  const name = errnoName(errno);
  const text = errnoText(name);
  return `-1 ${name} (${text.charAt(0).toUpperCase()}${text.slice(1)})`;
}
