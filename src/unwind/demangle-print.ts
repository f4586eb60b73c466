import { printExpression } from './demangle-print-expression.js';
import type { FunctionNode, Node } from './demangle-node.js';
import { DemangleError } from './demangle-node.js';

/** Longest name written, in letters. */
const MAX_LENGTH = 65536;
/** Parts written, at most: one name can refer to another many times, and that to a third. */
const MAX_PARTS = 20_000;

/** A type around the place of a name: `int (*` and `)(char)`. */
export interface TypeText {
  readonly before: string;
  readonly after: string;
  /** A pointer to it needs parentheses. */
  readonly open?: 'function' | 'array';
}

/** What a part means depends on where it stands. */
export interface Scope {
  /** Arguments of the template whose function is written; its own refer to those of the next. */
  readonly args: readonly Node[] | null;
  readonly next: Scope | null;
  /** Which of a pack's elements is written; -1 for all. */
  readonly pack: number;
  /** Within the parameters of a generic lambda, whose types have no names. */
  readonly lambda: boolean;
}

/** The outermost scope: there are no template arguments. */
export const NOWHERE: Scope = { args: null, next: null, pack: -1, lambda: false };

/** Writes a mangled name out, as GNU's demanglers do. */
export class NamePrinter {
  #parts = 0;

  /** @throws {DemangleError} it is too long, or refers to template arguments that are not there */
  print(node: Node, scope: Scope): string {
    const { before, after, open } = this.type(node, scope);
    return open === 'function' ? before + gapBehind(before) + after : before + after;
  }

  /** A part as a type, in the two halves around a name. */
  type(node: Node, scope: Scope): TypeText {
    if (++this.#parts > MAX_PARTS) throw new DemangleError('too many parts');
    const text = this.#type(node, scope);
    if (text.before.length + text.after.length > MAX_LENGTH) throw new DemangleError('too long');
    return text;
  }

  #type(node: Node, scope: Scope): TypeText {
    switch (node.kind) {
      case 'parameter':
        return this.#parameter(node.index, scope);
      case 'pointer':
        return this.#pointer(node, scope);
      case 'qualifiers': {
        const inner = this.type(node.inner, scope);
        // A const argument of a const parameter is const once.
        const twice = node.inner.kind === 'parameter' && inner.before.endsWith(node.text);
        return twice ? inner : { ...inner, before: inner.before + node.text };
      }
      case 'function-qualifiers': {
        const inner = this.type(node.inner, scope);
        const marks = node.marks.map((mark) => this.print(mark, scope)).join('');
        return { ...inner, after: inner.after + marks };
      }
      case 'function':
        return this.#function(node, scope);
      case 'array': {
        const size = node.size === null ? '' : this.print(node.size, scope);
        const inner = this.type(node.inner, scope);
        const bounds = inner.open === 'array' ? `[${size}]` : ` [${size}]`;
        const after =
          inner.open === 'array' ? ` ${bounds}${inner.after.trimStart()}` : bounds + inner.after;
        return { before: inner.before, after, open: 'array' };
      }
      case 'member-pointer': {
        const inner = this.type(node.inner, scope);
        const mark = `${this.print(node.of, scope)}::*`;
        if (inner.open !== undefined) return parenthesise(inner, mark);
        return { before: `${inner.before} ${mark}`, after: inner.after };
      }
      default:
        return { before: this.#name(node, scope), after: '' };
    }
  }

  #function({ result, params }: FunctionNode, scope: Scope): TypeText {
    const list = `(${this.print(params, scope)})`;
    if (result === null) return { before: '', after: list, open: 'function' };
    const { before, after } = this.type(result, scope);
    return { before, after: list + after, open: 'function' };
  }

  #pointer(node: Extract<Node, { kind: 'pointer' }>, scope: Scope): TypeText {
    let { mark, inner } = node;
    let where = scope;
    if (mark !== '*') {
      // A reference to a reference is one reference.
      for (let found = this.#resolve(inner, where); found !== null;) {
        ({ node: inner, scope: where } = found);
        if (inner.kind === 'pointer' && inner.mark !== '*') {
          if (inner.mark === '&') mark = '&';
          inner = inner.inner;
        }
        found = this.#resolve(inner, where);
      }
    }
    const text = this.type(inner, where);
    if (text.open !== undefined) return parenthesise(text, mark);
    return { before: text.before + mark, after: text.after };
  }

  /** What a template parameter stands for, where that is one thing. */
  #resolve(node: Node, scope: Scope): { node: Node; scope: Scope } | null {
    if (node.kind !== 'parameter' || scope.lambda) return null;
    const found = argument(node.index, scope);
    if (found.kind === 'list' && scope.pack < 0) return null;
    const one = found.kind === 'list' ? found.items[scope.pack] : found;
    if (one === undefined) throw new DemangleError('the pack is shorter');
    return { node: one, scope: outside(scope) };
  }

  #parameter(index: number, scope: Scope): TypeText {
    if (scope.lambda) return { before: `auto:${index + 1}`, after: '' };
    const found = this.#resolve({ kind: 'parameter', index }, scope);
    if (found !== null) return this.type(found.node, found.scope);
    return this.type(argument(index, scope), outside(scope));
  }

  #name(node: Node, scope: Scope): string {
    switch (node.kind) {
      case 'name':
      case 'builtin':
        return node.text;
      case 'qualified':
      case 'local':
        return `${this.print(node.left, scope)}::${this.print(node.right, scope)}`;
      case 'default-arg':
        return `{default arg#${node.number + 1}}::${this.print(node.inner, scope)}`;
      case 'template':
        return this.#template(this.print(node.name, scope), itemsOf(node.args), scope);
      case 'tagged':
        return `${this.print(node.name, scope)}[abi:${node.tag}]`;
      case 'structor':
        return node.destructor ? `~${node.name}` : node.name;
      case 'operator':
        return `operator${/^[a-z]/.test(node.text) ? ' ' : ''}${node.text.trimEnd()}`;
      case 'conversion':
        return `operator ${this.print(node.type, scope)}`;
      case 'lambda':
        return `{lambda(${this.print(node.params, { ...scope, lambda: true })})#${node.number}}`;
      case 'unnamed':
        return `{unnamed type#${node.number}}`;
      case 'binding':
        return `[${node.names.map((name) => this.print(name, scope)).join(', ')}]`;
      case 'typed':
        return this.#typed(node, scope);
      case 'special':
        return node.prefix + this.print(node.inner, scope) + (node.suffix ?? '');
      case 'in':
        return `${node.prefix}${this.print(node.left, scope)}-in-${this.print(node.right, scope)}`;
      case 'clone':
        return `${this.print(node.name, scope)} [clone ${node.suffix}]`;
      case 'list':
        return join(node.items.map((item) => this.print(item, scope)));
      case 'pack-expansion':
        return this.#expansion(node.pattern, scope);
      case 'vector':
        return `${this.print(node.inner, scope)} __vector(${this.print(node.size, scope)})`;
      case 'decltype':
        return `decltype (${this.print(node.inner, scope)})`;
      default:
        return printExpression(this, node, scope);
    }
  }

  #template(name: string, args: readonly Node[], scope: Scope): string {
    const parts = args.map((arg) => this.print(arg, scope));
    const list = join(parts);
    // `operator< <int>` and `> >`: without the space they would read as shifts. GNU's forget the
    // second one behind an empty pack.
    const forgotten = parts.length > 1 && parts.at(-1) === '';
    const space = list.endsWith('>') && !forgotten ? ' ' : '';
    return `${name}${name.endsWith('<') ? ' ' : ''}<${list}${space}>`;
  }

  #typed({ name, type }: Extract<Node, { kind: 'typed' }>, scope: Scope): string {
    let inner: Node = name;
    const marks: string[] = [];
    for (; inner.kind === 'function-qualifiers'; inner = inner.inner) {
      marks.push(...inner.marks.map((mark) => this.print(mark, scope)));
    }
    let local = inner.kind === 'local' ? inner.right : inner;
    if (local.kind === 'default-arg') local = local.inner;
    for (; local.kind === 'function-qualifiers'; local = local.inner) {
      marks.push(...local.marks.map((mark) => this.print(mark, scope)));
    }
    const args = local.kind === 'template' ? itemsOf(local.args) : null;
    const within = args === null ? scope : { ...scope, args, next: scope, pack: -1 };
    const text = this.print(withoutQualifiers(inner), within);
    const params = `(${this.print(type.params, within)})${marks.join('')}`;
    if (type.result === null) return text + params;
    const { before, after } = this.type(type.result, within);
    const gap = after !== '' && /[*&(]$/.test(before) ? '' : ' ';
    return `${before}${gap}${text}${params}${after}`;
  }

  #expansion(pattern: Node, scope: Scope): string {
    const pack = this.findPack(pattern, scope);
    if (pack === null) return `${this.subexpression(pattern, scope)}...`;
    const parts = pack.map((_, i) => this.print(pattern, { ...scope, pack: i }));
    return parts.join(', ');
  }

  /** The pack that a pattern is written for each element of; null when it has none. */
  findPack(node: Node, scope: Scope): readonly Node[] | null {
    if (++this.#parts > MAX_PARTS) throw new DemangleError('too many parts');
    if (node.kind === 'parameter') {
      const found = scope.args?.[node.index];
      return found?.kind === 'list' ? found.items : null;
    }
    if (node.kind === 'lambda' || node.kind === 'pack-expansion') return null;
    for (const part of partsOf(node)) {
      const found = this.findPack(part, scope);
      if (found !== null) return found;
    }
    return null;
  }

  /** A part of an expression, in parentheses unless it is a plain name. */
  subexpression(node: Node, scope: Scope): string {
    const text = this.print(node, scope);
    const simple = ['name', 'qualified', 'function-parameter', 'initializer'].includes(node.kind);
    return simple ? text : `(${text})`;
  }
}

/** Parts with commas between them; empty packs take theirs with them, but for one at the start. */
function join(parts: readonly string[]): string {
  return parts.reduceRight((rest, text, i) => {
    return i === parts.length - 1 || rest === '' ? text : `${text}, ${rest}`;
  }, '');
}

/** A function that returns a pointer to a function is written inside of that one's parentheses. */
function gapBehind(before: string): string {
  return /\([^()]*[*&]$/.test(before) ? '' : ' ';
}

function parenthesise(text: TypeText, mark: string): TypeText {
  const { before, after } = text;
  return { before: `${before}${gapBehind(before)}(${mark}`, after: `)${after}` };
}

function withoutQualifiers(node: Node): Node {
  if (node.kind === 'function-qualifiers') return withoutQualifiers(node.inner);
  if (node.kind !== 'local') return node;
  return { ...node, right: withoutQualifiers(node.right) };
}

function itemsOf(args: Node): readonly Node[] {
  return args.kind === 'list' ? args.items : [];
}

/** The scope in which the arguments of this one were written. */
function outside(scope: Scope): Scope {
  return { ...(scope.next ?? NOWHERE), pack: -1, lambda: false };
}

/** @throws {DemangleError} the template has no such argument */
function argument(index: number, { args }: Scope): Node {
  const found = args?.[index];
  if (found === undefined) throw new DemangleError('no such template argument');
  return found;
}

function partsOf(node: Node): Node[] {
  return Object.values(node).flatMap((value: unknown) => {
    if (Array.isArray(value)) return value.filter(isNode);
    return isNode(value) ? [value] : [];
  });
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
