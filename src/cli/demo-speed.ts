import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

import { parseMaps } from '../unwind/maps.js';
import type { Terminal } from './terminal.js';
import { formatBytes, pad } from './terminal.js';

/** Bytes of one copy, in the order of the rows. */
const SIZES = [4096, 65536, 1048576];
/** Each contender runs this long, in milliseconds, in each of this many rounds; the best counts. */
const ROUND_TIME = 10;
const ROUNDS = 3;

/** One way of copying bytes: fills `into`, a whole array of the size asked for. */
export interface Contender {
  readonly name: string;
  readonly copy: (into: Uint8Array) => void;
}

/** Measures the contenders at three sizes and prints their throughputs as a table. */
export function printSpeeds(terminal: Terminal, contenders: readonly Contender[]): void {
  const cells = measureAll(contenders);
  const widths = contenders.map(({ name }) => Math.max(name.length, 10) + 3);
  const head = contenders.map(({ name }, i) => pad(name, widths[i] ?? 0, 'left')).join('');
  terminal.line(terminal.paint('dim', `   ${pad('at a time', 12)}${head}`));
  SIZES.forEach((size, row) => {
    const speeds = contenders.map((_, i) => {
      const text = pad(formatSpeed(cells[row]?.[i] ?? 0), widths[i] ?? 0, 'left');
      return i === 0 ? terminal.paint('bold', text) : text;
    });
    terminal.line(`   ${pad(formatBytes(size), 12)}${speeds.join('')}`);
  });
}

/** One throughput. */
export interface Speed {
  readonly name: string;
  /** Bytes copied at a time. */
  readonly size: number;
  readonly bytesPerSecond: number;
}

/** Measures the contenders at three sizes. */
export function measureSpeeds(contenders: readonly Contender[]): Speed[] {
  const cells = measureAll(contenders);
  return SIZES.flatMap((size, row) =>
    contenders.map(({ name }, i) => {
      return { name, size, bytesPerSecond: Math.round(cells[row]?.[i] ?? 0) };
    }),
  );
}

/** A row for each size, a cell for each contender. */
function measureAll(contenders: readonly Contender[]): number[][] {
  // Once for nothing: the engine compiles what runs often, and that takes a while.
  for (const size of SIZES) measure(size, contenders, 1);
  return SIZES.map((size) => measure(size, contenders, ROUNDS));
}

/** Bytes a second of each contender, the best of some rounds in turn. */
function measure(size: number, contenders: readonly Contender[], rounds: number): number[] {
  const into = new Uint8Array(size);
  const best = contenders.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    contenders.forEach(({ copy }, i) => {
      best[i] = Math.max(best[i] ?? 0, throughput(copy, into));
    });
  }
  return best;
}

function throughput(copy: Contender['copy'], into: Uint8Array): number {
  const batch = Math.max(1, Math.floor(262144 / into.length));
  const started = performance.now();
  let elapsed = 0;
  let copies = 0;
  while (elapsed < ROUND_TIME) {
    for (let i = 0; i < batch; i++) copy(into);
    copies += batch;
    elapsed = performance.now() - started;
  }
  return (copies * into.length * 1000) / elapsed;
}

function formatSpeed(bytesPerSecond: number): string {
  const gigabytes = bytesPerSecond / 1e9;
  return `${gigabytes.toFixed(gigabytes < 10 ? 2 : 1)} GB/s`;
}

/** Copying with Uint8Array.set, which is what memcpy is to JavaScript. */
export function memcpyContender(): Contender {
  const from = new Map(SIZES.map((size) => [size, new Uint8Array(size).fill(1)]));
  return { name: 'memcpy', copy: (into) => into.set(from.get(into.length) ?? into) };
}

/** Reading this very process through the real kernel; null elsewhere than on Linux. */
export function kernelContender(): Contender | null {
  try {
    const fd = openSync('/proc/self/mem', 'r');
    const place = findReadable(fd, Math.max(...SIZES));
    if (place !== null) {
      const copy = (into: Uint8Array) => void readSync(fd, into, 0, into.length, place);
      return { name: 'Linux /proc/self/mem', copy };
    }
    closeSync(fd);
  } catch {
    // No such file, or a sandbox that does not let us: then there is nothing to compare with.
  }
  return null;
}

/** An address of this process from which `size` bytes can be read; reading also faults them in. */
function findReadable(fd: number, size: number): number | null {
  const probe = new Uint8Array(size);
  for (const { start, end, perms } of parseMaps(readFileSync('/proc/self/maps', 'latin1'))) {
    if (!perms.startsWith('rw') || end - start < size || start > Number.MAX_SAFE_INTEGER) continue;
    try {
      if (readSync(fd, probe, 0, size, start) === size) return start;
    } catch {
      // Mapped, but not to be read: another range will do.
    }
  }
  return null;
}
