import type { Task, TaskIds } from '../../src/index.js';
import type { Session } from './session.js';

/** One thread, as the page lists it. */
export interface TaskRow {
  readonly tid: number;
  readonly pid: number;
  readonly ppid: number;
  readonly comm: string;
  /** Its arguments; empty for one without. */
  readonly cmdline: string;
  readonly state: string;
  readonly uids: TaskIds;
  readonly gids: TaskIds;
  readonly groups: readonly number[];
  /** Effective capabilities, a bit each. */
  readonly effective: bigint;
  readonly permitted: bigint;
  /** 0, 1 or 2; null of one that has exited. */
  readonly dumpable: number | null;
  /** Bytes mapped, and bytes in memory; null without memory. */
  readonly size: number | null;
  readonly resident: number | null;
  /** Number of the task that traces it, or 0. */
  readonly tracer: number;
  /** Whether it is the explorer's own. */
  readonly own: boolean;
}

/** Looking at tasks, and making them. */
export const taskHandlers = {
  'tasks.list': (session: Session, _args: object): readonly TaskRow[] =>
    session.machine.tasks().map((task) => rowOf(session, task)),

  /** A process to act as. Gives its number. */
  'tasks.spawn': (
    session: Session,
    args: { readonly comm: string; readonly uid: number; readonly gid?: number },
  ): number => {
    session.generation++;
    return session.machine.spawn(args).tid;
  },
};

function rowOf(session: Session, task: Task): TaskRow {
  const status = statusOf(session, task);
  const bytes = (name: string): number | null => {
    const kib = /^(\d+) kB$/.exec(status.get(name) ?? '')?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  };
  return {
    tid: task.tid,
    pid: task.pid,
    ppid: task.parent?.pid ?? 0,
    comm: task.comm,
    cmdline: cmdlineOf(session, task),
    state: task.state,
    uids: task.uids,
    gids: task.gids,
    groups: [...task.groups],
    effective: task.caps.effective,
    permitted: task.caps.permitted,
    dumpable: task.exited ? null : task.dumpable,
    size: bytes('VmSize'),
    resident: bytes('VmRSS'),
    tracer: Number(status.get('TracerPid') ?? 0),
    own: task === session.viewer,
  };
}

/** /proc/PID/status as names and values. */
function statusOf(session: Session, task: Task): ReadonlyMap<string, string> {
  const text = session.viewer.readText(`/proc/${task.pid}/task/${task.tid}/status`);
  const rows = text.split('\n').map((line) => line.split(':\t'));
  return new Map(rows.map(([name = '', value = '']) => [name, value.trim()]));
}

function cmdlineOf(session: Session, task: Task): string {
  if (task.exited) return '';
  const text = session.viewer.readText(`/proc/${task.pid}/cmdline`);
  return text.replace(/\0$/, '').replaceAll('\0', ' ');
}
