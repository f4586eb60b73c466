import type { JSX } from 'preact';

import type { SessionInfo } from '../worker/session.js';
import type { TaskRow } from '../worker/tasks.js';
import type { Client } from './client.js';
import { useRemote } from './remote.js';
import { useSelection } from './selection.js';

/** Says what is open, and chooses the task looked at and the one to act as. */
export function TaskBar(props: {
  readonly client: Client;
  readonly info: SessionInfo;
}): JSX.Element {
  const { value } = useRemote(props.client, 'tasks.list', {});
  const [{ task, as }, select] = useSelection();
  const all = (value ?? []).filter(({ own }) => !own);
  const tasks = all.filter((row) => !hasEnded(row));
  const withMemory = tasks.filter(({ size }) => size !== null);
  return (
    <header class="task-bar" aria-label="What is looked at">
      <p class="task-bar-name" title={props.info.about}>
        <strong>{props.info.label}</strong>
        <span>{props.info.about}</span>
      </p>
      <label>
        <span>Task</span>
        <select
          value={String(task)}
          onChange={(event) => select({ task: Number(event.currentTarget.value), addr: null })}
        >
          {value !== null && withMemory.every(({ tid }) => tid !== task) && (
            <option value={String(task)} selected>
              {absentName(props.info, all, task)}
            </option>
          )}
          {withMemory.map((row) => (
            <option key={row.tid} value={String(row.tid)} selected={row.tid === task}>
              {nameOf(row)}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Acting as</span>
        <select
          value={String(as)}
          onChange={(event) => select({ as: Number(event.currentTarget.value) }, 'replace')}
        >
          <option value="0">explorer · root</option>
          {value !== null && as !== 0 && tasks.every(({ tid }) => tid !== as) && (
            <option value={String(as)} selected>
              {absentName(props.info, all, as)}
            </option>
          )}
          {tasks.map((row) => (
            <option key={row.tid} value={String(row.tid)} selected={row.tid === as}>
              {nameOf(row)} · uid {row.uids.fs}
            </option>
          ))}
        </select>
      </label>
    </header>
  );
}

function hasEnded({ state }: TaskRow): boolean {
  return state === 'Z' || state === 'X';
}

/** What is chosen, and cannot be looked at: the panels say the same in their errors. */
function absentName(info: SessionInfo, rows: readonly TaskRow[], task: number): string {
  if (task === 0) return 'none';
  const row = rows.find(({ tid }) => tid === task);
  if (row === undefined) {
    const program = info.kind === 'program' && info.firstTask === task;
    return program ? `${task} ${info.label}, ended` : `${task}, gone`;
  }
  return `${nameOf(row)}, ${hasEnded(row) ? 'ended' : 'no memory'}`;
}

function nameOf({ tid, pid, comm }: TaskRow): string {
  return tid === pid ? `${tid} ${comm}` : `${tid} ${comm} (thread of ${pid})`;
}
