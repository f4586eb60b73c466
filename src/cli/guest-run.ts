import type { Task } from '../api/task.js';
import { LinuxError } from '../errno.js';
import { Guest } from '../guest/guest.js';
import type { GuestOptions } from '../guest/guest-options.js';
import { Strace } from '../guest/strace.js';
import { signalName } from '../guest/strace-names.js';
import type { Machine } from '../machine.js';
import { BytesSource } from '../elf/source.js';
import { readHeader } from '../elf/header.js';
import { readSegments } from '../elf/segments.js';
import type { Options } from './command.js';
import { GUEST_PATH, makeGuestMachine } from './guest-machine.js';
import { type HostStreams, hostStreams } from './guest-streams.js';
import type { CliIo, Command } from './io.js';
import { isTerminal, UsageError } from './io.js';
import { countOption } from './number.js';

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
/** What a shell says of a program that cannot be started, or is not there. */
const NOT_STARTED = 126;
const NOT_FOUND = 127;

/**
 * `procmem run PROGRAM ARGS…`: a RISC-V Linux program on a machine of its own.
 *
 * @returns the program's exit status; 128 and the signal that ended it; 126, 127: it was not started
 * @throws {UsageError | InputError} the command line makes no sense; what it names is not there
 */
export const run: Command = async (argv: string[], io: CliIo, options: Options) => {
  const [program, ...rest] = argv;
  if (program === undefined) throw new UsageError('run: which program? procmem help run');
  const limits = readLimits(options);
  const { machine, path } = await makeGuestMachine(options, program);
  const streams = hostStreams();
  const strace = options.flag('strace') ? new Strace((line) => streams.note(line)) : null;
  const guest = new Guest(machine, { ...strace?.callbacks, ...limits.guest });
  try {
    const task = start(guest, path, [program, ...rest], options, streams);
    if (typeof task === 'string') {
      streams.release();
      io.err(`procmem: ${task}\n`);
      return / not there|no such /.test(task) ? NOT_FOUND : NOT_STARTED;
    }
    strace?.started(task, path, [program, ...rest], environment(options).length);
    return await runToEnd(guest, task, program, limits.seconds, io, streams);
  } finally {
    guest.stop();
    streams.release();
  }
};

/** How much a program may use. */
interface Limits {
  readonly guest: GuestOptions;
  readonly seconds: number;
}

function readLimits(options: Options): Limits {
  const instructions = options.text('instructions');
  const seconds = options.text('time');
  if (seconds !== null && !(Number(seconds) > 0)) {
    throw new UsageError(`--time: ${JSON.stringify(seconds)} is no number of seconds`);
  }
  return {
    guest:
      instructions === null
        ? {}
        : { instructions: countOption(options, 'instructions', 0, Number.MAX_SAFE_INTEGER) },
    seconds: seconds === null ? Infinity : Number(seconds),
  };
}

/** Starts the program; the reason as text where the kernel refuses. */
function start(
  guest: Guest,
  path: string,
  argv: string[],
  options: Options,
  streams: HostStreams,
): Task | string {
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
    return `${argv[0]}: ${explain(guest.machine, path, error, options)}`;
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

/** Why a program cannot be started, in words that say what to do. */
function explain(machine: Machine, path: string, { code }: LinuxError, options: Options): string {
  const root = options.text('root');
  const interpreter = code === 'ENOENT' || code === 'ENOEXEC' ? interpreterOf(machine, path) : null;
  const where =
    root === null ? 'give --root DIR with it and the libraries' : 'it is not in the root';
  if (code === 'ENOENT' && interpreter !== null) {
    return `needs ${interpreter}, which is not there: ${where}`;
  }
  if (code === 'ENOENT') return 'there is no such program, or no such --cwd, in the root';
  if (code === 'ENOEXEC') return 'is no program for 64-bit RISC-V Linux (ENOEXEC)';
  if (code === 'EACCES') return 'may not be executed (EACCES)';
  return `cannot be started (${code})`;
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
  seconds: number,
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
    if (late) io.err(`procmem: ${program}: ended after ${seconds} seconds (--time)\n`);
    if (signal === null) return exitCode ?? 0;
    if (!late) io.err(`procmem: ${program}: ended by ${signalName(signal)}\n`);
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
