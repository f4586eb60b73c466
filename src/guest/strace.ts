import type { Task } from '../api/task.js';
import { errnoName, errnoText } from '../errno.js';
import type { GuestCall, GuestOptions, GuestSignal } from './guest-options.js';
import { CALLS, cloneArguments, type Shown, VARYING } from './strace-calls.js';
import { ACCESS_MODES, OPEN_FLAGS } from './strace-flags.js';
import { signalName } from './strace-names.js';
import { pollfds, siginfo } from './strace-structs.js';
import { flags, hex, int, octal, shortened } from './strace-values.js';

/** Where results begin: strace's default column. */
const RESULT_COLUMN = 39;
/** Calls whose result is an address. */
const ADDRESSES = new Set(['brk', 'mmap', 'mremap', 'shmat']);
/** Calls whose arguments are gone when they are done. */
const REPLACING = new Set(['execve', 'execveat']);
/** Kernel-internal errors, which strace names too. */
const ERESTARTSYS = 512;

/** A call under way. */
interface Entered {
  readonly call: GuestCall;
  /** Its beginning was printed, because somebody else had something to say. */
  shown: boolean;
}

/**
 * Prints the calls of guests as strace -f does: a line each when it is done, two where another thread's came
 * between.
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
  /** Calls under way, by the thread's number, in the order they began. */
  readonly #entered = new Map<number, Entered>();
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
    const list = argv.map(shortened).join(', ');
    const env = `${hex(0x7fff00000000)} /* ${variables} vars */`;
    this.#line(task.tid, `execve(${JSON.stringify(path)}, [${list}], ${env})`, '0');
  }

  #line(pid: number, call: string, result: string): void {
    this.#threads.add(pid);
    this.#interrupt(pid);
    this.#print(`${`${this.#prefix(pid)}${call}`.padEnd(RESULT_COLUMN)} = ${result}\n`);
  }

  #write(pid: number, text: string): void {
    this.#threads.add(pid);
    this.#interrupt(pid);
    this.#print(`${this.#prefix(pid)}${text}\n`);
  }

  /** Who it is, where there are several. */
  #prefix(pid: number): string {
    return this.#threads.size > 1 ? `[pid ${String(pid).padStart(5)}] ` : '';
  }

  /** Prints the beginnings of the calls that others are in. */
  #interrupt(pid: number): void {
    for (const [other, entered] of this.#entered) {
      if (other === pid || entered.shown) continue;
      entered.shown = true;
      this.#print(`${this.#prefix(other)}${this.#head(entered.call)} <unfinished ...>\n`);
    }
  }

  /** What can be told of a call when it begins. */
  #head(call: GuestCall): string {
    const kept = this.#pending.get(call.task.tid);
    return `${call.name}(${kept ?? splitArguments(call)[0]}`;
  }

  #enter(call: GuestCall): void {
    const { tid } = call.task;
    this.#threads.add(tid);
    if (REPLACING.has(call.name)) this.#pending.set(tid, splitArguments(call).join(''));
    this.#entered.delete(tid);
    this.#entered.set(tid, { call, shown: false });
  }

  #call(call: GuestCall): void {
    const { task, name, result } = call;
    const kept = this.#pending.get(task.tid);
    this.#pending.delete(task.tid);
    const resumed = this.#entered.get(task.tid)?.shown === true;
    this.#entered.delete(task.tid);
    const [first, second] = kept !== undefined && result === 0 ? [kept, ''] : splitArguments(call);
    const text = resumed ? `<... ${name} resumed>${second})` : `${name}(${first}${second})`;
    this.#line(task.tid, text, formatResult(call));
    if ((name === 'clone' || name === 'clone3') && Number(result) > 0) {
      this.#print(`strace: Process ${result} attached\n`);
      this.#threads.add(Number(result));
    }
  }

  #signal({ task, signal, info }: GuestSignal): void {
    this.#abandon(task.tid);
    this.#write(task.tid, `--- ${signalName(signal)} ${siginfo(info)} ---`);
  }

  /** The call that it ended in has no result. */
  #abandon(pid: number): void {
    const entered = this.#entered.get(pid);
    if (entered === undefined) return;
    const { call, shown } = entered;
    const head = shown ? `<... ${call.name} resumed>` : this.#head(call);
    const rest = splitArguments(call)[1] === '' ? ')' : ' <unfinished ...>)';
    this.#entered.delete(pid);
    this.#pending.delete(pid);
    this.#line(pid, `${head}${rest}`, '?');
  }

  #exit(pid: number, status: number): void {
    this.#abandon(pid);
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

/** The arguments, divided at the first that the call stores: what can be told before, and the rest. */
function splitArguments(call: GuestCall): readonly [before: string, after: string] {
  const { name, args } = call;
  if (name === 'clone') return [cloneArguments(args), ''];
  const format = VARYING[name]?.(args) ?? CALLS[name];
  if (format === undefined) return [args.map((value) => hex(value)).join(', '), ''];
  const shown = shownOf(call);
  const first = format.findIndex((show) => show.stored === true);
  const at = first < 0 ? format.length : first;
  const parts = format.map((show, i) => show(args[i] ?? 0n, shown));
  const before = parts.slice(0, at).join(', ');
  const after = parts.slice(at).join(', ');
  return [before !== '' && after !== '' ? `${before}, ` : before, after];
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
