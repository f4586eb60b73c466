import { writeIdMap } from '../../src/kernel/id-map.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { CLONE_NEWUSER, sysUnshare } from '../../src/kernel/unshare.js';
import { makeKernel, outcome, spawn } from './fixture.js';

/** A uid-1000 process in a new namespace of its own. */
export function unshared(uid = 1000, capSet = 0n): TaskStruct {
  const task = spawn(makeKernel(), { uid, caps: capSet });
  sysUnshare(task, CLONE_NEWUSER);
  return task;
}

/** Writes a map of the task's own namespace. */
export function writeOwn(task: TaskStruct, kind: 'uid' | 'gid', text: string): string {
  const { userNs } = task.cred;
  return outcome(() => {
    writeIdMap(userNs, kind, task.cred, task, text);
    return 'ok';
  });
}
