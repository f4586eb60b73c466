import { readFileSync } from 'node:fs';
import { type CliIo, type Command, InputError, UsageError } from './io.js';

interface CommandEntry {
  /** What help says of it. */
  readonly about: string;
  /** A command line loads only the command it runs. */
  load(): Promise<Command>;
}

const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  demo: {
    about: 'show a crashed process through its /proc/PID/mem: demo [CORE]',
    load: async () => (await import('./demo.js')).demo,
  },
  replay: {
    about: 'compare the machine with traces of a real kernel: replay FILE…',
    load: async () => (await import('./replay.js')).replay,
  },
};

const USAGE = [
  'Usage: procmem COMMAND [ARGUMENT…]',
  '',
  ...Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(8)}${about}`),
  '',
  '  help      show this',
  '  version   show the version',
  '',
].join('\n');

/**
 * Runs one command line.
 *
 * @param argv the arguments after the program's name
 * @returns the exit status: the command's, or 2 when the command line or the input is wrong
 */
export async function runCommand(argv: string[], io: CliIo): Promise<number> {
  const [name = '', ...rest] = argv;
  if (['help', '--help', '-h'].includes(name)) {
    io.out(USAGE);
    return 0;
  }
  if (['version', '--version', '-V'].includes(name)) {
    io.out(`procmem ${packageVersion()}\n`);
    return 0;
  }
  try {
    if (name === '') throw new UsageError('which command? procmem help lists them');
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) {
      throw new UsageError(`no command ${JSON.stringify(name)}; procmem help lists them`);
    }
    const run = await command.load();
    return await run(rest, io);
  } catch (error) {
    io.err(`procmem: ${oneLine(error)}\n`);
    return 2;
  }
}

/** The version of the package this file belongs to. */
function packageVersion(): string {
  const url = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version;
}

/** What went wrong without a stack trace; what is no mistake of the user says its class. */
function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const expected = error instanceof UsageError || error instanceof InputError;
  const text = expected ? error.message : `${error.name}: ${error.message}`;
  return text.replace(/\s*\n\s*/g, ' ');
}
