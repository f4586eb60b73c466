#!/usr/bin/env node
import { processIo } from './io.js';
import { runCommand } from './run.js';

// A reader that has seen enough (`procmem replay … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

process.exitCode = await runCommand(process.argv.slice(2), processIo());
