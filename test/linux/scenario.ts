import type { Rng } from './rng.js';
import type { Session } from './session.js';
import { hex, type Arg, type CallStep, type Fault, type Step } from './step.js';

/** What a call gave, as a generator may look at it. */
export interface Outcome {
  /** The value; -1 when the call failed. */
  readonly value: number;
  readonly errno: string | null;
  readonly ok: boolean;
  /** The contents of each `{"out":N}`, hex. */
  readonly out: readonly string[];
}

/**
 * What a generator acts through: each step is performed at once and written down with its answer, so
 * that a generator may look at what happened before it chooses the next.
 */
export class Scenario {
  readonly rng: Rng;
  readonly steps: Step[] = [];
  readonly #session: Session;
  #fresh = 0;

  constructor(session: Session, rng: Rng) {
    this.#session = session;
    this.rng = rng;
  }

  /** A name nothing is bound to yet. */
  fresh(stem: string): string {
    return `${stem}${++this.#fresh}`;
  }

  /** A system call; its value is compared. */
  call(task: string, call: string, args: readonly Arg[]): Outcome {
    return this.#call({ task, call, args });
  }

  /** A system call whose value is bound to `as` and not compared. */
  bind(as: string, task: string, call: string, args: readonly Arg[]): Outcome {
    return this.#call({ task, call, args, as });
  }

  /** One-byte loads; the fault, if there was one. */
  peek(task: string, address: number, length: number): Fault | null {
    const step = this.#perform({ task, peek: [hex(address), length] });
    return 'fault' in step ? step.fault! : null;
  }

  /** One-byte stores; the fault, if there was one. */
  poke(task: string, address: number, bytes: string): Fault | null {
    const step = this.#perform({ task, poke: [hex(address), bytes] });
    return 'fault' in step ? step.fault! : null;
  }

  /** False when fork failed. */
  fork(task: string, child: string): boolean {
    return !('errno' in this.#perform({ task, fork: child }));
  }

  /** False when clone failed. */
  thread(task: string, thread: string): boolean {
    return !('errno' in this.#perform({ task, thread }));
  }

  exit(task: string, code: number): void {
    this.#perform({ task, exit: code });
  }

  maps(task: string): readonly string[] {
    const step = this.#perform({ task, maps: [] });
    return 'maps' in step ? step.maps : [];
  }

  smaps(task: string): void {
    this.#perform({ task, smaps: [] });
  }

  pagemap(task: string, address: number, count: number): void {
    this.#perform({ task, pagemap: [hex(address), count] });
  }

  #call(asked: CallStep): Outcome {
    const step = this.#perform(asked) as CallStep;
    const { errno = null, ret, out = [] } = step;
    const value = errno !== null ? -1 : Number(step.as ? this.#session.valueOf(step.as) : ret);
    return { value, errno, ok: errno === null, out };
  }

  #perform(step: Step): Step {
    const answered = this.#session.perform(step);
    this.steps.push(answered);
    return answered;
  }
}
