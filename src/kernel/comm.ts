import { encodeName } from '../mm/name-bytes.js';
import type { TaskStruct } from './task.js';

/** Bytes of a task's name with its NUL (include/linux/sched.h). */
export const TASK_COMM_LEN = 16;

/** Makes a name of bytes: up to the NUL, at most 15. One character of the result is one byte. */
export function commFromBytes(bytes: Uint8Array): string {
  const nul = bytes.indexOf(0);
  const end = Math.min(nul < 0 ? bytes.length : nul, TASK_COMM_LEN - 1);
  return String.fromCharCode(...bytes.subarray(0, end));
}

/** Makes a name of text, which counts in bytes of UTF-8. */
export function commFromText(text: string): string {
  return commFromBytes(encodeName(text));
}

/** Gives a task's name as the bytes that /proc/PID/comm and stat show, without a NUL. */
export function commBytes(task: TaskStruct): Uint8Array {
  return Uint8Array.from(task.comm, (character) => character.charCodeAt(0));
}
