import type { CliIo } from './io.js';

/** Select Graphic Rendition codes: how to begin and how to end each look. */
const LOOKS = {
  bold: ['1', '22'],
  dim: ['2', '22'],
  red: ['31', '39'],
  green: ['32', '39'],
  yellow: ['33', '39'],
  cyan: ['36', '39'],
} as const;

/** How a text can look. */
export type Look = keyof typeof LOOKS;

const ESCAPE = /\x1b\[[0-9;]*m/g;
/** Lines are never made wider than this, however wide the terminal: tables fall apart. */
const MAX_WIDTH = 100;
const MIN_WIDTH = 60;

/** Writes text with colours where the output has them, and in columns. */
export class Terminal {
  /** Characters to fill in a line, 60 to 100. */
  readonly width: number;
  readonly #io: CliIo;

  constructor(io: CliIo) {
    this.#io = io;
    this.width = Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, io.columns));
  }

  /** `text` in a look; unchanged where the output has no colours. */
  paint(look: Look, text: string): string {
    if (!this.#io.color || text === '') return text;
    const [begin, end] = LOOKS[look];
    return `\x1b[${begin}m${text}\x1b[${end}m`;
  }

  /** Writes the heading of a section. */
  heading(number: number, text: string): void {
    this.line(this.paint('cyan', this.paint('bold', `${number}  ${text}`)));
  }

  /** Writes one line. */
  line(text = ''): void {
    this.#io.out(`${text}\n`);
  }
}

/** Lines of at most `width` characters with the words of `text`; a longer word has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Characters of a text that a terminal shows; colours take no room. */
export function visibleLength(text: string): number {
  return [...text.replace(ESCAPE, '')].length;
}

/** `text` filled up with spaces to `width`, on its right or on its left. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'right'): string {
  const room = ' '.repeat(Math.max(0, width - visibleLength(text)));
  return side === 'right' ? text + room : room + text;
}

/** `text` without colours, cut to `width` with an ellipsis where it is longer. */
export function truncate(text: string, width: number): string {
  const letters = [...text];
  return letters.length <= width ? text : `${letters.slice(0, width - 1).join('')}…`;
}

/** Control characters of a text from a file made visible, so that it cannot drive the terminal. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** A number of bytes as people say it: `204 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${units[unit]}`;
}
