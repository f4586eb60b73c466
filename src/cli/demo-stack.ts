import type { StackFrame, StackTrace } from '../unwind/unwind.js';
import { OUTERMOST } from '../unwind/unwind.js';
import type { Terminal } from './terminal.js';
import { pad, printable, truncate } from './terminal.js';

/** Frames shown at each end of a trace that is longer than both together. */
const FIRST = 24;
const LAST = 6;

/** Gives a frame's function, or null for `(unknown)`. */
export type NameFrame = (frame: StackFrame) => string | null;

/** Prints a stack trace, one frame a line; the middle of a very long one is not even named. */
export function printTrace(terminal: Terminal, trace: StackTrace, name: NameFrame): void {
  const { frames, end } = trace;
  const left = Math.max(0, frames.length - FIRST - LAST);
  const width = `#${Math.max(10, frames.length - 1)}`.length;
  frames.forEach((frame, i) => {
    const number = pad(`#${i}`, width);
    if (i < FIRST || i >= FIRST + left) printFrame(terminal, number, frame, name(frame));
    if (i === FIRST && left > 0) terminal.line(terminal.paint('dim', `   … ${left} more frames …`));
  });
  if (!end.startsWith(OUTERMOST)) terminal.line(terminal.paint('dim', `   the trace ends: ${end}`));
}

function printFrame(
  terminal: Terminal,
  number: string,
  frame: StackFrame,
  name: string | null,
): void {
  const pc = `0x${frame.pc.toString(16).padStart(12, '0')}`;
  const room = terminal.width - 3 - number.length - 1 - pc.length - 2;
  terminal.line(`   ${number} ${terminal.paint('dim', pc)}  ${formatName(terminal, name, room)}`);
}

function formatName(terminal: Terminal, name: string | null, room: number): string {
  if (name === null) return terminal.paint('red', '(unknown)');
  const text = shortenName(printable(name), room);
  return terminal.paint(name.startsWith('(/') ? 'yellow' : 'green', text);
}

/**
 * A function's name in at most `width` characters: without its parameters' types, then without its
 * return type, then cut.
 *
 *     unsigned int a::f<b>(a::c, b&) const   a::f<b>(…) const
 */
export function shortenName(name: string, width: number): string {
  if (name.length <= width) return name;
  const list = lastList(name);
  if (list === null) return truncate(name, width);
  const short = `${name.slice(0, list.start)}(…)${name.slice(list.end)}`;
  if (short.length <= width) return short;
  const space = lastOuterSpace(name.slice(0, list.start));
  return truncate(short.slice(space + 1), width);
}

/** The last parenthesised list that is not within another or within template arguments. */
function lastList(name: string): { start: number; end: number } | null {
  let depth = 0;
  let end = 0;
  for (let i = name.length - 1; i >= 0; i--) {
    const letter = name[i];
    if (letter === ')' && depth++ === 0) end = i + 1;
    if (letter === '(' && --depth === 0) return { start: i, end };
  }
  return null;
}

/** Where the name proper begins: behind the last space outside of all brackets; -1 for none. */
function lastOuterSpace(name: string): number {
  let depth = 0;
  for (let i = name.length - 1; i >= 0; i--) {
    const letter = name[i] ?? '';
    if ('>)'.includes(letter)) depth++;
    if ('<('.includes(letter)) depth--;
    if (letter === ' ' && depth === 0) return i;
  }
  return -1;
}
