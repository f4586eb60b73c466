import type { CliIo } from './io.js';

/** One option of a command. */
export interface OptionSpec {
  /** A single letter that stands for it, such as `o`. */
  readonly short?: string;
  /** What its value is called in help; absent for one that is either there or not. */
  readonly value?: string;
  /** Whether it may be given more than once. */
  readonly multiple?: true;
  /** What it does, in one line. */
  readonly about: string;
}

/** The options of a command, by their long names. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** A command that can be run: the operands, where its words go, and its options. */
export type Command = (operands: string[], io: CliIo, options: Options) => Promise<number>;

/** What the parser, the help and the completions know of a command. */
export interface CommandSpec {
  /** What follows `procmem` when it is called. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly about: string;
  /** More about it: paragraphs, filled to the width of the terminal. */
  readonly details?: readonly string[];
  readonly options?: OptionSpecs;
  /** Command lines without `procmem`, each with what it is for. */
  readonly examples?: readonly (readonly [line: string, what: string])[];
  /** Exit statuses beyond 0 and 2. */
  readonly statuses?: readonly (readonly [status: number, what: string])[];
  /** Its operands are another program and its arguments: no option of this one comes behind the first. */
  readonly programFollows?: true;
  /** A command line loads only the command it runs. */
  load(): Promise<Command>;
}

/** The options of one command line. */
export class Options {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** Whether an option without a value is there. */
  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** The value of an option, or null. */
  text(name: string): string | null {
    const value = this.#values[name];
    return typeof value === 'string' ? value : null;
  }

  /** The values of an option that may be repeated, in order. */
  texts(name: string): readonly string[] {
    const value = this.#values[name];
    if (Array.isArray(value)) return value.filter((one) => typeof one === 'string');
    return typeof value === 'string' ? [value] : [];
  }
}
