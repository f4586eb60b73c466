import { parseArgs } from 'node:util';

import type { CommandSpec, OptionSpec, OptionSpecs } from './command.js';
import { Options } from './command.js';
import { UsageError } from './io.js';

/** A command line taken apart. */
export interface Parsed {
  readonly operands: string[];
  readonly options: Options;
  /** Whether it asks for help instead. */
  readonly help: boolean;
}

/**
 * Takes the arguments of a command apart; `--` ends the options.
 *
 * @throws {UsageError} an option that it does not have, or without its value
 */
export function parseCommandLine(args: string[], spec: CommandSpec): Parsed {
  if (spec.programFollows === true) {
    const [own, program] = splitProgram(args, spec.options ?? {});
    const { programFollows: _, ...plain } = spec;
    const parsed = parseCommandLine(own, plain);
    return { ...parsed, operands: program };
  }
  const known: OptionSpecs = spec.options ?? {};
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' }, ...parserOptions(known) },
    });
    checkOnce(args, known);
    return { operands: positionals, options: new Options(values), help: values['help'] === true };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(explain(error, spec));
  }
}

/** The options before the first operand, and that operand with all that follows. */
function splitProgram(args: string[], specs: OptionSpecs): [own: string[], program: string[]] {
  let at = 0;
  while (at < args.length) {
    const arg = args[at] as string;
    if (arg === '--') return [args.slice(0, at), args.slice(at + 1)];
    if (!arg.startsWith('-') || arg === '-') break;
    const spec = arg.startsWith('--') ? specs[arg.slice(2)] : shortOption(specs, arg);
    at += spec?.value === undefined ? 1 : 2;
  }
  return [args.slice(0, at), args.slice(at)];
}

function shortOption(specs: OptionSpecs, arg: string): OptionSpec | undefined {
  return arg.length === 2 ? Object.values(specs).find(({ short }) => short === arg[1]) : undefined;
}

type ParserOption = { type: 'string' | 'boolean'; short?: string; multiple?: boolean };

function parserOptions(specs: OptionSpecs): Record<string, ParserOption> {
  const entries = Object.entries(specs).map(([name, { short, value, multiple }]) => {
    const option: ParserOption = { type: value === undefined ? 'boolean' : 'string' };
    if (short !== undefined) option.short = short;
    if (multiple !== undefined) option.multiple = multiple;
    return [name, option] as const;
  });
  return Object.fromEntries(entries);
}

/** The parser lets the last of several values win: which one was meant is not ours to guess. */
function checkOnce(args: string[], specs: OptionSpecs): void {
  const { tokens } = parseArgs({
    args,
    allowPositionals: true,
    tokens: true,
    strict: false,
    options: parserOptions(specs),
  });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const spec = specs[token.name];
    if (spec === undefined || spec.value === undefined || spec.multiple === true) continue;
    if (seen.has(token.name)) throw new UsageError(`--${token.name} is given twice`);
    seen.add(token.name);
  }
}

/** What the parser complains of, in our words. */
function explain(error: unknown, spec: CommandSpec): string {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  const option = /'(-[^' ,<]*)/.exec(message)?.[1] ?? '';
  const usage = `usage: procmem ${spec.usage}`;
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const near = nearest(option.replace(/^-+/, ''), Object.keys(spec.options ?? {}));
    const hint = near === null ? '' : ` (did you mean --${near}?)`;
    return `unknown option ${option}${hint}; ${usage}`;
  }
  if (code !== 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') return message;
  const name = /--[\w-]+/.exec(message)?.[0] ?? option;
  if (message.includes('does not take')) return `${name} takes no value; ${usage}`;
  if (message.includes('ambiguous')) {
    return `${name} needs a value; one that begins with - is written ${name}=-…`;
  }
  return `${name} needs a value; ${usage}`;
}

/** The known word that differs least from `word`; null when none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  const scored = known.map((one) => [distance(word, one), one] as const);
  const [best] = scored.sort(([a], [b]) => a - b);
  if (best === undefined) return null;
  return best[0] <= Math.max(1, Math.floor(best[1].length / 3)) ? best[1] : null;
}

/** Letters to insert, remove, replace or exchange with their neighbour. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= Math.min(a.length, 40); i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const replaced = (previous[j - 1] ?? 0) + same;
      const twisted = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchanged = twisted ? (before[j - 2] ?? 0) + 1 : Infinity;
      row.push(Math.min(replaced, exchanged, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    [before, previous] = [previous, row];
  }
  return previous[b.length] ?? 0;
}
