import type { Task } from '../api/task.js';
import { signalName } from '../guest/strace-names.js';
import type { AccessExplanation } from '../kernel/explain.js';
import type { Machine } from '../machine.js';
import { usualContenders } from './bench.js';
import { usualCallers } from './callers.js';
import { printAccess } from './demo-access.js';
import type { CrashProgram, ProgramRun } from './demo-program.js';
import { runProgram } from './demo-program.js';
import { printSpeeds } from './demo-speed.js';
import { printable, type Terminal, truncate } from './terminal.js';

/** `@ address  name`, as google-glog prints a frame. */
const FRAME = /^( +@ +\S+) {2}(.*)$/;
const UNKNOWN = '(unknown)';

/** Who asked for access to the program while it lived, and the answers. */
interface Answers {
  readonly pid: number;
  readonly of: readonly { readonly who: string; readonly access: AccessExplanation }[];
}

/** Runs a program that crashes: without /proc/PID/mem, with it, and who else may open that. */
export async function showProgram(program: CrashProgram, terminal: Terminal): Promise<void> {
  const title = terminal.paint('bold', 'procmem');
  terminal.line(`${title}  a RISC-V Linux program crashes inside the machine`);
  terminal.line();
  terminal.line(`   ${terminal.paint('bold', program.label)}`);
  terminal.line(terminal.paint('dim', `   ${program.about}`));
  terminal.line();
  terminal.heading(1, 'Where /proc/self/mem is missing');
  printRun(terminal, await runProgram(program, false));
  terminal.heading(2, 'The same program with it');
  const answers: Answers[] = [];
  const run = await runProgram(program, true, (machine, task) => {
    answers.push(ask(machine, task));
  });
  printRun(terminal, run);
  for (const asked of answers) printAnswers(terminal, asked);
  terminal.heading(4, 'Copying out of another process');
  printSpeeds(terminal, usualContenders(run.machine));
}

function printRun(terminal: Terminal, { lines, status, instructions, calls }: ProgramRun): void {
  for (const line of lines) printLine(terminal, line);
  const made = [...calls.values()].reduce((sum, count) => sum + count, 0);
  const { signal, exitCode } = status;
  const end = signal === null ? `exit status ${exitCode}` : `ended by ${signalName(signal)}`;
  const cost = `${instructions.toLocaleString('en')} instructions and ${made} system calls`;
  terminal.line(terminal.paint('dim', `   ${end} after ${cost} (${calls.size} different)`));
  terminal.line();
}

function printLine(terminal: Terminal, line: string): void {
  const text = printable(line);
  const [, frame, name = ''] = FRAME.exec(text) ?? [];
  if (frame === undefined) {
    terminal.line(`   ${truncate(text, terminal.width - 3)}`);
    return;
  }
  const look = name === UNKNOWN ? 'red' : 'green';
  const short = truncate(name, terminal.width - 5 - frame.length);
  terminal.line(`   ${terminal.paint('dim', frame)}  ${terminal.paint(look, short)}`);
}

function ask(machine: Machine, task: Task): Answers {
  const of = usualCallers(machine, task).map(({ who, task: caller }) => {
    return { who, access: machine.explainAccess(caller, task) };
  });
  return { pid: task.pid, of };
}

function printAnswers(terminal: Terminal, { pid, of }: Answers): void {
  terminal.heading(3, `Who else may open /proc/${pid}/mem while it runs?`);
  for (const { who, access } of of) printAccess(terminal, who, access);
}
