import type { StackTrace } from '../unwind/unwind.js';
import { Machine } from '../machine.js';
import { usualContenders } from './bench.js';
import { usualCallers } from './callers.js';
import { CrashedThread } from './demo-process.js';
import { type CrashProgram, runProgram } from './demo-program.js';
import { measureSpeeds } from './demo-speed.js';
import type { NameFrame } from './demo-stack.js';
import type { Crash } from './input.js';
import { loadInto } from './input.js';
import type { CliIo } from './io.js';
import { hex, printJson } from './json.js';

/**
 * Prints what the demo shows as one JSON document: of a core, and of a program that is run, each in a machine
 * without and in one with /proc/PID/mem.
 *
 * @param program null: none is run
 */
export async function printDemoAsJson(
  io: CliIo,
  crash: Crash,
  program: CrashProgram | null,
): Promise<void> {
  const sandbox = await Machine.create({ procMem: false });
  const withoutMem = loadInto(sandbox, crash).threads.map((task) => {
    const thread = new CrashedThread(task);
    return { tid: task.tid, ...describe(thread.traceByLoads(), thread.nameOf) };
  });
  const machine = await Machine.create();
  const { core, threads } = loadInto(machine, crash);
  const withMem = threads.map((task) => {
    const thread = new CrashedThread(task);
    return { tid: task.tid, ...describe(thread.traceByMem(), thread.nameOf) };
  });
  const [target] = threads;
  const access = (target === undefined ? [] : usualCallers(machine, target)).map((caller) => ({
    who: caller.who,
    ...(target === undefined ? {} : machine.explainAccess(caller.task, target)),
  }));
  const speeds = measureSpeeds(usualContenders(machine));
  const ran = program === null ? {} : { program: await describeRuns(program) };
  printJson(io, {
    ...ran,
    core: crash.label,
    process: core.process,
    withoutMem,
    withMem,
    access,
    speeds,
  });
}

function describe({ frames, end }: StackTrace, name: NameFrame): object {
  return {
    end,
    frames: frames.map((frame) => ({ pc: hex(frame.pc), function: name(frame) })),
  };
}

async function describeRuns(program: CrashProgram): Promise<object> {
  const describeRun = async (procMem: boolean): Promise<object> => {
    const { lines, status, instructions, calls } = await runProgram(program, procMem);
    return { lines, signal: status.signal, instructions, calls: Object.fromEntries(calls) };
  };
  const { label } = program;
  return { label, withoutMem: await describeRun(false), withMem: await describeRun(true) };
}
