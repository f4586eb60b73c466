// What runs of `npm run bench -- --json` wrote, put together: several runs on several Nodes.
import { median } from './clock.js';

/** One line that bench/table.ts wrote. */
export interface Result {
  readonly case: string;
  readonly ns: number;
  readonly vs: Readonly<Record<string, number>>;
  readonly node: string;
}

/** Several measurements of the same thing. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/**
 * Reads one JSON object a line.
 * @throws {TypeError} for a line that is no result, naming it.
 */
export function parseResults(text: string): Result[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const value: unknown = parseJson(line);
    if (!isResult(value)) throw new TypeError(`no line of a bench: ${line}`);
    return value;
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isResult(value: unknown): value is Result {
  const { case: name, ns, vs, node } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    typeof ns === 'number' &&
    typeof node === 'string' &&
    typeof vs === 'object' &&
    vs !== null &&
    Object.values(vs).every((ratio) => typeof ratio === 'number')
  );
}

/** The versions of Node that were measured, oldest first. */
export function listNodes(results: readonly Result[]): string[] {
  const versions = [...new Set(results.map(({ node }) => node))];
  return versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** The nanoseconds of a case in every run on one Node; null where it was not measured. */
export function spreadOfNs(results: readonly Result[], node: string, name: string): Spread | null {
  return spread(ofCase(results, node, name).map(({ ns }) => ns));
}

/** How many times faster than a baseline a case was; null where one of them was not measured. */
export function spreadOfRatio(
  results: readonly Result[],
  node: string,
  name: string,
  baseline: string,
): Spread | null {
  return spread(ofCase(results, node, name).flatMap(({ vs }) => vs[baseline] ?? []));
}

function ofCase(results: readonly Result[], node: string, name: string): Result[] {
  return results.filter((result) => result.node === node && result.case === name);
}

function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}
