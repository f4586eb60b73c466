/** A part of a mangled name, as the grammar of the Itanium C++ ABI has it. */
export type Node =
  /** Text as it is: an identifier, a builtin type, `auto`. */
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'builtin'; readonly text: string; readonly literal: LiteralStyle }
  | { readonly kind: 'qualified'; readonly left: Node; readonly right: Node }
  | { readonly kind: 'local'; readonly left: Node; readonly right: Node }
  | { readonly kind: 'default-arg'; readonly number: number; readonly inner: Node }
  | { readonly kind: 'template'; readonly name: Node; readonly args: Node }
  | { readonly kind: 'tagged'; readonly name: Node; readonly tag: string }
  | { readonly kind: 'structor'; readonly name: string; readonly destructor: boolean }
  | { readonly kind: 'operator'; readonly text: string; readonly code: string }
  | { readonly kind: 'conversion'; readonly type: Node }
  | { readonly kind: 'lambda'; readonly params: Node; readonly number: number }
  | { readonly kind: 'unnamed'; readonly number: number }
  | { readonly kind: 'binding'; readonly names: readonly Node[] }
  /** A function: its name and its type. */
  | { readonly kind: 'typed'; readonly name: Node; readonly type: FunctionNode }
  | {
      readonly kind: 'special';
      readonly prefix: string;
      readonly inner: Node;
      readonly suffix?: string;
    }
  | { readonly kind: 'in'; readonly prefix: string; readonly left: Node; readonly right: Node }
  | { readonly kind: 'clone'; readonly name: Node; readonly suffix: string }
  /** A list of arguments; inside of another one it is a pack. */
  | { readonly kind: 'list'; readonly items: readonly Node[] }
  | { readonly kind: 'parameter'; readonly index: number }
  | { readonly kind: 'pack-expansion'; readonly pattern: Node }
  | { readonly kind: 'pointer'; readonly mark: '*' | '&' | '&&'; readonly inner: Node }
  | { readonly kind: 'qualifiers'; readonly text: string; readonly inner: Node }
  /** Qualifiers of a member function: ` const`, ` &`, ` noexcept`. */
  | { readonly kind: 'function-qualifiers'; readonly marks: readonly Node[]; readonly inner: Node }
  | FunctionNode
  | { readonly kind: 'array'; readonly size: Node | null; readonly inner: Node }
  | { readonly kind: 'member-pointer'; readonly of: Node; readonly inner: Node }
  | { readonly kind: 'vector'; readonly size: Node; readonly inner: Node }
  | { readonly kind: 'decltype'; readonly inner: Node }
  | {
      readonly kind: 'literal';
      readonly type: Node;
      readonly value: string;
      readonly negative: boolean;
    }
  | {
      readonly kind: 'unary';
      readonly operator: Node;
      readonly operand: Node;
      readonly after: boolean;
    }
  | { readonly kind: 'cast'; readonly type: Node; readonly operand: Node }
  | {
      readonly kind: 'binary';
      readonly operator: Operator;
      readonly left: Node;
      readonly right: Node;
    }
  | { readonly kind: 'ternary'; readonly parts: readonly [Node, Node, Node] }
  | {
      readonly kind: 'fold';
      readonly code: string;
      readonly operator: Operator;
      readonly parts: readonly Node[];
    }
  | {
      readonly kind: 'new';
      readonly placement: Node;
      readonly type: Node;
      readonly initializer: Node | null;
      readonly text: string;
    }
  | { readonly kind: 'initializer'; readonly type: Node | null; readonly items: Node }
  | { readonly kind: 'function-parameter'; readonly number: number };

/** An operator of an expression. */
export type Operator = Extract<Node, { kind: 'operator' }>;

/** A function's type; without a result where the name does not say it. */
export interface FunctionNode {
  readonly kind: 'function';
  readonly result: Node | null;
  readonly params: Node;
}

/** How a literal of a builtin type is written: with a suffix, as a word, or with its type before it. */
export type LiteralStyle =
  '' | 'u' | 'l' | 'ul' | 'll' | 'ull' | 'bool' | 'float' | 'void' | 'cast';

/** A name that is not understood to its last letter: it stays mangled. */
export class DemangleError extends Error {
  override readonly name = 'DemangleError';
}
