import type { ClassRule } from './schema.js';

/** One object, or several, as they were. */
export interface Kept {
  /** Makes them that again. */
  restore(): void;
}

/**
 * The fields of all objects of one class, whose instances never gain or lose any: one row of values for
 * each, and nothing made for one alone. Ten thousand tasks are some hundred thousand objects.
 */
export class KeptClass implements Kept {
  /** All fields of an instance, in their order. */
  readonly own: readonly string[];
  /** Those that are state. */
  readonly keys: readonly string[];
  /** For each of these, whether it is a cache, and whether the object in it belongs to the embedder. */
  readonly caches: readonly boolean[];
  readonly ends: readonly boolean[];
  readonly objects: Record<string, unknown>[] = [];
  readonly values: unknown[] = [];

  constructor(own: readonly string[], rule: ClassRule) {
    this.own = own;
    this.keys = own.filter((key) => !rule.skip.has(key));
    this.caches = this.keys.map((key) => rule.caches.has(key));
    this.ends = this.keys.map((key) => rule.caches.has(key) || rule.external.has(key));
  }

  /** Whether the fields of an object are these. */
  fits(own: readonly string[]): boolean {
    const { length } = own;
    if (length !== this.own.length) return false;
    for (let i = 0; i < length; i++) if (own[i] !== this.own[i]) return false;
    return true;
  }

  restore(): void {
    const { keys, objects, values } = this;
    let at = 0;
    for (const object of objects) {
      for (const key of keys) {
        const value = values[at++];
        if (object[key] !== value) object[key] = value;
      }
    }
  }
}

/** The fields of an object of no class, which may come and go. */
export class KeptPlain implements Kept {
  readonly #object: Record<string, unknown>;
  readonly #keys: readonly string[];
  readonly #values: readonly unknown[];

  constructor(object: Record<string, unknown>, keys: readonly string[]) {
    this.#object = object;
    this.#keys = keys;
    this.#values = keys.map((key) => object[key]);
  }

  restore(): void {
    const object = this.#object;
    for (const [i, key] of this.#keys.entries()) {
      if (object[key] !== this.#values[i]) object[key] = this.#values[i];
    }
    const now = Object.keys(object);
    if (now.length === this.#keys.length) return;
    const known = new Set(this.#keys);
    for (const key of now) if (!known.has(key)) delete object[key];
  }
}

/** The items of an array. */
export class KeptArray implements Kept {
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

/** The entries of a map, in their order. */
export class KeptMap implements Kept {
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

/** The items of a set, in their order. */
export class KeptSet implements Kept {
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

/** The contents of an array of bytes. */
export class KeptBytes implements Kept {
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
