import { processIo } from './io.js';
import { runCommand } from './run.js';

/**
 * The command line of this process: what main.ts starts, and what the build makes one script of.
 *
 * @returns the exit status
 */
export function runProgram(): Promise<number> {
  return runCommand(process.argv.slice(2), processIo());
}
