import { sideTables } from '../side-table.js';
import { atomNamed } from './atoms.js';
import { ByteReader } from './codec.js';
import { type ClassRule, ruleNamed } from './schema.js';
import * as tag from './tags.js';

/** Gives the object of the embedder that a name stands for; may throw. */
export type ResolveExternal = (name: string) => unknown;

/** Objects that stand already, by their class: the first one that is met becomes that. */
export type Existing = Readonly<Record<string, object>>;

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Makes the objects that encodeGraph() wrote. Nothing of the bytes is run: what they name is a class or a
 * function that this library put into its lists, or it is refused. Nor can they reach a prototype.
 *
 * @param base where the bytes lie in the snapshot, for errors
 * @throws {SnapshotError} CORRUPT: what encodeGraph() would not have written; as `external`
 */
export function decodeGraph(
  bytes: Uint8Array,
  base: number,
  existing: Existing,
  external: ResolveExternal,
): Map<string, unknown> {
  return new Decoder(bytes, base, existing, external).decode();
}

class Decoder {
  readonly #in: ByteReader;
  readonly #existing: Map<string, object>;
  readonly #external: ResolveExternal;
  readonly #strings: string[] = [];
  readonly #objects: object[] = [];
  readonly #rules: (ClassRule | null)[] = [];

  constructor(bytes: Uint8Array, base: number, existing: Existing, external: ResolveExternal) {
    this.#in = new ByteReader(bytes, base);
    this.#existing = new Map(Object.entries(existing));
    this.#external = external;
  }

  decode(): Map<string, unknown> {
    const strings = this.#in.length();
    for (let i = 0; i < strings; i++) this.#strings.push(this.#in.text());
    const objects = this.#in.length();
    for (let i = 0; i < objects; i++) this.#make();
    const roots = new Map<string, unknown>();
    for (let left = this.#in.length(); left > 0; left--) roots.set(this.#string(), this.#value());
    this.#objects.forEach((object, i) => this.#fill(object, this.#rules[i] ?? null));
    if (this.#in.left !== 0) throw this.#in.error(`${this.#in.left} bytes too many`);
    return roots;
  }

  #string(): string {
    const index = this.#in.count();
    const text = this.#strings[index];
    if (text === undefined) throw this.#in.error(`there is no string ${index}`);
    return text;
  }

  #make(): void {
    const kind = this.#in.u8();
    const rule = kind === tag.KIND_INSTANCE ? this.#rule() : null;
    this.#rules.push(rule);
    this.#objects.push(rule === null ? this.#empty(kind) : this.#instance(rule));
  }

  #empty(kind: number): object {
    if (kind === tag.KIND_PLAIN) return {};
    if (kind === tag.KIND_ARRAY) return [];
    if (kind === tag.KIND_MAP) return new Map();
    if (kind === tag.KIND_SET) return new Set();
    if (kind === tag.KIND_BYTES) return this.#in.blob();
    throw this.#in.error(`${kind} is no kind of object`);
  }

  #rule(): ClassRule {
    const name = this.#string();
    const rule = ruleNamed(name);
    if (rule === undefined) throw this.#in.error(`there is no class '${name}'`);
    return rule;
  }

  #instance(rule: ClassRule): object {
    const known = this.#existing.get(rule.name);
    this.#existing.delete(rule.name);
    return known ?? (Object.create(rule.prototype) as object);
  }

  #value(): unknown {
    const kind = this.#in.u8();
    switch (kind) {
      case tag.UNDEFINED:
        return undefined;
      case tag.NULL:
        return null;
      case tag.FALSE:
        return false;
      case tag.TRUE:
        return true;
      case tag.COUNT:
        return this.#in.count();
      case tag.F64:
        return this.#in.f64();
      case tag.STRING:
        return this.#string();
      case tag.BIGINT:
        return this.#bigint();
      case tag.OBJECT:
        return this.#object();
      case tag.ATOM:
        return this.#atom();
      default:
        throw this.#in.error(`${kind} is no kind of value`);
    }
  }

  #bigint(): bigint {
    const digits = this.#string();
    if (!/^-?\d{1,40}$/.test(digits)) throw this.#in.error('no bigint');
    return BigInt(digits);
  }

  #object(): object {
    const index = this.#in.count();
    const object = this.#objects[index];
    if (object === undefined) throw this.#in.error(`there is no object ${index}`);
    return object;
  }

  #atom(): object {
    const name = this.#string();
    const atom = atomNamed(name);
    if (atom === undefined) throw this.#in.error(`there is no function '${name}'`);
    return atom;
  }

  #fill(object: object, rule: ClassRule | null): void {
    if (Array.isArray(object)) {
      for (let left = this.#in.length(); left > 0; left--) object.push(this.#value());
    } else if (object instanceof Map) {
      for (let left = this.#in.length(); left > 0; left--) object.set(this.#value(), this.#value());
    } else if (object instanceof Set) {
      for (let left = this.#in.length(); left > 0; left--) object.add(this.#value());
    } else if (!(object instanceof Uint8Array)) {
      this.#fields(object as Record<string, unknown>, rule);
    }
    this.#beside(object, rule);
  }

  #fields(object: Record<string, unknown>, rule: ClassRule | null): void {
    for (let left = this.#in.length(); left > 0; left--) {
      const key = this.#string();
      // A field never hides a method, and none leads to a prototype.
      const hides = rule !== null && key in rule.prototype;
      if (FORBIDDEN.has(key) || hides || rule?.skip.has(key)) {
        throw this.#in.error(`'${key}' is no field`);
      }
      object[key] = rule?.external.has(key) ? this.#externalValue() : this.#value();
      if (rule?.caches.has(key) && object[key] !== null) throw this.#in.error(`'${key}' is kept`);
    }
  }

  /** A field of the embedder's: its name, or nothing. */
  #externalValue(): unknown {
    const kind = this.#in.u8();
    if (kind === tag.UNDEFINED || kind === tag.NULL) return kind === tag.NULL ? null : undefined;
    if (kind !== tag.EXTERNAL) throw this.#in.error('not the name of an object of the embedder');
    return this.#external(this.#string());
  }

  #beside(object: object, rule: ClassRule | null): void {
    for (let left = this.#in.length(); left > 0; left--) {
      const name = this.#string();
      const table = sideTables().get(name);
      if (table === undefined || (table.owner !== '*' && table.owner !== rule?.name)) {
        throw this.#in.error(`there is no side table '${name}' of such an object`);
      }
      table.set(object, this.#value());
    }
  }
}
