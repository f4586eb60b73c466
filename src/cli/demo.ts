import { ElfError } from '../elf/error.js';
import { showCore } from './demo-core.js';
import { showProgram } from './demo-guest.js';
import { printDemoAsJson } from './demo-json.js';
import { chooseProgram } from './demo-program.js';
import { chooseCrash, onlyOperand } from './input.js';
import type { Command } from './io.js';
import { InputError } from './io.js';
import { Terminal } from './terminal.js';

/**
 * Shows a crash through /proc/PID/mem: of a program that runs in the machine, or of a core that is named.
 *
 * @throws {UsageError} more than one argument
 * @throws {InputError} the core cannot be read, is none, is damaged, or does not fit the machine
 */
export const demo: Command = async (operands, io, options): Promise<number> => {
  const named = onlyOperand(operands, 'demo');
  try {
    const example =
      named === null && options.text('core') === null && options.text('snapshot') === null;
    if (options.flag('json')) {
      const program = example ? chooseProgram() : null;
      await printDemoAsJson(io, await chooseCrash(named, options), program);
    } else if (example) await showProgram(chooseProgram(), new Terminal(io));
    else await showCore(await chooseCrash(named, options), new Terminal(io));
  } catch (error) {
    if (error instanceof ElfError) throw new InputError(error.message);
    throw error;
  }
  return 0;
};
