import type { StepAction, TraceArg } from './trace.js';

const SUBSTITUTION = /\$\{([^}]*)\}/g;

/** The values a trace binds: pids of its tasks, and results under `as`. */
export class Names {
  readonly #values: Map<string, bigint>;

  /** @param from names to begin with */
  constructor(from?: Names) {
    this.#values = new Map(from === undefined ? [] : from.#values);
  }

  bind(name: string, value: bigint): void {
    this.#values.set(name, value);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value bound to `name`; a trace that parsed refers to bound names only. */
  get(name: string): bigint {
    const value = this.#values.get(name);
    if (value === undefined) throw new RangeError(`name: ${JSON.stringify(name)} is not bound`);
    return value;
  }

  /** `text` with every `${NAME}` replaced by its value, in decimal. */
  substitute(text: string): string {
    return text.replace(SUBSTITUTION, (_, name: string) => {
      return BigInt.asIntN(64, this.get(name)).toString();
    });
  }
}

/** Every name an argument refers to. */
export function namesIn(arg: TraceArg): string[] {
  switch (arg.kind) {
    case 'ref':
      return [arg.name];
    case 'str':
      return [...arg.text.matchAll(SUBSTITUTION)].map((match) => match[1]!);
    case 'iov':
      return arg.segments.flatMap(({ base, length }) => [...namesIn(base), ...namesIn(length)]);
    default:
      return [];
  }
}

/** Every name a step binds. */
export function namesBound(action: StepAction): string[] {
  if (action.kind === 'call') return action.as === null ? [] : [action.as];
  if (action.kind !== 'fork' && action.kind !== 'thread') return [];
  return [`${action.child}.pid`, `${action.child}.tid`];
}
