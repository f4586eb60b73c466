import { Console, LinuxError, type Task } from '../../src/index.js';
import type { Call } from './call.js';
import { findProgram, machineFor, PROGRAM_PATH, type ProgramSource } from './guest-files.js';
import { GuestRun, type RunEnd } from './guest-run.js';
import type { Session, SessionInfo } from './session.js';

/** What to run, and how. */
export interface RunArgs {
  readonly source: ProgramSource;
  /** Its arguments, its own name first. */
  readonly argv: readonly string[];
  readonly procMem: boolean;
  readonly strace: boolean;
  readonly haltsAtFault: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** What the page then shows in its other panels. */
export interface RunStarted {
  readonly info: SessionInfo;
}

const ENV = [`PATH=${PROGRAM_PATH}`, 'HOME=/root', 'TERM=xterm-256color'];

/** The program that runs: one at a time. */
let current: { readonly run: GuestRun; readonly task: Task } | null = null;

/** Running programs in a machine that the other panels look at meanwhile. */
export const guestHandlers = {
  /** Runs one to its end; {@link RunStarted} and then RunProgress are reported on the way. */
  'guest.run': (session: Session, args: RunArgs, call: Call): Promise<RunEnd> =>
    runProgram(session, args, call),
  'guest.input': (_session: Session, { bytes }: { readonly bytes: Uint8Array }): void =>
    current?.run.push(bytes),
  'guest.resize': (
    _session: Session,
    { columns, rows }: { readonly columns: number; readonly rows: number },
  ): void => current?.run.resize(columns, rows),
  /** The page has shown so many bytes and letters: more may come. */
  'guest.seen': (_session: Session, { count }: { readonly count: number }): void =>
    current?.run.seen(count),
  'guest.pause': (session: Session, { paused }: { readonly paused: boolean }): void => {
    session.generation++;
    current?.run.pause(paused);
  },
  'guest.step': (session: Session, _args: object): void => {
    session.generation++;
    current?.run.step(current.task);
  },
  'guest.kill': (_session: Session, _args: object): void => current?.run.kill(current.task),
};

async function runProgram(session: Session, args: RunArgs, call: Call): Promise<RunEnd> {
  const { source, argv, columns, rows } = args;
  current?.run.kill(current.task);
  const made = await machineFor(source, args.procMem);
  const { machine } = made;
  const run = new GuestRun(machine, args, call);
  const write = (bytes: Uint8Array): void => run.write(bytes);
  const terminal = new Console({ tty: true, columns, rows, write });
  run.terminal = terminal;
  const [name = ''] = argv;
  const path = findProgram(made, name);
  const task = start(run, path, argv, terminal);
  run.strace?.started(task, path, argv, ENV.length);
  const about = `${argv.join(' ')}, process ${task.pid}, started in this page`;
  const rest = { found: [], missing: [], label: name, about } as const;
  const info: SessionInfo = { kind: 'program', firstTask: task.tid, ...rest };
  session.show({ info, machine, core: null, process: null, open: () => null });
  call.progress({ info } satisfies RunStarted);
  const mine = { run, task };
  current = mine;
  try {
    return await run.run(task, () => {
      // What was read of a program that runs is old.
      session.generation++;
      return current === mine && session.openedOrNull?.machine === machine;
    });
  } finally {
    session.generation++;
    if (current === mine) current = null;
  }
}

/** @throws {TypeError} Linux refuses, in words that say what to do */
function start(run: GuestRun, path: string, argv: readonly string[], stream: Console): Task {
  try {
    return run.guest.start(path, argv, { env: ENV, stdin: stream, stdout: stream, stderr: stream });
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    throw new TypeError(`${path}: ${REASONS[error.code] ?? `cannot be started (${error.code})`}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such program, or the loader it names is not there: drop a tar that has both',
  ENOEXEC: 'is no program for 64-bit RISC-V Linux (ENOEXEC)',
  EACCES: 'may not be executed (EACCES)',
};
