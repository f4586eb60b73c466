/** A 64-bit value in a step: an integer within ±2^53, or a hex string. */
export type Value = number | string;

/** What a call is given: a value, bytes in scratch, or a value bound by an earlier step. */
export type Arg =
  | Value
  | { readonly str: string }
  | { readonly in: string }
  | { readonly out: number }
  | { readonly iov: readonly (readonly [Arg, Arg])[] }
  | { readonly ref: string };

/** `[signal, code, address]`. */
export type Fault = readonly [string, string, string];

/** One VMA of an `smaps` step: its fields as /proc/PID/smaps names them. */
export type SmapsEntry = Readonly<Record<string, string | number>>;

/** A system call; `ret`, `errno` and `out` are the kernel's answer. */
export interface CallStep {
  readonly task: string;
  readonly call: string;
  readonly args: readonly Arg[];
  readonly as?: string;
  readonly ret?: Value;
  readonly errno?: string;
  readonly out?: readonly string[];
}

export interface PeekStep {
  readonly task: string;
  readonly peek: readonly [Value, number];
  readonly data?: string;
  readonly fault?: Fault;
}

export interface PokeStep {
  readonly task: string;
  readonly poke: readonly [Value, string];
  readonly fault?: Fault;
}

export interface ForkStep {
  readonly task: string;
  readonly fork: string;
  readonly errno?: string;
}

export interface ThreadStep {
  readonly task: string;
  readonly thread: string;
  readonly errno?: string;
}

export interface ExitStep {
  readonly task: string;
  readonly exit: number;
}

export interface MapsStep {
  readonly task: string;
  readonly maps: readonly string[];
}

export interface SmapsStep {
  readonly task: string;
  readonly smaps: readonly SmapsEntry[];
}

export interface PagemapStep {
  readonly task: string;
  readonly pagemap: readonly [Value, number];
  readonly bits?: string;
}

/** One line of a trace, with or without the kernel's answer. */
export type Step =
  | CallStep
  | PeekStep
  | PokeStep
  | ForkStep
  | ThreadStep
  | ExitStep
  | MapsStep
  | SmapsStep
  | PagemapStep;

/** Where steps may look: [ARENA_START, ARENA_END). */
export const ARENA_START = 0x100000000000;
export const ARENA_END = 0x200000000000;
/** Where the executor places strings and buffers. */
export const SCRATCH_START = 0x200000000000;
/** Bytes. */
export const SCRATCH_SIZE = 0x100000;
/** Bytes. */
export const PAGE = 4096;

/** An address or other 64-bit value as a step writes it. */
export function hex(value: number | bigint): string {
  return `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
}
