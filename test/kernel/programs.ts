import { CAP_CHOWN, capMask } from '../../src/kernel/capability.js';
import { execve } from '../../src/kernel/exec.js';
import type { ExecFile } from '../../src/kernel/exec-creds.js';
import type { TaskStruct } from '../../src/kernel/task.js';

/** A program of root's, mode 0755 unless said otherwise. */
export function program(options: Partial<ExecFile> = {}): ExecFile {
  return {
    path: '/usr/bin/program',
    get() {},
    put() {},
    ...{ uid: 0, gid: 0, mode: 0o755, readable: true, caps: null, nosuid: false },
    ...options,
  };
}

/** Runs a program without an image, and gives the task. */
export function exec(task: TaskStruct, file: Partial<ExecFile> = {}): TaskStruct {
  execve(task, program(file), () => {});
  return task;
}

/** File capabilities cap_chown+ep. */
export const CHOWN_CAPS = { permitted: capMask(CAP_CHOWN), inheritable: 0n, effective: true };
