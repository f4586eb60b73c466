#!/usr/bin/env node
import { loadScript } from './script.js';

const script = loadScript(process.argv[2] ?? '');
const { runProgram } = script?.exports ?? (await import('./program.js'));
const status = await runProgram();
process.exitCode = status;
// A command line that makes no sense is nothing to be fast at.
if (status !== 2) script?.keepCode();
