import { type PageWalk, type Task, unwindMachineOf } from '../../src/index.js';
import { processOf, type ProcessView } from './process.js';
import type { Session } from './session.js';
import { registersOf } from './thread-registers.js';

/** The mapping that an address lies in. */
export interface WalkMapping {
  readonly start: number;
  readonly end: number;
  /** As maps has it, such as `rw-p`. */
  readonly perms: string;
  /** Path, area or empty. */
  readonly name: string;
}

/** A walk with what lies around it. */
export interface WalkAnswer {
  readonly addr: number;
  /** Null outside of user memory, and of a task without memory. */
  readonly walk: PageWalk | null;
  /** Null where nothing is mapped. */
  readonly mapping: WalkMapping | null;
}

/** The page walk of an address; null asks for a place worth looking at. */
export const walkHandlers = {
  'walk.at': (
    session: Session,
    args: { readonly tid: number; readonly addr: number | null },
  ): WalkAnswer => {
    const task = session.task(args.tid);
    const view = processOf(session, task);
    const addr = args.addr ?? usualPlace(task, view);
    const walk = task.pageWalk(addr);
    const line = view.lineOf(addr);
    const mapping =
      line === null
        ? null
        : { start: line.start, end: line.end, perms: line.perms, name: line.path };
    return { addr, walk, mapping };
  },
};

/** Where to look when nobody said: the stack's top, else a mapping whose first page is there. */
function usualPlace(task: Task, view: ProcessView): number {
  const regs = registersOf(task);
  const machine = regs === null ? null : unwindMachineOf(regs.length);
  const sp = regs === null || machine === null ? null : machine.registers(regs)[machine.sp];
  const place = sp === null || sp === undefined ? null : view.lineOf(Number(sp));
  if (place !== null) return Number(sp);
  const touched = view.maps.find(({ start }) => (task.pageWalk(start)?.page ?? null) !== null);
  return (touched ?? view.maps[0])?.start ?? 0;
}
