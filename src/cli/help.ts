import type { CommandSpec, OptionSpecs } from './command.js';
import type { CliIo } from './io.js';
import { pad, Terminal, wrap } from './terminal.js';

/** Where the second column begins at most. */
const MAX_COLUMN = 26;

const STATUSES: readonly (readonly [number, string])[] = [
  [0, 'it worked; found, equal, allowed'],
  [1, 'it worked, and the answer is no: not found, different, denied, not readable'],
  [2, 'the command line or the input is wrong; one line on standard error says what'],
];

/** Prints what the program is and which commands it has. */
export function printOverview(io: CliIo, commands: Readonly<Record<string, CommandSpec>>): void {
  const terminal = new Terminal(io);
  terminal.line('Usage: procmem COMMAND [ARGUMENT…]');
  terminal.line();
  terminal.line('Looks into Linux processes: cores, snapshots, a machine’s own.');
  heading(terminal, 'Commands');
  const rows = Object.entries(commands).map(([name, { about }]) => [name, about] as const);
  printRows(terminal, [
    ...rows,
    ['help [COMMAND]', 'show this, or how a command is used'],
    ['version', 'show the version'],
  ]);
  heading(terminal, 'Exit status');
  printRows(
    terminal,
    STATUSES.map(([status, what]) => [String(status), what] as const),
  );
  heading(terminal, 'Environment');
  printRows(terminal, [
    ['NO_COLOR', 'when set and not empty: no colours'],
    ['FORCE_COLOR', 'when set and not 0: colours, even where the output is no terminal'],
  ]);
  terminal.line();
  terminal.line('procmem COMMAND --help shows options and examples.');
}

/** Prints how one command is used. */
export function printCommandHelp(io: CliIo, spec: CommandSpec): void {
  const terminal = new Terminal(io);
  terminal.line(`Usage: procmem ${spec.usage}`);
  terminal.line();
  for (const line of wrap(spec.about, terminal.width - 2)) terminal.line(`  ${line}`);
  for (const paragraph of spec.details ?? []) {
    terminal.line();
    for (const line of wrap(paragraph, terminal.width - 2)) terminal.line(`  ${line}`);
  }
  heading(terminal, 'Options');
  printRows(terminal, optionRows(spec.options ?? {}));
  if (spec.statuses !== undefined) {
    heading(terminal, 'Exit status');
    printRows(
      terminal,
      spec.statuses.map(([status, what]) => [String(status), what] as const),
    );
  }
  if (spec.examples === undefined) return;
  heading(terminal, 'Examples');
  for (const [line, what] of spec.examples) {
    terminal.line(`  ${terminal.paint('dim', `# ${what}`)}`);
    terminal.line(`  procmem ${line}`);
  }
}

function optionRows(options: OptionSpecs): (readonly [string, string])[] {
  const rows = Object.entries(options).map(([name, { short, value, about, multiple }]) => {
    const letter = short === undefined ? '    ' : `-${short}, `;
    const many = multiple === true ? ' …' : '';
    return [`${letter}--${name}${value === undefined ? '' : ` ${value}`}${many}`, about] as const;
  });
  return [...rows, ['-h, --help', 'show this']];
}

function heading(terminal: Terminal, text: string): void {
  terminal.line();
  terminal.line(terminal.paint('bold', text));
}

/** Two columns; where the first is long, the second begins on the next line. */
function printRows(terminal: Terminal, rows: readonly (readonly [string, string])[]): void {
  const widest = Math.max(...rows.map(([left]) => left.length));
  const column = Math.min(widest, MAX_COLUMN) + 2;
  for (const [left, right] of rows) {
    const [first = '', ...rest] = wrap(right, terminal.width - column - 2);
    const alone = left.length + 2 > column;
    if (alone) terminal.line(`  ${left}`);
    terminal.line(`  ${alone ? ' '.repeat(column) : pad(left, column)}${first}`);
    for (const line of rest) terminal.line(`  ${' '.repeat(column)}${line}`);
  }
}
