import type { TaskStruct } from '../kernel/task.js';

/**
 * /proc/PID/task/TID/children: the children of the thread, each followed by a space.
 * @see fs/proc/array.c children_seq_show()
 */
export function showChildren(task: TaskStruct): string {
  return Array.from(task.ownChildren ?? [], ({ leader }) => `${leader.pid} `).join('');
}
