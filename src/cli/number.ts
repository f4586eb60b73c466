import type { Options } from './command.js';
import { UsageError } from './io.js';

const INTEGER = /^(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})$/;
const SIZE = /^(0[xX][0-9a-fA-F]{1,13}|[0-9]{1,16})([KMGT]?)$/i;
const LIMIT = /^([0-9]{1,16})([KMGT]?)$/i;
const THOUSANDS: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 };
const UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** An integer in decimal or as 0x…; null when it is none. */
export function parseInteger(text: string): bigint | null {
  return INTEGER.test(text) ? BigInt(text) : null;
}

/**
 * A number of bytes, such as `4096`, `0x1000` or `4K`.
 *
 * @throws {UsageError} it is none, or not below 2^53
 */
export function parseSize(text: string, what: string): number {
  const match = SIZE.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]);
  const size = value * (UNITS[match?.[2]?.toUpperCase() ?? ''] ?? 1);
  if (Number.isSafeInteger(size)) return size;
  throw new UsageError(
    `${what}: ${JSON.stringify(text)} is no number of bytes, such as 4096 or 4K`,
  );
}

/**
 * How many of something an option allows, such as `500`, `10K` or `2M`: thousands, millions.
 *
 * @throws {UsageError} it is none, or 0
 */
export function limitOption(options: Options, name: string): number | null {
  const text = options.text(name);
  if (text === null) return null;
  const match = LIMIT.exec(text);
  const value = Number(match?.[1]) * (THOUSANDS[match?.[2]?.toUpperCase() ?? ''] ?? 1);
  if (value >= 1 && Number.isSafeInteger(value)) return value;
  throw new UsageError(`--${name}: ${JSON.stringify(text)} is no number from 1, such as 500 or 2M`);
}

/**
 * A whole number that an option gives.
 *
 * @throws {UsageError} it is none, or not in [0, most]
 */
export function countOption(
  options: Options,
  name: string,
  missing: number,
  most: number = 2 ** 31 - 1,
): number {
  const text = options.text(name);
  if (text === null) return missing;
  const value = parseInteger(text);
  if (value !== null && value <= BigInt(most)) return Number(value);
  throw new UsageError(`--${name}: ${JSON.stringify(text)} is no number from 0 to ${most}`);
}
