import type { Node } from './demangle-node.js';
import { DemangleError } from './demangle-node.js';
import type { NamePrinter, Scope } from './demangle-print.js';

/** Writes an expression as GNU's demanglers do: with more parentheses than a person would. */
export function printExpression(printer: NamePrinter, node: Node, scope: Scope): string {
  switch (node.kind) {
    case 'literal':
      return literal(printer, node, scope);
    case 'unary':
      return unary(printer, node, scope);
    case 'cast':
      return `(${printer.print(node.type, scope)})${printer.subexpression(node.operand, scope)}`;
    case 'binary':
      return binary(printer, node, scope);
    case 'ternary': {
      const [condition, yes, no] = node.parts.map((part) => printer.subexpression(part, scope));
      return `${condition}?${yes} : ${no}`;
    }
    case 'fold':
      return fold(printer, node, scope);
    case 'new':
      return newExpression(printer, node, scope);
    case 'initializer': {
      const type = node.type === null ? '' : printer.print(node.type, scope);
      return `${type}{${printer.print(node.items, scope)}}`;
    }
    case 'function-parameter':
      return node.number === 0 ? 'this' : `{parm#${node.number}}`;
    default:
      throw new DemangleError(`no expression: ${node.kind}`);
  }
}

type Of<K extends Node['kind']> = Extract<Node, { kind: K }>;

function literal(printer: NamePrinter, node: Of<'literal'>, scope: Scope): string {
  const { type, value, negative } = node;
  const number = negative ? `-${value}` : value;
  const style = type.kind === 'builtin' ? type.literal : 'cast';
  if (style === 'bool' && (number === '0' || number === '1'))
    return number === '0' ? 'false' : 'true';
  if (['', 'u', 'l', 'ul', 'll', 'ull'].includes(style)) return number + style;
  const name = printer.print(type, scope);
  return style === 'float' ? `(${name})[${number}]` : `(${name})${number}`;
}

function unary(printer: NamePrinter, node: Of<'unary'>, scope: Scope): string {
  const { operator, operand, after } = node;
  if (operator.kind !== 'operator') throw new DemangleError('no operator');
  const { code, text } = operator;
  if (code === 'sZ') {
    // What is no pack counts for nothing, but it must be there.
    printer.print(operand, scope);
    return String(printer.findPack(operand, scope)?.length ?? 0);
  }
  if (code === 'sP') return String(operand.kind === 'list' ? operand.items.length : 1);
  if (code === 'gs') return `::${printer.print(operand, scope)}`;
  if (['st', 'at', 'nx', 'ti'].includes(code)) return `${text}(${printer.print(operand, scope)})`;
  const named = code === 'ad' && operand.kind === 'typed' && operand.name.kind === 'qualified';
  const shown = printer.subexpression(named ? operand.name : operand, scope);
  return after ? shown + text : text + shown;
}

function binary(printer: NamePrinter, node: Of<'binary'>, scope: Scope): string {
  const { operator, left, right } = node;
  const { code, text } = operator;
  if (/^[scdr]c$/.test(code)) {
    return `${text}<${printer.print(left, scope)}>(${printer.print(right, scope)})`;
  }
  // A call does not show the types of the function's parameters.
  const callee = code === 'cl' && left.kind === 'typed' ? left.name : left;
  const first = printer.subexpression(callee, scope);
  if (code === 'ix') return `${first}[${printer.print(right, scope)}]`;
  const whole = `${first}${code === 'cl' ? '' : text}${printer.subexpression(right, scope)}`;
  // It would read as the end of the template's arguments.
  return text === '>' ? `(${whole})` : whole;
}

function fold(printer: NamePrinter, node: Of<'fold'>, scope: Scope): string {
  const { code, operator, parts } = node;
  const all = { ...scope, pack: -1 };
  const [first = '', second = ''] = parts.map((part) => printer.subexpression(part, all));
  const { text } = operator;
  if (code === 'fl') return `(...${text}${first})`;
  if (code === 'fr') return `(${first}${text}...)`;
  return `(${first}${text}...${text}${second})`;
}

function newExpression(printer: NamePrinter, node: Of<'new'>, scope: Scope): string {
  const { placement, type, initializer, text } = node;
  const place =
    placement.kind === 'list' && placement.items.length > 0
      ? `${printer.subexpression(placement, scope)} `
      : '';
  const initial = initializer === null ? '' : printer.subexpression(initializer, scope);
  return `${text} ${place}${printer.print(type, scope)}${initial}`;
}
