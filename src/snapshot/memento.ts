import { type SideTable, sideTables } from '../side-table.js';
import { atomName } from './atoms.js';
import { SnapshotError } from './error.js';
import { type ClassRule, ruleOf } from './schema.js';

/** One object as it was. */
interface Kept {
  /** Makes it that again. */
  restore(): void;
}

class KeptFields implements Kept {
  readonly #object: Record<string, unknown>;
  readonly #keys: readonly string[];
  readonly #values: readonly unknown[];
  /** An instance of a class: its fields never come or go. */
  readonly #fixed: boolean;

  constructor(object: Record<string, unknown>, keys: readonly string[], rule?: ClassRule) {
    this.#object = object;
    this.#fixed = rule !== undefined;
    this.#keys = keys;
    this.#values = keys.map((key) => (rule?.caches.has(key) === true ? null : object[key]));
  }

  restore(): void {
    const object = this.#object;
    for (const [i, key] of this.#keys.entries()) {
      if (object[key] !== this.#values[i]) object[key] = this.#values[i];
    }
    if (this.#fixed) return;
    const now = Object.keys(object);
    if (now.length === this.#keys.length) return;
    const known = new Set(this.#keys);
    for (const key of now) if (!known.has(key)) delete object[key];
  }
}

class KeptArray implements Kept {
  readonly #array: unknown[];
  readonly #items: readonly unknown[];

  constructor(array: unknown[]) {
    this.#array = array;
    this.#items = array.slice();
  }

  restore(): void {
    this.#array.length = this.#items.length;
    for (let i = 0; i < this.#items.length; i++) this.#array[i] = this.#items[i];
  }
}

class KeptMap implements Kept {
  readonly #map: Map<unknown, unknown>;
  readonly #entries: readonly [unknown, unknown][];

  constructor(map: Map<unknown, unknown>) {
    this.#map = map;
    this.#entries = [...map];
  }

  restore(): void {
    this.#map.clear();
    for (const [key, value] of this.#entries) this.#map.set(key, value);
  }
}

class KeptSet implements Kept {
  readonly #set: Set<unknown>;
  readonly #items: readonly unknown[];

  constructor(set: Set<unknown>) {
    this.#set = set;
    this.#items = [...set];
  }

  restore(): void {
    this.#set.clear();
    for (const item of this.#items) this.#set.add(item);
  }
}

class KeptBytes implements Kept {
  readonly #bytes: Uint8Array;
  readonly #copy: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#copy = bytes.slice();
  }

  restore(): void {
    this.#bytes.set(this.#copy);
  }
}

/** What side tables had of one object. */
class KeptBeside implements Kept {
  readonly #table: SideTable<object, unknown>;
  readonly #key: object;
  readonly #value: unknown;

  constructor(table: SideTable<object, unknown>, key: object) {
    this.#table = table;
    this.#key = key;
    this.#value = table.get(key);
  }

  restore(): void {
    if (this.#value === undefined) this.#table.delete(this.#key);
    else this.#table.set(this.#key, this.#value);
  }
}

/**
 * The fields of all objects that can be reached from `roots`, as they are now. restore() makes the very
 * same objects that again. Functions and objects of the embedder stay as they are.
 */
export class Memento {
  readonly #kept: Kept[] = [];
  readonly #seen = new Set<object>();

  /** @throws {SnapshotError} UNSUPPORTED: an object of a class that nobody said how to keep */
  constructor(roots: Readonly<Record<string, object>>) {
    new Walk(this.#seen, this.#kept).from(roots);
  }

  has(object: object): boolean {
    return this.#seen.has(object);
  }

  restore(): void {
    for (const table of sideTables().values()) {
      if (table.owner === '*') for (const object of this.#seen) table.delete(object);
    }
    for (const kept of this.#kept) kept.restore();
  }
}

/** One walk over the objects: breadth first, so that long chains need no stack. */
class Walk {
  readonly #seen: Set<object>;
  readonly #kept: Kept[];
  readonly #queue: object[] = [];
  /** From where each object was first seen: the index of that one, and how. */
  readonly #from: number[] = [];
  readonly #step: unknown[] = [];
  readonly #tables = [...sideTables().values()];
  #at = -1;

  constructor(seen: Set<object>, kept: Kept[]) {
    this.#seen = seen;
    this.#kept = kept;
  }

  from(roots: Readonly<Record<string, object>>): void {
    for (const [name, root] of Object.entries(roots)) this.#add(root, name);
    for (this.#at = 0; this.#at < this.#queue.length; this.#at++) {
      this.#keep(this.#queue[this.#at] as object);
    }
  }

  #add(value: unknown, step: unknown): void {
    if (typeof value !== 'object' || value === null || this.#seen.has(value)) return;
    if (atomName(value) !== undefined) return;
    this.#seen.add(value);
    this.#queue.push(value);
    this.#from.push(this.#at);
    this.#step.push(step);
  }

  #keep(object: object): void {
    const rule = ruleOf(Object.getPrototypeOf(object) as object | null);
    this.#keepBeside(object, rule);
    if (Array.isArray(object)) {
      this.#kept.push(new KeptArray(object));
      for (let i = 0; i < object.length; i++) this.#add(object[i], i);
    } else if (object instanceof Map) {
      this.#kept.push(new KeptMap(object));
      for (const [key, value] of object) {
        this.#add(key, 'key');
        this.#add(value, key);
      }
    } else if (object instanceof Set) {
      this.#kept.push(new KeptSet(object));
      for (const item of object) this.#add(item, 'item');
    } else if (object instanceof Uint8Array) {
      this.#kept.push(new KeptBytes(object));
    } else {
      this.#keepFields(object as Record<string, unknown>, rule);
    }
  }

  #keepBeside(object: object, rule: ClassRule | undefined): void {
    for (const table of this.#tables) {
      const any = table.owner === '*';
      if (!any && table.owner !== rule?.name) continue;
      // What any object may have is taken away from all before it is given back.
      if (any && !table.has(object)) continue;
      this.#kept.push(new KeptBeside(table, object));
      this.#add(table.get(object), table.name);
    }
  }

  #keepFields(object: Record<string, unknown>, rule: ClassRule | undefined): void {
    const prototype = Object.getPrototypeOf(object) as object | null;
    if (rule === undefined && prototype !== Object.prototype && prototype !== null) {
      const { name = 'a class' } = (object.constructor ?? {}) as { name?: string };
      throw new SnapshotError(
        'UNSUPPORTED',
        `${this.#path()} is of ${name}, which no snapshot keeps`,
      );
    }
    const keys = stateKeys(object, rule);
    if (!Object.isFrozen(object)) this.#kept.push(new KeptFields(object, keys, rule));
    for (const key of keys) {
      if (!rule?.external.has(key) && !rule?.caches.has(key)) this.#add(object[key], key);
    }
  }

  /** How the object at hand was reached. */
  #path(): string {
    const steps: string[] = [];
    for (let at = this.#at; at >= 0; at = this.#from[at] as number) {
      steps.unshift(String(this.#step[at]));
    }
    return steps.join('.');
  }
}

/** The fields of an object that are state. */
export function stateKeys(object: object, rule: ClassRule | undefined): string[] {
  const keys = Object.keys(object);
  return rule === undefined ? keys : keys.filter((key) => !rule.skip.has(key));
}
