import type { LoadedProcess } from '../api/load-core.js';
import { ElfError } from '../elf/error.js';
import { LinuxError } from '../errno.js';
import { Machine } from '../machine.js';
import { machineContender } from './bench.js';
import { usualCallers } from './callers.js';
import { printAccess } from './demo-access.js';
import { printDemoAsJson } from './demo-json.js';
import { CrashedThread } from './demo-process.js';
import { kernelContender, memcpyContender, printSpeeds } from './demo-speed.js';
import { printTrace } from './demo-stack.js';
import { printSummary } from './demo-summary.js';
import type { Crash } from './input.js';
import { chooseCrash, loadInto, onlyOperand } from './input.js';
import type { Command } from './io.js';
import { InputError } from './io.js';
import { Terminal } from './terminal.js';

/** Threads shown besides the one that crashed. */
const MAX_OTHERS = 3;

/**
 * Shows a crashed process through its /proc/PID/mem: ours, or one whose core is named.
 *
 * @throws {UsageError} more than one argument
 * @throws {InputError} the core cannot be read, is none, is damaged, or does not fit the machine
 */
export const demo: Command = async (operands, io, options): Promise<number> => {
  const named = onlyOperand(operands, 'demo');
  try {
    const crash = await chooseCrash(named, options);
    if (options.flag('json')) await printDemoAsJson(io, crash);
    else await show(crash, new Terminal(io));
  } catch (error) {
    if (error instanceof ElfError) throw new InputError(error.message);
    throw error;
  }
  return 0;
};

async function show(crash: Crash, terminal: Terminal): Promise<void> {
  const title = terminal.paint('bold', 'procmem');
  terminal.line(`${title}  a crashed process, looked at through /proc/PID/mem`);
  terminal.line();
  const sandbox = await Machine.create({ procMem: false });
  const inSandbox = loadInto(sandbox, crash);
  printSummary(terminal, crash.label, inSandbox);
  showWithoutMem(terminal, inSandbox);
  const machine = await Machine.create();
  const process = loadInto(machine, crash);
  showWithMem(terminal, process);
  showAccess(terminal, machine, process);
  showSpeeds(terminal, machine);
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
  for (const { who, task: caller } of usualCallers(machine, target)) {
    printAccess(terminal, who, machine.explainAccess(caller, target));
  }
}

function showSpeeds(terminal: Terminal, machine: Machine): void {
  heading(terminal, 4, 'Copying out of another process');
  const procmem = machineContender(machine);
  const kernel = kernelContender();
  printSpeeds(terminal, [procmem, memcpyContender(), ...(kernel === null ? [] : [kernel])]);
}
