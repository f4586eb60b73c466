import { readFileSync } from 'node:fs';

import { ElfError } from '../elf/error.js';
import { COMMANDS } from './commands.js';
import type { CommandSpec } from './command.js';
import { printCommandHelp, printOverview } from './help.js';
import { type CliIo, InputError, UsageError } from './io.js';
import { nearest, parseCommandLine } from './parse.js';

/**
 * Runs one command line.
 *
 * @param argv the arguments after the program's name
 * @returns the exit status: the command's, or 2 when the command line or the input is wrong
 */
export async function runCommand(argv: string[], io: CliIo): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    io.err(`procmem: ${oneLine(error)}\n`);
    return 2;
  }
}

async function dispatch([name = '', ...rest]: string[], io: CliIo): Promise<number> {
  if (['help', '--help', '-h'].includes(name)) {
    return help(rest, io);
  }
  if (['version', '--version', '-V'].includes(name)) {
    io.out(`procmem ${packageVersion()}\n`);
    return 0;
  }
  if (name === '') throw new UsageError('which command? procmem help lists them');
  const spec = findCommand(name);
  const { help: asked, operands, options } = parseCommandLine(rest, spec);
  if (asked) {
    printCommandHelp(io, spec);
    return 0;
  }
  const run = await spec.load();
  return await run(operands, io, options);
}

function help(operands: string[], io: CliIo): number {
  const [name] = operands.filter((operand) => !operand.startsWith('-'));
  if (operands.length > 1) throw new UsageError('help takes at most one command');
  if (name === undefined) printOverview(io, COMMANDS);
  else printCommandHelp(io, findCommand(name));
  return 0;
}

function findCommand(name: string): CommandSpec {
  const spec = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (spec !== undefined) return spec;
  const near = nearest(name, Object.keys(COMMANDS));
  const hint = near === null ? '' : ` (did you mean ${near}?)`;
  throw new UsageError(`no command ${JSON.stringify(name)}${hint}; procmem help lists them`);
}

/** The version of the package this file belongs to. */
function packageVersion(): string {
  const url = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version;
}

/** What went wrong without a stack trace; what is no mistake of the user says its class. */
function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const expected = [UsageError, InputError, ElfError].some((kind) => error instanceof kind);
  const text = expected ? error.message : `${error.name}: ${error.message}`;
  return text.replace(/\s*\n\s*/g, ' ');
}
