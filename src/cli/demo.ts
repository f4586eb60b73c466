import { fileURLToPath } from 'node:url';

import type { LoadedProcess } from '../api/load-core.js';
import type { OpenFile } from '../elf/core-files.js';
import type { Core } from '../elf/core.js';
import { readCore } from '../elf/core.js';
import { ElfError } from '../elf/error.js';
import { LinuxError } from '../errno.js';
import { Machine } from '../machine.js';
import { printAccess } from './demo-access.js';
import { CrashedThread } from './demo-process.js';
import { kernelContender, memcpyContender, printSpeeds } from './demo-speed.js';
import { printTrace } from './demo-stack.js';
import { printSummary } from './demo-summary.js';
import { openHostFile, openInput } from './file-source.js';
import type { CliIo, Command } from './io.js';
import { InputError, UsageError } from './io.js';
import { Terminal } from './terminal.js';

/** Where the committed crash lies, beside the compiled library. */
const EXAMPLE = new URL('../../../examples/crash/', import.meta.url);
/** Threads shown besides the one that crashed. */
const MAX_OTHERS = 3;

/** A core, and where the files it names are to be had. */
interface Crash {
  /** What to call it. */
  readonly label: string;
  readonly core: Core;
  readonly open: OpenFile;
}

/**
 * Shows a crashed process through its /proc/PID/mem: ours, or one whose core is named.
 *
 * @throws {UsageError} more than one argument
 * @throws {InputError} the core cannot be read, is none, is damaged, or does not fit the machine
 */
export const demo: Command = async (operands: string[], io: CliIo): Promise<number> => {
  if (operands.length > 1) throw new UsageError('demo takes at most one core file');
  const [core] = operands;
  try {
    await show(core === undefined ? exampleCrash() : hostCrash(core), new Terminal(io));
  } catch (error) {
    if (error instanceof ElfError) throw new InputError(error.message);
    throw error;
  }
  return 0;
};

function exampleCrash(): Crash {
  const file = (name: string) => openInput(fileURLToPath(new URL(name, EXAMPLE)));
  const core = readCore(file('core.gz'));
  const executable = file('thumbnail.gz');
  const open: OpenFile = (path) => (path.endsWith('/thumbnail') ? executable : null);
  return { label: 'examples/crash/core.gz', core, open };
}

function hostCrash(path: string): Crash {
  const core = readCore(openInput(path));
  if (core.machine.name !== 'x86-64') {
    throw new InputError(`${path}: a core of ${core.machine.name}; the demo unwinds x86-64 only`);
  }
  return { label: path, core, open: openHostFile };
}

async function show(crash: Crash, terminal: Terminal): Promise<void> {
  const title = terminal.paint('bold', 'procmem');
  terminal.line(`${title}  a crashed process, looked at through /proc/PID/mem`);
  terminal.line();
  const sandbox = await Machine.create({ procMem: false });
  const inSandbox = load(sandbox, crash);
  printSummary(terminal, crash.label, inSandbox);
  showWithoutMem(terminal, inSandbox);
  const machine = await Machine.create();
  const process = load(machine, crash);
  showWithMem(terminal, process);
  showAccess(terminal, machine, process);
  showSpeeds(terminal, machine);
}

function load(machine: Machine, { core, open }: Crash): LoadedProcess {
  try {
    return machine.loadCore(core, { open });
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    throw new InputError(
      `${core.source.name}: the machine cannot hold this process (${error.code})`,
    );
  }
}

function heading(terminal: Terminal, number: number, text: string): void {
  terminal.line(terminal.paint('cyan', terminal.paint('bold', `${number}  ${text}`)));
}

function showWithoutMem(terminal: Terminal, { threads }: LoadedProcess): void {
  heading(terminal, 1, 'The stack trace where /proc/self/mem is missing');
  const [task] = threads;
  if (task === undefined) return;
  const result = openError(task);
  terminal.line(
    terminal.paint('dim', `   open("/proc/self/mem") = ${result}, so a symboliser gives up:`),
  );
  const thread = new CrashedThread(task);
  printTrace(terminal, thread.traceByLoads(), thread.nameOf);
  terminal.line();
}

function openError(task: LoadedProcess['threads'][number]): string {
  try {
    task.open('/proc/self/mem').close();
    return 'ok';
  } catch (error) {
    if (error instanceof LinuxError) return `-1 ${error.code}`;
    throw error;
  }
}

function showWithMem(terminal: Terminal, { threads }: LoadedProcess): void {
  heading(terminal, 2, 'The same trace with it');
  threads.slice(0, 1 + MAX_OTHERS).forEach((task, i) => {
    const thread = new CrashedThread(task);
    const trace = thread.traceByMem();
    if (i > 0) terminal.line(terminal.paint('dim', `   thread ${task.tid}`));
    printTrace(terminal, trace, thread.nameOf);
    const { open, pread } = thread.calls;
    const calls = `${open} opens and ${pread} preads of maps, mem and the files that maps names`;
    if (i === 0) terminal.line(terminal.paint('dim', `   named by ${calls}`));
    terminal.line();
  });
  const left = threads.length - 1 - MAX_OTHERS;
  if (left > 0) terminal.line(terminal.paint('dim', `   … and ${left} more threads\n`));
}

function showAccess(terminal: Terminal, machine: Machine, { threads }: LoadedProcess): void {
  const [target] = threads;
  if (target === undefined) return;
  heading(terminal, 3, `Who may open /proc/${target.pid}/mem?`);
  const { real } = target.uids;
  const other = real === 1001 ? 1002 : 1001;
  const callers = [
    { who: 'root', caller: machine.spawn({ uid: 0 }) },
    { who: `user ${real}, no capabilities`, caller: machine.spawn({ uid: real, caps: 0n }) },
    { who: `user ${other}`, caller: machine.spawn({ uid: other }) },
  ];
  for (const { who, caller } of callers) {
    printAccess(terminal, who, machine.explainAccess(caller, target));
  }
}

function showSpeeds(terminal: Terminal, machine: Machine): void {
  heading(terminal, 4, 'Copying out of another process');
  const length = 1 << 20;
  const [target, reader] = [machine.spawn({ uid: 1000 }), machine.spawn({ uid: 1000 })];
  const addr = target.mmap({ length });
  target.store(addr, new Uint8Array(length).fill(1));
  const mem = reader.open(`/proc/${target.pid}/mem`);
  const procmem = { name: 'procmem', copy: (into: Uint8Array) => void mem.pread(into, addr) };
  const kernel = kernelContender();
  printSpeeds(terminal, [procmem, memcpyContender(), ...(kernel === null ? [] : [kernel])]);
}
