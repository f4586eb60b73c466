import { functionArgument, intArgument, objectArgument, shown } from './arguments.js';
import { seededRandom } from './injection-times.js';

/**
 * One side of a race: it runs alone from one `yield` to the next, so put a yield between any two calls that
 * something else may come between. It may yield a condition, and then goes on only once that holds.
 */
export type RaceActor<Result = void> = Generator<(() => boolean) | undefined | void, Result, void>;

/** Everybody in a race, by name. */
export type Race = Readonly<Record<string, RaceActor<unknown>>>;

/** Who goes next, step by step; or chosen at random, the same for the same seed. */
export type Schedule = readonly string[] | { readonly seed: number };

/** A race that was run. */
export interface RaceRun {
  /** Who did each step. As a schedule it gives the same run again. */
  readonly steps: readonly string[];
  /** What each actor returned. */
  readonly results: Readonly<Record<string, unknown>>;
}

/** A step as the search sees it: what could have been done, and which of it was. */
interface Choice {
  readonly runnable: readonly string[];
  readonly taken: number;
}

class Runner {
  readonly steps: string[] = [];
  readonly results: Record<string, unknown> = {};
  readonly #actors: Map<string, RaceActor<unknown>>;
  readonly #conditions = new Map<string, () => boolean>();

  constructor(race: Race) {
    this.#actors = new Map(Object.entries(objectArgument('race', race)));
    for (const [name, actor] of this.#actors) functionArgument(`race.${name}.next`, actor?.next);
  }

  get done(): boolean {
    return this.#actors.size === 0;
  }

  /** @throws {Error} nobody can go on */
  runnable(): string[] {
    const names = [...this.#actors.keys()].filter((name) => this.#mayGoOn(name));
    if (names.length > 0) return names;
    const waiting = [...this.#actors.keys()].join(', ');
    throw new Error(`deadlock after ${this.steps.length} steps: ${waiting} wait`);
  }

  #mayGoOn(name: string): boolean {
    return this.#conditions.get(name)?.() ?? true;
  }

  step(name: string): void {
    const actor = this.#actors.get(name) as RaceActor<unknown>;
    this.steps.push(name);
    const { done, value } = actor.next();
    this.#conditions.delete(name);
    if (done === true) {
      this.results[name] = value;
      this.#actors.delete(name);
    } else if (typeof value === 'function') {
      this.#conditions.set(name, value as () => boolean);
    }
  }
}

/** Runs a race to its end; `choose` gives an index among those who can go on. */
function run(race: Race, choose: (runnable: readonly string[], step: number) => number): RaceRun {
  const runner = new Runner(race);
  while (!runner.done) {
    const runnable = runner.runnable();
    runner.step(runnable[choose(runnable, runner.steps.length)] as string);
  }
  return { steps: runner.steps, results: runner.results };
}

function follow(
  schedule: readonly string[],
): (runnable: readonly string[], step: number) => number {
  return (runnable, step) => {
    const name = schedule[step];
    if (name === undefined) return 0;
    const index = runnable.indexOf(name);
    if (index >= 0) return index;
    throw new RangeError(
      `schedule: step ${step} is for ${shown(name)}, who is not one of ${runnable.join(', ')}`,
    );
  };
}

/**
 * Runs the sides of a race in a given order, or in one that a seed gives. Where a schedule ends, the first who can
 * go on does.
 *
 * @example
 * const { steps, results } = interleave({ checker: check(), swapper: swap() }, { seed: 7 });
 * @throws {RangeError} the schedule names one who has ended, waits, or does not exist
 * @throws {Error} all who are left wait: a deadlock; and whatever an actor throws
 */
export function interleave(race: Race, schedule: Schedule): RaceRun {
  if (Array.isArray(schedule)) return run(race, follow(schedule as readonly string[]));
  const { seed } = objectArgument('schedule', schedule as { readonly seed: number });
  const random = seededRandom(intArgument('seed', seed, 0, 0xffffffff));
  return run(race, (runnable) => Math.floor(random() * runnable.length));
}

/**
 * Runs a small race in every order there is, each once, depth first. How many there are grows fast: two sides of
 * five steps have 252 orders, three have 756,756.
 *
 * @param setup makes the race anew, with a machine of its own where one is changed
 * @example
 * for await (const { steps, results } of interleavings(setup)) {
 *   if (results.target === 'secret') console.log('lost:', steps.join(' '));
 * }
 * @throws {Error} as interleave()
 */
export async function* interleavings(
  setup: () => Race | Promise<Race>,
): AsyncGenerator<RaceRun, void, void> {
  functionArgument('setup', setup);
  let choices: Choice[] = [];
  do {
    const before = choices;
    const made: Choice[] = [];
    yield run(await setup(), (runnable, step) => {
      const taken = before[step]?.taken ?? 0;
      made.push({ runnable, taken });
      return taken;
    });
    choices = nextChoices(made);
  } while (choices.length > 0);
}

/** The choices that lead to the next run: the last that has an alternative takes it. */
function nextChoices(made: readonly Choice[]): Choice[] {
  for (let last = made.length - 1; last >= 0; last--) {
    const { runnable, taken } = made[last] as Choice;
    if (taken + 1 < runnable.length) {
      return [...made.slice(0, last), { runnable, taken: taken + 1 }];
    }
  }
  return [];
}
