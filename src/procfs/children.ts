import type { TaskStruct } from '../kernel/task.js';

/**
 * /proc/PID/task/TID/children: the children of the process, each followed by a space. Threads of
 * this kernel share their children, which the first thread shows.
 * @see fs/proc/array.c children_seq_show()
 */
export function showChildren(task: TaskStruct): string {
  if (!task.isLeader) return '';
  return task.children.map((child) => `${child.pid} `).join('');
}
