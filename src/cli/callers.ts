import type { Task } from '../api/task.js';
import type { Machine } from '../machine.js';

/** Somebody who asks for access. */
export interface Caller {
  /** In a few words. */
  readonly who: string;
  readonly task: Task;
}

/** Three who differ in what the kernel lets them do to `target`. */
export function usualCallers(machine: Machine, target: Task): Caller[] {
  const { real } = target.uids;
  const other = real === 1001 ? 1002 : 1001;
  return [
    { who: 'root', task: machine.spawn({ uid: 0 }) },
    { who: `user ${real}, no capabilities`, task: machine.spawn({ uid: real, caps: 0n }) },
    { who: `user ${other}`, task: machine.spawn({ uid: other }) },
  ];
}
