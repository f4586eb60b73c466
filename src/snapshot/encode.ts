import { sideTables } from '../side-table.js';
import { atomName } from './atoms.js';
import { ByteWriter } from './codec.js';
import { SnapshotError } from './error.js';
import { stateKeys } from './memento.js';
import { type ClassRule, ruleOf } from './schema.js';
import * as tag from './tags.js';

/** Names an object of the embedder, which a restore is given again; null: it has no name. */
export type NameExternal = (rule: ClassRule, field: string, object: object) => string | null;

/**
 * Writes all objects that can be reached from the roots, each once, so that cycles are nothing special:
 *
 *     strings: count, text…        every string, also keys and the names of classes
 *     objects: count, kind…        what each object is; bytes whole
 *     roots:   count, (name, value)…
 *     contents of each object in turn, and what side tables have beside it
 *
 * @throws {SnapshotError} UNSUPPORTED: a function or an object that no snapshot keeps, by its path
 */
export function encodeGraph(
  roots: Readonly<Record<string, unknown>>,
  nameExternal: NameExternal,
): Uint8Array {
  return new Encoder(nameExternal).encode(roots);
}

class Encoder {
  readonly #strings = new Map<string, number>();
  readonly #objects = new Map<object, number>();
  readonly #queue: object[] = [];
  /** From where each object was first seen: the index of that one, and how. */
  readonly #origin: (readonly [from: number, step: string])[] = [];
  readonly #kinds = new ByteWriter();
  readonly #body = new ByteWriter();
  readonly #nameExternal: NameExternal;
  readonly #tables = [...sideTables().values()];
  #from = -1;

  constructor(nameExternal: NameExternal) {
    this.#nameExternal = nameExternal;
  }

  encode(roots: Readonly<Record<string, unknown>>): Uint8Array {
    const entries = Object.entries(roots);
    this.#body.count(entries.length);
    for (const [name, value] of entries) {
      this.#body.count(this.#string(name));
      this.#value(value, name);
    }
    for (let i = 0; i < this.#queue.length; i++) {
      this.#from = i;
      this.#contents(this.#queue[i] as object);
    }
    return this.#assemble();
  }

  #assemble(): Uint8Array {
    const out = new ByteWriter();
    out.count(this.#strings.size);
    for (const text of this.#strings.keys()) out.text(text);
    out.count(this.#queue.length);
    const head = out.bytes;
    const bytes = new Uint8Array(head.length + this.#kinds.length + this.#body.length);
    bytes.set(head);
    bytes.set(this.#kinds.bytes, head.length);
    bytes.set(this.#body.bytes, head.length + this.#kinds.length);
    return bytes;
  }

  #string(text: string): number {
    let index = this.#strings.get(text);
    if (index === undefined) this.#strings.set(text, (index = this.#strings.size));
    return index;
  }

  #path(step: string): string {
    const steps = [step];
    for (let at = this.#from; at >= 0;) {
      const [from, how] = this.#origin[at] as readonly [number, string];
      steps.unshift(how);
      at = from;
    }
    return steps.join('.');
  }

  #refuse(what: string, step: string): never {
    throw new SnapshotError(
      'UNSUPPORTED',
      `${this.#path(step)} is ${what}, which no snapshot keeps`,
    );
  }

  #value(value: unknown, step: string): void {
    const body = this.#body;
    if (value === undefined) return body.u8(tag.UNDEFINED);
    if (value === null) return body.u8(tag.NULL);
    if (typeof value === 'boolean') return body.u8(value ? tag.TRUE : tag.FALSE);
    if (typeof value === 'number') return this.#number(value);
    if (typeof value === 'string' || typeof value === 'bigint') {
      body.u8(typeof value === 'string' ? tag.STRING : tag.BIGINT);
      return body.count(this.#string(String(value)));
    }
    if (typeof value === 'symbol') this.#refuse('a symbol', step);
    this.#reference(value as object, step);
  }

  #number(value: number): void {
    const body = this.#body;
    if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff && !Object.is(value, -0)) {
      body.u8(tag.COUNT);
      return body.count(value);
    }
    body.u8(tag.F64);
    body.f64(value);
  }

  #reference(object: object, step: string): void {
    const name = atomName(object);
    if (name !== undefined) {
      this.#body.u8(tag.ATOM);
      return this.#body.count(this.#string(name));
    }
    if (typeof object === 'function') this.#refuse('a function', step);
    let index = this.#objects.get(object);
    if (index === undefined) {
      index = this.#queue.length;
      this.#objects.set(object, index);
      this.#queue.push(object);
      this.#origin.push([this.#from, step]);
      this.#kind(object, step);
    }
    this.#body.u8(tag.OBJECT);
    this.#body.count(index);
  }

  #kind(object: object, step: string): void {
    const kinds = this.#kinds;
    if (Array.isArray(object)) return kinds.u8(tag.KIND_ARRAY);
    if (object instanceof Map) return kinds.u8(tag.KIND_MAP);
    if (object instanceof Set) return kinds.u8(tag.KIND_SET);
    if (object instanceof Uint8Array) {
      kinds.u8(tag.KIND_BYTES);
      return kinds.blob(object);
    }
    const prototype = Object.getPrototypeOf(object) as object | null;
    if (prototype === Object.prototype || prototype === null) return kinds.u8(tag.KIND_PLAIN);
    const rule = ruleOf(prototype);
    const { name = 'a class' } = (object.constructor ?? {}) as { name?: string };
    if (rule === undefined) this.#refuse(`of ${name}`, step);
    kinds.u8(tag.KIND_INSTANCE);
    kinds.count(this.#string(rule.name));
  }

  #contents(object: object): void {
    const body = this.#body;
    if (Array.isArray(object)) {
      body.count(object.length);
      // Not forEach(), which passes over items that were never set.
      for (let i = 0; i < object.length; i++) this.#value(object[i], String(i));
    } else if (object instanceof Map) {
      body.count(object.size);
      for (const [key, value] of object) {
        this.#value(key, 'key');
        this.#value(value, String(key));
      }
    } else if (object instanceof Set) {
      body.count(object.size);
      for (const item of object) this.#value(item, 'item');
    } else if (!(object instanceof Uint8Array)) {
      this.#fields(object as Record<string, unknown>);
    }
    this.#beside(object);
  }

  #fields(object: Record<string, unknown>): void {
    const rule = ruleOf(Object.getPrototypeOf(object) as object | null);
    const keys = stateKeys(object, rule);
    this.#body.count(keys.length);
    for (const key of keys) {
      this.#body.count(this.#string(key));
      const value = rule?.caches.has(key) ? null : object[key];
      if (rule?.external.has(key) && typeof value !== 'undefined' && value !== null) {
        this.#external(rule, key, object);
      } else {
        this.#value(value, key);
      }
    }
  }

  #external(rule: ClassRule, key: string, object: object): void {
    const name = this.#nameExternal(rule, key, object);
    if (name === null) this.#refuse('an object of the embedder without a name', key);
    this.#body.u8(tag.EXTERNAL);
    this.#body.count(this.#string(name));
  }

  #beside(object: object): void {
    const rule = ruleOf(Object.getPrototypeOf(object) as object | null);
    const found = this.#tables.filter(
      (table) => (table.owner === '*' || table.owner === rule?.name) && table.has(object),
    );
    this.#body.count(found.length);
    for (const table of found) {
      this.#body.count(this.#string(table.name));
      this.#value(table.get(object), `<${table.name}>`);
    }
  }
}
