import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type CliIo, type Command, InputError, UsageError } from './io.js';

interface CommandEntry {
  /** How it is called. */
  readonly usage: string;
  /** What help says of it. */
  readonly about: string;
  /** Whether it has options of its own, which it takes apart itself. */
  readonly ownOptions?: true;
  /** A command line loads only the command it runs. */
  load(): Promise<Command>;
}

const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  demo: {
    usage: 'demo [CORE]',
    about: 'show a crashed process through its /proc/PID/mem',
    load: async () => (await import('./demo.js')).demo,
  },
  dump: {
    usage: 'dump PID|CORE',
    about: 'write a core of a process or of a loaded core: -o FILE [--filter N] [--no-stop]',
    ownOptions: true,
    load: async () => (await import('./dump.js')).dump,
  },
  gdb: {
    usage: 'gdb [CORE] …',
    about: 'serve a process to gdb and lldb (--listen HOST:PORT or --stdio)',
    ownOptions: true,
    load: async () => (await import('./gdb.js')).gdb,
  },
  replay: {
    usage: 'replay FILE…',
    about: 'compare the machine with traces of a real kernel (.jsonl, .jsonl.gz)',
    load: async () => (await import('./replay.js')).replay,
  },
  mount: {
    usage: 'mount DIR …',
    about: 'serve the /proc of a machine on a directory, over FUSE (Linux)',
    ownOptions: true,
    load: async () => (await import('./mount.js')).mount,
  },
};

const USAGE = [
  'Usage: procmem COMMAND [ARGUMENT…]',
  '',
  ...Object.values(COMMANDS).map(({ usage, about }) => `  ${usage.padEnd(14)}${about}`),
  '',
  '  help          show this',
  '  version       show the version',
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
    const { help, operands } = parseOperands(rest, command);
    if (help) {
      io.out(`Usage: procmem ${command.usage}\n\n  ${command.about}\n`);
      return 0;
    }
    const run = await command.load();
    return await run(operands, io);
  } catch (error) {
    io.err(`procmem: ${oneLine(error)}\n`);
    return 2;
  }
}

/** What a command is to work on; most commands have no option but --help. */
function parseOperands(
  args: string[],
  { usage, ownOptions }: CommandEntry,
): { help: boolean; operands: string[] } {
  const { tokens, positionals } = parseArgs({
    args,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const options = tokens.filter((token) => token.kind === 'option').map(({ rawName }) => rawName);
  const isHelp = (name: string): boolean => name === '--help' || name === '-h';
  const unknown = options.find((name) => !isHelp(name));
  if (ownOptions === true) return { help: options.some(isHelp), operands: args };
  if (unknown !== undefined) {
    throw new UsageError(`unknown option ${unknown}; usage: procmem ${usage}`);
  }
  return { help: options.some(isHelp), operands: positionals };
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
