/** The name is outside the subset, or wrong; the mangled form is then shown as it is. */
export class DemangleError extends Error {
  override readonly name = 'DemangleError';
}

/**
 * A type as C++ writes it: what goes before a declared name, and what goes behind.
 *
 *     void (*)(int)   before `void (*`   after `)(int)`
 */
export interface TypeText {
  readonly before: string;
  readonly after: string;
  /** A function or an array, around which a pointer needs parentheses. */
  readonly open: boolean;
}

const BUILTIN: Readonly<Record<string, string>> = {
  v: 'void',
  w: 'wchar_t',
  b: 'bool',
  c: 'char',
  a: 'signed char',
  h: 'unsigned char',
  s: 'short',
  t: 'unsigned short',
  i: 'int',
  j: 'unsigned int',
  l: 'long',
  m: 'unsigned long',
  x: 'long long',
  y: 'unsigned long long',
  n: '__int128',
  o: 'unsigned __int128',
  f: 'float',
  d: 'double',
  e: 'long double',
  g: '__float128',
  z: '...',
};
/** The builtin types of two letters, `D` and this. */
const D_BUILTIN: Readonly<Record<string, string>> = {
  i: 'char32_t',
  s: 'char16_t',
  u: 'char8_t',
  n: 'decltype(nullptr)',
};
/** How literals of a type end; other types are written as a cast. */
const LITERAL_SUFFIX: Readonly<Record<string, string>> = {
  i: '',
  j: 'u',
  l: 'l',
  m: 'ul',
  x: 'll',
  y: 'ull',
};

const MAX_DEPTH = 64;
/** Substitutions double a text at each step: longer ones are not names but attacks. */
const MAX_TEXT = 4096;

/** A template argument: one type or value, or the list that a parameter pack stands for. */
type TemplateArg = TypeText | readonly TypeText[];

/** Reads the types of a mangled name; names within them are left to the class below. */
export abstract class TypeParser {
  protected position = 0;
  protected readonly text: string;
  /** What `S_`, `S0_`… stand for. */
  protected readonly substitutions: TypeText[] = [];
  /** What `T_`, `T0_`… stand for: the arguments of the function template being named. */
  protected templateArgs: readonly TemplateArg[] = [];
  #depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Reads a class, enumeration or other named type. */
  protected abstract namedType(): TypeText;

  protected type(): TypeText {
    if (++this.#depth > MAX_DEPTH) throw new DemangleError('nested too deeply');
    const type = this.#anyType();
    this.#depth--;
    return type;
  }

  /** Types up to `E` or the end; a lone `void` is an empty list. */
  protected parameters(): string {
    const types: TypeText[] = [];
    while (!this.atEnd() && this.peek() !== 'E') types.push(this.type());
    if (types.length === 0) throw new DemangleError('a function without parameters');
    const texts = types.map(write);
    return `(${texts.length === 1 && texts[0] === 'void' ? '' : texts.join(', ')})`;
  }

  /** `I` arguments `E`. */
  protected readTemplateArgs(): { text: string; args: readonly TemplateArg[] } {
    this.expect('I');
    const args: TemplateArg[] = [];
    while (!this.take('E')) args.push(this.#templateArg());
    const list = args.flat().map(write).join(', ');
    const last = args.at(-1);
    if (last !== undefined && isList(last) && last.length === 0 && list.endsWith('>')) {
      throw new DemangleError('demanglers disagree about an empty pack behind a bracket');
    }
    // Two closing brackets in a row were one operator before C++11; demanglers keep the space.
    return { text: `<${list}${list.endsWith('>') ? ' ' : ''}>`, args };
  }

  /** Makes `type` the next substitution. */
  protected remember(type: TypeText): TypeText {
    if (type.before.length + type.after.length > MAX_TEXT) throw new DemangleError('too long');
    this.substitutions.push(type);
    return type;
  }

  /** `S` index `_`, with the `S` already taken. */
  protected substitution(): TypeText {
    const found = this.substitutions[this.#index(36)];
    if (found === undefined) throw new DemangleError('a substitution before its type');
    return found;
  }

  protected atEnd(): boolean {
    return this.position >= this.text.length;
  }

  protected peek(ahead = 0): string {
    return this.text[this.position + ahead] ?? '';
  }

  protected take(text: string): boolean {
    const found = this.text.startsWith(text, this.position);
    if (found) this.position += text.length;
    return found;
  }

  protected expect(text: string): void {
    if (!this.take(text)) throw new DemangleError(`expected ${text}`);
  }

  protected number(): number {
    const digits = /^\d{1,9}/.exec(this.text.slice(this.position, this.position + 9))?.[0];
    if (digits === undefined) throw new DemangleError('expected a number');
    this.position += digits.length;
    return Number(digits);
  }

  /** `_` is 0, `0_` is 1… in the given base. */
  #index(base: number): number {
    if (this.take('_')) return 0;
    const digits = /^[0-9A-Z]{1,6}(?=_)/.exec(this.text.slice(this.position))?.[0];
    const value = digits === undefined ? Number.NaN : Number.parseInt(digits, base);
    if (digits === undefined || Number.isNaN(value)) throw new DemangleError('expected an index');
    this.position += digits.length + 1;
    return value + 1;
  }

  #anyType(): TypeText {
    const builtin = BUILTIN[this.peek()];
    if (builtin !== undefined) {
      this.position++;
      return plain(builtin);
    }
    switch (this.peek()) {
      case 'P':
        return this.#pointer('*');
      case 'R':
        return this.#pointer('&');
      case 'O':
        return this.#pointer('&&');
      case 'K':
      case 'V':
      case 'r':
        return this.#qualified();
      case 'F':
        return this.remember(this.#functionType());
      case 'A':
        return this.remember(this.#arrayType());
      case 'T':
        return this.remember(this.#parameterReference());
      case 'D':
        return this.#dBuiltin();
      default:
        return this.namedType();
    }
  }

  #pointer(mark: string): TypeText {
    this.position++;
    const to = this.type();
    // A reference to a reference collapses, which only a template can make; leave it alone.
    if (/&$/.test(to.before)) throw new DemangleError('a reference to a reference');
    const before = to.open ? `${to.before} (${mark}` : to.before + mark;
    const after = to.open ? `)${to.after}` : to.after;
    return this.remember({ before, after, open: false });
  }

  #qualified(): TypeText {
    let qualifiers = '';
    if (this.take('r')) qualifiers = ' restrict';
    if (this.take('V')) qualifiers = ` volatile${qualifiers}`;
    if (this.take('K')) qualifiers = ` const${qualifiers}`;
    const type = this.type();
    if (type.open || /&$/.test(type.before) || qualifiers === '') {
      throw new DemangleError('a qualified function, array or reference');
    }
    if (/ (const|volatile)$/.test(type.before)) throw new DemangleError('qualified twice');
    return this.remember({ ...type, before: type.before + qualifiers });
  }

  #functionType(): TypeText {
    this.expect('F');
    const result = this.type();
    if (result.after !== '') throw new DemangleError('a function that returns a function');
    const after = this.parameters();
    this.expect('E');
    return { before: result.before, after, open: true };
  }

  #arrayType(): TypeText {
    this.expect('A');
    const count = this.number();
    this.expect('_');
    const element = this.type();
    if (element.after !== '') throw new DemangleError('an array of arrays or functions');
    return { before: element.before, after: ` [${count}]`, open: true };
  }

  #parameterReference(): TypeText {
    this.expect('T');
    const arg = this.templateArgs[this.#index(10)];
    if (arg === undefined || isList(arg)) throw new DemangleError('an unknown parameter');
    return arg;
  }

  #dBuiltin(): TypeText {
    const name = D_BUILTIN[this.peek(1)];
    if (name === undefined) throw new DemangleError(`type D${this.peek(1)}`);
    this.position += 2;
    return plain(name);
  }

  #templateArg(): TemplateArg {
    if (this.peek() === 'L') return this.#literal();
    if (this.peek() === 'X') throw new DemangleError('an expression');
    if (!this.take('J')) return this.type();
    const pack: TypeText[] = [];
    while (!this.take('E')) pack.push(this.type());
    return pack;
  }

  #literal(): TypeText {
    this.expect('L');
    const code = this.peek();
    const type = write(this.type());
    const negative = this.take('n') ? '-' : '';
    const value = `${negative}${this.number()}`;
    this.expect('E');
    if (code === 'b') return plain(value === '0' ? 'false' : 'true');
    const suffix = LITERAL_SUFFIX[code];
    return plain(suffix === undefined ? `(${type})${value}` : value + suffix);
  }
}

/** A type whose text has nothing behind a declared name. */
export function plain(text: string): TypeText {
  return { before: text, after: '', open: false };
}

/** A type on its own, as in a list of parameters. */
export function write(type: TypeText): string {
  // `void (int)`: a function type that is not pointed to keeps a space.
  return type.before + (type.open && type.after.startsWith('(') ? ' ' : '') + type.after;
}

function isList(arg: TemplateArg): arg is readonly TypeText[] {
  return Array.isArray(arg);
}
