import type { Node } from './demangle-node.js';
import { DemangleError } from './demangle-node.js';

/** Names within names, at most: more would exhaust the stack. */
const MAX_DEPTH = 200;

/** The letters of a mangled name, and what was read of them that later parts refer to. */
export class MangledReader {
  position: number;
  readonly text: string;
  readonly substitutions: Node[] = [];
  /** The last identifier: what a constructor is called. */
  lastName = '';
  /** Within the type of a conversion operator: arguments behind it are the operator's. */
  inConversion = false;
  #depth = 0;

  constructor(text: string, position: number) {
    this.text = text;
    this.position = position;
  }

  peek(ahead = 0): string {
    return this.text.charAt(this.position + ahead);
  }

  atEnd(): boolean {
    return this.position >= this.text.length;
  }

  take(token: string): boolean {
    if (!this.text.startsWith(token, this.position)) return false;
    this.position += token.length;
    return true;
  }

  expect(token: string): void {
    if (!this.take(token)) throw new DemangleError(`${token} is missing`);
  }

  isDigit(ahead = 0): boolean {
    const letter = this.peek(ahead);
    return letter >= '0' && letter <= '9';
  }

  /** A decimal number, which may be missing: then 0. */
  number(): number {
    const start = this.position;
    while (this.isDigit()) this.position++;
    const value = Number(this.text.slice(start, this.position));
    if (value > 1e9) throw new DemangleError('a number is too large');
    return value;
  }

  /** `_` is 0, `0_` is 1, `1_` is 2. */
  compactNumber(): number {
    if (this.take('_')) return 0;
    if (!this.isDigit()) throw new DemangleError('a number is missing');
    const value = this.number() + 1;
    this.expect('_');
    return value;
  }

  /** `_` is 0, `0_` is 1, then in base 36. */
  sequenceId(): number {
    if (this.take('_')) return 0;
    let value = 0;
    while (!this.take('_')) {
      const digit = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(this.peek());
      if (this.atEnd() || digit < 0 || value > 1e6) throw new DemangleError('no such substitution');
      value = value * 36 + digit;
      this.position++;
    }
    return value + 1;
  }

  remember<T extends Node>(node: T): T {
    this.substitutions.push(node);
    return node;
  }

  /** Runs a part of the grammar that may contain itself. */
  nested<T>(part: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new DemangleError('names within names without end');
    try {
      return part();
    } finally {
      this.#depth--;
    }
  }
}
