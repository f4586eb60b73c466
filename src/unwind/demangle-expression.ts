import type { Node, Operator } from './demangle-node.js';
import { DemangleError } from './demangle-node.js';
import { MangledReader } from './demangle-reader.js';
import { OPERATORS } from './demangle-tables.js';

const CASTS = ['cc', 'dc', 'rc', 'sc'];
const TYPE_OPERANDS = ['at', 'st', 'ti'];

/** The part of the grammar that is about expressions: they stand in template arguments and decltype. */
export abstract class ExpressionParser extends MangledReader {
  abstract type(): Node;
  abstract templateArgs(): Node;
  abstract encoding(topLevel: boolean): Node;
  abstract unqualified(): Node;
  abstract sourceName(): Node;
  abstract operatorName(): Node;

  expression(): Node {
    return this.nested(() => this.#expression());
  }

  #expression(): Node {
    const [first, second] = [this.peek(), this.peek(1)];
    if (first === 'L') return this.primary();
    if (first === 'T') return this.templateParameter();
    if (first === 's' && second === 'r') return this.#unresolved();
    if (this.take('sp')) return { kind: 'pack-expansion', pattern: this.expression() };
    if (first === 'f' && second === 'p') return this.#functionParameter();
    if (this.isDigit() || (first === 'o' && second === 'n')) return this.#unresolvedName();
    if (first === 'b' && this.take('bs')) throw new DemangleError('an unknown expression');
    if (this.take('il')) return { kind: 'initializer', type: null, items: this.list('E') };
    if (this.take('tl')) {
      const type = this.type();
      return { kind: 'initializer', type, items: this.list('E') };
    }
    if (this.take('cv')) return this.#conversion();
    return this.#operation(this.#operator());
  }

  /** `L type value E`, or `L _Z encoding E`: something that has a name. */
  primary(): Node {
    this.expect('L');
    if (this.take('_Z') || this.take('Z')) {
      const node = this.encoding(false);
      this.expect('E');
      return node;
    }
    const type = this.type();
    const negative = this.take('n');
    const end = this.text.indexOf('E', this.position);
    if (end < 0) throw new DemangleError('a literal without end');
    const value = this.text.slice(this.position, end);
    this.position = end + 1;
    if (value === '' && this.#isNull(type)) return type;
    if (!/^[0-9a-z_]*$/.test(value)) throw new DemangleError('no literal');
    return { kind: 'literal', type, value, negative };
  }

  #isNull(type: Node): boolean {
    return type.kind === 'builtin' && type.text === 'decltype(nullptr)';
  }

  templateParameter(): Node {
    this.expect('T');
    return { kind: 'parameter', index: this.compactNumber() };
  }

  /** Expressions up to a letter. */
  list(end: string): Node {
    const items: Node[] = [];
    while (!this.take(end)) items.push(this.expression());
    return { kind: 'list', items };
  }

  #operator(): Operator {
    const code = this.peek() + this.peek(1);
    const entry = OPERATORS[code];
    if (entry === undefined) throw new DemangleError(`no operator ${code}`);
    this.position += 2;
    return { kind: 'operator', text: entry[0], code };
  }

  #unresolved(): Node {
    this.expect('sr');
    const levels = this.#scopeLevels();
    const scope = levels ?? this.type();
    const name = this.unqualified();
    const whole: Node = { kind: 'qualified', left: scope, right: name };
    if (this.peek() !== 'I') return whole;
    const args = this.templateArgs();
    if (levels !== null) return { kind: 'template', name: whole, args };
    return { kind: 'qualified', left: scope, right: { kind: 'template', name, args } };
  }

  /** `level… E`, as clang writes a scope that depends on nothing; null when it is not that. */
  #scopeLevels(): Node | null {
    const start = this.position;
    const { length } = this.substitutions;
    let scope: Node | null = null;
    while (this.isDigit()) {
      const level = this.#unresolvedName();
      scope = scope === null ? level : { kind: 'qualified', left: scope, right: level };
    }
    if (scope !== null && this.take('E')) return scope;
    this.position = start;
    this.substitutions.length = length;
    return null;
  }

  #unresolvedName(): Node {
    const name = this.take('on') ? this.operatorName() : this.unqualified();
    if (this.peek() !== 'I') return name;
    return { kind: 'template', name, args: this.templateArgs() };
  }

  /** `fpT` is this; `fp_`, `fp0_` are the first and the second parameter. */
  #functionParameter(): Node {
    this.expect('fp');
    if (this.take('T')) return { kind: 'function-parameter', number: 0 };
    while ('rVK'.includes(this.peek()) && !this.atEnd()) this.position++;
    return { kind: 'function-parameter', number: this.compactNumber() + 1 };
  }

  #conversion(): Node {
    const type = this.type();
    const operand = this.take('_') ? this.list('E') : this.expression();
    return { kind: 'cast', type, operand };
  }

  #operation(operator: Operator): Node {
    const { code } = operator;
    const operands = OPERATORS[code]?.[1];
    if (CASTS.includes(code)) {
      const left = this.type();
      return { kind: 'binary', operator, left, right: this.expression() };
    }
    if (/^f[lrLR]$/.test(code)) return this.#fold(operator);
    if (operands === 0) return { kind: 'name', text: operator.text };
    if (operands === 1) return this.#unary(operator);
    if (operands === 2) return this.#binary(operator);
    if (code === 'nw' || code === 'na') return this.#new(operator);
    if (code !== 'qu') throw new DemangleError(`an expression of ${code}`);
    return { kind: 'ternary', parts: [this.expression(), this.expression(), this.expression()] };
  }

  #unary(operator: Operator): Node {
    const { code } = operator;
    if (code === 'sP') {
      const args = this.templateArgumentsUntilEnd();
      return { kind: 'unary', operator, operand: args, after: false };
    }
    const after = (code === 'pp' || code === 'mm') && !this.take('_');
    const operand = TYPE_OPERANDS.includes(code) ? this.type() : this.expression();
    return { kind: 'unary', operator, operand, after };
  }

  abstract templateArgumentsUntilEnd(): Node;

  #binary(operator: Operator): Node {
    const { code } = operator;
    const left = code === 'di' ? this.#unresolvedName() : this.expression();
    if (code === 'cl') return { kind: 'binary', operator, left, right: this.list('E') };
    if (code === 'dt' || code === 'pt') {
      return { kind: 'binary', operator, left, right: this.#member() };
    }
    return { kind: 'binary', operator, left, right: this.expression() };
  }

  #member(): Node {
    if (this.peek() === 's' && this.peek(1) === 'r') return this.#unresolved();
    if (!this.isDigit() && !this.text.startsWith('on', this.position) && !this.isDestructor()) {
      return this.expression();
    }
    return this.#unresolvedName();
  }

  isDestructor(): boolean {
    return this.text.startsWith('dn', this.position);
  }

  #fold(operator: Operator): Node {
    const inner = this.#operator();
    const count = /[LR]/.test(operator.code) ? 2 : 1;
    const parts = Array.from({ length: count }, () => this.expression());
    return { kind: 'fold', code: operator.code, operator: inner, parts };
  }

  #new(operator: Operator): Node {
    const placement = this.list('_');
    const type = this.type();
    const initializer = this.take('E') ? null : this.#initializer();
    return { kind: 'new', placement, type, initializer, text: operator.text };
  }

  #initializer(): Node {
    if (this.take('pi')) return this.list('E');
    return this.expression();
  }
}
