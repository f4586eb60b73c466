import { LinuxError } from '../errno.js';
import type { Kernel } from '../kernel/kernel.js';
import { checkMemory } from '../mm/check.js';
import { TraceError } from './parse.js';
import { perform, type StepOutcome } from './perform.js';
import type { Trace, TraceStep } from './trace.js';
import { TraceWorld, unknownSettings } from './world.js';

/** A step that the machine answered differently from the recorded kernel. */
export interface Mismatch {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** The step as the trace has it. */
  readonly step: string;
  readonly expected: string;
  readonly got: string;
}

/** How many steps of a trace matched. */
export interface ReplayResult {
  readonly matched: number;
  readonly total: number;
  /** Invariants of the machine's memory that do not hold after the last step: Machine.check(). */
  readonly violations: readonly string[];
  /** Names in `sysctl` and `rlimits` of the header that the machine does not have. */
  readonly ignored: readonly string[];
}

/** A trace that is performed step by step; it can go on elsewhere, on a copy of its machine. */
export class TraceReplay {
  readonly trace: Trace;
  private readonly world: TraceWorld;
  private next = 0;

  /**
   * @param machine a machine that nothing else uses
   * @throws {TraceError} a header this machine cannot follow
   */
  constructor(trace: Trace, machine: { readonly kernel: Kernel }, from?: TraceReplay) {
    this.trace = trace;
    this.world =
      from === undefined
        ? makeWorld(trace, machine.kernel)
        : new TraceWorld(machine.kernel, trace.header, from.world);
    this.next = from?.next ?? 0;
  }

  /** Where this replay stands, on the same machine or a copy of it as it is now. */
  copyOn(machine: { readonly kernel: Kernel }): TraceReplay {
    return new TraceReplay(this.trace, machine, this);
  }

  /** Steps performed. */
  get done(): number {
    return this.next;
  }

  /**
   * Performs steps up to number `end`; the rest when there is none.
   *
   * @returns those that the machine answered differently
   * @throws {TraceError} arguments that do not fit the scratch mapping
   */
  run(end = this.trace.steps.length): Mismatch[] {
    const found: Mismatch[] = [];
    const { file, steps } = this.trace;
    for (const step of steps.slice(this.next, end)) {
      this.next += 1;
      const { expected, got } = answer(this.world, file, step);
      if (expected !== got) found.push({ file, line: step.line, step: step.source, expected, got });
    }
    return found;
  }
}

/**
 * Performs the steps of a trace on a fresh machine and compares every answer.
 *
 * The machine's sysctls become those of the header. After a mismatch the replay goes on. After the last step
 * the machine's invariants are checked.
 *
 * @param machine a machine that nothing else uses
 * @param report called with the mismatches, in order
 * @throws {TraceError} a header this machine cannot follow; arguments that do not fit the scratch
 * mapping
 */
export function replayTrace(
  trace: Trace,
  machine: { readonly kernel: Kernel },
  report: (mismatch: Mismatch) => void = () => {},
): ReplayResult {
  const found = new TraceReplay(trace, machine).run();
  found.forEach(report);
  const total = trace.steps.length;
  const ignored = unknownSettings(machine.kernel, trace.header);
  const violations = checkMemory(machine.kernel.core);
  return { matched: total - found.length, total, violations, ignored };
}

function makeWorld({ file, header }: Trace, kernel: Kernel): TraceWorld {
  try {
    return new TraceWorld(kernel, header);
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    throw new TraceError(file, 1, `no machine can be made of the header: ${error.message}`);
  }
}

/** Makes a fresh machine; `zeroPage` as in KernelProfile. */
export type MakeMachine = (profile: {
  readonly zeroPage: boolean;
}) => Promise<{ readonly kernel: Kernel }>;

/**
 * Replays a trace on the kind of kernel that recorded it. Whether a kernel shows a shared page of zeros
 * for untouched memory depends on how it was booted, and the header does not tell: a trace that a machine
 * with that page answers differently is performed again without it, and the better result counts.
 *
 * @param report called with the mismatches of the run that counts
 * @throws {TraceError} as replayTrace()
 */
export async function replayOnEither(
  trace: Trace,
  make: MakeMachine,
  report: (mismatch: Mismatch) => void = () => {},
): Promise<ReplayResult> {
  const attempt = async (zeroPage: boolean): Promise<ReplayResult & { found: Mismatch[] }> => {
    const found: Mismatch[] = [];
    const result = replayTrace(trace, await make({ zeroPage }), (mismatch) => found.push(mismatch));
    return { ...result, found };
  };
  const usual = await attempt(true);
  const without = usual.found.length === 0 ? usual : await attempt(false);
  const { found, ...result } = without.matched > usual.matched ? without : usual;
  found.forEach(report);
  return result;
}

function answer(world: TraceWorld, file: string, step: TraceStep): StepOutcome {
  try {
    return perform(world, step.task, step.action);
  } catch (error) {
    if (error instanceof RangeError) throw new TraceError(file, step.line, error.message);
    // A task that has exited, a file of /proc that is not there: the step cannot be performed.
    if (error instanceof LinuxError) return { expected: 'an answer', got: error.message };
    throw error;
  }
}
