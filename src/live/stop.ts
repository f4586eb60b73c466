import { kill, pid as ownPid } from 'node:process';

import { ProcError } from './error.js';
import type { HostProcess } from './host-process.js';

/** Longest wait for all threads to stop, and between two looks, at first and later, milliseconds. */
const LONGEST = 2000;
const FIRST_INTERVAL = 0.125;
const INTERVAL = 2;

/**
 * Stops a process with SIGSTOP, until the function that this gives is called; one that was stopped
 * before stays so. All of its threads have stopped when it returns.
 *
 * @throws {ProcError} not permitted, a thread that waits for a disk does not stop, or it is this process
 */
export function stopProcess(process: HostProcess): () => void {
  const stopped = (state: string): boolean => 'TtZX'.includes(state);
  if (process.pid === ownPid) {
    throw new ProcError(`/proc/${ownPid}`, 0, 'a process that stops itself is never let go');
  }
  if (process.states().every(stopped)) return () => {};
  signal(process, 'SIGSTOP');
  const resume = (): void => {
    try {
      kill(process.pid, 'SIGCONT');
    } catch {
      // It was killed meanwhile.
    }
  };
  const end = Date.now() + LONGEST;
  try {
    for (
      let wait = FIRST_INTERVAL;
      !process.states().every(stopped);
      wait = Math.min(wait * 2, INTERVAL)
    ) {
      if (Date.now() > end) {
        throw new ProcError(`/proc/${process.pid}/stat`, 0, 'a thread does not stop for SIGSTOP');
      }
      sleep(wait);
    }
  } catch (error) {
    resume();
    throw error;
  }
  return resume;
}

function signal(process: HostProcess, name: 'SIGSTOP'): void {
  try {
    kill(process.pid, name);
  } catch (error) {
    const code = String((error as { code?: unknown }).code);
    throw new ProcError(`/proc/${process.pid}`, 0, `cannot be stopped (${code})`);
  }
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
