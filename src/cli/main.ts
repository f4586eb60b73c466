#!/usr/bin/env node
import { loadScript } from './script.js';

void main();

// No await at the top: dist/cli/main.cjs is made of this file, too.
async function main(): Promise<void> {
  const script = loadScript(process.argv[2] ?? '');
  const { runProgram } = script?.exports ?? (await import('./program.js'));
  const status = await runProgram();
  // A command line that makes no sense is nothing to be fast at.
  if (status !== 2) script?.keepCode();
  // All is written: what is left is memory to be given back, and the system is quicker at that.
  process.exit(status);
}
