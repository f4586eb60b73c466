import type { TypeText } from './demangle-type.js';
import { DemangleError, TypeParser, plain } from './demangle-type.js';

const OPERATORS: Readonly<Record<string, string>> = {
  nw: ' new',
  na: ' new[]',
  dl: ' delete',
  da: ' delete[]',
  co: '~',
  pl: '+',
  mi: '-',
  ml: '*',
  dv: '/',
  rm: '%',
  an: '&',
  or: '|',
  eo: '^',
  aS: '=',
  pL: '+=',
  mI: '-=',
  mL: '*=',
  dV: '/=',
  rM: '%=',
  aN: '&=',
  oR: '|=',
  eO: '^=',
  ls: '<<',
  rs: '>>',
  lS: '<<=',
  rS: '>>=',
  eq: '==',
  ne: '!=',
  lt: '<',
  gt: '>',
  le: '<=',
  ge: '>=',
  nt: '!',
  aa: '&&',
  oo: '||',
  pp: '++',
  mm: '--',
  cm: ',',
  pm: '->*',
  pt: '->',
  cl: '()',
  ix: '[]',
  ng: '-',
  ps: '+',
  de: '*',
  ad: '&',
};
/** `Sa`, `Sb`…: the library's names that have a letter of their own. */
const STANDARD: Readonly<Record<string, string>> = {
  a: 'std::allocator',
  b: 'std::basic_string',
  s: 'std::basic_string<char, std::char_traits<char>, std::allocator<char> >',
  i: 'std::basic_istream<char, std::char_traits<char> >',
  o: 'std::basic_ostream<char, std::char_traits<char> >',
  d: 'std::basic_iostream<char, std::char_traits<char> >',
};
/** What compilers add to the copies of a function they make. */
const CLONE = /\.[a-zA-Z_]+(?:\.\d+)*/y;
/** Longest mangled name read; a longer one is shown as it is. */
const MAX_INPUT = 2048;

/**
 * A C++ function's name as C++ writes it, parameters included.
 *
 * A strict subset of the Itanium ABI's mangling: namespaces, classes, templates, operators and
 * ordinary types. Anything else (lambdas, expressions, packs in a signature, thunks), and
 * anything not understood to its last letter, comes back as it was.
 *
 * @see Itanium C++ ABI, section 5.1
 */
export function demangle(symbol: string): string {
  if (!symbol.startsWith('_Z') || symbol.length > MAX_INPUT) return symbol;
  const dot = symbol.indexOf('.');
  const mangled = dot < 0 ? symbol : symbol.slice(0, dot);
  const clones = dot < 0 ? '' : cloneSuffix(symbol.slice(dot));
  try {
    if (clones !== null) return new NameParser(mangled).encoding() + clones;
  } catch (error) {
    if (!(error instanceof DemangleError)) throw error;
  }
  return symbol;
}

function cloneSuffix(text: string): string | null {
  let suffix = '';
  CLONE.lastIndex = 0;
  for (let done = 0; done < text.length; done = CLONE.lastIndex) {
    const clone = CLONE.exec(text)?.[0];
    if (clone === undefined) return null;
    suffix += ` [clone ${clone}]`;
  }
  return suffix;
}

/** A name read so far. */
interface NameText {
  text: string;
  /** The last component without template arguments: what a constructor is called. */
  last: string;
  /** It ends in template arguments, so a function of this name has its return type written. */
  template: boolean;
  /** Constructors, destructors and their like never have a return type. */
  structor: boolean;
  /** Qualifiers of a member function: ` const` and its like. */
  qualifiers: string;
}

class NameParser extends TypeParser {
  /** Template arguments read now belong to the function itself, not to a type in it. */
  #outermost = true;

  encoding(): string {
    this.expect('_Z');
    const name = this.#name();
    this.#outermost = false;
    if (this.atEnd()) return name.text;
    const result = name.template && !name.structor ? this.type() : null;
    const parameters = this.parameters();
    if (!this.atEnd()) throw new DemangleError('letters are left over');
    const function_ = name.text + parameters + name.qualifiers;
    if (result === null) return function_;
    if (result.after !== '') throw new DemangleError('a function that returns a function');
    return `${result.before} ${function_}`;
  }

  protected override namedType(): TypeText {
    const outermost = this.#outermost;
    this.#outermost = false;
    const type = this.#namedType();
    this.#outermost = outermost;
    return type;
  }

  #namedType(): TypeText {
    if (this.peek() === 'S' && this.peek(1) !== 't') {
      const base = this.#substitutedName();
      return this.peek() === 'I' ? this.remember(this.#withArgs(base)) : base;
    }
    if (this.peek() === 'N') return plain(this.#nested().text);
    const name = this.#unscoped();
    const type = this.remember(plain(name.text));
    return this.peek() === 'I' ? this.remember(this.#withArgs(type)) : type;
  }

  #withArgs(type: TypeText): TypeText {
    return plain(type.before + this.readTemplateArgs().text);
  }

  #name(): NameText {
    if (this.peek() === 'N') return this.#nested();
    if (this.peek() === 'S' && this.peek(1) !== 't') throw new DemangleError('a bare substitution');
    const name = this.#unscoped();
    if (this.peek() !== 'I') return name;
    this.remember(plain(name.text));
    return this.#appendArgs(name);
  }

  #unscoped(): NameText {
    const scope = this.take('St') ? 'std::' : '';
    const name = this.#unqualified('');
    return { ...name, text: scope + name.text };
  }

  /** `N` qualifiers, components and arguments `E`; each prefix but the whole is remembered. */
  #nested(): NameText {
    this.expect('N');
    const qualifiers = this.#qualifiers();
    let name: NameText = { text: '', last: '', template: false, structor: false, qualifiers: '' };
    while (!this.take('E')) {
      if (this.peek() === 'I') {
        if (name.text === '' || name.template) throw new DemangleError('arguments of nothing');
        name = this.#appendArgs(name);
        this.remember(plain(name.text));
      } else {
        name = this.#component(name);
      }
    }
    if (name.text === '') throw new DemangleError('an empty name');
    // A function's own name is no type; a type's whole name is, so the last one counts there.
    if (this.#outermost) this.substitutions.pop();
    return { ...name, qualifiers };
  }

  #component(name: NameText): NameText {
    const first = name.text === '';
    if (first && this.take('St')) return { ...name, text: 'std', last: 'std' };
    if (first && this.peek() === 'S') {
      const base = this.#substitutedName().before;
      return { ...name, text: base, last: lastComponent(base), template: base.endsWith('>') };
    }
    const part = this.#unqualified(name.last);
    const text = first ? part.text : `${name.text}::${part.text}`;
    this.remember(plain(text));
    return { ...part, text };
  }

  #appendArgs(name: NameText): NameText {
    const outermost = this.#outermost;
    this.#outermost = false;
    const { text, args } = this.readTemplateArgs();
    this.#outermost = outermost;
    if (outermost) this.templateArgs = args;
    // `operator< <int>`: without the space it would read as a shift.
    const space = name.last.endsWith('<') ? ' ' : '';
    return { ...name, text: name.text + space + text, template: true };
  }

  #qualifiers(): string {
    const restrict = this.take('r') ? ' restrict' : '';
    const volatile = this.take('V') ? ' volatile' : '';
    const constant = this.take('K') ? ' const' : '';
    const reference = this.take('R') ? ' &' : this.take('O') ? ' &&' : '';
    return constant + volatile + restrict + reference;
  }

  #substitutedName(): TypeText {
    this.expect('S');
    const name = STANDARD[this.peek()];
    if (name === undefined) return this.substitution();
    this.position++;
    return plain(name);
  }

  #unqualified(enclosing: string): NameText {
    this.take('L');
    const digit = /\d/.test(this.peek());
    const structor = !digit && /^[CD]\d/.test(this.peek() + this.peek(1));
    const text = digit
      ? this.#sourceName()
      : structor
        ? this.#structor(enclosing)
        : this.#operator();
    if (this.peek() === 'B') throw new DemangleError('an ABI tag');
    return { text, last: text, template: false, structor, qualifiers: '' };
  }

  #sourceName(): string {
    const length = this.number();
    const name = this.text.slice(this.position, this.position + length);
    if (length === 0 || name.length < length) throw new DemangleError('a name is cut short');
    this.position += length;
    return /^_GLOBAL_[._$]N/.test(name) ? '(anonymous namespace)' : name;
  }

  #structor(enclosing: string): string {
    const kind = this.peek();
    if (enclosing === '' || !/[0-5]/.test(this.peek(1))) throw new DemangleError('of no class');
    this.position += 2;
    return kind === 'D' ? `~${enclosing}` : enclosing;
  }

  #operator(): string {
    const name = OPERATORS[this.peek() + this.peek(1)];
    if (name === undefined) throw new DemangleError('an unknown name');
    this.position += 2;
    return `operator${name}`;
  }
}

/** The name of a class from its full text: of `std::vector<int>` it is `vector`. */
function lastComponent(text: string): string {
  const name = /(?:^|::)([A-Za-z_]\w*)$/.exec(text)?.[1];
  // Template arguments or the library's short names would have to be undone first.
  if (name === undefined || text.startsWith('std::')) return '';
  return name;
}
