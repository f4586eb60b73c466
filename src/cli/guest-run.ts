import type { Task } from '../api/task.js';
import { LinuxError } from '../errno.js';
import { Guest } from '../guest/guest.js';
import type { GuestOptions } from '../guest/guest-options.js';
import type { Strace } from '../guest/strace.js';
import { StraceSummary } from '../guest/strace-summary.js';
import { signalName } from '../guest/strace-names.js';
import { SIGKILL } from '../kernel/signal.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import type { Machine } from '../machine.js';
import { BytesSource } from '../elf/source.js';
import { EM_RISCV } from '../elf/format.js';
import { readHeader } from '../elf/header.js';
import { elfMachine } from '../elf/machines.js';
import { readSegments } from '../elf/segments.js';
import type { Options } from './command.js';
import {
  GUEST_PATH,
  makeGuestMachine,
  NOT_EXECUTABLE,
  NOT_FOUND,
  NotStarted,
} from './guest-machine.js';
import { type HostStreams, hostStreams } from './guest-streams.js';
import type { CliIo, Command } from './io.js';
import { isTerminal, UsageError } from './io.js';
import { countOption, limitOption } from './number.js';

/** Signals of this process that are the program's; its terminal's come from its own. */
const PASSED_ON = {
  SIGINT: 2,
  SIGQUIT: 3,
  SIGTERM: 15,
  SIGHUP: 1,
  SIGUSR1: 10,
  SIGUSR2: 12,
} as const;
/** What a shell says of a program that a signal ended. */
const SIGNALED = 128;

/**
 * `procmem run PROGRAM ARGS…`: a RISC-V Linux program on a machine of its own.
 *
 * @returns the program's exit status; 128 and the signal that ended it; 126, 127: it was not started
 * @throws {UsageError | InputError} the command line makes no sense; what it names is not there
 */
export const run: Command = async (argv: string[], io: CliIo, options: Options) => {
  const [program, ...rest] = argv;
  if (program === undefined) throw new UsageError('run: which program? procmem help run');
  try {
    return await runProgram(program, rest, io, options);
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error;
    io.err(`procmem: ${error.message}\n`);
    return error.status;
  }
};

async function runProgram(
  program: string,
  rest: readonly string[],
  io: CliIo,
  options: Options,
): Promise<number> {
  const limits = readLimits(options);
  const clock = clockOption(options);
  const { machine, path } = await makeGuestMachine(options, program, clock);
  const streams = hostStreams(clock !== null);
  const strace = options.flag('strace') ? await stracing(streams) : null;
  const summary = options.flag('strace-summary') ? new StraceSummary() : null;
  const guest = new Guest(machine, {
    ...both(strace?.callbacks, summary?.callbacks),
    ...(clock === null ? {} : { clock }),
    instructions: limits.instructions,
    onLog: (line) => streams.note(`procmem: ${line}\n`),
  });
  try {
    const task = start(guest, path, [program, ...rest], options, streams);
    strace?.started(task, path, [program, ...rest], environment(options).length);
    return await runToEnd(guest, task, program, limits, io, streams);
  } finally {
    guest.stop();
    streams.release();
    if (summary !== null) streams.note(summary.text());
  }
}

/** Its tables of names are long, and few ask for them. */
async function stracing(streams: HostStreams): Promise<Strace> {
  const { Strace } = await import('../guest/strace.js');
  return new Strace((line) => streams.note(line));
}

/** Callbacks that tell two. */
function both(first: GuestOptions = {}, second: GuestOptions = {}): GuestOptions {
  if (second.onCall === undefined) return first;
  return {
    ...first,
    onEnter: (call) => (first.onEnter?.(call), second.onEnter?.(call)),
    onCall: (call) => (first.onCall?.(call), second.onCall?.(call)),
    onExit: (task, status) => (first.onExit?.(task, status), second.onExit?.(task, status)),
  };
}

/** The clock that begins at a moment and goes on by instructions. @throws {UsageError} no moment */
function clockOption(options: Options): VirtualClock | null {
  const text = options.text('clock');
  if (text === null) return null;
  const start = /^\d{1,11}$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isSafeInteger(start) && start >= 0) return new VirtualClock(start);
  throw new UsageError(
    `--clock: ${JSON.stringify(text)} is no moment, such as 2026-01-01 or 1767225600`,
  );
}

/** How much a program may use. */
interface Limits {
  readonly instructions: number;
  readonly seconds: number;
}

function readLimits(options: Options): Limits {
  const instructions = limitOption(options, 'instructions');
  const seconds = options.text('time');
  if (seconds !== null && !(Number(seconds) > 0)) {
    throw new UsageError(`--time: ${JSON.stringify(seconds)} is no number of seconds`);
  }
  return {
    instructions: instructions ?? Infinity,
    seconds: seconds === null ? Infinity : Number(seconds),
  };
}

/** Starts the program. @throws {NotStarted} the kernel refuses */
function start(
  guest: Guest,
  path: string,
  argv: string[],
  options: Options,
  streams: HostStreams,
): Task {
  const uid = countOption(options, 'uid', 0, 0xfffffffe);
  const gid = countOption(options, 'gid', uid, 0xfffffffe);
  const cwd = options.text('cwd');
  const { stdin, stdout, stderr } = streams;
  try {
    return guest.start(path, argv, {
      env: environment(options),
      uid,
      gid,
      stdin,
      stdout,
      stderr,
      ...(cwd === null ? {} : { cwd }),
    });
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    streams.release();
    const { status, text } = explain(guest.machine, path, error, options);
    throw new NotStarted(status, `${argv[0]}: ${text}`);
  }
}

/** What it finds in its environment: little, as nothing of the host's is. */
function environment(options: Options): string[] {
  const values = new Map([
    ['PATH', GUEST_PATH],
    ['HOME', '/root'],
  ]);
  if (isTerminal(1)) values.set('TERM', process.env['TERM'] ?? 'xterm');
  for (const text of options.texts('env')) {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--env ${text}: not NAME=VALUE`);
    values.set(text.slice(0, at), text.slice(at + 1));
  }
  return [...values].map(([name, value]) => `${name}=${value}`);
}

/** Why a program cannot be started. */
interface Refusal {
  readonly status: NotStarted['status'];
  /** In words that say what to do. */
  readonly text: string;
}

function explain(machine: Machine, path: string, { code }: LinuxError, options: Options): Refusal {
  const root = options.text('root');
  const interpreter = code === 'ENOENT' ? interpreterOf(machine, path) : null;
  const where =
    root === null ? 'give --root DIR with it and the libraries' : 'it is not in the root';
  if (code === 'ENOENT' && interpreter !== null) {
    return { status: NOT_FOUND, text: `needs ${interpreter}, which is not there: ${where}` };
  }
  if (code === 'ENOENT') return { status: NOT_FOUND, text: 'there is no such program in the root' };
  const machineName = code === 'ENOEXEC' ? otherMachine(machine, path) : null;
  if (machineName !== null) {
    const text = `is a program for ${machineName}, not for 64-bit RISC-V Linux (ENOEXEC)`;
    return { status: NOT_EXECUTABLE, text };
  }
  return { status: NOT_EXECUTABLE, text: WHY_NOT[code] ?? `cannot be started (${code})` };
}

const WHY_NOT: Readonly<Record<string, string>> = {
  ENOEXEC: 'is no program for 64-bit RISC-V Linux (ENOEXEC)',
  EACCES: 'may not be executed (EACCES)',
};

/** The processor that an ELF file is for, where it is another. */
function otherMachine(machine: Machine, path: string): string | null {
  const task = machine.spawn();
  try {
    const { machine: em } = readHeader(new BytesSource(path, task.readFile(path)));
    return em === EM_RISCV ? null : (elfMachine(em)?.name ?? null);
  } catch {
    return null;
  } finally {
    task.exit(0);
  }
}

/** The interpreter that a program names, or null. */
function interpreterOf(machine: Machine, path: string): string | null {
  const task = machine.spawn();
  try {
    const bytes = task.readFile(path);
    if (bytes[0] === 0x23 && bytes[1] === 0x21) {
      const [line = ''] = new TextDecoder().decode(bytes.subarray(2, 256)).split('\n');
      return line.trim().split(/\s/)[0] ?? null;
    }
    const source = new BytesSource(path, bytes);
    const segment = readSegments(source, readHeader(source)).find(({ type }) => type === PT_INTERP);
    if (segment === undefined) return null;
    const name = bytes.subarray(segment.offset, segment.offset + segment.filesz);
    return new TextDecoder().decode(name).replace(/\0.*$/s, '');
  } catch {
    return null;
  } finally {
    task.exit(0);
  }
}

const PT_INTERP = 3;

async function runToEnd(
  guest: Guest,
  task: Task,
  program: string,
  { seconds, instructions }: Limits,
  io: CliIo,
  streams: HostStreams,
): Promise<number> {
  let late = false;
  const limit = Math.min(seconds * 1000, 2 ** 31 - 1);
  const timer = setTimeout(() => {
    late = seconds !== Infinity;
    if (late) guest.stop();
    guest.wake();
  }, limit);
  const stopPassing = passSignals(guest, task);
  try {
    const { exitCode, signal } = await guest.runToEnd(task);
    streams.release();
    const spent = signal === SIGKILL && guest.charged >= instructions;
    if (late) io.err(`procmem: ${program}: ended after ${seconds} seconds (--time)\n`);
    if (signal === null) return exitCode ?? 0;
    if (!late && spent) {
      io.err(`procmem: ${program}: ended after ${instructions} instructions (--instructions)\n`);
    } else if (!late) {
      io.err(`procmem: ${program}: ended by ${signalName(signal)}\n`);
    }
    return SIGNALED + signal;
  } finally {
    clearTimeout(timer);
    stopPassing();
  }
}

/** Gives the program the signals that this process gets; interrupting goes to its whole group. */
function passSignals(guest: Guest, task: Task): () => void {
  const handlers = Object.entries(PASSED_ON).map(([name, signal]) => {
    const handler = (): void => {
      const { group } = task.struct;
      const mates = guest.tasks.filter(
        (each) => each.struct.isLeader && each.struct.group.pgid === group.pgid,
      );
      for (const each of signal <= 3 ? mates : [task]) guest.kill(each, signal);
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return () => {
    for (const [name, handler] of handlers) process.off(name, handler);
  };
}
