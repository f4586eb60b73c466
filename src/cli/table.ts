import type { Look, Terminal } from './terminal.js';
import { pad, visibleLength } from './terminal.js';

/** One column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers go to the right, everything else to the left (default). */
  readonly side?: 'left' | 'right';
  readonly look?: Look;
}

const GAP = '  ';

/** Prints rows in aligned columns; the last is never filled up. */
export function printTable(
  terminal: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): void {
  const widths = columns.map(({ title }, i) =>
    rows.reduce((most, row) => Math.max(most, visibleLength(row[i] ?? '')), title.length),
  );
  const line = (cells: readonly string[], paint: (text: string, i: number) => string): void => {
    const filled = cells.map((cell, i) => {
      const side = columns[i]?.side === 'right' ? 'left' : 'right';
      const last = i === columns.length - 1 && side === 'right';
      return paint(last ? cell : pad(cell, widths[i] ?? 0, side), i);
    });
    terminal.line(filled.join(GAP).trimEnd());
  };
  line(
    columns.map(({ title }) => title),
    (text) => terminal.paint('dim', text),
  );
  for (const row of rows) {
    line(row, (text, i) => {
      const look = columns[i]?.look;
      return look === undefined ? text : terminal.paint(look, text);
    });
  }
}
