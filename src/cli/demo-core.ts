import type { LoadedProcess } from '../api/load-core.js';
import { LinuxError } from '../errno.js';
import { Machine } from '../machine.js';
import { usualContenders } from './bench.js';
import { usualCallers } from './callers.js';
import { printAccess } from './demo-access.js';
import { CrashedThread } from './demo-process.js';
import { printSpeeds } from './demo-speed.js';
import { printTrace } from './demo-stack.js';
import { printSummary } from './demo-summary.js';
import type { Crash } from './input.js';
import { loadInto } from './input.js';
import type { Terminal } from './terminal.js';

/** Threads shown besides the one that crashed. */
const MAX_OTHERS = 3;

/** Prints a crashed process of a core: its stack without and with /proc/PID/mem, and who may open that. */
export async function showCore(crash: Crash, terminal: Terminal): Promise<void> {
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
  terminal.heading(4, 'Copying out of another process');
  printSpeeds(terminal, usualContenders(machine));
}

function showWithoutMem(terminal: Terminal, { threads }: LoadedProcess): void {
  terminal.heading(1, 'The stack trace where /proc/self/mem is missing');
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
  terminal.heading(2, 'The same trace with it');
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
  terminal.heading(3, `Who may open /proc/${target.pid}/mem?`);
  for (const { who, task: caller } of usualCallers(machine, target)) {
    printAccess(terminal, who, machine.explainAccess(caller, target));
  }
}
