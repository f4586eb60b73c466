import type { AccessCheck } from '../kernel/access-report.js';
import type { AccessExplanation } from '../kernel/explain.js';
import type { Terminal } from './terminal.js';
import { pad, wrap } from './terminal.js';

/** Where the text of a check begins, behind its mark. */
const INDENT = 7;

/**
 * Prints an access decision as a list: who asks, each check in the kernel's order, what it compared
 * and what came of it.
 *
 * @param who the caller, in a few words
 */
export function printAccess(terminal: Terminal, who: string, access: AccessExplanation): void {
  const verdict = access.allowed
    ? terminal.paint('green', 'allowed')
    : terminal.paint('red', `denied (${access.errno})`);
  terminal.line(`   ${terminal.paint('bold', who)}: ${verdict}`);
  for (const check of access.checks) printCheck(terminal, check);
  terminal.line();
}

function printCheck(terminal: Terminal, entry: AccessCheck): void {
  const { check, compared, outcome, decided, source } = entry;
  const mark = { allowed: '✓', denied: '✗', continue: '·' }[outcome];
  const look = outcome === 'denied' ? 'red' : 'green';
  const values = formatCompared(compared).join(', ');
  const room = terminal.width - INDENT;
  const [first = '', ...rest] = wrap(check, room);
  const paint = (text: string): string => (decided ? terminal.paint(look, text) : text);
  const aside = (text: string): string => terminal.paint('dim', text);
  const fits = rest.length === 0 && first.length + 2 + values.length <= room;
  const tail = fits ? aside(pad(values, room - first.length, 'left')) : '';
  terminal.line(`     ${decided ? paint(mark) : aside(mark)} ${paint(first)}${tail}`);
  for (const line of rest) terminal.line(' '.repeat(INDENT) + paint(line));
  const wrapped = wrap(formatCompared(compared).map(keepTogether).join(', '), room).map(letGo);
  const below = [...(fits ? [] : wrapped), ...(decided ? [`decided in ${source}`] : [])];
  for (const line of below) terminal.line(' '.repeat(INDENT) + aside(line));
}

/** `caller uid=gid=1000, target uid=euid=0` */
function formatCompared(compared: AccessCheck['compared']): string[] {
  return Object.entries(compared).map(([name, value]) => `${name} ${formatValue(value)}`);
}

/** A name and its value stay on one line. */
function keepTogether(text: string): string {
  return text.replaceAll(' ', '\u00a0');
}

function letGo(text: string): string {
  return text.replaceAll('\u00a0', ' ');
}

function formatValue(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map(formatValue).join('/');
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value);
  // Most often all ids of a task are one number.
  const values = new Set(fields.map(([, part]) => formatValue(part)));
  const names = fields.map(([name]) => name).join('=');
  if (values.size === 1) return `${names}=${[...values].join()}`;
  return fields.map(([name, part]) => `${name} ${formatValue(part)}`).join(' ');
}
