import type { TaskState, TaskStruct } from './task.js';

/**
 * The state that /proc tells. What a task waits for is no state of its own here: one that sleeps in a call has
 * noted that, and one that borrowed its memory to a child is killed at most.
 *
 * @see fs/proc/array.c, get_task_state(); kernel/fork.c, wait_for_vfork_done()
 */
export function shownState(task: TaskStruct): TaskState {
  if (task.state !== 'R') return task.state;
  if (task.vforkWait !== null && !task.vforkWait.done) return 'D';
  return task.sleep !== null || task.group.unkillable ? 'S' : 'R';
}
