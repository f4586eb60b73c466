import { type Task, unwind, unwindMachineOf } from '../../src/index.js';
import type { Call } from './call.js';
import { processOf, type ProcessView } from './process.js';
import type { Session } from './session.js';
import { registersOf } from './thread-registers.js';

/** Frames of one thread at most: runaway recursion has no end. */
const MAX_FRAMES = 256;
/** How StackTrace.end begins where the trace is complete. */
const OUTERMOST = 'outermost frame';

/** One frame with its names. */
export interface FrameRow {
  readonly pc: bigint;
  readonly sp: bigint;
  /** How it was found. */
  readonly by: string;
  /** Null where nothing is known of the function. */
  readonly name: string | null;
  /** Path of the file that holds it; empty for none. */
  readonly path: string;
}

/** The trace of one thread. */
export interface ThreadTrace {
  readonly tid: number;
  readonly comm: string;
  readonly state: string;
  /** Null of a thread that no CPU ran, or whose processor is not known. */
  readonly arch: string | null;
  readonly frames: readonly FrameRow[];
  /** Why it ends before the outermost frame; null where it is complete. */
  readonly end: string | null;
}

/** Stack traces. */
export const stackHandlers = {
  /** The traces of all threads of the task's process, the task's own first. */
  'stack.process': async (
    session: Session,
    args: { readonly tid: number },
    call: Call,
  ): Promise<readonly ThreadTrace[]> => {
    const task = session.task(args.tid);
    const view = processOf(session, task);
    const others = session.machine
      .tasks()
      .filter(({ pid, tid, exited }) => pid === task.pid && tid !== task.tid && !exited);
    const traces: ThreadTrace[] = [];
    for (const thread of [task, ...others]) {
      traces.push(traceOf(thread, view));
      if (!(await call.rest())) break;
    }
    return traces;
  },
};

function traceOf(task: Task, view: ProcessView): ThreadTrace {
  const regs = registersOf(task);
  const about = { tid: task.tid, comm: task.comm, state: task.state };
  const machine = regs === null ? null : unwindMachineOf(regs.length);
  if (regs === null || machine === null) return { ...about, arch: null, frames: [], end: null };
  const { read, maps, open } = view;
  const { frames, end } = unwind(
    machine.registers(regs),
    { read, maps, open, machine },
    MAX_FRAMES,
  );
  const rows = frames.map(({ pc, sp, exact, by }) => {
    const at = exact || pc === 0n ? pc : pc - 1n;
    return { pc, sp, by, name: view.nameOf(at), path: view.lineOf(Number(at))?.path ?? '' };
  });
  return {
    ...about,
    arch: machine.name,
    frames: rows,
    end: end.startsWith(OUTERMOST) ? null : end,
  };
}
