/** The first line of a trace: the world its steps start in. */
export interface TraceHeader {
  readonly title: string;
  readonly arch: string;
  readonly kernel: string;
  /** Names of the processes that exist at the start. */
  readonly tasks: readonly string[];
  /** Capabilities of every initial task: permitted, effective and bounding set. */
  readonly caps: bigint;
  /** Soft limit = hard limit, bytes, by name without RLIMIT_; -1 is infinity. */
  readonly rlimits: Readonly<Record<string, number>>;
  readonly sysctl: Readonly<Record<string, number>>;
}

/** One argument of a call as the trace writes it. */
export type TraceArg =
  | { readonly kind: 'value'; readonly value: bigint }
  | { readonly kind: 'str'; readonly text: string }
  | { readonly kind: 'in'; readonly bytes: Uint8Array }
  | { readonly kind: 'out'; readonly length: number }
  | { readonly kind: 'iov'; readonly segments: readonly IovSegment[] }
  | { readonly kind: 'ref'; readonly name: string };

/** One struct iovec of an `iov` argument. */
export interface IovSegment {
  readonly base: TraceArg;
  readonly length: TraceArg;
}

/** What a call answered: its value, `'*'` for any success, or the name of its error. */
export type CallResult = { readonly ret: bigint | '*' } | { readonly errno: string };

/** `[signal, code, address]` of a CPU access that faulted. */
export interface TraceFault {
  readonly signal: string;
  readonly code: string;
  readonly address: bigint;
}

export interface CallStep {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly TraceArg[];
  readonly result: CallResult;
  /** Expected contents of every `out` argument, in order; null when the step names none. */
  readonly out: readonly string[] | null;
  /** The name the value is bound to. */
  readonly as: string | null;
}

export interface PeekStep {
  readonly kind: 'peek';
  readonly addr: bigint;
  readonly length: number;
  /** Hex, or null when a fault is expected. */
  readonly data: string | null;
  readonly fault: TraceFault | null;
}

export interface PokeStep {
  readonly kind: 'poke';
  readonly addr: bigint;
  readonly bytes: Uint8Array;
  readonly fault: TraceFault | null;
}

export interface BirthStep {
  readonly kind: 'fork' | 'thread';
  /** The name of the new task. */
  readonly child: string;
  readonly errno: string | null;
}

export interface ExitStep {
  readonly kind: 'exit';
  readonly code: number;
}

export interface MapsStep {
  readonly kind: 'maps';
  readonly lines: readonly string[];
}

/** One VMA of an `smaps` step: the fields the trace gives, by their names. */
export type SmapsEntry = Readonly<Record<string, string | number>>;

export interface SmapsStep {
  readonly kind: 'smaps';
  readonly entries: readonly SmapsEntry[];
}

export interface PagemapStep {
  readonly kind: 'pagemap';
  readonly addr: bigint;
  readonly count: number;
  /** Two hex digits an entry. */
  readonly bits: string;
}

export type StepAction =
  CallStep | PeekStep | PokeStep | BirthStep | ExitStep | MapsStep | SmapsStep | PagemapStep;

/** One step: who acts, what is done, and the line it stands on. */
export interface TraceStep {
  /** Counted from 1, as an editor does. */
  readonly line: number;
  readonly task: string;
  readonly action: StepAction;
  /** The line as the trace has it, for reports. */
  readonly source: string;
}

/** A parsed trace. */
export interface Trace {
  /** The name the caller gave: a file, usually. */
  readonly file: string;
  readonly header: TraceHeader;
  readonly steps: readonly TraceStep[];
}
