import { type SideTable, sideTables } from '../side-table.js';
import { atomName } from './atoms.js';
import { SnapshotError } from './error.js';
import { type Kept, KeptArray, KeptBytes, KeptClass, KeptMap, KeptPlain, KeptSet } from './kept.js';
import { type ClassRule, ruleOf } from './schema.js';

/** What a side table had of the objects beside which it keeps something; undefined for nothing. */
class KeptBeside implements Kept {
  readonly table: SideTable<object, unknown>;
  readonly objects: object[] = [];
  readonly values: unknown[] = [];

  constructor(table: SideTable<object, unknown>) {
    this.table = table;
  }

  restore(): void {
    for (const [i, object] of this.objects.entries()) {
      const value = this.values[i];
      if (value === undefined) this.table.delete(object);
      else this.table.set(object, value);
    }
  }
}

/**
 * The fields of all objects that can be reached from `roots`, as they are now. restore() makes the very
 * same objects that again. Functions and objects of the embedder stay as they are.
 */
export class Memento {
  readonly #kept: readonly Kept[];
  readonly #seen: ReadonlySet<object>;

  /** @throws {SnapshotError} UNSUPPORTED: an object of a class that nobody said how to keep */
  constructor(roots: Readonly<Record<string, object>>) {
    const walk = new Walk();
    walk.from(roots);
    this.#kept = walk.kept();
    this.#seen = walk.seen;
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
  readonly seen = new Set<object>();
  readonly #kept: Kept[] = [];
  /** By class, and in it by the fields that its objects have. */
  readonly #classes = new Map<ClassRule, KeptClass[]>();
  readonly #beside = [...sideTables().values()].map((table) => new KeptBeside(table));
  /** Those of any object, and by class those of its objects as well. */
  readonly #besideAny = this.#beside.filter(({ table }) => table.owner === '*');
  readonly #besideOf = new Map<ClassRule, readonly KeptBeside[]>();
  readonly #queue: object[] = [];
  /** From where each object was first seen, its index and how; only where somebody asks for a path. */
  readonly #steps: [from: number, how: unknown][] | null;
  #at = -1;

  constructor(keepsSteps = false) {
    this.#steps = keepsSteps ? [] : null;
  }

  kept(): readonly Kept[] {
    return [...this.#kept, ...[...this.#classes.values()].flat(), ...this.#beside];
  }

  from(roots: Readonly<Record<string, object>>): void {
    for (const [name, root] of Object.entries(roots)) this.#add(root, name);
    for (this.#at = 0; this.#at < this.#queue.length; this.#at++) {
      const object = this.#queue[this.#at] as object;
      const rule = ruleOf(Object.getPrototypeOf(object) as object | null);
      this.#keepBeside(object, rule);
      if (rule !== undefined) this.#keepInstance(object as Record<string, unknown>, rule);
      else if (!this.#keepContainer(object)) this.#keepPlain(object, roots);
    }
  }

  #add(value: unknown, how: unknown): void {
    if (typeof value !== 'object' || value === null || this.seen.has(value)) return;
    if (atomName(value) !== undefined) return;
    this.seen.add(value);
    this.#queue.push(value);
    this.#steps?.push([this.#at, how]);
  }

  #keepInstance(object: Record<string, unknown>, rule: ClassRule): void {
    const { keys, caches, ends, objects, values } = this.#classOf(object, rule);
    objects.push(object);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      const value = object[key];
      values.push(caches[i] === true ? null : value);
      if (ends[i] === false) this.#add(value, key);
    }
  }

  #classOf(object: object, rule: ClassRule): KeptClass {
    const own = Object.keys(object);
    let known = this.#classes.get(rule);
    if (known === undefined) this.#classes.set(rule, (known = []));
    for (const each of known) if (each.fits(own)) return each;
    const fresh = new KeptClass(own, rule);
    known.push(fresh);
    return fresh;
  }

  #keepContainer(object: object): boolean {
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
      return false;
    }
    return true;
  }

  #keepPlain(object: object, roots: Readonly<Record<string, object>>): void {
    const prototype = Object.getPrototypeOf(object) as object | null;
    if (prototype !== Object.prototype && prototype !== null) this.#refuse(object, roots);
    const fields = object as Record<string, unknown>;
    const keys = Object.keys(fields);
    if (!Object.isFrozen(fields)) this.#kept.push(new KeptPlain(fields, keys));
    for (const key of keys) this.#add(fields[key], key);
  }

  #keepBeside(object: object, rule: ClassRule | undefined): void {
    // What any object may have is taken away from all before it is given back.
    for (const each of this.#besideAny) if (each.table.has(object)) this.#noteBeside(each, object);
    if (rule === undefined) return;
    let own = this.#besideOf.get(rule);
    if (own === undefined) {
      own = this.#beside.filter(({ table }) => table.owner === rule.name);
      this.#besideOf.set(rule, own);
    }
    for (const each of own) this.#noteBeside(each, object);
  }

  #noteBeside({ table, objects, values }: KeptBeside, object: object): void {
    const value = table.get(object);
    objects.push(object);
    values.push(value);
    this.#add(value, table.name);
  }

  /** An object that no rule knows: where no steps were noted, a second walk comes to it again. */
  #refuse(object: object, roots: Readonly<Record<string, object>>): never {
    if (this.#steps === null) new Walk(true).from(roots);
    const { name = 'a class' } = (object.constructor ?? {}) as { name?: string };
    const text = `${this.#path()} is of ${name}, which no snapshot keeps`;
    throw new SnapshotError('UNSUPPORTED', text);
  }

  /** How the object at hand was reached. */
  #path(): string {
    const names: string[] = [];
    for (let at = this.#at; at >= 0;) {
      const [from, how] = this.#steps?.[at] ?? [-1, '?'];
      names.unshift(String(how));
      at = from;
    }
    return names.join('.');
  }
}

/** The fields of an object that are state. */
export function stateKeys(object: object, rule: ClassRule | undefined): string[] {
  const keys = Object.keys(object);
  return rule === undefined ? keys : keys.filter((key) => !rule.skip.has(key));
}
