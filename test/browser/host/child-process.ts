// node:child_process for a test in a browser: no program can be started, as on a host that has none.
import { noHost } from './no-host.js';

export const execFileSync = noHost('execFileSync');

/** A program that was not found has no status. */
export function spawnSync(): { status: null; stdout: string; stderr: string } {
  return { status: null, stdout: '', stderr: '' };
}
