import type { Node } from './demangle-node.js';
import { DemangleError } from './demangle-node.js';
import { OPERATORS, SPECIAL_NAMES, SPECIAL_TYPES } from './demangle-tables.js';
import { TypeParser } from './demangle-type.js';

/** The part of the grammar that is about names. */
export class NameParser extends TypeParser {
  /** A whole mangled name, behind its `_Z`. */
  mangled(): Node {
    let node = this.encoding(true);
    while (this.peek() === '.') {
      const suffix = /^(\.[A-Za-z_]+|\.\d+)(\.\d+)*/.exec(this.text.slice(this.position))?.[0];
      if (suffix === undefined) break;
      this.position += suffix.length;
      node = { kind: 'clone', name: node, suffix };
    }
    if (!this.atEnd()) throw new DemangleError('letters are left over');
    return node;
  }

  override encoding(topLevel: boolean): Node {
    return this.nested(() => this.#encoding(topLevel));
  }

  #encoding(topLevel: boolean): Node {
    if (this.peek() === 'T' || this.peek() === 'G') return this.#special();
    const name = this.nameOf(true);
    if (this.atEnd() || this.peek() === 'E') {
      return topLevel ? name : withoutQualifiers(name);
    }
    const type = this.functionType(hasResult(name));
    return { kind: 'typed', name, type };
  }

  #special(): Node {
    const code = this.peek() + this.peek(1);
    this.position += 2;
    const ofType = SPECIAL_TYPES[code];
    if (ofType !== undefined) return { kind: 'special', prefix: ofType, inner: this.type() };
    const ofName = SPECIAL_NAMES[code];
    if (ofName !== undefined) return { kind: 'special', prefix: ofName, inner: this.nameOf(false) };
    if (code === 'Th' || code === 'Tv' || code === 'Tc') return this.#thunk(code);
    if (code === 'TA')
      return {
        kind: 'special',
        prefix: 'template parameter object for ',
        inner: this.#templateArg(),
      };
    if (code === 'TC') return this.#constructionTable();
    if (code === 'GR') return this.#temporary();
    if (code === 'GA')
      return { kind: 'special', prefix: 'hidden alias for ', inner: this.encoding(false) };
    if (code === 'GT') {
      const prefix = this.take('n') ? 'non-transaction clone for ' : 'transaction clone for ';
      if (prefix.startsWith('t')) this.position++;
      return { kind: 'special', prefix, inner: this.encoding(false) };
    }
    throw new DemangleError(`no special name ${code}`);
  }

  #thunk(code: string): Node {
    if (code === 'Tc') {
      this.#offset(this.#next());
      this.#offset(this.#next());
      return { kind: 'special', prefix: 'covariant return thunk to ', inner: this.encoding(false) };
    }
    this.#offset(code.charAt(1));
    const prefix = code === 'Th' ? 'non-virtual thunk to ' : 'virtual thunk to ';
    return { kind: 'special', prefix, inner: this.encoding(false) };
  }

  #next(): string {
    return this.text.charAt(this.position++);
  }

  #offset(kind: string): void {
    const numbers = kind === 'h' ? 1 : kind === 'v' ? 2 : 0;
    if (numbers === 0) throw new DemangleError('no offset');
    for (let i = 0; i < numbers; i++) {
      this.take('n');
      this.number();
      this.expect('_');
    }
  }

  #constructionTable(): Node {
    const right = this.type();
    this.number();
    this.expect('_');
    return { kind: 'in', prefix: 'construction vtable for ', left: this.type(), right };
  }

  #temporary(): Node {
    const inner = this.nameOf(false);
    const number = this.number();
    if (!this.atEnd()) this.take('_');
    return { kind: 'special', prefix: `reference temporary #${number} for `, inner };
  }

  /** @param topLevel whether it may be a function's: then the name itself is not remembered */
  override nameOf(topLevel: boolean): Node {
    return this.nested(() => this.#name(topLevel));
  }

  #name(topLevel: boolean): Node {
    const letter = this.peek();
    if (letter === 'N') return this.#nested();
    if (letter === 'Z') return this.#local();
    if (letter === 'S' && this.peek(1) !== 't') {
      const base = this.substitution(false);
      if (this.peek() !== 'I') {
        if (topLevel && this.atEnd()) return base;
        throw new DemangleError('a bare substitution');
      }
      return { kind: 'template', name: base, args: this.templateArgs() };
    }
    let name: Node;
    if (this.take('St')) {
      name = { kind: 'qualified', left: { kind: 'name', text: 'std' }, right: this.unqualified() };
    } else {
      name = this.unqualified();
    }
    if (this.peek() !== 'I') return name;
    this.remember(name);
    return { kind: 'template', name, args: this.templateArgs() };
  }

  #nested(): Node {
    this.expect('N');
    const marks: Node[] = [];
    for (; 'rVK'.includes(this.peek()) && !this.atEnd(); this.position++) {
      const text = { r: ' restrict', V: ' volatile', K: ' const' }[this.peek()] ?? '';
      marks.unshift({ kind: 'name', text });
    }
    const reference = this.take('R') ? ' &' : this.take('O') ? ' &&' : '';
    const name = this.#prefix();
    this.expect('E');
    if (reference !== '') marks.push({ kind: 'name', text: reference });
    return marks.length === 0 ? name : { kind: 'function-qualifiers', marks, inner: name };
  }

  /** Components of a nested name; each but the whole can be referred to later. */
  #prefix(): Node {
    let node: Node | null = null;
    while (this.peek() !== 'E') {
      const letter = this.peek();
      if (this.atEnd()) throw new DemangleError('a name without end');
      let remembered = true;
      if (letter === 'I') {
        if (node === null) throw new DemangleError('arguments of nothing');
        node = { kind: 'template', name: node, args: this.templateArgs() };
      } else if (letter === 'S' && node === null) {
        remembered = false;
        node = this.substitution(true);
      } else if (letter === 'T' && node === null) {
        node = this.templateParameter();
      } else if (letter === 'D' && 'tT'.includes(this.peek(1)) && node === null) {
        node = this.type();
        remembered = false;
      } else if (letter === 'M') {
        // A member's initialiser: what follows is a lambda in it.
        this.position++;
        continue;
      } else {
        const part = this.unqualified();
        node = node === null ? part : { kind: 'qualified', left: node, right: part };
      }
      if (remembered && this.peek() !== 'E') this.remember(node);
    }
    if (node === null) throw new DemangleError('an empty name');
    return node;
  }

  /** `Z function E name`, `Z function E s` for a string, `d number _` for a default argument. */
  #local(): Node {
    this.expect('Z');
    const left = withoutResult(this.encoding(false));
    this.expect('E');
    if (this.take('s')) {
      this.#discriminator();
      return { kind: 'local', left, right: { kind: 'name', text: 'string literal' } };
    }
    if (this.take('d')) {
      const number = this.compactNumber();
      const inner = this.nameOf(false);
      return { kind: 'local', left, right: { kind: 'default-arg', number, inner } };
    }
    const right = this.nameOf(false);
    if (right.kind !== 'lambda' && right.kind !== 'unnamed') this.#discriminator();
    return { kind: 'local', left, right };
  }

  #discriminator(): void {
    if (!this.take('_')) return;
    const long = this.take('_');
    this.number();
    if (long) this.expect('_');
  }

  override unqualified(): Node {
    const node = this.#unqualified();
    return this.peek() === 'B' ? this.abiTags(node) : node;
  }

  #unqualified(): Node {
    const [letter, next] = [this.peek(), this.peek(1)];
    if (this.isDigit()) return this.sourceName();
    if (letter === 'L') {
      this.position++;
      const name = this.sourceName();
      this.#discriminator();
      return name;
    }
    if (letter === 'U' && next === 'l') return this.#lambda();
    if (letter === 'U' && next === 't') {
      this.position += 2;
      return this.remember({ kind: 'unnamed', number: this.compactNumber() + 1 });
    }
    if (this.take('DC')) return this.#binding();
    if (letter === 'C' || (letter === 'D' && /[0-5]/.test(next))) return this.#structor();
    if (this.take('on')) return this.operatorName();
    return this.operatorName();
  }

  #binding(): Node {
    const names: Node[] = [];
    while (!this.take('E')) names.push(this.sourceName());
    return { kind: 'binding', names };
  }

  #structor(): Node {
    const destructor = this.#next() === 'D';
    const inherited = !destructor && this.take('I');
    if (!/[0-5]/.test(this.peek())) throw new DemangleError('no constructor');
    this.position++;
    const name = this.lastName;
    if (name === '') throw new DemangleError('a constructor of nothing');
    // The class whose constructor is inherited is not written.
    if (inherited) this.type();
    return { kind: 'structor', name, destructor };
  }

  /** `Ul parameters E number _` */
  #lambda(): Node {
    this.expect('Ul');
    if (this.peek() === 'T' && 'ynptk'.includes(this.peek(1))) {
      throw new DemangleError('a lambda with template parameters');
    }
    const { params } = this.functionType(false);
    this.expect('E');
    return { kind: 'lambda', params, number: this.compactNumber() + 1 };
  }

  override sourceName(): Node {
    const length = this.number();
    const text = this.text.slice(this.position, this.position + length);
    if (length === 0 || text.length < length) throw new DemangleError('a name is cut short');
    this.position += length;
    this.lastName = text;
    const anonymous = /^_GLOBAL_[._$]N/.test(text);
    if (anonymous) this.lastName = '(anonymous namespace)';
    return { kind: 'name', text: anonymous ? '(anonymous namespace)' : text };
  }

  override operatorName(): Node {
    const code = this.peek() + this.peek(1);
    if (this.take('cv')) return this.#conversion();
    if (this.take('li')) {
      const name = this.sourceName();
      return { kind: 'special', prefix: 'operator"" ', inner: name };
    }
    const operator = OPERATORS[code];
    if (operator === undefined) throw new DemangleError(`no operator ${code}`);
    this.position += 2;
    return { kind: 'operator', text: operator[0], code };
  }

  #conversion(): Node {
    const before = this.inConversion;
    this.inConversion = true;
    const type = this.type();
    this.inConversion = before;
    return { kind: 'conversion', type };
  }

  override abiTags(name: Node): Node {
    let node = name;
    const last = this.lastName;
    while (this.take('B')) {
      const tag = this.sourceName();
      node = { kind: 'tagged', name: node, tag: tag.kind === 'name' ? tag.text : '' };
    }
    this.lastName = last;
    return node;
  }

  override templateArgs(): Node {
    // What a constructor is called is not changed by the arguments of its class.
    const last = this.lastName;
    if (!this.take('I')) this.expect('J');
    const args = this.templateArgumentsUntilEnd();
    this.lastName = last;
    return args;
  }

  override templateArgumentsUntilEnd(): Node {
    const items: Node[] = [];
    while (!this.take('E')) {
      if (this.peek() === 'Q') throw new DemangleError('a constraint');
      items.push(this.#templateArg());
    }
    return { kind: 'list', items };
  }

  #templateArg(): Node {
    if (this.take('X')) {
      const node = this.expression();
      this.expect('E');
      return node;
    }
    if (this.peek() === 'L') return this.primary();
    if (this.peek() === 'I' || this.peek() === 'J') return this.templateArgs();
    return this.type();
  }
}

/** The function around a local name is written without its result. */
function withoutResult(node: Node): Node {
  return node.kind === 'typed' ? { ...node, type: { ...node.type, result: null } } : node;
}

function withoutQualifiers(node: Node): Node {
  return node.kind === 'function-qualifiers' ? withoutQualifiers(node.inner) : node;
}

/** A name without the qualifiers of `this`. */
function bare(node: Node): Node {
  return withoutQualifiers(node);
}

/** Functions made from templates have their result in their names, but for constructors and conversions. */
function hasResult(name: Node): boolean {
  const node = bare(name);
  if (node.kind === 'local') return hasResult(node.right);
  if (node.kind === 'default-arg') return hasResult(node.inner);
  return node.kind === 'template' && !isStructor(node.name);
}

function isStructor(node: Node): boolean {
  if (node.kind === 'qualified' || node.kind === 'local') return isStructor(node.right);
  if (node.kind === 'tagged') return isStructor(node.name);
  return node.kind === 'structor' || node.kind === 'conversion';
}
