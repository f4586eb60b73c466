// How results are shown: tables for people, lines of JSON for programs.
import type { Footprint, Row, Suite } from './bench.js';

/** Three significant digits, without an exponent. */
function threeDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** A duration with the unit that suits it. */
export function formatNs(ns: number): string {
  if (ns < 1e3) return `${threeDigits(ns)} ns`;
  if (ns < 1e6) return `${threeDigits(ns / 1e3)} µs`;
  return `${threeDigits(ns / 1e6)} ms`;
}

/** Throughput: bytes per nanosecond are decimal gigabytes a second, instructions thousand millions. */
function formatRate({ bytes, instructions, ns }: Row): string {
  if (instructions !== null) return `${threeDigits((instructions / ns) * 1e3)} M instr/s`;
  return bytes === null ? '' : `${threeDigits(bytes / ns)} GB/s`;
}

/** Whole bytes. */
function formatFootprint(footprint: Footprint | null): string[] {
  if (footprint === null) return ['–', '–'];
  return [footprint.core, footprint.heap].map((bytes) => `${Math.round(bytes)} B`);
}

/** A table with a column for every baseline that any of its rows has. */
export function formatTable(suite: Suite, rows: readonly Row[]): string {
  const baselines = [...new Set(rows.flatMap((row) => Object.keys(row.vs)))];
  const rated = rows.some((row) => row.bytes !== null || row.instructions !== null);
  const weighed = rows.some((row) => row.footprint !== null);
  const header = [
    suite.name,
    'time',
    ...(rated ? ['rate'] : []),
    ...(weighed ? ['core, each', 'heap, each'] : []),
    ...baselines.map((name) => `× ${name}`),
  ];
  const body = rows.map((row) => [
    row.case,
    formatNs(row.ns),
    ...(rated ? [formatRate(row)] : []),
    ...(weighed ? formatFootprint(row.footprint) : []),
    ...baselines.map((name) => (row.vs[name] === undefined ? '–' : threeDigits(row.vs[name]))),
  ]);
  return [suite.title, ...alignColumns([header, ...body])].join('\n');
}

/** The first column to the left, numbers to the right. */
function alignColumns(lines: readonly string[][]): string[] {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines.map((line) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[column] ?? 0) + 2),
      )
      .join('')
      .replace(/^/, '  '),
  );
}

/**
 * One line: `{"case":"read/4096","ns":118,"vs":{"memcpy":0.42,"kernel":14.9},"node":"20.20.2"}`.
 * @param engine what ran it: `node` or `browser`, and its version
 */
export function formatJson(row: Row, engine: Readonly<Record<string, string>>): string {
  const vs = Object.fromEntries(
    Object.entries(row.vs).map(([name, ratio]) => [name, Number(ratio.toPrecision(3))]),
  );
  const ns = Number(row.ns.toPrecision(4));
  return `${JSON.stringify({ case: row.case, ns, vs, ...engine })}\n`;
}
