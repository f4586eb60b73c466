// What each case is to reach, and the table of docs/performance.md that shows whether it does.
import { listNodes, type Result, type Spread, spreadOfNs, spreadOfRatio } from './results.js';

interface Target {
  readonly case: string;
  /** The baseline, or `ns` for the time itself. */
  readonly against: string;
  /** At least so many times faster than the baseline; of `ns`, at most. */
  readonly bound: number;
}

const SMALL = [8, 64, 512];

/** The copies' targets, for reads and for writes. */
function transferTargets(suite: string): Target[] {
  const target = (size: number, against: string, bound: number): Target => ({
    case: `${suite}/${size}`,
    against,
    bound,
  });
  return [
    ...SMALL.map((size) => target(size, 'kernel', 20)),
    target(4096, 'kernel', 12),
    target(4096, 'memcpy', 0.45),
    target(65536, 'kernel', 6),
    target(65536, 'memcpy', 0.8),
    target(1048576, 'kernel', 4),
    target(1048576, 'memcpy', 0.9),
    target(67108864, 'kernel', 2.5),
    target(67108864, 'memcpy', 0.9),
  ];
}

const OTHERS: readonly (readonly [name: string, against: string, bound: number])[] = [
  ['read-frag/65536', 'memcpy', 0.6],
  ['read-frag/1048576', 'memcpy', 0.6],
  ['copy/4096', 'kernel', 10],
  ['copy/4096', 'memcpy', 0.75],
  ['copy/65536', 'memcpy', 0.85],
  ['copy/1048576', 'memcpy', 0.9],
  ['load/16K', 'raw', 0.6],
  ['load/1M', 'raw', 0.6],
  ['load/64M', 'raw', 0.4],
  ['load/1G', 'raw', 0.33],
  ['fork/64M', 'kernel', 20],
  ['fork/1G', 'kernel', 200],
  ['fork-touch/64M', 'kernel', 3],
  ['fault/zero', 'kernel', 4],
  ['fault/cow', 'kernel', 4],
  ['mmap/100', 'kernel', 5],
  ['mmap/65536', 'kernel', 5],
  ['mmap/65536', 'mmap/100', 0.5],
  ['tasks/10000', 'tasks/10', 0.5],
  ['start', 'ns', 10e6],
];

const TARGETS: readonly Target[] = [
  ...transferTargets('read'),
  ...transferTargets('write'),
  ...OTHERS.map(([name, against, bound]) => ({ case: name, against, bound })),
];

function spreadOf(results: readonly Result[], node: string, target: Target): Spread | null {
  return target.against === 'ns'
    ? spreadOfNs(results, node, target.case)
    : spreadOfRatio(results, node, target.case, target.against);
}

function isReached({ against, bound }: Target, { median }: Spread): boolean {
  return against === 'ns' ? median <= bound : median >= bound;
}

/** Three digits are all that a repeated run agrees on. */
function formatValue({ against }: Target, value: number): string {
  if (against === 'ns') return `${Number((value / 1e6).toPrecision(2))} ms`;
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** Median of the runs, and their ends when there are several; what falls short stands in italics. */
function formatCell(target: Target, spread: Spread | null): string {
  if (spread === null) return '–';
  const middle = formatValue(target, spread.median);
  const marked = isReached(target, spread) ? `**${middle}**` : `_${middle}_`;
  if (spread.least === spread.most) return marked;
  return `${marked} (${formatValue(target, spread.least)} to ${formatValue(target, spread.most)})`;
}

function formatBound(target: Target): string {
  const bound = formatValue(target, target.bound);
  return target.against === 'ns' ? `at most ${bound}` : `${bound} × ${target.against}`;
}

/** The table in Markdown, a column for every Node that was measured. */
export function formatTargets(results: readonly Result[]): string {
  const nodes = listNodes(results);
  const counts = nodes.map((node) => countRuns(results, node));
  const header = [
    'case',
    'target',
    ...nodes.map((node, i) => `Node ${node}, ${counts[i] === 1 ? '1 run' : `${counts[i]} runs`}`),
  ];
  const body = TARGETS.map((target) => [
    `\`${target.case}\``,
    formatBound(target),
    ...nodes.map((node) => formatCell(target, spreadOf(results, node, target))),
  ]);
  return alignTable([header, ...body]);
}

/** Runs on one Node: how often its most measured case is there. */
function countRuns(results: readonly Result[], node: string): number {
  const counts = new Map<string, number>();
  for (const result of results) {
    if (result.node === node) counts.set(result.case, (counts.get(result.case) ?? 0) + 1);
  }
  return Math.max(...counts.values());
}

/** Padded as Prettier pads it, so that neither undoes the other. */
function alignTable(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [header = [], ...body] = rows;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join(
    '\n',
  );
}

/**
 * A document with its table of targets made anew: the table that follows the comment `targets:`.
 * @throws {RangeError} when the document has none.
 */
export function replaceTargets(document: string, results: readonly Result[]): string {
  const table = /(<!-- targets:[^\n]*-->\n\n)(?:\|[^\n]*\n)*/;
  if (!table.test(document)) throw new RangeError('the document has no comment `targets:`');
  return document.replace(table, (_, comment) => `${comment}${formatTargets(results)}\n`);
}
