/** Where a command's words go: the terminal, or a test that listens. */
export interface CliIo {
  /** Writes to standard output; `text` brings its own newlines. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  /** Whether `out` may carry colours: a terminal, and NO_COLOR unset. */
  readonly color: boolean;
  /** Characters in a line of `out`. */
  readonly columns: number;
}

/** A command: what it is to work on, and its exit status. */
export type Command = (operands: string[], io: CliIo) => Promise<number>;

/** The command line makes no sense: one line to standard error, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The input is not what the command needs: one line to standard error, exit status 2. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** The streams of this process. */
export function processIo(): CliIo {
  const { stdout, stderr, env } = process;
  const forced = (env['FORCE_COLOR'] ?? '0') !== '0';
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    color: (stdout.isTTY === true || forced) && (env['NO_COLOR'] ?? '') === '',
    columns: stdout.columns ?? 80,
  };
}
