/**
 * What is kept beside objects, for as long as they live: a WeakMap that a snapshot of the machine finds.
 * A plain WeakMap or a counter of a module would be lost with one, and nobody would notice.
 */
export class SideTable<Key extends object, Value> {
  /** Its name in snapshots. */
  readonly name: string;
  /** The class of the objects beside which it keeps something; '*': of any object. */
  readonly owner: string;
  readonly #values = new WeakMap<Key, Value>();

  constructor(name: string, owner: string) {
    if (tables.has(name)) throw new TypeError(`there are two side tables '${name}'`);
    this.name = name;
    this.owner = owner;
    tables.set(name, this as unknown as SideTable<object, unknown>);
  }

  get(key: Key): Value | undefined {
    return this.#values.get(key);
  }

  has(key: Key): boolean {
    return this.#values.has(key);
  }

  set(key: Key, value: Value): void {
    this.#values.set(key, value);
  }

  delete(key: Key): void {
    this.#values.delete(key);
  }
}

const tables = new Map<string, SideTable<object, unknown>>();

/** All side tables there are, by name. */
export function sideTables(): ReadonlyMap<string, SideTable<object, unknown>> {
  return tables;
}
