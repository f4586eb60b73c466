import { ExpressionParser } from './demangle-expression.js';
import type { FunctionNode, Node } from './demangle-node.js';
import { DemangleError } from './demangle-node.js';
import { BUILTINS, BUILTINS_D, STANDARD } from './demangle-tables.js';

/** The part of the grammar that is about types. */
export abstract class TypeParser extends ExpressionParser {
  abstract nameOf(topLevel: boolean): Node;

  /** A type; all but builtin ones can be referred to later. */
  override type(): Node {
    return this.nested(() => this.#type());
  }

  #type(): Node {
    const letter = this.peek();
    const builtin = BUILTINS[letter];
    if (builtin !== undefined) {
      this.position++;
      return { kind: 'builtin', text: builtin[0], literal: builtin[1] };
    }
    if ('rVK'.includes(letter) && letter !== '') return this.#qualified();
    if (this.#isFunctionQualifier()) return this.remember(this.#qualifiedFunction());
    if (letter === 'D') return this.#dType();
    if (letter === 'S') return this.#substituted();
    if (letter === 'T') return this.#parameter();
    return this.remember(this.#compound(letter));
  }

  #compound(letter: string): Node {
    if (this.isDigit() || letter === 'N' || letter === 'Z') return this.nameOf(false);
    this.position++;
    switch (letter) {
      case 'P':
        return { kind: 'pointer', mark: '*', inner: this.type() };
      case 'R':
        return { kind: 'pointer', mark: '&', inner: this.type() };
      case 'O':
        return { kind: 'pointer', mark: '&&', inner: this.type() };
      case 'C':
        return { kind: 'qualifiers', text: ' _Complex', inner: this.type() };
      case 'G':
        return { kind: 'qualifiers', text: ' _Imaginary', inner: this.type() };
      case 'U':
        return this.#vendorQualified();
      case 'u':
        return this.sourceName();
      case 'F':
        return this.#functionBody();
      case 'A':
        return this.#array();
      case 'M':
        return { kind: 'member-pointer', of: this.type(), inner: this.type() };
      default:
        throw new DemangleError(`no type begins with ${letter}`);
    }
  }

  #vendorQualified(): Node {
    const name = this.sourceName();
    const text = name.kind === 'name' ? name.text : '';
    if (this.peek() === 'I') throw new DemangleError('a vendor qualifier with arguments');
    return { kind: 'qualifiers', text: ` ${text}`, inner: this.type() };
  }

  /** Qualifiers are one type with what they qualify; before a function they are those of `this`. */
  #qualified(): Node {
    let text = '';
    const marks: Node[] = [];
    for (; 'rVK'.includes(this.peek()) && !this.atEnd(); this.position++) {
      const word = { r: ' restrict', V: ' volatile', K: ' const' }[this.peek()] ?? '';
      text = word + text;
      marks.unshift({ kind: 'name', text: word });
    }
    if (this.peek() === 'F' || this.#isFunctionQualifier()) {
      const inner = this.#isFunctionQualifier() ? this.#qualifiedFunction() : this.#bareFunction();
      return this.remember({ kind: 'function-qualifiers', marks, inner });
    }
    return this.remember({ kind: 'qualifiers', text, inner: this.type() });
  }

  #isFunctionQualifier(): boolean {
    return this.peek() === 'D' && 'oOwx'.includes(this.peek(1)) && this.peek(1) !== '';
  }

  /** `Do` noexcept, `DO expression E`, `Dw types E` throw(…), `Dx` transaction-safe. */
  #qualifiedFunction(): Node {
    const marks: Node[] = [this.#functionQualifier()];
    const inner = this.#isFunctionQualifier() ? this.#qualifiedFunction() : this.#bareFunction();
    return { kind: 'function-qualifiers', marks, inner };
  }

  #functionQualifier(): Node {
    if (this.take('Do')) return { kind: 'name', text: ' noexcept' };
    if (this.take('Dx')) return { kind: 'name', text: ' transaction_safe' };
    if (this.take('DO')) {
      const inner = this.expression();
      this.expect('E');
      return { kind: 'special', prefix: ' noexcept(', inner, suffix: ')' };
    }
    this.expect('Dw');
    const items: Node[] = [];
    while (!this.take('E')) items.push(this.type());
    return { kind: 'special', prefix: ' throw(', inner: { kind: 'list', items }, suffix: ')' };
  }

  #bareFunction(): Node {
    this.expect('F');
    return this.#functionBody();
  }

  /** `Y` is extern "C"; `R` and `O` at the end are the references of `this`. */
  #functionBody(): Node {
    this.take('Y');
    const type = this.functionType(true);
    const mark = this.take('R') ? ' &' : this.take('O') ? ' &&' : '';
    this.expect('E');
    if (mark === '') return type;
    return { kind: 'function-qualifiers', marks: [{ kind: 'name', text: mark }], inner: type };
  }

  /** The result, where there is one, and the parameters, up to the end or to what cannot be a type. */
  functionType(hasResult: boolean): FunctionNode {
    const result = hasResult ? this.type() : null;
    const items: Node[] = [];
    while (!this.atEnd() && !'E.'.includes(this.peek())) {
      const reference = 'RO'.includes(this.peek()) && this.peek(1) === 'E';
      if (reference) break;
      if (this.peek() === 'Q') throw new DemangleError('a constraint');
      items.push(this.type());
    }
    const [only] = items;
    if (only === undefined) throw new DemangleError('a function without parameters');
    const none = items.length === 1 && only.kind === 'builtin' && only.literal === 'void';
    return { kind: 'function', result, params: { kind: 'list', items: none ? [] : items } };
  }

  #array(): Node {
    let size: Node | null = null;
    if (this.isDigit()) {
      const start = this.position;
      while (this.isDigit()) this.position++;
      size = { kind: 'name', text: this.text.slice(start, this.position) };
    } else if (this.peek() !== '_') {
      size = this.expression();
    }
    this.expect('_');
    return { kind: 'array', size, inner: this.type() };
  }

  #dType(): Node {
    const letter = this.peek(1);
    const builtin = BUILTINS_D[letter];
    this.position += 2;
    if (builtin !== undefined) return { kind: 'builtin', text: builtin[0], literal: builtin[1] };
    if (letter === 'F') return this.#floatOfBits();
    if (letter === 't' || letter === 'T') {
      const inner = this.expression();
      this.expect('E');
      return this.remember({ kind: 'decltype', inner });
    }
    if (letter === 'p') return this.remember({ kind: 'pack-expansion', pattern: this.type() });
    if (letter !== 'v') throw new DemangleError(`no type begins with D${letter}`);
    return this.remember(this.#vector());
  }

  /** `DF16_` _Float16, `DF16b` std::bfloat16_t, `DF32x` _Float32x. */
  #floatOfBits(): Node {
    const bits = this.number();
    if (this.take('b')) return { kind: 'builtin', text: 'std::bfloat16_t', literal: 'float' };
    const suffix = this.take('x') ? 'x' : '';
    if (suffix === '') this.expect('_');
    return { kind: 'builtin', text: `_Float${bits}${suffix}`, literal: 'float' };
  }

  #vector(): Node {
    let size: Node;
    if (this.take('_')) size = this.expression();
    else size = { kind: 'name', text: String(this.number()) };
    this.expect('_');
    return { kind: 'vector', size, inner: this.type() };
  }

  #parameter(): Node {
    const node = this.remember(this.templateParameter());
    if (this.peek() !== 'I') return node;
    const start = this.position;
    const { length } = this.substitutions;
    const args = this.templateArgs();
    if (this.inConversion && this.peek() !== 'I') {
      this.position = start;
      this.substitutions.length = length;
      return node;
    }
    return this.remember({ kind: 'template', name: node, args });
  }

  /** `St` begins a name; any other `S` is something that was there before. */
  #substituted(): Node {
    if (this.peek(1) === 't') return this.remember(this.nameOf(false));
    const node = this.substitution(false);
    if (this.peek() !== 'I') return node;
    return this.remember({ kind: 'template', name: node, args: this.templateArgs() });
  }

  /** @param prefix whether the member of a class may follow */
  substitution(prefix: boolean): Node {
    this.expect('S');
    const standard = STANDARD[this.peek()];
    if (standard === undefined) {
      const node = this.substitutions[this.sequenceId()];
      if (node === undefined) throw new DemangleError('no such substitution');
      return node;
    }
    this.position++;
    const [short, full, last] = standard;
    if (last !== '') this.lastName = last;
    const whole = prefix && 'CD'.includes(this.peek()) && !this.atEnd();
    const node: Node = { kind: 'name', text: whole ? full : short };
    if (this.peek() !== 'B') return node;
    return this.remember(this.abiTags(node));
  }

  abstract abiTags(name: Node): Node;
}
