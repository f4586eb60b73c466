import type { CliIo } from './io.js';

/** How addresses are written in JSON: numbers there lose bits above 2^53. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** Prints one JSON document. */
export function printJson(io: CliIo, value: unknown): void {
  io.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** Prints one JSON document on one line: of a list that may be long. */
export function printJsonLine(io: CliIo, value: unknown): void {
  io.out(`${JSON.stringify(value)}\n`);
}
